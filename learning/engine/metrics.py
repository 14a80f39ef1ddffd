"""How good predictions are, with intervals over patients; pure NumPy.

A metric that these data cannot give raises NotComputable with a sentence; ``bootstrap`` and the
two reports put that sentence where the number would stand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learning.engine.errors import NotComputable

Metric = Callable[..., float]
Array = NDArray[Any]
BINS = 10
MOST_POINTS = 200
"""Of a curve kept for drawing."""
FEWEST_DRAWN = 0.75
"""Share of the resamples that must be computable for an interval."""


@dataclass(frozen=True)
class Interval:
    """A metric with its bootstrap interval by patient. ``value`` None: see ``note`` for why."""

    value: float | None
    low: float | None
    high: float | None
    patients: int
    note: str = ""


@dataclass(frozen=True)
class Measured:
    """One row of an evaluation; ``detail`` holds curve points or confusion counts."""

    metric: str
    interval: Interval
    subgroup: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def auroc(targets: Array, scores: Array) -> float:
    """Probability that a positive case scores above a negative one; ties count half."""
    positive = _checked(targets, scores)
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        raise NotComputable(
            f"AUROC needs cases with and without the finding; all {len(positive)} are alike."
        )
    rank_sum = float(_ranks(scores)[positive].sum())
    return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def auprc(targets: Array, scores: Array) -> float:
    """Average precision: precision at each threshold, weighted by the recall it adds."""
    positive = _checked(targets, scores)
    if not positive.any():
        raise NotComputable("Average precision needs a case with the finding; there is none.")
    true, false, _ = _counts_by_threshold(positive, scores)
    recall = true / positive.sum()
    return float(np.sum(np.diff(recall, prepend=0.0) * true / (true + false)))


def sensitivity(targets: Array, predicted: Array) -> float:
    positive = _checked(targets, predicted)
    if not positive.any():
        raise NotComputable("Sensitivity needs a case with the finding; there is none.")
    return float(np.asarray(predicted, bool)[positive].mean())


def specificity(targets: Array, predicted: Array) -> float:
    positive = _checked(targets, predicted)
    if positive.all():
        raise NotComputable("Specificity needs a case without the finding; there is none.")
    return float((~np.asarray(predicted, bool)[~positive]).mean())


def f1(targets: Array, predicted: Array) -> float:
    positive, found = _checked(targets, predicted), np.asarray(predicted, bool)
    if not positive.any() and not found.any():
        raise NotComputable("F1 needs a case with the finding, true or predicted; there is none.")
    return float(2 * (positive & found).sum() / (positive.sum() + found.sum()))


def brier(targets: Array, probabilities: Array) -> float:
    """Mean squared error of the stated probabilities: 0 is best. One column: of the finding.

    With [N, C] probabilities, the squares are summed over the classes.
    """
    if np.ndim(probabilities) == 1:
        return float(np.mean((probabilities - _checked(targets, probabilities)) ** 2))
    _checked(targets, probabilities)
    truth = np.eye(probabilities.shape[1])[np.asarray(targets, int)]
    return float(np.mean(((probabilities - truth) ** 2).sum(axis=1)))


def ece(targets: Array, probabilities: Array, bins: int = BINS) -> float:
    """Expected calibration error: mean gap between stated probability and observed frequency."""
    table = reliability(targets, probabilities, bins)
    total = sum(row["cases"] for row in table)
    return float(sum(row["cases"] * abs(row["stated"] - row["observed"]) for row in table) / total)


def reliability(targets: Array, probabilities: Array, bins: int = BINS) -> list[dict[str, float]]:
    """Per bin of stated probability that holds a case: cases, mean stated, observed frequency."""
    right = _checked(targets, probabilities)
    place = np.minimum((np.asarray(probabilities) * bins).astype(int), bins - 1)
    return [
        {
            "cases": int((place == b).sum()),
            "stated": float(np.mean(probabilities[place == b])),
            "observed": float(right[place == b].mean()),
        }
        for b in np.unique(place)
    ]


def balanced_accuracy(targets: Array, predicted: Array) -> float:
    """Mean over the classes of the share found; classes without a case do not count."""
    _checked(targets, predicted)
    return float(np.mean([np.mean(predicted[targets == c] == c) for c in np.unique(targets)]))


def dice(overlap: Array) -> float:
    """Mean over cases of the mean over classes of ``overlap`` [N, K, 3] (shared, predicted, true).

    A class absent from both masks does not count; one predicted where it is absent counts 0.
    """
    shared, predicted, true = np.moveaxis(np.asarray(overlap, float), -1, 0)
    size = np.maximum(predicted + true, 0)
    classes = (size > 0).sum(axis=1)
    counted = classes > 0
    if not counted.any():
        raise NotComputable("Dice needs a case with a reference mask and something to find in it.")
    each = np.divide(2 * shared, size, out=np.zeros_like(size), where=size > 0)
    return float(np.mean(each.sum(axis=1)[counted] / classes[counted]))


def youden_threshold(targets: Array, scores: Array) -> float:
    """The score from which calling a case positive maximises sensitivity + specificity."""
    positive = _checked(targets, scores)
    if positive.all() or not positive.any():
        raise NotComputable("A threshold needs cases with and without the finding.")
    true, false, thresholds = _counts_by_threshold(positive, scores)
    best = np.argmax(true / positive.sum() - false / (~positive).sum())
    return float(thresholds[best])


def roc_points(targets: Array, scores: Array) -> dict[str, list[float]]:
    """False and true positive rates for drawing, at most some 200 points."""
    positive = _checked(targets, scores)
    true, false, _ = _counts_by_threshold(positive, scores)
    kept = np.unique(np.linspace(0, len(true) - 1, MOST_POINTS).astype(int))
    return {
        "false_positive_rate": [0.0, *(false[kept] / max(1, (~positive).sum())).tolist()],
        "true_positive_rate": [0.0, *(true[kept] / max(1, positive.sum())).tolist()],
    }


def by_name(name: str) -> Metric:
    """A recipe's metric: of (targets, probabilities [N, C]), or for dice of (overlap,)."""
    return dice if name == "dice" else partial(_of_probabilities, name)


def bootstrap(
    metric: Metric,
    arrays: Sequence[Array],
    patients: Sequence[str],
    *,
    seed: int,
    n: int = 1000,
    level: float = 0.95,
) -> Interval:
    """``metric(*arrays)`` and its percentile interval, drawing whole patients with replacement.

    Draws in which the metric cannot be computed (one class only) are left out; where that is more
    than a quarter of them there is no interval. The note says so.
    """
    names, patient_of = np.unique(np.asarray(patients, str), return_inverse=True)
    count = len(names)
    try:
        value = metric(*arrays)
    except NotComputable as reason:
        return Interval(None, None, None, count, str(reason))
    if count < 2:
        return Interval(value, None, None, count, "One patient only: no interval can be given.")
    rng, drawn = np.random.default_rng(seed), []
    for rows in _resamples(patient_of, count, n, rng):
        try:
            drawn.append(metric(*(array[rows] for array in arrays)))
        except NotComputable:
            continue
    if len(drawn) < FEWEST_DRAWN * n:
        note = f"Too few cases for an interval: {n - len(drawn)} of {n} resamples were one-sided."
        return Interval(value, None, None, count, note)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    lost = n - len(drawn)
    note = f"{lost} of {n} resamples could not be computed." if lost else ""
    return Interval(value, float(low), float(high), count, note)


def difference(
    metric: Metric,
    shared: Sequence[Array],
    new: Array,
    old: Array,
    patients: Sequence[str],
    *,
    seed: int,
    n: int = 1000,
    level: float = 0.95,
) -> Interval:
    """``metric(*shared, new) - metric(*shared, old)``: the same patients are drawn for both."""

    def gain(*arrays: Array) -> float:
        *common, first, second = arrays
        return metric(*common, first) - metric(*common, second)

    return bootstrap(gain, [*shared, new, old], patients, seed=seed, n=n, level=level)


def classification(
    targets: Array,
    probabilities: Array,
    patients: Sequence[str],
    *,
    classes: Sequence[str],
    seed: int,
    threshold: float = 0.5,
) -> list[Measured]:
    """Every metric of a classifier. Two classes: of the last one, called from ``threshold`` on.

    More classes: means over each class against the rest, and sensitivity and specificity of each
    (``subgroup``).
    """
    measure = partial(_measured, patients=patients, seed=seed)
    binary = len(classes) == 2
    call = partial(_called, threshold=threshold) if binary else _likeliest
    rows = [
        measure(name, partial(_of_probabilities, name, call=call), [targets, probabilities])
        for name in ("auroc", "auprc", "balanced_accuracy", "f1", "brier", "ece")
    ]
    predicted = call(probabilities)
    for index in [1] if binary else range(len(classes)):
        arrays = [targets == index, predicted == index]
        group = "" if binary else classes[index]
        rows.append(measure("sensitivity", sensitivity, arrays, subgroup=group))
        rows.append(measure("specificity", specificity, arrays, subgroup=group))
    details = _details(targets, probabilities, predicted, classes, threshold)
    return [
        Measured(row.metric, row.interval, row.subgroup, details.get(row.metric, {}))
        if not row.subgroup
        else row
        for row in rows
    ]


def segmentation(
    overlap: Array, patients: Sequence[str], *, classes: Sequence[str], seed: int
) -> list[Measured]:
    """Dice: the mean over the classes, and of each class (``subgroup``)."""
    measure = partial(_measured, "dice", dice, patients=patients, seed=seed)
    each = [
        measure([overlap[:, index : index + 1]], subgroup=name)
        for index, name in enumerate(classes)
    ]
    return [measure([overlap]), *each]


def _measured(
    name: str,
    metric: Metric,
    arrays: Sequence[Array],
    *,
    patients: Sequence[str],
    seed: int,
    subgroup: str = "",
) -> Measured:
    return Measured(name, bootstrap(metric, arrays, patients, seed=seed), subgroup)


def _of_probabilities(
    name: str,
    targets: Array,
    probabilities: Array,
    call: Callable[[Array], Array] | None = None,
) -> float:
    predicted = (call or _likeliest)(probabilities)
    classes = probabilities.shape[1]
    if name == "brier":
        return brier(targets, probabilities if classes > 2 else probabilities[:, 1])
    if name == "ece" and classes > 2:
        return ece(targets == predicted, probabilities.max(axis=1))
    if name == "ece":
        return ece(targets, probabilities[:, 1])
    if name == "balanced_accuracy":
        return balanced_accuracy(targets, predicted)
    metric = {"auroc": auroc, "auprc": auprc, "f1": f1}[name]
    answers = predicted[:, None] == np.arange(classes) if name == "f1" else probabilities
    return _one_against_rest(metric, targets, answers)


def _one_against_rest(metric: Metric, targets: Array, answers: Array) -> float:
    """Of the last class when there are two; else the mean over the classes that have cases."""
    if answers.shape[1] == 2:
        return metric(targets == 1, answers[:, 1])
    _checked(targets, answers)
    return float(np.mean([metric(targets == c, answers[:, c]) for c in np.unique(targets)]))


def _details(
    targets: Array, probabilities: Array, predicted: Array, classes: Sequence[str], threshold: float
) -> dict[str, dict[str, Any]]:
    size = len(classes)
    if not len(targets) or not np.isfinite(probabilities).all():
        return {}
    confusion = np.bincount(targets * size + predicted, minlength=size**2).reshape(size, size)
    counts = {"classes": list(classes), "confusion": confusion.tolist()}
    if size > 2:
        return {"balanced_accuracy": counts}
    positive = probabilities[:, 1]
    return {
        "auroc": roc_points(targets, positive),
        "ece": {"bins": reliability(targets, positive)},
        "balanced_accuracy": {**counts, "threshold": threshold},
    }


def _likeliest(probabilities: Array) -> Array:
    return np.asarray(probabilities.argmax(axis=1))


def _called(probabilities: Array, threshold: float) -> Array:
    return (probabilities[:, 1] >= threshold).astype(int)


def _checked(targets: Array, values: Array) -> Array:
    """The targets as booleans, when there is anything to measure."""
    if len(targets) != len(values):
        raise ValueError(f"{len(targets)} targets and {len(values)} values do not belong together")
    if not len(targets):
        raise NotComputable("There is no case to measure.")
    if not np.isfinite(np.asarray(values, float)).all():
        raise NotComputable("Some of the scores are not numbers.")
    return np.asarray(targets) > 0


def _ranks(scores: Array) -> NDArray[np.float64]:
    """1 for the lowest; equal scores share the mean of their ranks."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[place], np.float64)


def _counts_by_threshold(positive: Array, scores: Array) -> tuple[Array, Array, Array]:
    """True and false positives when calling from each distinct score on, highest first."""
    order = np.argsort(-np.asarray(scores, float), kind="stable")
    ordered = np.asarray(scores)[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    true = np.cumsum(positive[order])[ends]
    return true, ends + 1 - true, ordered[ends]


def _resamples(patient_of: Array, count: int, n: int, rng: np.random.Generator) -> Any:
    """``n`` times the rows of ``count`` patients drawn with replacement."""
    order = np.argsort(patient_of, kind="stable")
    sizes = np.bincount(patient_of, minlength=count)
    starts = np.cumsum(sizes) - sizes
    for _ in range(n):
        drawn = rng.integers(count, size=count)
        lengths = sizes[drawn]
        ends = np.cumsum(lengths)
        inside = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
        yield order[np.repeat(starts[drawn], lengths) + inside]

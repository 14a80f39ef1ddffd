"""Every metric of a task at once, each with its interval: what an evaluation stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from . import detection as boxes
from . import landmarks as points
from . import multilabel as findings
from . import regression as numbers
from .arrays import Array, checked
from .calibration import brier, brier_parts, ece, reliability
from .intervals import Measured, Metric, bootstrap
from .operating import balanced_accuracy, f1, npv, ppv, sensitivity, specificity
from .ordinal import quadratic_kappa
from .overlap import dice, dice_by_case, mean_of
from .ranking import auprc, auroc, pr_points, roc_points

SURFACE_METRICS = ("hd95", "assd", "surface_dice")
"""In the order of the last axis of what ``segmentation`` is given; the first two are in mm."""
LOWER_IS_BETTER = frozenset(
    {"hd95", "assd", "brier", "ece", "mae", "rmse", "mean_radial_error", "bias"}
)
SPREAD_BINS = 20
QUARTILES = (0, 5, 25, 50, 75, 95, 100)

_PLAIN: dict[str, Metric] = {
    "dice": dice,
    "mean_average_precision": boxes.mean_average_precision,
    "froc": boxes.froc_score,
    "mean_radial_error": points.mean_radial_error,
    "mae": numbers.mae,
    "rmse": numbers.rmse,
    "r2": numbers.r2,
    "macro_auroc": findings.macro_auroc,
    "micro_auroc": findings.micro_auroc,
}


def by_name(name: str) -> Metric:
    """A recipe's metric, of the truth (if any) and what was predicted.

    (targets, probabilities [N, C]) of a classifier, (overlap,) for dice, (matched,) for detection,
    (errors,) for landmarks, (targets, predicted) for numbers and several findings.
    """
    return _PLAIN.get(name) or partial(_of_probabilities, name)


def higher_is_better(name: str) -> bool:
    return name not in LOWER_IS_BETTER


def classification(
    targets: Array,
    probabilities: Array,
    patients: Sequence[str],
    *,
    classes: Sequence[str],
    seed: int,
    threshold: float = 0.5,
    prevalence: float | None = None,
) -> list[Measured]:
    """Every metric of a classifier. Two classes: of the last one, called from ``threshold`` on.

    More classes: means over each class against the rest, and sensitivity and specificity of each
    (``subgroup``). ``prevalence``: predictive values where so many patients have the finding.
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
        if binary and prevalence is not None:
            for name, value in (("ppv", ppv), ("npv", npv)):
                rows.append(measure(name, partial(value, prevalence=prevalence), arrays))
    details = _details(targets, probabilities, predicted, classes, threshold)
    return [_with_detail(row, {} if row.subgroup else details.get(row.metric, {})) for row in rows]


def ordinal(
    targets: Array,
    probabilities: Array,
    patients: Sequence[str],
    *,
    classes: Sequence[str],
    seed: int,
) -> list[Measured]:
    """A classifier of ordered grades: its metrics, and the kappa that weighs squared distances."""
    kappa = partial(_grades_kappa, grades=len(classes))
    row = _measured(
        "quadratic_kappa", kappa, [targets, probabilities], patients=patients, seed=seed
    )
    rows = classification(targets, probabilities, patients, classes=classes, seed=seed)
    return [row, *rows]


def multilabel(
    targets: Array,
    probabilities: Array,
    patients: Sequence[str],
    *,
    classes: Sequence[str],
    seed: int,
) -> list[Measured]:
    """[N, K] findings, not a number where unknown: means, and AUROC and AUPRC of each finding."""
    measure = partial(_measured, patients=patients, seed=seed)
    rows = [
        measure("macro_auroc", findings.macro_auroc, [targets, probabilities]),
        measure("micro_auroc", findings.micro_auroc, [targets, probabilities]),
        measure("macro_auprc", findings.macro_auprc, [targets, probabilities]),
    ]
    for index, name in enumerate(classes):
        known = np.flatnonzero(~np.isnan(np.asarray(targets[:, index], float)))
        arrays = [targets[known, index], probabilities[known, index]]
        of = [patients[row] for row in known.tolist()]
        for metric, function in (("auroc", auroc), ("auprc", auprc)):
            rows.append(_measured(metric, function, arrays, patients=of, seed=seed, subgroup=name))
    return rows


def segmentation(
    overlap: Array,
    patients: Sequence[str],
    *,
    classes: Sequence[str],
    seed: int,
    surfaces: Array | None = None,
) -> list[Measured]:
    """Dice, and of [N, K, 3] ``surfaces`` HD95, ASSD and surface Dice: the mean, and each class.

    Each row's detail says how the cases are spread; a surface metric counts the cases without it.
    """
    tables: list[tuple[str, Metric, Array, Array]] = [
        ("dice", dice, overlap, dice_by_case(overlap))
    ]
    if surfaces is not None:
        for place, name in enumerate(SURFACE_METRICS):
            tables.append((name, mean_of, surfaces[..., place], surfaces[..., place]))
    rows = []
    for name, metric, array, by_case in tables:
        measure = partial(_measured, name, metric, patients=patients, seed=seed)
        rows.append(measure([array]))
        for index, group in enumerate(classes):
            row = measure([array[:, index : index + 1]], subgroup=group)
            rows.append(_with_detail(row, _spread(by_case[:, index], name)))
    return rows


def detection(
    images: Sequence[boxes.Boxes],
    patients: Sequence[str],
    *,
    seed: int,
    ious: Sequence[float] = boxes.IOUS,
) -> list[Measured]:
    """Mean average precision over ``ious``, average precision at each, and FROC at the first."""
    table = boxes.matched_at(images, ious)
    measure = partial(_measured, patients=patients, seed=seed)
    rows = [measure("mean_average_precision", boxes.mean_average_precision, [table])]
    for place, least in enumerate(ious):
        name = f"average_precision_{round(least * 100)}"
        rows.append(measure(name, boxes.average_precision, [table[:, place]]))
    froc = measure("froc", boxes.froc_score, [table[:, 0]])
    detail = {} if froc.interval.value is None else boxes.froc_points(table[:, 0])
    rows.append(_with_detail(froc, detail))
    for place, at in enumerate(boxes.FROC_AT):
        metric = partial(_sensitivity_at, place=place)
        rows.append(measure("froc_sensitivity", metric, [table[:, 0]], subgroup=f"{at:g}"))
    return rows


def landmarks(
    errors: Array,
    patients: Sequence[str],
    *,
    names: Sequence[str],
    seed: int,
    radii: Sequence[float] = points.RADII,
) -> list[Measured]:
    """Of [N, K] radial errors in mm: their mean, the share within each radius, and of each point."""
    measure = partial(_measured, patients=patients, seed=seed)
    rows = [measure("mean_radial_error", points.mean_radial_error, [errors])]
    for radius in radii:
        metric = partial(points.success_rate, radius=radius)
        rows.append(measure(f"success_{radius:g}_mm", metric, [errors]))
    for index, name in enumerate(names):
        row = measure(
            "mean_radial_error", points.mean_radial_error, [errors[:, [index]]], subgroup=name
        )
        rows.append(_with_detail(row, _spread(errors[:, index], "mean_radial_error")))
    return rows


def regression(
    targets: Array, predicted: Array, patients: Sequence[str], *, seed: int
) -> list[Measured]:
    """MAE, RMSE, R² and the bias with its limits of agreement (in the detail)."""
    arrays = [targets, predicted]
    rows = [
        _measured(name, metric, arrays, patients=patients, seed=seed)
        for name, metric in (
            ("mae", numbers.mae),
            ("rmse", numbers.rmse),
            ("r2", numbers.r2),
            ("bias", _bias),
        )
    ]
    if rows[-1].interval.value is None:
        return rows
    agreement = numbers.bland_altman(targets, predicted)
    limits: dict[str, Any] = {"limits": [agreement.low, agreement.high]}
    detail = limits | numbers.bland_altman_points(targets, predicted)
    return [*rows[:-1], _with_detail(rows[-1], detail)]


def _bias(targets: Array, predicted: Array) -> float:
    return numbers.bland_altman(targets, predicted).bias


def _sensitivity_at(images: Array, place: int) -> float:
    return float(boxes.froc_sensitivities(images)[place])


def _grades_kappa(targets: Array, probabilities: Array, grades: int) -> float:
    checked(targets, probabilities)
    return quadratic_kappa(targets, _likeliest(probabilities), grades)


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


def _with_detail(row: Measured, detail: dict[str, Any]) -> Measured:
    return Measured(row.metric, row.interval, row.subgroup, detail, row.grouping)


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
    if name == "quadratic_kappa":
        return quadratic_kappa(targets, predicted, classes)
    metric = {"auroc": auroc, "auprc": auprc, "f1": f1}[name]
    answers = predicted[:, None] == np.arange(classes) if name == "f1" else probabilities
    return _one_against_rest(metric, targets, answers)


def _one_against_rest(metric: Metric, targets: Array, answers: Array) -> float:
    """Of the last class when there are two; else the mean over the classes that have cases."""
    if answers.shape[1] == 2:
        return metric(targets == 1, answers[:, 1])
    checked(targets, answers)
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
        "auprc": pr_points(targets, positive),
        "brier": {"parts": vars(brier_parts(targets, positive))},
        "ece": {"bins": reliability(targets, positive)},
        "balanced_accuracy": {**counts, "threshold": threshold},
    }


def _spread(values: Array, name: str) -> dict[str, Any]:
    """How the cases of one class lie: counts in 20 bins, percentiles, and how many have no value."""
    known = values[np.isfinite(values)]
    if not len(known):
        return {}
    share = name in {"dice", "surface_dice"}
    low, high = (0.0, 1.0) if share else (0.0, float(known.max()) or 1.0)
    counts, _ = np.histogram(known, SPREAD_BINS, (low, high))
    return {
        "spread": {
            "low": low,
            "high": high,
            "counts": counts.tolist(),
            "percentiles": np.percentile(known, QUARTILES).tolist(),
            "without": int(len(values) - len(known)),
        }
    }


def _likeliest(probabilities: Array) -> Array:
    return np.asarray(probabilities.argmax(axis=1))


def _called(probabilities: Array, threshold: float) -> Array:
    return (probabilities[:, 1] >= threshold).astype(int)

"""A metric with its interval: whole patients are drawn with replacement.

A metric that these data cannot give raises NotComputable with a sentence; ``bootstrap`` puts that
sentence where the number would stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from learning.engine.errors import NotComputable

from .arrays import Array

Metric = Callable[..., float]
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
    """One row of an evaluation; ``detail`` holds curve points or confusion counts.

    ``subgroup`` is a class, unless ``grouping`` names what else the cases are grouped by.
    """

    metric: str
    interval: Interval
    subgroup: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    grouping: str = ""


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
    count = len(set(patients))
    try:
        value = metric(*arrays)
    except NotComputable as reason:
        return Interval(None, None, None, count, str(reason))
    if count < 2:
        return Interval(value, None, None, count, "One patient only: no interval can be given.")
    drawn = resampled(metric, arrays, patients, seed=seed, n=n)
    if len(drawn) < FEWEST_DRAWN * n:
        note = f"Too few cases for an interval: {n - len(drawn)} of {n} resamples were one-sided."
        return Interval(value, None, None, count, note)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    lost = n - len(drawn)
    note = f"{lost} of {n} resamples could not be computed." if lost else ""
    return Interval(value, float(low), float(high), count, note)


def resampled(
    metric: Metric, arrays: Sequence[Array], patients: Sequence[str], *, seed: int, n: int
) -> Array:
    """The metric in ``n`` resamples of the patients; fewer, where some cannot be computed."""
    names, patient_of = np.unique(np.asarray(patients, str), return_inverse=True)
    rng, drawn = np.random.default_rng(seed), []
    for rows in _resamples(patient_of, len(names), n, rng):
        try:
            drawn.append(metric(*(array[rows] for array in arrays)))
        except NotComputable:
            continue
    return np.array(drawn)


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
    arrays = [*shared, new, old]
    return bootstrap(gain_of(metric), arrays, patients, seed=seed, n=n, level=level)


def gain_of(metric: Metric) -> Metric:
    """The metric of the last but one array less that of the last, given the same others."""

    def gain(*arrays: Array) -> float:
        *common, first, second = arrays
        return metric(*common, first) - metric(*common, second)

    return gain


def _resamples(patient_of: Array, count: int, n: int, rng: np.random.Generator) -> Iterator[Array]:
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

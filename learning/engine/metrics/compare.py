"""Two models on the same cases: the paired difference, its interval, and how likely chance is.

Cases of one patient go together: DeLong's test in Obuchowski's form for clustered data, which is
DeLong's own where every patient has one case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, erfc, sqrt
from statistics import NormalDist

import numpy as np

from learning.engine.errors import NotComputable

from .arrays import Array, checked, ranks
from .intervals import FEWEST_DRAWN, Metric, gain_of, resampled


@dataclass(frozen=True)
class Difference:
    """First less second. ``value`` None: see ``note``; ``p`` is two-sided."""

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    patients: int
    method: str
    note: str = ""


def delong(
    targets: Array,
    first: Array,
    second: Array,
    patients: Sequence[str],
    *,
    level: float = 0.95,
) -> Difference:
    """Difference of two AUROCs on the same cases, by midranks (Sun and Xu's fast algorithm)."""
    count = len(set(patients))
    try:
        areas, covariance = _areas(targets, np.stack([first, second]), patients)
    except NotComputable as reason:
        return Difference(None, None, None, None, count, "delong", str(reason))
    gain = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    error = sqrt(max(variance, 0.0))
    reach = NormalDist().inv_cdf((1 + level) / 2) * error
    p = erfc(abs(gain) / error / sqrt(2)) if error > 0 else float(gain == 0)
    return Difference(gain, gain - reach, gain + reach, p, count, "delong")


def delong_variance(targets: Array, scores: Array, patients: Sequence[str]) -> tuple[float, float]:
    """AUROC and the variance of its estimate."""
    areas, covariance = _areas(targets, np.asarray(scores)[None], patients)
    return float(areas[0]), float(covariance[0, 0])


def paired_bootstrap(
    metric: Metric,
    shared: Sequence[Array],
    first: Array,
    second: Array,
    patients: Sequence[str],
    *,
    seed: int,
    n: int = 2000,
    level: float = 0.95,
) -> Difference:
    """``metric(*shared, first) - metric(*shared, second)``, drawing the same patients for both.

    ``p`` is twice the smaller share of resamples on either side of no difference.
    """
    gain, arrays = gain_of(metric), [*shared, first, second]
    count = len(set(patients))
    try:
        value = gain(*arrays)
    except NotComputable as reason:
        return Difference(None, None, None, None, count, "paired_bootstrap", str(reason))
    drawn = resampled(gain, arrays, patients, seed=seed, n=n) if count > 1 else np.array([])
    if len(drawn) < FEWEST_DRAWN * n:
        note = "Too few patients, or too few of one kind, for an interval."
        return Difference(value, None, None, None, count, "paired_bootstrap", note)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    beyond = min((drawn <= 0).sum(), (drawn >= 0).sum())
    p = min(1.0, 2 * (beyond + 1) / (len(drawn) + 1))
    return Difference(value, float(low), float(high), float(p), count, "paired_bootstrap")


def mcnemar(first_right: Array, second_right: Array) -> float:
    """Exact two-sided p that two models are right equally often, from the cases where one alone is."""
    only_first = int((np.asarray(first_right, bool) & ~np.asarray(second_right, bool)).sum())
    only_second = int((np.asarray(second_right, bool) & ~np.asarray(first_right, bool)).sum())
    apart, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(apart, hits) for hits in range(fewer + 1))
    return min(1.0, 2 * tail / float(2**apart))


def _areas(targets: Array, scores: Array, patients: Sequence[str]) -> tuple[Array, Array]:
    """AUROCs [M] of [M, N] scores and their covariance [M, M]."""
    positive = checked(targets, scores[0])
    if not np.isfinite(scores).all():
        raise NotComputable("Some of the scores are not numbers.")
    m, n = int(positive.sum()), int((~positive).sum())
    if m < 2 or n < 2:
        raise NotComputable(
            f"DeLong's test needs two cases with the finding and two without it; there are {m} and {n}."
        )
    above = np.array([ranks(row) - _ranks_within(row, positive) for row in scores])
    wins, losses = above[:, positive] / n, 1 - above[:, ~positive] / m
    areas = wins.mean(axis=1)
    _, patient_of = np.unique(np.asarray(patients, str), return_inverse=True)
    of_positive = _centred_sums(wins - areas[:, None], patient_of[positive], patient_of)
    of_negative = _centred_sums(losses - areas[:, None], patient_of[~positive], patient_of)
    return areas, _covariance(of_positive, of_negative, patient_of, positive)


def _covariance(
    of_positive: Array, of_negative: Array, patient_of: Array, positive: Array
) -> Array:
    """Obuchowski's, from each patient's summed components [M, P]."""
    m, n = int(positive.sum()), int((~positive).sum())
    with_it, without_it = (len(np.unique(patient_of[which])) for which in (positive, ~positive))
    clusters = of_positive.shape[1]
    if with_it < 2 or without_it < 2:
        raise NotComputable("DeLong's test needs two patients of either kind.")
    within = (of_positive @ of_positive.T) * with_it / ((with_it - 1) * m**2)
    without = (of_negative @ of_negative.T) * without_it / ((without_it - 1) * n**2)
    across = (of_positive @ of_negative.T) * clusters / ((clusters - 1) * m * n)
    return np.asarray(within + without + across + across.T)


def _ranks_within(row: Array, positive: Array) -> Array:
    """Each score's rank among those of its own kind."""
    within = np.empty(len(row))
    within[positive], within[~positive] = ranks(row[positive]), ranks(row[~positive])
    return within


def _centred_sums(components: Array, owner: Array, patient_of: Array) -> Array:
    patients = int(patient_of.max()) + 1
    return np.stack([np.bincount(owner, row, minlength=patients) for row in components])

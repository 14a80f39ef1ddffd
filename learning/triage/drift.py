"""Whether later cases are of the same kind as those that a certificate rests on.

Embeddings: maximum mean discrepancy (A. Gretton et al., JMLR 13, 2012) with random Fourier features
(A. Rahimi and B. Recht, 2007), so that time and memory are linear in the cases. Scores: two-sample
Kolmogorov-Smirnov. Sites and scanners: chi-square of the table of counts. The p-values of the first and
the last are by permutation: right for any size, however few cases a column has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .multiple import holm_adjusted

FEATURES = 256
PERMUTATIONS = 499
MOST = 2000
"""Cases of each side that are looked at; more would only find ever smaller differences."""
PAIRS = 2000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Drift:
    """One test: ``p`` alone, ``adjusted`` beside the others (Holm)."""

    name: str
    statistic: float
    p: float
    before: int
    after: int
    adjusted: float = 1.0


def embeddings(before: Floats, after: Floats, *, seed: int) -> Drift:
    """MMD of two clouds [N, D] and [M, D]."""
    rng = np.random.default_rng(seed)
    before, after = _some(before, rng), _some(after, rng)
    both = np.concatenate([before, after]).astype(np.float64)
    both -= both.mean(axis=0)
    spread = both.std(axis=0)
    both = both[:, spread > 0] / spread[spread > 0]
    if both.shape[1] == 0:
        return Drift("embeddings", 0.0, 1.0, len(before), len(after))
    features = _random_features(both, rng)
    observed = _distance(features, np.arange(len(before)), np.arange(len(before), len(both)))
    drawn = np.empty(PERMUTATIONS)
    for one in range(PERMUTATIONS):
        order = rng.permutation(len(both))
        drawn[one] = _distance(features, order[: len(before)], order[len(before) :])
    return Drift("embeddings", observed, _p(drawn, observed), len(before), len(after))


def scores(before: Floats, after: Floats) -> Drift:
    """Of the mean probability: a shift of the labels shows here without a single label."""
    from scipy.stats import ks_2samp

    found = ks_2samp(before, after)
    return Drift("scores", float(found.statistic), float(found.pvalue), len(before), len(after))


def mix(name: str, before: Sequence[str], after: Sequence[str], *, seed: int) -> Drift:
    """Of sites or scanners: whether each kind is as frequent as it was."""
    kinds = {kind: place for place, kind in enumerate(sorted({*before, *after}))}
    codes = np.array([kinds[kind] for kind in (*before, *after)], dtype=np.int64)
    size = len(before)
    if len(kinds) < 2 or not size or size == len(codes):
        return Drift(name, 0.0, 1.0, size, len(codes) - size)
    rng = np.random.default_rng(seed)
    observed = _chi_square(codes, size, len(kinds))
    drawn = np.array(
        [_chi_square(rng.permutation(codes), size, len(kinds)) for _ in range(PERMUTATIONS)]
    )
    return Drift(name, observed, _p(drawn, observed), size, len(codes) - size)


def together(tests: Sequence[Drift]) -> list[Drift]:
    """The tests with p-values that may be looked at side by side."""
    adjusted = holm_adjusted([test.p for test in tests])
    return [
        Drift(test.name, test.statistic, test.p, test.before, test.after, value)
        for test, value in zip(tests, adjusted, strict=True)
    ]


def prevalence(
    before: Floats, positive: NDArray[np.bool_], after: Floats, *, cut: float = 0.5
) -> float | None:
    """The share of positives among the later cases by black-box shift estimation, labels unseen.

    Z. Lipton, Y.-X. Wang, A. Smola, ICML 2018, for two classes. None where the scores tell nothing.
    """
    if positive.all() or not positive.any() or len(after) == 0:
        return None
    found = float((before[positive] > cut).mean())
    false = float((before[~positive] > cut).mean())
    if found - false < 0.05:
        return None
    return float(np.clip(((after > cut).mean() - false) / (found - false), 0, 1))


def _some(points: Floats, rng: np.random.Generator) -> Floats:
    if len(points) <= MOST:
        return points
    return np.asarray(points[np.sort(rng.choice(len(points), MOST, replace=False))])


def _random_features(points: Floats, rng: np.random.Generator) -> Floats:
    """Of a Gaussian kernel as wide as the median distance."""
    pairs = rng.integers(0, len(points), (2, PAIRS))
    apart = np.linalg.norm(points[pairs[0]] - points[pairs[1]], axis=1)
    width = float(np.median(apart[apart > 0])) if (apart > 0).any() else 1.0
    waves = rng.normal(0, 1 / width, (points.shape[1], FEATURES // 2))
    angles = points @ waves
    return np.asarray(
        np.concatenate([np.cos(angles), np.sin(angles)], axis=1) * np.sqrt(2 / FEATURES)
    )


def _distance(features: Floats, one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    return float(np.linalg.norm(features[one].mean(axis=0) - features[other].mean(axis=0)))


def _chi_square(codes: NDArray[np.int64], size: int, kinds: int) -> float:
    counts = np.array(
        [np.bincount(codes[:size], minlength=kinds), np.bincount(codes[size:], minlength=kinds)]
    )
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / len(codes)
    return float(((counts - expected) ** 2 / np.maximum(expected, 1e-12)).sum())


def _p(drawn: Floats, observed: float) -> float:
    """Of a permutation test; never zero, and right for ties."""
    return float((1 + (drawn >= observed - 1e-12).sum()) / (len(drawn) + 1))

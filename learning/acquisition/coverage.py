"""Cases that cover the pool: uncertainty herding, and ProbCover for the very first batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learning.acquisition.clusters import k_means
from learning.acquisition.features import Features, FloatArray, Indices, squared_distances, unit
from learning.acquisition.pool import PoolScores, Selection, highest, likely
from learning.acquisition.uncertainty import unsure

ANCHORS = 16_384
"""Rows that stand for the pool: what is covered is measured on them."""
CANDIDATES = 8192
"""Rows that may be picked: the most uncertain and as many drawn by uncertainty."""
WIDTH = 32
"""Principal components in which cases are compared: noise in the others blurs distances."""
PURE = 0.95
"""Share of ProbCover's balls that must hold one cluster only."""
TRIES = 5
"""Fits of the clusters that the radius comes from; the tightest counts."""
AGAIN = 32
"""Candidates whose gain is brought up to date together."""
SAMPLE = 4096
"""Cases of which all pairs are compared to find the scale."""
FEW = 5
"""Labelled cases below which their distances say nothing of the scale."""


def herding(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Cases around which the most uncertainty lies that no label is near to.

    Uncertainty herding (Bae, Oh, Sutherland, ICLR 2025): each pick adds most to the sum over the
    pool of uncertainty times similarity to the nearest label. The radius is the labelled cases' own
    spacing, so the rule goes from coverage to uncertainty as labels grow denser; without a model it
    is MaxHerding (Bae et al., ECCV 2024). Only the most uncertain cases are candidates and a sample
    stands for the pool, so the time hardly grows with it.
    """
    uncertain = unsure(pool) if pool.has_doubts else np.ones(len(pool))
    uncertain = np.asarray(uncertain, np.float64)
    anchors, weights = _anchors(uncertain, rng)
    candidates = _candidates(pool.per_cost(uncertain), max(CANDIDATES, 2 * k), rng)
    sample = pool.features.rows(anchors)
    project = projection(sample)
    there, here = project(sample), project(pool.features.rows(candidates))
    known = project(pool.known)
    radius = radius_of(there, known, k, rng)
    similar = squared_distances(here, there)
    similar /= -radius
    np.exp(similar, out=similar)
    covered = np.zeros(len(anchors), np.float32)
    if len(known):
        covered = np.exp(-_nearest(there, known) / radius)
    price = None if pool.cost is None else pool.cost[candidates] / np.median(pool.cost)
    picked, gains = cover(similar, weights, covered, k, price)
    return _selected(pool, candidates[picked], gains, uncertain, rng, k)


def probcover(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Each pick's ball holds the most cases that no labelled case's ball holds.

    Yehuda, Dekel, Hacohen, Weinshall, "Active learning through a covering lens", NeurIPS 2022. The
    radius is the largest with which 95 % of the balls hold a single cluster. Sensitive to it.
    """
    even = np.ones(len(pool))
    anchors, weights = _anchors(even, rng)
    candidates = _candidates(pool.per_cost(even), max(CANDIDATES, 2 * k), rng)
    there, here = unit(pool.features.rows(anchors)), unit(pool.features.rows(candidates))
    few = there[rng.permutation(len(there))[:SAMPLE]]
    radius = _pure_radius(few, max(pool.ensemble.shape[1], 2), rng)
    inside = squared_distances(here, there)
    np.less_equal(inside, radius, out=inside, casting="unsafe")
    covered = np.zeros(len(anchors), np.float32)
    if len(pool.known):
        covered = (_nearest(there, unit(pool.known)) <= radius).astype(np.float32)
    picked, gains = cover(inside, weights, covered, k, None)
    return _selected(pool, candidates[picked], gains, even, rng, k)


def cover(
    similar: FloatArray,
    weights: FloatArray,
    covered: FloatArray,
    k: int,
    price: FloatArray | None,
) -> tuple[Indices, FloatArray]:
    """Greedy picks among [M, A] candidates × anchors, and the covered weight that each added.

    Lazy greedy (Minoux 1978), exact: what a candidate adds can only fall, so none has to be looked
    at whose last known gain is below the best current one. Ends when nothing adds anything.
    """
    gains = _gains(similar, weights, covered)
    cheap = np.ones(len(gains)) if price is None else 1 / price
    bound, fresh = gains * cheap, np.ones(len(gains), bool)
    picks: list[int] = []
    added: list[float] = []
    while len(picks) < min(k, len(gains)):
        best = int(np.argmax(bound))
        while not fresh[best]:
            few = np.argpartition(-bound, min(AGAIN, len(bound) - 1))[:AGAIN]
            few = np.append(few[~fresh[few]], best)
            bound[few] = _gains(similar[few], weights, covered) * cheap[few]
            fresh[few] = True
            best = int(np.argmax(bound))
        if bound[best] <= 0:
            break
        picks.append(best)
        added.append(float(bound[best] / cheap[best]))
        covered = np.maximum(covered, similar[best])
        bound[best], fresh = -1.0, bound < 0
        fresh[best] = True
    return np.array(picks, np.int64), np.array(added) / max(float(weights.sum()), 1e-12)


def _gains(similar: FloatArray, weights: FloatArray, covered: FloatArray) -> FloatArray:
    found = np.empty(len(similar))
    for start in range(0, len(similar), 256):
        part = slice(start, start + 256)
        found[part] = np.maximum(similar[part] - covered, 0) @ weights
    return found


def _anchors(uncertain: FloatArray, rng: np.random.Generator) -> tuple[Indices, FloatArray]:
    """Rows that stand for all, drawn half evenly and half by uncertainty, and for how much."""
    if len(uncertain) <= ANCHORS:
        return np.arange(len(uncertain)), uncertain.astype(np.float32)
    chance = uncertain / max(uncertain.mean(), 1e-12) + 1
    running = np.cumsum(chance)
    lots = (np.arange(ANCHORS) + rng.random(ANCHORS)) / ANCHORS * running[-1]
    rows = np.minimum(np.searchsorted(running, lots, side="right"), len(uncertain) - 1)
    rows, times = np.unique(rows, return_counts=True)
    return rows, (times * uncertain[rows] / chance[rows]).astype(np.float32)


def _candidates(worth: FloatArray, limit: int, rng: np.random.Generator) -> Indices:
    if len(worth) <= limit:
        return np.arange(len(worth))
    top = highest(worth, limit // 2, rng)
    rest = np.array(worth)
    rest[top] = 0
    return np.union1d(top, likely(rest, limit - len(top), rng))


@dataclass(frozen=True)
class PrincipalComponents:
    middle: FloatArray
    axes: FloatArray

    def __call__(self, points: FloatArray) -> FloatArray:
        """[N, D] → [N, at most WIDTH]."""
        return np.asarray((points - self.middle) @ self.axes, np.float32)


def projection(sample: FloatArray) -> PrincipalComponents:
    middle = sample.mean(axis=0)
    if sample.shape[1] <= WIDTH:
        return PrincipalComponents(middle, np.eye(sample.shape[1], dtype=np.float32))
    moved = sample - middle
    _, axes = np.linalg.eigh(moved.T @ moved)
    return PrincipalComponents(middle, np.ascontiguousarray(axes[:, -WIDTH:], np.float32))


def radius_of(anchors: FloatArray, known: FloatArray, k: int, rng: np.random.Generator) -> float:
    """Squared: the median squared distance from a labelled case to the next one.

    With hardly any, of as many cases at random as there will be labels.
    """
    sites = known[rng.permutation(len(known))[:SAMPLE]]
    if len(sites) < FEW:
        sites = anchors[rng.permutation(len(anchors))[: max(FEW, len(known) + k)]]
    gaps = squared_distances(sites, sites)
    np.fill_diagonal(gaps, np.inf)
    nearest = gaps.min(axis=1) if len(gaps) else gaps[:, 0]
    found = nearest[np.isfinite(nearest) & (nearest > 0)]
    return float(np.median(found)) if len(found) else 1.0


def _pure_radius(anchors: FloatArray, clusters: int, rng: np.random.Generator) -> float:
    """Squared: with it, 95 % of the balls around anchors reach no other cluster's case."""
    centres = k_means(Features(anchors), clusters, rng, tries=TRIES)
    _, cluster = Features(anchors).nearest(centres, anchors.mean(axis=0))
    gaps = squared_distances(anchors, anchors)
    gaps[cluster[:, None] == cluster] = np.inf
    reach = gaps.min(axis=1)
    reach = reach[np.isfinite(reach)]
    if not len(reach):
        return float(np.median(squared_distances(anchors, anchors)))
    return float(np.quantile(reach, 1 - PURE)) * (1 - 1e-6)


def _nearest(points: FloatArray, centres: FloatArray) -> FloatArray:
    return Features(points).nearest(centres, points.mean(axis=0))[0]


def _selected(
    pool: PoolScores,
    picks: Indices,
    gains: FloatArray,
    uncertain: FloatArray,
    rng: np.random.Generator,
    k: int,
) -> Selection:
    """The picks; once all is covered, the most uncertain of the others."""
    scores = np.array(pool.per_cost(uncertain), np.float64)
    rest = np.array(scores)
    rest[picks] = -np.inf
    more = highest(rest, k - len(picks), rng)
    gain = np.zeros(len(pool))
    gain[picks] = gains
    everyone = np.concatenate([picks, more]).astype(np.int64)
    return Selection.of(everyone, scores, uncertainty=uncertain, coverage=gain)

"""k-means, and TypiClust, which asks for the most typical case of each cluster not yet met."""

from __future__ import annotations

import numpy as np

from learning.acquisition.features import Features, FloatArray, Indices, squared_distances
from learning.acquisition.pool import PoolScores, Selection
from learning.acquisition.turns import in_turn, places

CLUSTERS = 500
"""At most, as the authors have it."""
SMALL = 5
"""Clusters of fewer cases come last."""
NEIGHBOURS = 20
SAMPLE = 8192
"""Rows that the centres are fitted on."""
CANDIDATES = 65_536
"""Rows of a larger pool that take part, drawn at random: a density is the same on a sample."""
MEMBERS = 1024
"""Of a cluster, rows among which neighbours are looked for."""
ITERATIONS = 15
SETTLED = 1e-3
"""The fit ends when the mean distance falls by less than this share."""


def typiclust(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """The densest case of the largest clusters without a label, for the very first batches.

    Hacohen, Dekel, Weinshall, "Active learning on a budget", ICML 2022: as many clusters as cases
    will then be labelled, at most 500; typicality is one over the mean distance to 20 neighbours.
    """
    rows = np.arange(len(pool))
    if len(pool) > max(CANDIDATES, 2 * k):
        rows = np.sort(rng.choice(len(pool), max(CANDIDATES, 2 * k), replace=False))
    points, known = pool.features[rows], pool.known
    centres = k_means(points, min(len(known) + k, CLUSTERS), rng)
    middle = centres.mean(axis=0)
    _, cluster = points.nearest(centres, middle)
    met = np.zeros(len(centres), np.int64)
    if len(known):
        np.add.at(met, Features(known).nearest(centres, middle)[1], 1)
    typicality, size = np.zeros(len(pool)), np.zeros(len(pool))
    queues = {}
    for one in np.unique(cluster):
        members = np.flatnonzero(cluster == one)
        typical = _typicality(points.rows(members), rng)
        typicality[rows[members]], size[rows[members]] = typical, len(members)
        queues[one] = rows[members[np.argsort(-typical, kind="stable")]]
    turns = sorted(queues, key=lambda one: (met[one], len(queues[one]) < SMALL, -len(queues[one])))
    picks = in_turn([queues[one] for one in turns], k)
    return Selection.of(picks, places(picks, typicality), typicality=typicality, cluster_size=size)


def k_means(points: Features, k: int, rng: np.random.Generator, *, tries: int = 1) -> FloatArray:
    """[at most k, D] centres of a sample, by k-means++ (Arthur and Vassilvitskii 2007) and Lloyd;
    of several tries the tightest."""
    rows = np.arange(len(points))
    if len(rows) > SAMPLE:
        rows = np.sort(rng.choice(len(rows), min(max(SAMPLE, 4 * k), len(rows)), replace=False))
    sample = points.rows(rows)
    origin = sample.mean(axis=0)
    fits = [_fit(sample, origin, _seeds(sample - origin, k, rng) + origin) for _ in range(tries)]
    return min(fits, key=lambda fit: fit[0])[1]


def _fit(sample: FloatArray, origin: FloatArray, centres: FloatArray) -> tuple[float, FloatArray]:
    """The mean squared distance to the nearest centre, and the centres."""
    before = np.inf
    for _ in range(ITERATIONS):
        squared, cluster = Features(sample).nearest(centres, origin)
        counts = np.bincount(cluster, minlength=len(centres))
        order = np.argsort(cluster, kind="stable")
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        filled = counts > 0
        sums = np.add.reduceat(sample[order], starts[filled], axis=0)
        centres[filled] = sums / counts[filled, None]
        settled = before - squared.mean() <= SETTLED * before
        before = float(squared.mean())
        if settled:
            break
    return before, centres


def _seeds(sample: FloatArray, k: int, rng: np.random.Generator) -> FloatArray:
    lengths = np.einsum("ij,ij->i", sample, sample)
    picks = [int(rng.integers(len(sample)))]
    nearest = np.full(len(sample), np.inf, np.float32)
    while True:
        gaps = lengths + lengths[picks[-1]] - 2 * (sample @ sample[picks[-1]])
        nearest = np.minimum(nearest, np.maximum(gaps, 0))
        nearest[picks[-1]] = 0
        running = np.cumsum(nearest, dtype=np.float64)
        if len(picks) >= k or running[-1] <= 0:
            return np.asarray(sample[picks])
        lot = np.searchsorted(running, rng.random() * running[-1], side="right")
        picks.append(min(int(lot), len(sample) - 1))


def _typicality(members: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One over the mean distance to the nearest others of the cluster; alone: 0."""
    near = min(NEIGHBOURS, len(members) - 1)
    if near < 1:
        return np.zeros(len(members))
    among: Indices = np.arange(len(members))
    if len(members) > MEMBERS:
        among = np.sort(rng.choice(len(members), MEMBERS, replace=False))
    gaps = np.sqrt(squared_distances(members, members[among]))
    gaps[among, np.arange(len(among))] = np.inf
    nearest = np.partition(gaps, near - 1, axis=1)[:, :near]
    return np.asarray(1 / (nearest.mean(axis=1, dtype=np.float64) + 1e-6))

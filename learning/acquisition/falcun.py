"""Falcun: uncertain cases that differ from one another in what the networks say of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learning.acquisition.pool import FloatArray, PoolScores, Selection, likely
from learning.acquisition.uncertainty import doubt

GAMMA = 10
"""Falcun's sharpness: 0 picks at random, infinity always the most relevant."""
CANDIDATES = 65_536
"""Rows of a larger pool that take part, drawn by their uncertainty."""


def falcun(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Uncertain cases, far from those already picked in what the networks say of them.

    Gilhuber, Beer, Ma, Seidl, ECML PKDD 2024: each pick is drawn with probability proportional to
    (margin uncertainty + distance to the nearest pick, scaled to 0 … 1) to the power of gamma.
    Distances are over the probabilities of every network, so that disagreement counts as well.
    """
    whole: FloatArray = doubt(pool).astype(np.float64)
    rows = np.arange(len(pool))
    if len(pool) > max(CANDIDATES, 2 * k):
        rows = np.sort(likely(whole, max(CANDIDATES, 2 * k), rng))
    uncertainty = whole[rows]
    members = [*pool.probabilities.values()] or [pool.ensemble]
    answers = np.ascontiguousarray(np.concatenate([p[rows] for p in members], axis=1).T)
    nearest: FloatArray = np.full(len(rows), np.inf)
    spread, apart = uncertainty, np.zeros(len(pool))
    open_rows = np.ones(len(rows), bool)
    scores, picks = pool.per_cost(2 * whole), []
    price = np.ones(len(rows)) if pool.cost is None else pool.cost[rows] / np.median(pool.cost)
    for _ in range(k):
        relevance = (uncertainty + spread) / price
        pick = _drawn(np.where(open_rows, relevance, 0), open_rows, rng)
        apart[rows[pick]], scores[rows[pick]] = spread[pick], relevance[pick]
        open_rows[pick] = False
        picks.append(pick)
        nearest = np.minimum(nearest, sum(np.abs(answer - answer[pick]) for answer in answers))
        spread = _scaled(nearest)
    left = rows[open_rows]
    scores[left], apart[left] = ((uncertainty + spread) / price)[open_rows], spread[open_rows]
    return Selection.of(rows[picks], scores, uncertainty=whole, distance=apart)


def _drawn(relevance: FloatArray, open_rows: NDArray[np.bool_], rng: np.random.Generator) -> int:
    """A row with probability proportional to relevance to the power of gamma."""
    top = relevance.max()
    weights = (relevance / top) ** GAMMA if top > 0 else open_rows.astype(float)
    running = np.cumsum(weights)
    lot = min(rng.random() * running[-1], np.nextafter(running[-1], 0))
    return int(np.searchsorted(running, lot, side="right"))


def _scaled(values: FloatArray) -> FloatArray:
    low, high = values.min(initial=np.inf), values.max(initial=-np.inf)
    return (values - low) / (high - low) if high > low else np.zeros_like(values)

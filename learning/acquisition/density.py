"""Uncertain cases that stand for many others."""

from __future__ import annotations

import numpy as np

from learning.acquisition.features import Features, FloatArray
from learning.acquisition.pool import PoolScores, Selection, highest
from learning.acquisition.uncertainty import unsure

WEIGHT = 1.0
"""Power of the density."""
PART = 65_536


def density_weighted(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Doubt times the mean similarity to the pool, so that an odd one out does not win.

    Information density (Settles and Craven, EMNLP 2008) with cosine similarity, whose mean over
    the pool is the product with the mean direction: one pass, no pairs.
    """
    uncertain, dense = unsure(pool), density(pool.features)
    worth = pool.per_cost(uncertain * dense**WEIGHT)
    return Selection.of(highest(worth, k, rng), worth, uncertainty=uncertain, density=dense)


def density(points: Features) -> FloatArray:
    """[N], 0 to 1: mean cosine similarity to all cases, moved from -1 … 1."""
    lengths = np.sqrt(points.squares())
    lengths = np.where(lengths > 0, lengths, 1)
    total = np.zeros(points.width)
    for start in range(0, len(points), PART):
        rows = np.arange(start, min(start + PART, len(points)))
        total += (points.rows(rows) / lengths[rows, None]).sum(axis=0)
    mean = np.asarray(total[None] / max(len(points), 1), np.float32)
    return np.clip((1 + points.products(mean)[:, 0] / lengths) / 2, 0, 1)

"""Which cases look like one image: pairs of embeddings that hardly differ, without comparing all pairs."""

from __future__ import annotations

import numpy as np

from learning.acquisition.features import FloatArray, Indices, unit

TABLES = 10
"""Draws of planes: one that parts a pair of 0.995 is met by one table in four at a million cases."""
SPARE = 2
"""Planes beyond the power of two that the number of cases is, so that a cell holds few."""
REACH = 24
"""Cases of one cell with which each is compared; a cell with more holds one image many times over."""
PART = 65_536


def near_pairs(
    vectors: FloatArray, similarity: float, *, seed: int = 0
) -> tuple[Indices, FloatArray]:
    """[M, 2] ascending rows whose centred cosine is at least ``similarity``, and the cosines, highest first.

    Random planes sort the rows into cells (Charikar 2002); only rows of one cell are compared. Centred,
    since the embeddings of a network that has learnt little all point one way.
    """
    moved = unit(vectors - vectors.mean(axis=0)) if len(vectors) else vectors
    rng = np.random.default_rng(seed)
    found: list[Indices] = [np.zeros((0, 2), np.int64)]
    planes = SPARE + max(1, len(moved).bit_length() - 1)
    for _ in range(TABLES if len(moved) > 1 else 0):
        cells = _cells(moved, rng.normal(size=(moved.shape[1], min(planes, 62))))
        order = np.argsort(cells, kind="stable")
        for step in range(1, min(REACH, len(order) - 1) + 1):
            same = np.flatnonzero(cells[order[step:]] == cells[order[:-step]])
            if not len(same):
                break
            pairs = np.stack([order[same], order[same + step]], axis=1)
            found.append(np.sort(pairs[_cosines(moved, pairs) >= similarity], axis=1))
    pairs = np.unique(np.concatenate(found), axis=0)
    cosines = _cosines(moved, pairs)
    best = np.argsort(-cosines, kind="stable")
    return pairs[best], cosines[best]


def _cells(vectors: FloatArray, planes: FloatArray) -> Indices:
    weights = 1 << np.arange(planes.shape[1], dtype=np.int64)
    found = np.empty(len(vectors), np.int64)
    for start in range(0, len(vectors), PART):
        part = slice(start, start + PART)
        found[part] = (vectors[part] @ planes.astype(np.float32) > 0) @ weights
    return found


def _cosines(vectors: FloatArray, pairs: Indices) -> FloatArray:
    found = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), PART):
        part = pairs[start : start + PART]
        found[start : start + PART] = np.einsum(
            "ij,ij->i", vectors[part[:, 0]], vectors[part[:, 1]]
        )
    return found

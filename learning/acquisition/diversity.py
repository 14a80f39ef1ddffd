"""Cases that differ from one another: Falcun in probability space, k-center in feature space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learning.acquisition.pool import AcquisitionError, FloatArray, Indices, PoolScores, Selection
from learning.acquisition.uncertainty import doubt

GAMMA = 10.0
"""Falcun's sharpness: 0 picks at random, infinity always the most relevant."""
ACTIVE = 4096
"""Rows whose distances k-center keeps current."""
CHUNK = 4096


def falcun(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Uncertain cases, far from those already picked in what the networks say of them.

    Gilhuber, Beer, Ma, Seidl, ECML PKDD 2024: each pick is drawn with probability proportional to
    (margin uncertainty + distance to the nearest pick, scaled to 0 … 1) to the power of gamma.
    Distances are over the probabilities of every network, so that disagreement counts as well.
    """
    uncertainty: FloatArray = doubt(pool).astype(np.float64)
    members = [*pool.probabilities.values()] or [pool.ensemble]
    answers = np.ascontiguousarray(np.concatenate(members, axis=1).T)
    nearest: FloatArray = np.full(len(pool), np.inf)
    spread = uncertainty
    open_rows = np.ones(len(pool), bool)
    scores, picks = pool.per_cost(2 * uncertainty), []
    for _ in range(min(k, len(pool))):
        relevance = pool.per_cost(uncertainty + spread)
        pick = _drawn(np.where(open_rows, relevance, 0), open_rows, rng)
        scores = np.where(open_rows, relevance, scores)
        open_rows[pick] = False
        picks.append(pick)
        nearest = np.minimum(nearest, sum(np.abs(answer - answer[pick]) for answer in answers))
        spread = _scaled(nearest)
    return Selection(
        np.array(picks, np.int64), scores, {"uncertainty": uncertainty, "distance": spread}
    )


def k_center(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Each pick is the case farthest from everything labelled or picked (greedy core set)."""
    if pool.embeddings is None:
        raise AcquisitionError("k-center needs the embeddings of the cases.")
    labelled = pool.labelled if pool.labelled is not None and len(pool.labelled) else None
    if labelled is not None and labelled.shape[1] != pool.embeddings.shape[1]:
        raise AcquisitionError(
            f"The labelled cases have {labelled.shape[1]} features, the pool"
            f" {pool.embeddings.shape[1]}."
        )
    picks, distance = farthest_first(pool.embeddings, labelled, min(k, len(pool)))
    return Selection(picks, distance, {"distance": distance})


def farthest_first(
    points: FloatArray, centres: FloatArray | None, k: int
) -> tuple[Indices, FloatArray]:
    """The greedy k-center picks, and each point's distance to its centre when last looked at.

    Without centres the first pick is the point nearest to the mean. Exact, but lazy: a distance
    that was not brought up to date can only be too large, so as long as the best of the current
    ones reaches the largest of the others, no other can win.
    """
    middle = points.mean(axis=0) if len(points) else 0.0
    points = np.ascontiguousarray(points - middle, np.float32)
    squares = np.einsum("ij,ij->i", points, points)
    picks: list[int] = []
    shown = np.full(len(points), -1.0)
    bound = np.full(len(points), np.inf, np.float32)
    current = np.zeros(len(points), np.int64)
    if centres is not None:
        bound = _nearest(points, squares, np.ascontiguousarray(centres - middle, np.float32))
    elif k:
        first = int(np.argmin(squares))
        bound = _nearest(points, squares, points[[first]])
        shown[first], bound[first] = np.sqrt(bound.max(initial=0)), -1.0
        picks.append(first)
        current += 1
    while len(picks) < k:
        active, outside = _leaders(bound)
        _refresh(points, squares, bound, current, active, picks)
        while len(picks) < k:
            best = active[np.argmax(bound[active])]
            if bound[best] < outside:
                break
            shown[best] = np.sqrt(max(float(bound[best]), 0.0))
            picks.append(int(best))
            bound[best] = -1.0
            _refresh(points, squares, bound, current, active, picks)
    distance = np.where(shown >= 0, shown, np.sqrt(np.maximum(bound, 0)))
    return np.array(picks, np.int64), distance


def _leaders(bound: FloatArray) -> tuple[Indices, float]:
    """The rows with the largest bounds, in order of rows, and the largest bound of the others."""
    if len(bound) <= ACTIVE:
        return np.arange(len(bound)), -np.inf
    order = np.argpartition(-bound, ACTIVE)
    return np.sort(order[:ACTIVE]), float(bound[order[ACTIVE]])


def _refresh(
    points: FloatArray,
    squares: FloatArray,
    bound: FloatArray,
    current: Indices,
    rows: Indices,
    picks: list[int],
) -> None:
    """Brings the bounds of ``rows`` up to date with the picks since they were last looked at."""
    oldest = int(current[rows].min(initial=len(picks)))
    if oldest == len(picks):
        return
    fresh = _nearest(points[rows], squares[rows], points[picks[oldest:]])
    bound[rows] = np.minimum(bound[rows], fresh)
    current[rows] = len(picks)


def _nearest(points: FloatArray, squares: FloatArray, centres: FloatArray) -> FloatArray:
    """Squared distance of each point to its nearest centre."""
    lengths = np.einsum("ij,ij->i", centres, centres)
    nearest = np.empty(len(points), np.float32)
    for start in range(0, len(points), CHUNK):
        part = slice(start, start + CHUNK)
        gaps = points[part] @ centres.T
        gaps *= -2
        gaps += lengths
        nearest[part] = gaps.min(axis=1) + squares[part]
    return np.maximum(nearest, 0)


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

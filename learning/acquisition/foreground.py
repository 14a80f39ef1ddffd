"""For masks: uncertain where something is, every class in turn, with noise against look-alikes."""

from __future__ import annotations

import numpy as np

from learning.acquisition.pool import AcquisitionError, FloatArray, Indices, PoolScores, Selection

STRATIFIED = 2 / 3
"""Share of the picks that goes to the classes in turn; the rest to the overall uncertainty."""
SHARPNESS = 8.0
"""Power of the uncertainty in the draw: 0 is random, infinity takes the most uncertain."""
FLOOR = 1e-6


def foreground_entropy(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Draws cases with probability proportional to a power of their foreground uncertainty.

    The uncertainty is a mean over the voxels that may be foreground, so neither an empty case nor a
    large organ wins by its size. Two picks in three go to the classes in turn, so that a rare
    structure is not crowded out by a common one.
    """
    if pool.uncertainty is None or pool.class_uncertainty is None:
        raise AcquisitionError("Foreground entropy needs the uncertainty of predicted masks.")
    columns = [pool.uncertainty, *np.asarray(pool.class_uncertainty).T]
    worth = [pool.per_cost(column) for column in columns]
    lots = [SHARPNESS * np.log(np.maximum(w, FLOOR)) + rng.gumbel(size=len(w)) for w in worth]
    queues = [np.argsort(-lot, kind="stable") for lot in lots]
    picks = _in_turn(queues, min(k, len(pool)))
    named = {f"class_{i}": column for i, column in enumerate(columns[1:], start=1)}
    return Selection(picks, _rank_scores(queues[0]), {"uncertainty": pool.uncertainty, **named})


def _in_turn(queues: list[Indices], k: int) -> Indices:
    """Takes from the overall queue (the first) one time in three, else from the next class."""
    taken: dict[int, None] = {}
    heads = [iter(queue.tolist()) for queue in queues]
    classes = len(queues) - 1
    for turn in range(3 * len(queues[0]) * len(queues)):
        if len(taken) == k:
            break
        stratified = classes and turn % 3 < round(3 * STRATIFIED)
        which = 1 + (turn - turn // 3) % classes if stratified else 0
        pick = next((row for row in heads[which] if row not in taken), None)
        if pick is not None:
            taken[pick] = None
    return np.array(list(taken), np.int64)


def _rank_scores(queue: Indices) -> FloatArray:
    """1 for the first of the overall queue, falling evenly to just above 0."""
    scores = np.empty(len(queue))
    scores[queue] = 1 - np.arange(len(queue)) / max(len(queue), 1)
    return scores

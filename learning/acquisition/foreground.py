"""For masks and boxes: uncertain where something is, every class in turn, with noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learning.acquisition import boxes
from learning.acquisition.chance import thirds
from learning.acquisition.pool import AcquisitionError, FloatArray, PoolScores, Selection, likely
from learning.acquisition.turns import in_turn, places

SHARPNESS = 8.0
"""Power of the uncertainty in the draw when the round is unknown."""
SHARPEST = 100.0
ROUNDS = 10
"""Rounds over which the draw grows from the plain uncertainty to its hundredth power."""


def foreground_entropy(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Draws cases with probability proportional to a power of their foreground uncertainty.

    After ClaSP PE (Lüth et al. 2025): two picks in three go to the classes in turn, so that a rare
    structure is not crowded out by a common one, and the draw sharpens over the rounds from power
    1 to 100. The uncertainty is a mean over the voxels that may be foreground, so neither an empty
    case nor a large organ wins by its size.
    """
    if pool.uncertainty is None or pool.class_uncertainty is None:
        raise AcquisitionError("Foreground entropy needs the uncertainty of predicted masks.")
    return _class_by_class(pool, pool.uncertainty, pool.class_uncertainty, k, rng)


def part_doubt(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """The same for findings that do not exclude one another, points and numbers: each in turn, with noise.

    A case whose one rare finding is doubtful does not wait behind those that are a little doubtful of
    all.
    """
    if pool.uncertainty is None or pool.class_uncertainty is None:
        raise AcquisitionError("Doubt of parts needs how unsure a model is of each.")
    return _class_by_class(pool, pool.uncertainty, pool.class_uncertainty, k, rng)


def box_doubt(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Cases whose most doubtful boxes are doubtful, every class in turn, with noise.

    Boxes of two networks are matched (see ``boxes.doubts``); after ComPAS (Lyu et al. 2023) for
    what committees disagree on and PPAL (Yang, Huang, Crowley, CVPR 2024) for balance of classes.
    """
    if not pool.detections:
        raise AcquisitionError("Doubt of boxes needs the boxes that networks found.")
    whole, by_class = boxes.doubts(pool.detections, len(pool))
    return _class_by_class(pool, whole, by_class, k, rng)


def sharpness(rounds: int | None) -> float:
    if rounds is None:
        return SHARPNESS
    return float(SHARPEST ** min(1.0, rounds / ROUNDS))


def _class_by_class(
    pool: PoolScores,
    whole: FloatArray,
    by_class: FloatArray,
    k: int,
    rng: np.random.Generator,
) -> Selection:
    columns: Sequence[FloatArray] = [whole, *np.asarray(by_class).T]
    power = sharpness(pool.round)
    worth = [pool.per_cost(column) for column in columns]
    queues = [likely(w, len(pool), rng, sharpness=power) for w in worth]
    picks = in_turn(queues, k, cycle=thirds(len(columns) - 1))
    named = {f"class_{i}": column for i, column in enumerate(columns[1:], start=1)}
    return Selection.of(picks, places(picks, worth[0]), uncertainty=whole, **named)

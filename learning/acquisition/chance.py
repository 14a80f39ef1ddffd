"""At random: the arm that everything else is compared with, and the start before any model."""

from __future__ import annotations

import numpy as np

from learning.acquisition.pool import PoolScores, Selection, highest


def random(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Every case is equally likely."""
    draw = rng.random(len(pool))
    return Selection(highest(draw, k, rng), draw, {"draw": draw})

"""What an acquisition function sees of the pool, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class PoolScores:
    """N cases, C classes, D features; row i is the same case everywhere."""

    ensemble: FloatArray
    """[N, C] probabilities. [N, 0] when there is no model yet."""
    probabilities: Mapping[str, FloatArray] = field(default_factory=dict)
    """Network name → [N, C]."""
    embeddings: FloatArray | None = None
    """[N, D]."""
    labelled: FloatArray | None = None
    """[L, D]: embeddings of the cases that have a label already."""
    uncertainty: FloatArray | None = None
    """[N] of a segmentation, from ``Output.uncertainty``."""
    class_uncertainty: FloatArray | None = None
    """[N, K] of a segmentation."""
    cost: FloatArray | None = None
    """[N] expected seconds of a reader; scores are then per second."""


@dataclass(frozen=True)
class Selection:
    indices: NDArray[np.int64]
    """The picks in order, at most k (the whole pool if it is smaller)."""
    scores: FloatArray
    """[N], higher is asked sooner; the picks' place comes from ``indices``."""
    components: Mapping[str, FloatArray]
    """Name → [N]: what the score was made of, for "why was this case picked"."""

    def order(self) -> NDArray[np.int64]:
        """All N: the picks first, then the others by falling score."""
        raise NotImplementedError

"""What trained networks say of cases, one by one and together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learning.engine.nets import Network
from learning.engine.spec import LeftOut, Recipe, Sample

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Output:
    """What one network, or the ensemble of all, says; rows follow ``Predictions.ids``.

    N cases, C outputs (segmentation: background first), K = C - 1 foreground classes.
    """

    logits: FloatArray
    """[N, C] before temperature; ensemble: log of the mean probability. Segmentation: [N, 0]."""
    probabilities: FloatArray
    """[N, C] after temperature. Segmentation: mean over the voxels that may be foreground."""
    uncertainty: FloatArray
    """[N], 0 to 1: entropy over its maximum; of a mask: its mean near the predicted foreground."""
    class_uncertainty: FloatArray | None = None
    """Segmentation, [N, K]: the same, where class k is the likeliest foreground."""
    overlap: NDArray[np.int64] | None = None
    """Segmentation, [N, K, 3] voxels shared, predicted, in the reference; -1 without a reference."""
    volumes: FloatArray | None = None
    """Segmentation, [N, K] predicted volume in mm³ (voxels where the spacing is unknown)."""


@dataclass(frozen=True)
class Predictions:
    ids: tuple[int, ...]
    networks: Mapping[str, Output]
    ensemble: Output
    disagreement: FloatArray
    """[N], 0 to 1: Jensen-Shannon divergence between the networks (segmentation: 1 - Dice of masks)."""
    embeddings: FloatArray
    """[N, D], each network's penultimate features, scaled to unit length and joined."""
    left_out: tuple[LeftOut, ...]


def predict(
    networks: Mapping[str, Network],
    recipe: Recipe,
    samples: Sequence[Sample],
    *,
    temperatures: Mapping[str, float] | None = None,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
    on_mask: Callable[[int, NDArray[np.uint8]], None] | None = None,
) -> Predictions:
    """``on_batch(done, total)`` may raise to stop. ``on_mask(id, mask)``: the ensemble's mask."""
    raise NotImplementedError

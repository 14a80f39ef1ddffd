"""What predictions are made of: dataclasses, and the arithmetic of uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learning.engine.spec import LeftOut

FloatArray = NDArray[np.float32]
NO_NUMBERS = "What a network says of this case is not made of numbers."
WORST = 3
SMALLEST = 1e-12
"""Probabilities are kept above this where a logarithm is taken."""


@dataclass(frozen=True)
class Output:
    """What one network, or the ensemble of all, says; rows follow ``Predictions.ids``.

    N cases, C outputs (segmentation: background first), K = C - 1 foreground classes.
    """

    logits: FloatArray
    """[N, C] before temperature; ensemble: log of the mean probability. Segmentation: [N, 0]."""
    probabilities: FloatArray
    """[N, C] after temperature. Segmentation: mean over the voxels that may be foreground. Landmarks: how
    much of each heat map lies around its point. Detection: the surest box of each class. Regression:
    [N, 2] the number and its standard deviation."""
    uncertainty: FloatArray
    """[N], 0 to 1: entropy over its maximum; of a mask: its mean where foreground is possible."""
    class_uncertainty: FloatArray | None = None
    """[N, K]: the same of class k alone; of a mask, where that is the likeliest foreground."""
    overlap: NDArray[np.int64] | None = None
    """Segmentation, [N, K, 3] voxels shared, predicted, true; -1 without a reference mask."""
    points: FloatArray | None = None
    """Landmarks, [N, K, axes] indices in the image."""
    boxes: NDArray[np.object_] | None = None
    """Detection, [N] tuples of ``spec.Box``, the surest first."""
    surfaces: FloatArray | None = None
    """Segmentation, [N, K, 3] HD95 and mean distance in mm, surface Dice; NaN where there is none."""
    volumes: FloatArray | None = None
    """Segmentation, [N, K] predicted volume in mm³ (voxels where the spacing is unknown)."""


@dataclass(frozen=True)
class Predictions:
    ids: tuple[int, ...]
    networks: Mapping[str, Output]
    ensemble: Output
    disagreement: FloatArray
    """[N], 0 to 1: Jensen-Shannon divergence between the networks; of masks and boxes 1 - their Dice;
    of numbers and points by their distance."""
    embeddings: FloatArray
    """[N, D], each network's penultimate features, scaled to unit length and joined."""
    left_out: tuple[LeftOut, ...]


def joined(parts: Sequence[Output]) -> Output:
    """The rows of one after the other."""
    if len(parts) == 1:
        return parts[0]
    columns: dict[str, Any] = {}
    for one in fields(Output):
        values = [getattr(part, one.name) for part in parts]
        if values[0] is not None:
            columns[one.name] = np.concatenate(values)
    return Output(**columns)


def entropy(probabilities: NDArray[np.floating], axis: int = -1) -> FloatArray:
    """0 (certain) to 1 (all classes alike)."""
    p = np.clip(probabilities, SMALLEST, 1.0)
    classes = max(probabilities.shape[axis], 2)
    return np.asarray(np.clip(-(p * np.log(p)).sum(axis=axis) / np.log(classes), 0, 1), np.float32)


def binary_entropy(chances: NDArray[np.floating]) -> FloatArray:
    """Of each of several findings alone, 0 (certain) to 1 (as likely as not)."""
    return entropy(np.stack([chances, 1 - chances], axis=-1))


def worst(values: Sequence[float]) -> float:
    """The mean of the few highest, so that neither few nor many make a case doubtful."""
    return float(np.mean(sorted(values)[-WORST:])) if len(values) else 0.0


def divergence(members: Sequence[NDArray[np.floating]]) -> FloatArray:
    """Jensen-Shannon divergence of [N, C] probabilities, 0 (agree) to 1 (each certain, apart)."""
    if len(members) < 2:
        return np.zeros(len(members[0]), np.float32)
    stacked = np.clip(np.stack(members).astype(np.float64), SMALLEST, 1.0)
    mean = stacked.mean(axis=0)
    gap = (stacked * np.log(stacked / mean)).sum(axis=-1).mean(axis=0)
    most = np.log(min(len(members), stacked.shape[-1]))
    return np.asarray(np.clip(gap / most, 0, 1), np.float32)


def joined_embeddings(parts: Sequence[FloatArray]) -> FloatArray:
    """[N, D1 + D2 + …]; no network outweighs another by the size of its features."""
    lengths = [np.linalg.norm(part, axis=1, keepdims=True) for part in parts]
    scaled = [part / np.maximum(n, SMALLEST) for part, n in zip(parts, lengths, strict=True)]
    return np.concatenate(scaled, axis=1).astype(np.float32)

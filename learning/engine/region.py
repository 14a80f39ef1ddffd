"""What networks say of a part of an image, voxel by voxel; normalised as the whole image is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from learning.engine import images, masks
from learning.engine.nets import Network
from learning.engine.outputs import NO_NUMBERS, FloatArray
from learning.engine.spec import Recipe, Sample


def read(path: str, recipe: Recipe) -> Tensor:
    """[channels, …] of the whole image, as networks read it. Raises ``images.Unusable``."""
    return images.read_image(Sample(id=0, patient="", image=Path(path)), recipe)


def probabilities(
    networks: Mapping[str, Network],
    recipe: Recipe,
    image: Tensor,
    temperatures: Mapping[str, float],
    *,
    start: tuple[int, ...],
    stop: tuple[int, ...],
    spacing: tuple[float, ...] = (),
) -> FloatArray:
    """[…, classes] of the mean of the networks from ``start`` to before ``stop``; background is class 0.

    A network sees at least as much around the middle of the region as its input takes. ``spacing``:
    mm between the image's voxels.
    """
    size = recipe.input_size
    if spacing and recipe.spacing:
        scales = zip(size, recipe.spacing, spacing, strict=True)
        size = tuple(math.ceil(side * want / have) for side, want, have in scales)
    low, high = _widened(size, tuple(image.shape[1:]), start, stop)
    seen = image[(slice(None), *(slice(a, b) for a, b in zip(low, high, strict=True)))]
    wanted = tuple(slice(a - b, c - b) for a, b, c in zip(start, low, stop, strict=True))
    sides = [b - a for a, b in zip(start, stop, strict=True)]
    total = np.zeros((*sides, recipe.outputs))
    for name, network in networks.items():
        logits, _ = masks.forward(network, seen, recipe, spacing)
        if not np.isfinite(logits).all():
            raise images.Unusable(NO_NUMBERS)
        total += masks.probabilities(logits, temperatures.get(name, 1.0))[wanted]
    return np.asarray(total / len(networks), np.float32)


def _widened(
    size: tuple[int, ...], shape: tuple[int, ...], start: tuple[int, ...], stop: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The region and what is missing of an input's size on both sides of it, within the image."""
    low, high = [], []
    for wanted, length, first, last in zip(size, shape, start, stop, strict=True):
        missing = max(0, wanted - (last - first))
        begin = min(max(0, first - missing // 2), max(0, length - (last - first) - missing))
        low.append(begin)
        high.append(min(length, max(last, begin + (last - first) + missing)))
    return tuple(low), tuple(high)

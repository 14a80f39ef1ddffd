"""From an image, prompts and a prior to a mask; the same for every method that has a prior to offer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from . import brightness, nearness, random_walk, seeds
from .asked import Check, Image, Mask, Prompt, Region, Spacing, ignore
from .random_walk import Chances, Strength
from .seeds import INSIDE, OUTSIDE, UNKNOWN, Seeds

SHARPNESS = 90.0
PULL, PULL_BOXED = 0.02, 0.05
"""Of brightness alone: enough to decide what no prompt is near, too little to leap to a neighbour."""
PULL_GIVEN = 0.2
"""Of a prior that knows more than brightness, such as a network's probability."""
MOST_AT_ONCE = 2**17
"""Voxels; of a larger region, rows and columns are averaged first."""


def segment(
    image: Image,
    spacing: Spacing,
    prompts: Sequence[Prompt],
    region: Region,
    shape: tuple[int, int, int],
    prior: Chances | None = None,
    check: Check = ignore,
) -> Mask:
    """The region's voxels that are inside. Positive prompts always are, negative ones never.

    ``image`` and ``prior`` (0 to 1): of the region. Without a prior, the prompts' brightness is one.
    ``shape``: of the whole series.
    """
    known = seeds.of(prompts, region, shape)
    boxed = seeds.boxes(prompts, region)
    factor = coarseness(region)
    rough = _averaged(brightness.scaled(image), factor)
    steps = (spacing[0], spacing[1] * factor, spacing[2] * factor)
    given = None if prior is None else _averaged(prior, factor)
    said = seeds.spoken(prompts, region)
    near = nearness.of(_coarse(said, factor), steps)
    walk = Walk(rough, steps, _coarse(known, factor), near, check)
    around = _thinned(boxed, factor)
    found = _by_brightness(walk, around) if given is None else _by_given(walk, around, given)
    return _tidied(_enlarged(found, factor, region.shape) > 0.5, known)


def coarseness(region: Region) -> int:
    """How many rows, and columns, are averaged to one: 1 for regions of an ordinary size."""
    return math.ceil(math.sqrt(max(1.0, region.voxels / MOST_AT_ONCE)))


@dataclass(frozen=True)
class Walk:
    """All of a walk but its prior."""

    image: Image
    spacing: Spacing
    known: Seeds
    near: Chances | None
    check: Check

    def __call__(self, prior: Chances, pull: float) -> Chances:
        return random_walk.chances(
            self.image,
            self.spacing,
            self.known,
            prior if self.near is None else nearness.joined(prior, self.near),
            Strength(SHARPNESS, pull),
            self.check,
        )


def _by_brightness(walk: Walk, boxed: Mask | None) -> Chances:
    pull = PULL if boxed is None else PULL_BOXED
    return walk(brightness.prior(walk.image, walk.known, boxed), pull)


def _by_given(walk: Walk, boxed: Mask | None, given: Chances) -> Chances:
    """Where a positive prompt contradicts the prior, brightness speaks along: the larger chance counts."""
    inside = walk.known == INSIDE
    if not (given[inside] < 0.5).any():
        return walk(given, PULL_GIVEN)
    prior = brightness.prior(walk.image, walk.known, boxed)
    return walk(np.maximum(given, prior), PULL)


def _averaged(values: Image, factor: int) -> Image:
    if factor == 1:
        return values
    filled = _filled(values, factor)
    frames, rows, columns = filled.shape
    blocks = filled.reshape(frames, rows // factor, factor, columns // factor, factor)
    return np.asarray(blocks.mean(axis=(2, 4)), np.float32)


def _coarse(known: Seeds, factor: int) -> Seeds:
    """A block with a voxel that is inside is inside; one that is outside altogether is outside."""
    if factor == 1:
        return known
    filled = _filled(known, factor)
    frames, rows, columns = filled.shape
    blocks = filled.reshape(frames, rows // factor, factor, columns // factor, factor)
    found = np.full((*blocks.shape[:2], columns // factor), UNKNOWN, np.uint8)
    found[(blocks == OUTSIDE).all(axis=(2, 4))] = OUTSIDE
    found[(blocks == INSIDE).any(axis=(2, 4))] = INSIDE
    return found


def _thinned(boxed: Mask | None, factor: int) -> Mask | None:
    return boxed if boxed is None or factor == 1 else boxed[::factor, ::factor]


def _filled(values: NDArray[Any], factor: int) -> NDArray[Any]:
    missing = [(0, 0), *((0, -size % factor) for size in values.shape[1:])]
    return np.asarray(np.pad(values, missing, mode="edge"))


def _enlarged(found: Chances, factor: int, shape: tuple[int, int, int]) -> Chances:
    if factor == 1:
        return found
    grown = ndimage.zoom(found, (1, factor, factor), order=1, mode="nearest", grid_mode=True)
    return np.asarray(grown[:, : shape[1], : shape[2]])


def _tidied(mask: Mask, known: Seeds) -> Mask:
    """The prompts honoured to the voxel; of the parts, those with a positive prompt, else the largest."""
    mask = (mask | (known == INSIDE)) & (known != OUTSIDE)
    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    wanted = np.unique(parts[known == INSIDE])
    if not wanted.size:
        wanted = np.array([1 + np.bincount(parts.ravel())[1:].argmax()])
    return np.asarray(np.isin(parts, wanted[wanted > 0]))

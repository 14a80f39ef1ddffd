"""From an image, prompts and a prior to a mask; the same for every method that has a prior to offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from . import boxes, brightness, layers, nearness, random_walk, seeds
from .asked import Check, Image, Mask, Prompt, Region, Spacing, ignore
from .boxes import Framed
from .random_walk import Chances, Strength
from .seeds import INSIDE, OUTSIDE, Seeds

SHARPNESS = 90.0
PULL = 0.02
"""Of brightness alone: enough to decide what no prompt is near, too little to leap to a neighbour."""
PULL_GIVEN = 0.2
"""Of a prior that knows more than brightness, such as a network's probability."""
MOST_AT_ONCE = 2**17
"""Voxels; of a larger region, neighbours are averaged first."""
Factor = tuple[int, int, int]


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
    known = seeds.of(prompts, region, shape, spacing)
    factor = coarseness(region, spacing)
    grid = boxes.grid_of(region, spacing, factor)
    framed = [boxes.framed(one, grid) for one in prompts if one.kind == "box"]
    given = None if prior is None else _averaged(prior, factor)
    said = seeds.coarse(seeds.spoken(prompts, region), factor)
    walk = Walk(
        image=_averaged(brightness.scaled(image), factor),
        spacing=grid.spacing,
        known=seeds.coarse(known, factor),
        near=nearness.of(said, grid.spacing),
        check=check,
    )
    found = _by_brightness(walk, framed) if given is None else _by_given(walk, framed, given)
    return _tidied(_enlarged(found, factor, region.shape) > 0.5, known)


def coarseness(region: Region, spacing: Spacing) -> Factor:
    """How many frames, rows and columns are averaged to one: 1 for regions of an ordinary size.

    The finest direction gives way first, so that blocks are about as long as they are wide.
    """
    factor = [1, 1, 1]
    while _blocks(region, factor) > MOST_AT_ONCE:
        sizes = [step * by for step, by in zip(spacing, factor, strict=True)]
        if region.shape[0] > 1 and sizes[0] < min(sizes[1:]):
            factor[0] += 1
        else:
            factor[1:] = [factor[1] + 1, factor[2] + 1]
    return factor[0], factor[1], factor[2]


def _blocks(region: Region, factor: Sequence[int]) -> int:
    parts = [-(-size // by) for size, by in zip(region.shape, factor, strict=True)]
    return parts[0] * parts[1] * parts[2]


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


def _by_brightness(walk: Walk, framed: Sequence[Framed]) -> Chances:
    if not framed:
        return walk(brightness.prior(walk.image, walk.known), PULL)
    told = [
        layers.chances(
            box, walk.image, walk.known, walk.near, sharpness=SHARPNESS, check=walk.check
        )
        for box in framed
    ]
    return np.asarray(np.mean(told, axis=0), np.float32)


def _by_given(walk: Walk, framed: Sequence[Framed], given: Chances) -> Chances:
    """Where a positive prompt contradicts the prior, brightness speaks along: the larger chance counts."""
    inside = walk.known == INSIDE
    if not (given[inside] < 0.5).any():
        return walk(given, PULL_GIVEN)
    prior = brightness.prior(walk.image, walk.known, _core(framed))
    return walk(np.maximum(given, prior), PULL)


def _averaged(values: Image, factor: Factor) -> Image:
    if factor == (1, 1, 1):
        return values
    return np.asarray(seeds.blocks(values, factor).mean(axis=(1, 3, 5)), np.float32)


def _core(framed: Sequence[Framed]) -> Mask | None:
    return np.logical_or.reduce([box.core for box in framed]) if framed else None


def _enlarged(found: Chances, factor: Factor, shape: tuple[int, int, int]) -> Chances:
    if factor == (1, 1, 1):
        return found
    grown = ndimage.zoom(found, factor, order=1, mode="nearest", grid_mode=True)
    return np.asarray(grown[tuple(slice(0, size) for size in shape)])


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

"""Prompts as voxels that are known: of what is sought, or of its surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from . import boxes
from .asked import Prompt, Region, Spacing

UNKNOWN, OUTSIDE, INSIDE = 0, 1, 2
Seeds = NDArray[np.uint8]
STEP_PIXELS = 0.5


def of(
    prompts: Sequence[Prompt], region: Region, shape: tuple[int, int, int], spacing: Spacing
) -> Seeds:
    """What is known of each voxel of the region. A later prompt overrules an earlier one.

    What lies outside all boxes is outside; and so is the rim of the region, save where the image ends.
    """
    seeds = np.full(region.shape, UNKNOWN, np.uint8)
    _rim(seeds, region, shape)
    grid = boxes.grid_of(region, spacing)
    boxed = boxes.inside([boxes.framed(one, grid) for one in prompts if one.kind == "box"])
    if boxed is not None:
        seeds[~boxed] = OUTSIDE
    _speak(seeds, prompts, region)
    return seeds


def spoken(prompts: Sequence[Prompt], region: Region) -> Seeds:
    """What points and scribbles alone say."""
    seeds = np.full(region.shape, UNKNOWN, np.uint8)
    _speak(seeds, prompts, region)
    return seeds


def _speak(seeds: Seeds, prompts: Sequence[Prompt], region: Region) -> None:
    for prompt in prompts:
        if prompt.kind != "box":
            seeds[_voxels(prompt, region)] = INSIDE if prompt.positive else OUTSIDE


def _rim(seeds: Seeds, region: Region, shape: tuple[int, int, int]) -> None:
    several = seeds.shape[0] > 1
    for axis in range(0 if several else 1, 3):
        faces = np.moveaxis(seeds, axis, 0)
        if region.start[axis] > 0:
            faces[0] = OUTSIDE
        if region.stop[axis] < shape[axis]:
            faces[-1] = OUTSIDE


def _voxels(prompt: Prompt, region: Region) -> tuple[NDArray[np.intp], ...]:
    """The voxels of the region under a point or a line: a line leaves no gaps."""
    points = np.array(prompt.points, float)
    pieces = [points[:1]]
    for before, after in pairwise(points):
        steps = max(1, int(np.ceil(np.abs(after - before).max() / STEP_PIXELS)))
        pieces.append(np.linspace(before, after, steps + 1)[1:])
    found = np.rint(np.concatenate(pieces)).astype(int).T[::-1]
    found = found - np.array(region.start)[:, None]
    inside = ((found >= 0) & (found < np.array(region.shape)[:, None])).all(axis=0)
    return tuple(found[:, inside])


def coarse(known: Seeds, factor: tuple[int, int, int]) -> Seeds:
    """A block with a voxel that is inside is inside; one that is outside altogether is outside."""
    if factor == (1, 1, 1):
        return known
    blocked = blocks(known, factor)
    within = (1, 3, 5)
    found = np.full(blocked.shape[::2], UNKNOWN, np.uint8)
    found[(blocked == OUTSIDE).all(axis=within)] = OUTSIDE
    found[(blocked == INSIDE).any(axis=within)] = INSIDE
    return found


def blocks(values: NDArray, factor: tuple[int, int, int]) -> NDArray:  # type: ignore[type-arg]
    """[frames, of each, rows, of each, columns, of each]; the edges are repeated to fill the last ones."""
    missing = [(0, -size % by) for size, by in zip(values.shape, factor, strict=True)]
    filled = np.pad(values, missing, mode="edge")
    parts = [(size // by, by) for size, by in zip(filled.shape, factor, strict=True)]
    return filled.reshape([side for pair in parts for side in pair])

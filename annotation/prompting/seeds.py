"""Prompts as voxels that are known: of what is sought, or of its surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .asked import Mask, Prompt, Region

UNKNOWN, OUTSIDE, INSIDE = 0, 1, 2
Seeds = NDArray[np.uint8]
STEP_PIXELS = 0.5


def of(prompts: Sequence[Prompt], region: Region, shape: tuple[int, int, int]) -> Seeds:
    """What is known of each voxel of the region. A later prompt overrules an earlier one.

    What lies outside all boxes is outside; and so is the rim of the region, save where the image ends.
    """
    seeds = np.full(region.shape, UNKNOWN, np.uint8)
    _rim(seeds, region, shape)
    if (boxed := boxes(prompts, region)) is not None:
        seeds[:, ~boxed] = OUTSIDE
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


def boxes(prompts: Sequence[Prompt], region: Region) -> Mask | None:
    """Rows and columns that lie in a box; None without one."""
    found = [prompt for prompt in prompts if prompt.kind == "box"]
    if not found:
        return None
    inside = np.zeros(region.shape[1:], np.bool_)
    for box in found:
        corners = np.array(box.points) - (region.start[2], region.start[1])
        left, top = np.ceil(corners.min(axis=0)).astype(int)
        right, bottom = np.floor(corners.max(axis=0)).astype(int)
        inside[max(0, top) : bottom + 1, max(0, left) : right + 1] = True
    return inside


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
    columns, rows = np.rint(np.concatenate(pieces)).astype(int).T
    frames = np.full(len(rows), prompt.frame)
    found = np.stack([frames, rows, columns])
    found -= np.array(region.start)[:, None]
    inside = ((found >= 0) & (found < np.array(region.shape)[:, None])).all(axis=0)
    return tuple(found[:, inside])

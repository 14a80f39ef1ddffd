"""Which part of a series is looked at for some prompts: around them, and never more than so many voxels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .asked import Prompt, Region, Spacing, Unanswerable

REACH_MM = 25.0
"""How far beyond points and scribbles a structure is looked for."""
REACH_PIXELS = 64
"""The same where nobody knows how large a pixel is, and the most that points reach within an image."""
AROUND_BOX = 0.2
"""Of a box's side: what is looked at outside it, to learn what the surroundings look like."""
FEWEST_PIXELS = 6
MOST_SLICES = 64
MOST_VOXELS = 2**22
NOWHERE = "Nothing says where the structure is. Mark a place inside it, or draw a box."


def around(
    prompts: Sequence[Prompt],
    shape: tuple[int, int, int],
    spacing: Spacing,
    *,
    volume: bool,
    calibrated: bool = True,
) -> Region:
    """Within ``shape`` (frames, rows, columns). Without ``volume``, the one frame that was prompted.

    Positive prompts alone say where: the region stays as it is while negative ones are added.

    Raises Unanswerable for prompts outside the image, on several frames, or that ask for too much.
    """
    frames = [prompt.frame for prompt in prompts]
    if not _inside(np.array([p for prompt in prompts for p in prompt.points]), frames, shape):
        raise Unanswerable(
            "A prompt lies outside the image. Take it back, and prompt within the image."
        )
    if not volume and len(set(frames)) > 1:
        raise Unanswerable(
            "The prompts lie on several images. Ask for the images around, or keep to one image."
        )
    sought = [prompt for prompt in prompts if prompt.positive]
    if not sought:
        raise Unanswerable(NOWHERE)
    frames = [prompt.frame for prompt in sought]
    points = np.array([point for prompt in sought for point in prompt.points])
    reach = _reach(sought, points, spacing, calibrated=calibrated)
    low = np.floor(points.min(axis=0) - reach[1:][::-1])
    high = np.ceil(points.max(axis=0) + reach[1:][::-1])
    deep = math.ceil(reach[0]) if volume else 0
    start = (min(frames) - deep, int(low[1]), int(low[0]))
    stop = (max(frames) + deep + 1, int(high[1]) + 1, int(high[0]) + 1)
    found = Region(
        tuple(max(0, at) for at in start),  # type: ignore[arg-type]
        tuple(min(size, at) for size, at in zip(shape, stop, strict=True)),  # type: ignore[arg-type]
    )
    return _bounded(found, sought)


def _inside(points: np.ndarray, frames: Sequence[int], shape: tuple[int, int, int]) -> bool:
    if not points.size or not np.isfinite(points).all():
        return False
    last = np.array([shape[2] - 0.5, shape[1] - 0.5])
    in_plane = (points >= -0.5).all() and (points <= last).all()
    return bool(in_plane and min(frames) >= 0 and max(frames) < shape[0])


def _reach(
    prompts: Sequence[Prompt], points: np.ndarray, spacing: Spacing, *, calibrated: bool
) -> np.ndarray:
    """Voxels beyond the prompts, along frames, rows and columns."""
    sides = np.ptp(points, axis=0)[::-1]
    steps = np.array(spacing)
    if any(prompt.kind == "box" for prompt in prompts):
        beyond = np.maximum(AROUND_BOX * sides, FEWEST_PIXELS)
        deep = (sides * steps[1:]).max() / 2 / steps[0]
        return np.array([max(1.0, deep), *beyond])
    far = REACH_MM / steps if calibrated else np.full(3, float(REACH_PIXELS))
    within = np.clip(np.maximum(far[1:], sides / 2), FEWEST_PIXELS, None)
    return np.array([max(1.0, REACH_MM / steps[0]), *within])


def _bounded(region: Region, prompts: Sequence[Prompt]) -> Region:
    """Fewer slices on both sides of the prompts, where there are too many."""
    first, last = min(p.frame for p in prompts), max(p.frame for p in prompts)
    _, rows, columns = region.shape
    most = min(MOST_SLICES, MOST_VOXELS // max(1, rows * columns))
    if last - first + 1 > most or rows * columns > MOST_VOXELS:
        raise Unanswerable(
            "The prompts take in too large a part of the images. Draw a smaller box, or prompt fewer images."
        )
    spare = (most - (last - first + 1)) // 2
    start = max(region.start[0], first - spare)
    stop = min(region.stop[0], last + spare + 1)
    return Region((start, *region.start[1:]), (stop, *region.stop[1:]))

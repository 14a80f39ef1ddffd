"""Which part of a series is looked at for some prompts: around them, and never more than so many voxels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import boxes
from .asked import Prompt, Region, Spacing, Unanswerable

Places = NDArray[np.float64]

REACH_MM = 25.0
"""How far beyond points and scribbles a structure is looked for."""
REACH_PIXELS = 64
"""The same where nobody knows how large a pixel is, and the most that points reach within an image."""
AROUND_BOX = 0.2
"""Of a box's side: what is looked at outside it, to learn what the surroundings look like."""
FEWEST_PIXELS = 6
DEPTH = 0.5
"""Of a box's longer side: how far before and behind it a structure is looked for."""
MOST_SLICES = 192
MOST_VOXELS = 2**22
ELSEWHERE = "A prompt lies outside the image. Take it back, and prompt within the image."
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
    if not _inside(prompts, shape):
        raise Unanswerable(ELSEWHERE)
    if not volume and len({frame for one in prompts for frame in one.frames}) > 1:
        raise Unanswerable(
            "The prompts lie on several images. Ask for the images around, or keep to one image."
        )
    sought = [prompt for prompt in prompts if prompt.positive]
    if not sought:
        raise Unanswerable(NOWHERE)
    low, high = _reached(sought, spacing, volume=volume, calibrated=calibrated)
    far = np.array(shape)
    start = np.floor(np.clip(low, -1, far)).astype(int)
    stop = np.ceil(np.clip(high, -1, far)).astype(int) + 1
    found = Region(
        tuple(max(0, at) for at in start),
        tuple(min(size, at) for size, at in zip(shape, stop, strict=True)),
    )
    if min(found.shape) < 1:
        raise Unanswerable(ELSEWHERE)
    return _bounded(found, sought)


def _points(prompts: Sequence[Prompt]) -> Places:
    """Frame, row and column of each."""
    found = [point[::-1] for prompt in prompts for point in prompt.points]
    return np.array(found, float).reshape(-1, 3)


def _inside(prompts: Sequence[Prompt], shape: tuple[int, int, int]) -> bool:
    """Of a box in a plane that leans over, corners may lie outside: no part of it need."""
    said = _points([prompt for prompt in prompts if prompt.kind != "box"])
    if not prompts or not np.isfinite(_points(prompts)).all():
        return False
    return bool((said >= -0.5).all() and (said <= np.array(shape) - 0.5).all())


def _reached(
    sought: Sequence[Prompt], spacing: Spacing, *, volume: bool, calibrated: bool
) -> tuple[Places, Places]:
    """The first and the last frame, row and column that are looked at."""
    framing = [prompt for prompt in sought if prompt.kind == "box"]
    points = _points(sought)
    low, high = points.min(axis=0), points.max(axis=0)
    if framing:
        beyond = [_beyond_box(box, spacing) for box in framing]
        ends = [
            (_points([box]) - by, _points([box]) + by)
            for box, by in zip(framing, beyond, strict=True)
        ]
        low = np.min([low, *(first.min(axis=0) for first, _ in ends)], axis=0)
        high = np.max([high, *(last.max(axis=0) for _, last in ends)], axis=0)
    else:
        reach = _beyond_points(points, spacing, calibrated=calibrated)
        low, high = low - reach, high + reach
    if not volume:
        low[0] = high[0] = points[0, 0]
    return low, high


def _beyond_box(box: Prompt, spacing: Spacing) -> Places:
    """Voxels: a little within its plane, and far through it."""
    steps = np.array(spacing)
    found = boxes.framed(box, boxes.grid_of(Region((0, 0, 0), (1, 1, 1)), spacing))
    through = np.abs(found.normal)
    fewest = np.maximum(1, np.round(FEWEST_PIXELS * steps[1:].min() / steps))
    within = np.maximum(AROUND_BOX * np.ptp(_points([box]), axis=0), fewest)
    deep = np.maximum(1, DEPTH * max(found.sides) * through / steps)
    return np.asarray(np.where(through > 0.5, deep, np.maximum(within, deep * (through > 0.05))))


def _beyond_points(points: Places, spacing: Spacing, *, calibrated: bool) -> Places:
    """Voxels beyond points and scribbles, along frames, rows and columns."""
    steps = np.array(spacing)
    far = REACH_MM / steps if calibrated else np.full(3, float(REACH_PIXELS))
    within = np.clip(np.maximum(far[1:], np.ptp(points, axis=0)[1:] / 2), FEWEST_PIXELS, None)
    return np.array([max(1.0, REACH_MM / steps[0]), *within])


def _bounded(region: Region, prompts: Sequence[Prompt]) -> Region:
    """Fewer slices on both sides of the prompts, where there are too many."""
    ends = [frame for prompt in prompts for frame in prompt.frames]
    first, last = min(ends), max(ends)
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

"""Boxes among voxels: what lies in them, however their plane cuts the grid of the series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .asked import Mask, Prompt, Region, Spacing

Vector = NDArray[np.float64]
PARALLEL = 0.9
"""Boxes are of one direction whose normals are closer than this cosine (26 degrees)."""
CORE = 0.5
"""Of a box's sides: the part in its middle that is taken to be of what is sought."""
SLACK = 1e-6


@dataclass(frozen=True)
class Grid:
    """Voxels, or blocks of ``factor`` voxels along frames, rows and columns, from ``start`` on."""

    start: tuple[int, int, int]
    shape: tuple[int, int, int]
    factor: tuple[int, int, int]
    spacing: Spacing
    """mm between two blocks."""

    def places(self) -> tuple[Vector, Vector, Vector]:
        """Frame, row and column of the middle of each block, in voxels of the series; to be broadcast."""
        parts = zip(self.start, self.shape, self.factor, strict=True)
        along: list[Vector] = [
            at + (np.arange(count, dtype=np.float64) + 0.5) * by - 0.5 for at, count, by in parts
        ]
        return along[0][:, None, None], along[1][None, :, None], along[2][None, None, :]

    @property
    def steps(self) -> Vector:
        """mm between two voxels of the series."""
        return np.asarray(np.array(self.spacing) / np.array(self.factor))


def grid_of(region: Region, spacing: Spacing, factor: tuple[int, int, int] = (1, 1, 1)) -> Grid:
    """Blocks that cover the region; the last ones may reach beyond it."""
    shape = tuple(-(-size // by) for size, by in zip(region.shape, factor, strict=True))
    apart = tuple(step * by for step, by in zip(spacing, factor, strict=True))
    return Grid(region.start, shape, factor, apart)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Framed:
    """A box on a grid. ``across`` and ``down``: from 0 to 1 within it; ``deep``: mm off its plane."""

    across: Vector
    down: Vector
    deep: Vector
    normal: Vector
    """Of length 1, along frames, rows and columns in mm."""
    sides: tuple[float, float]
    """mm."""
    spacing: Spacing

    @property
    def column(self) -> Mask:
        """What lies in the box, or before or behind it."""
        parts = [(part >= -SLACK) & (part <= 1 + SLACK) for part in (self.across, self.down)]
        return np.asarray(parts[0] & parts[1])

    @property
    def core(self) -> Mask:
        """An ellipse in the middle, and what lies before and behind it."""
        return np.asarray((self.across - 0.5) ** 2 + (self.down - 0.5) ** 2 <= (CORE / 2) ** 2)

    @property
    def axis(self) -> int:
        """That of frames, rows and columns which runs most nearly along the normal."""
        return int(np.abs(self.normal / np.array(self.spacing)).argmax())


def framed(box: Prompt, grid: Grid) -> Framed:
    steps = grid.steps
    corners = [np.array(point)[::-1] * steps for point in box.points]
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    wide, high = (max(float(np.linalg.norm(side)), SLACK) for side in (across, down))
    normal = _normal(across, down)
    parts = zip(grid.places(), steps, corners[0], strict=True)
    place = [at * step - origin for at, step, origin in parts]

    def along(direction: Vector) -> Vector:
        first, second, third = (part * by for part, by in zip(place, direction, strict=True))
        return np.asarray(first + second + third)

    return Framed(
        across=along(across) / wide**2,
        down=along(down) / high**2,
        deep=along(normal),
        normal=normal,
        sides=(wide, high),
        spacing=grid.spacing,
    )


def _normal(across: Vector, down: Vector) -> Vector:
    """Of a box without an area, through the frames."""
    found = np.cross(across, down)
    length = float(np.linalg.norm(found))
    return found / length if length > SLACK**2 else np.array([1.0, 0.0, 0.0])


def inside(given: Sequence[Framed]) -> Mask | None:
    """What lies in some box of each direction: one from the front and one from the side bound a block."""
    directions: list[tuple[Vector, Mask]] = []
    for box in given:
        for at, (normal, found) in enumerate(directions):
            if abs(float(normal @ box.normal)) >= PARALLEL:
                directions[at] = normal, found | box.column
                break
        else:
            directions.append((box.normal, box.column))
    if not directions:
        return None
    return np.asarray(np.logical_and.reduce([found for _, found in directions]))


@dataclass(frozen=True)
class Levels:
    """A grid turned so that a box lies in one layer, the layers being the first axis.

    Columns of voxels are shifted against each other where its plane cuts the grid at an angle.
    """

    axis: int
    at: int
    """The layer of the box."""
    source: NDArray[np.intp]
    """For each place, the layer of the grid that it comes from."""
    valid: Mask
    spacing: Spacing
    """mm between layers, and within them."""

    def level(self, values: NDArray[Any]) -> NDArray[Any]:
        return np.take_along_axis(np.moveaxis(values, self.axis, 0), self.source, axis=0)

    def back(self, values: NDArray[Any]) -> NDArray[Any]:
        """Nothing where no layer reaches."""
        spare = np.zeros_like(values[:1])
        found = np.concatenate([np.zeros_like(values), spare])
        np.put_along_axis(found, np.where(self.valid, self.source, len(values)), values, axis=0)
        return np.moveaxis(found[:-1], 0, self.axis)


def levels(box: Framed) -> Levels:
    axis = box.axis
    deep = np.moveaxis(box.deep, axis, 0)
    count = deep.shape[0]
    plane = np.abs(deep).argmin(axis=0)
    at = int(np.median(plane))
    source = np.arange(count)[:, None, None] + (plane - at)[None]
    valid = (source >= 0) & (source < count)
    away, *within = [box.spacing[axis], *(step for i, step in enumerate(box.spacing) if i != axis)]
    return Levels(axis, at, np.clip(source, 0, count - 1), valid, (away, within[0], within[1]))

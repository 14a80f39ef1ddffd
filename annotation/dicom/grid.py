"""Put masks made elsewhere onto the grid of a series, frame by frame in its spatial order.

Where both grids are the same the voxels are copied; a plane of another size or spacing that lies in the
plane of an image is taken over to the nearest pixel, and said to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .geometry import normal_of
from .outside import Plane

_PARALLEL, _SAME_MM, _SAME_VOXEL, _OFF_VOXELS = 1e-3, 1e-2, 1e-2, 0.1
_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Grid:
    """A series as its description has it: frames in order, each with its place, or without one."""

    rows: int
    columns: int
    frames: list[Json]
    slice_spacing: float | None

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.frames), self.rows, self.columns


@dataclass
class Fitted:
    """One segment on the grid, and how many planes were resampled or lie on no image."""

    voxels: NDArray[np.bool_]
    resampled: int = 0
    missed: int = 0


@dataclass
class Layers:
    """Labelmaps in which no voxel has two classes: what overlaps goes into the next one."""

    shape: tuple[int, int, int]
    maps: list[NDArray[np.uint8]] = field(default_factory=list)

    def add(self, marked: NDArray[np.bool_], value: int) -> None:
        for one in self.maps:
            there = one[marked]
            if not ((there != 0) & (there != value)).any():
                one[marked] = value
                return
        fresh = np.zeros(self.shape, np.uint8)
        fresh[marked] = value
        self.maps.append(fresh)


def grid_of(display: Json) -> Grid:
    """The series' frames with the spacing that each has."""
    shared = {"pixel_spacing": display.get("pixel_spacing")}
    frames: list[Json] = [{**shared, **one} for one in display["frames"]]
    return Grid(display["rows"], display["columns"], frames, display.get("slice_spacing"))


def fit_planes(grid: Grid, planes: Sequence[Plane], voxels: NDArray[np.uint8]) -> Fitted:
    """``voxels``: all planes of the file (plane, row, column); ``planes``: those of one segment."""
    fitted = Fitted(np.zeros(grid.shape, bool))
    for plane in planes:
        target = _frame_of(grid, plane)
        drawn = voxels[plane.index].astype(bool)
        if target is None:
            fitted.missed += 1
        elif _is_same(grid, plane, drawn, grid.frames[target]):
            fitted.voxels[target] |= drawn
        elif (moved := _nearest(grid, plane, drawn, grid.frames[target])) is not None:
            fitted.voxels[target] |= moved
            fitted.resampled += 1
        else:
            fitted.missed += 1
    return fitted


def fit_volume(
    grid: Grid, voxels: NDArray[np.uint8], affine: Sequence[Sequence[float]]
) -> NDArray[np.uint8] | None:
    """A NIfTI volume turned into the order of the series; None unless its voxels are the series' own."""
    found = _turn(grid, affine, voxels.shape)
    if found is None:
        return None
    axes, flips = found
    turned = voxels.transpose(axes)
    for place, flipped in enumerate(flips):
        if flipped:
            turned = np.flip(turned, place)
    return np.ascontiguousarray(turned)


def is_same_room(grid: Grid, affine: Sequence[Sequence[float]], extent: Sequence[int]) -> bool:
    """Whether a volume of that affine (RAS) and extent has the voxels of the series."""
    return _turn(grid, affine, tuple(extent)) is not None


def _turn(
    grid: Grid, affine: Sequence[Sequence[float]], extent: Sequence[int]
) -> tuple[list[int], list[bool]] | None:
    """Which axes of the file are slices, rows and columns here, and which of those run backwards."""
    here = affine_of(grid)
    if here is None or len(extent) != 3:
        return None
    step = np.linalg.inv(here) @ _TO_LPS @ np.array(affine, float)
    turn = np.rint(step[:3, :3])
    axes = [int(axis) for axis in np.abs(turn).argmax(axis=1)]
    if np.abs(step[:3, :3] - turn).max() > _SAME_VOXEL or sorted(axes) != [0, 1, 2]:
        return None
    if np.abs(turn).sum() != 3 or tuple(extent[axis] for axis in axes) != grid.shape:
        return None
    flips = [bool(turn[place, axis] < 0) for place, axis in enumerate(axes)]
    first = np.zeros(3)
    for axis, flipped in zip(axes, flips, strict=True):
        first[axis] = extent[axis] - 1 if flipped else 0
    start = step[:3, :3] @ first + step[:3, 3]
    return (axes, flips) if np.abs(start).max() <= _OFF_VOXELS else None


def affine_of(grid: Grid) -> NDArray[np.float64] | None:
    """From (slice, row, column) to mm (LPS); None where the frames form no volume."""
    first = grid.frames[0]
    position, orientation = first.get("position"), first.get("orientation")
    spacing = first.get("pixel_spacing")
    if not position or not orientation or not spacing:
        return None
    if len(grid.frames) > 1:
        last = grid.frames[-1].get("position")
        if grid.slice_spacing is None or not last:
            return None
        along = (np.array(last, float) - np.array(position, float)) / (len(grid.frames) - 1)
    else:
        along = normal_of(orientation)
    made = np.eye(4)
    made[:3, 0] = along
    made[:3, 1] = np.array(orientation[3:], float) * spacing[0]
    made[:3, 2] = np.array(orientation[:3], float) * spacing[1]
    made[:3, 3] = position
    return made


def to_pixels(frame: Json, points: Sequence[Sequence[float]]) -> tuple[list[list[float]], float]:
    """[column, row] of points in mm on the frame's plane, and how far off the plane the farthest is."""
    orientation = np.array(frame["orientation"], float)
    away = np.array(points, float) - np.array(frame["position"], float)
    between_rows, between_columns = frame["pixel_spacing"]
    columns = away @ orientation[:3] / between_columns
    rows = away @ orientation[3:] / between_rows
    distance = np.abs(away @ normal_of(frame["orientation"]))
    return np.stack([columns, rows], axis=1).tolist(), float(distance.max())


def is_placed(frame: Json) -> bool:
    return bool(frame.get("position") and frame.get("orientation") and frame.get("pixel_spacing"))


def _frame_of(grid: Grid, plane: Plane) -> int | None:
    """By the image it names; else the frame in whose plane it lies."""
    for index, frame in enumerate(grid.frames):
        named = frame["sop_instance_uid"] == plane.sop_instance_uid
        if named and plane.frame in (0, frame["frame"]):
            return index
    if plane.position is None or plane.orientation is None:
        return None
    best: tuple[float, int] | None = None
    for index, frame in enumerate(grid.frames):
        if not is_placed(frame) or not _parallel(plane.orientation, frame["orientation"]):
            continue
        away = np.array(plane.position, float) - np.array(frame["position"], float)
        distance = abs(float(away @ normal_of(frame["orientation"])))
        if best is None or distance < best[0]:
            best = distance, index
    half = (grid.slice_spacing or 2 * _SAME_MM) / 2
    return best[1] if best is not None and best[0] < half else None


def _parallel(one: Sequence[float], other: Sequence[float]) -> bool:
    return float(np.abs(np.abs(normal_of(one) @ normal_of(other)) - 1)) < _PARALLEL


def _is_same(grid: Grid, plane: Plane, drawn: NDArray[np.bool_], frame: Json) -> bool:
    if drawn.shape != (grid.rows, grid.columns):
        return False
    if plane.position is None or plane.orientation is None or not is_placed(frame):
        return True
    spacing = plane.spacing or frame["pixel_spacing"]
    return bool(
        np.allclose(plane.orientation, frame["orientation"], atol=_PARALLEL)
        and np.allclose(spacing, frame["pixel_spacing"], rtol=_PARALLEL)
        and np.linalg.norm(np.subtract(plane.position, frame["position"])) < _half_pixel(frame)
    )


def _half_pixel(frame: Json) -> float:
    return 0.5 * float(min(frame["pixel_spacing"]))


def _nearest(
    grid: Grid, plane: Plane, drawn: NDArray[np.bool_], frame: Json
) -> NDArray[np.bool_] | None:
    """The plane's pixels at the centres of the frame's; None where its place is not known."""
    if plane.position is None or plane.orientation is None or plane.spacing is None:
        return None
    if not is_placed(frame) or not _parallel(plane.orientation, frame["orientation"]):
        return None
    orientation = np.array(frame["orientation"], float)
    rows, columns = np.mgrid[0 : grid.rows, 0 : grid.columns]
    between_rows, between_columns = frame["pixel_spacing"]
    centres = (
        np.array(frame["position"], float)
        + columns[..., None] * between_columns * orientation[:3]
        + rows[..., None] * between_rows * orientation[3:]
    )
    source = {
        "position": plane.position,
        "orientation": plane.orientation,
        "pixel_spacing": plane.spacing,
    }
    pixels, _ = to_pixels(source, centres.reshape(-1, 3))
    nearest = np.rint(np.array(pixels)).astype(int)
    inside = (nearest >= 0).all(axis=1) & (nearest < (drawn.shape[1], drawn.shape[0])).all(axis=1)
    moved = np.zeros(grid.rows * grid.columns, bool)
    moved[inside] = drawn[nearest[inside, 1], nearest[inside, 0]]
    return moved.reshape(grid.rows, grid.columns)


def filled(
    outlines: Sequence[Sequence[Sequence[float]]], rows: int, columns: int
) -> NDArray[np.bool_]:
    """Pixels whose centre lies within the closed outlines, by the even-odd rule: one within another is a
    hole.
    """
    inside = np.zeros((rows, columns), bool)
    row, column = np.mgrid[0:rows, 0:columns]
    for outline in outlines:
        points = np.array(outline, float)
        low = np.maximum(np.floor(points.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 1, (columns, rows))
        if (low >= high).any():
            continue
        part = np.s_[low[1] : high[1], low[0] : high[0]]
        inside[part] ^= _crossed(points, column[part], row[part])
    return inside


def _crossed(
    points: NDArray[np.float64], x: NDArray[np.int_], y: NDArray[np.int_]
) -> NDArray[np.bool_]:
    found = np.zeros(x.shape, bool)
    for (x1, y1), (x2, y2) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if y1 == y2:
            continue
        spans = (y1 > y) != (y2 > y)
        found ^= spans & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return found

"""What a reader prompts, and the part of a series that is looked at for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Kind: TypeAlias = Literal["point", "scribble", "box"]
Image: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]
Spacing: TypeAlias = tuple[float, float, float]
"""mm between slices, rows and columns."""
Voxel: TypeAlias = tuple[float, float, float]
"""Column, row and frame of a series; the centres of voxels lie at integers."""
Check: TypeAlias = Callable[[], None]
"""Called now and then during long work; it may raise to stop it."""


def ignore() -> None:
    """Whoever does not want to stop the work."""


class Unanswerable(Exception):
    """The message says to a reader why no mask can be made of these prompts, and what to do."""


@dataclass(frozen=True)
class Prompt:
    """One point, one line or one box, on a frame or in a plane across several.

    Of a box, ``points`` are its four corners in turn. A box is always positive: what is sought lies in it.
    """

    kind: Kind
    positive: bool
    points: tuple[Voxel, ...]

    @property
    def frames(self) -> tuple[int, int]:
        """The first and the last that it lies on."""
        along = [frame for _, _, frame in self.points]
        return round(min(along)), round(max(along))


def on_frame(
    kind: Kind, positive: bool, frame: int, points: tuple[tuple[float, float], ...]
) -> Prompt:
    """As it is drawn on one frame (from 0). ``points``: (column, row); of a box, two opposite corners."""
    if kind == "box":
        (left, top), (right, bottom) = points
        points = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Prompt(kind, positive, tuple((column, row, float(frame)) for column, row in points))


@dataclass(frozen=True)
class Region:
    """Part of a series: for frames, rows and columns, the first index and the one behind the last."""

    start: tuple[int, int, int]
    stop: tuple[int, int, int]

    @property
    def shape(self) -> tuple[int, int, int]:
        frames, rows, columns = (b - a for a, b in zip(self.start, self.stop, strict=True))
        return frames, rows, columns

    @property
    def voxels(self) -> int:
        frames, rows, columns = self.shape
        return frames * rows * columns

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        frames, rows, columns = (slice(a, b) for a, b in zip(self.start, self.stop, strict=True))
        return frames, rows, columns

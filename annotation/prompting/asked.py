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
Check: TypeAlias = Callable[[], None]
"""Called now and then during long work; it may raise to stop it."""


def ignore() -> None:
    """Whoever does not want to stop the work."""


class Unanswerable(Exception):
    """The message says to a reader why no mask can be made of these prompts, and what to do."""


@dataclass(frozen=True)
class Prompt:
    """One point, one line or one box on one frame (from 0). ``points``: (column, row), pixel centres at
    integers; of a box, two opposite corners. A box is always positive: what is sought lies within it.
    """

    kind: Kind
    positive: bool
    frame: int
    points: tuple[tuple[float, float], ...]


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

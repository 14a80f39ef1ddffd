"""How far a final reading is from what was suggested: overlap of masks, distance of points. No database."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 20
DIFFERENT_PX = 0.01
"""Finer than any hand: what is closer lies where it was."""

Point = Sequence[float]


def dice(first: bytes, second: bytes, values: Iterable[int]) -> dict[int, float]:
    """For each value, 2·|A∩B| / (|A|+|B|) of two gzipped uint8 labelmaps of one size; 1 if in neither.

    Unpacked block by block: the memory does not grow with the volume.
    """
    together = np.zeros((256, 256), np.int64)
    with gzip.open(io.BytesIO(first)) as one, gzip.open(io.BytesIO(second)) as other:
        while block := one.read(BLOCK):
            together += _counts(block, other.read(len(block)))
    return {value: _dice_of(together, value) for value in values}


def _counts(first: bytes, second: bytes) -> NDArray[np.int64]:
    """[256, 256]: how many voxels have the one value here and the other there."""
    pairs = np.frombuffer(first, np.uint8).astype(np.uint16) << 8
    pairs |= np.frombuffer(second, np.uint8)
    return np.bincount(pairs, minlength=65536).reshape(256, 256)


def _dice_of(together: NDArray[np.int64], value: int) -> float:
    size = int(together[value].sum() + together[:, value].sum())
    return 2 * int(together[value, value]) / size if size else 1.0


def moved(
    before: Sequence[Point], after: Sequence[Point], spacing: Sequence[float] | None
) -> tuple[int, float | None]:
    """How many points ([column, row]) of a mark lie elsewhere now, and how far on average in mm.

    ``spacing``: mm between rows and between columns; None: not calibrated. A contour that was drawn
    anew has other points: each is then measured to the nearest of those before.
    """
    if not before or not after:
        return len(after), None
    old, new = np.asarray(before, float), np.asarray(after, float)
    offsets = new - old if len(old) == len(new) else new - old[_nearest(old, new)]
    elsewhere = np.hypot(*offsets.T) > DIFFERENT_PX
    count = int(elsewhere.sum())
    if spacing is None:
        return count, None
    between_rows, between_columns = spacing
    distances = np.hypot(offsets[:, 0] * between_columns, offsets[:, 1] * between_rows)
    return count, float(distances[elsewhere].mean()) if count else 0.0


def _nearest(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.intp]:
    """Point by point: a table of all distances of two long contours would not be small."""
    return np.array([int(np.argmin(((old - point) ** 2).sum(axis=1))) for point in new], np.intp)

"""Which parts of a volume to ask for: slices or patches that do not overlap.

Grids are in voxels, axes as in the array; a patch is named by its lowest corner.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from learning.acquisition.chance import thirds
from learning.acquisition.errors import AcquisitionError
from learning.acquisition.features import FloatArray, Indices
from learning.acquisition.pool import FLOOR

POSSIBLE = 0.1
"""Probability of any foreground from which a voxel counts."""
SPECK = 3
"""A doubtful region of this many voxels a side counts half, if a patch is as large."""


def aggregate(uncertainty: FloatArray, foreground: FloatArray) -> float:
    """One case's uncertainty, 0 to 1: its mean over the voxels that may be foreground.

    Neither an empty volume (no such voxel: 0) nor a huge one wins by its size, and a handful of
    doubtful voxels counts less than a region. Both arrays have the volume's shape.
    """
    region = foreground > POSSIBLE
    weight = float(region.sum()) + SPECK**uncertainty.ndim
    return float(uncertainty[region].sum(dtype=np.float64) / weight)


def patches(
    uncertainty: FloatArray,
    size: Sequence[int],
    k: int,
    *,
    foreground: FloatArray | None = None,
    classes: NDArray[np.integer] | None = None,
    sharpness: float = np.inf,
    rng: np.random.Generator | None = None,
    taken: Indices | None = None,
) -> tuple[Indices, FloatArray]:
    """[at most k, axes] corners of patches that overlap neither each other nor ``taken``, and
    their scores.

    A patch scores the mean uncertainty of its voxels, of those that may be ``foreground`` where
    that is given. With ``classes`` (the predicted mask, 0 is background) two picks in three go to
    patches by the uncertainty where each class in turn is predicted, and with a finite
    ``sharpness`` the draw is by a power of the score instead of the highest: ClaSP PE (Lüth et al.
    2025). One running sum along each axis, whatever the patch's size.
    """
    size = tuple(int(side) for side in size)
    if len(size) != uncertainty.ndim or any(
        not 1 <= side <= whole for side, whole in zip(size, uncertainty.shape, strict=True)
    ):
        raise AcquisitionError(
            f"A patch of {size} does not fit into a volume of {uncertainty.shape}."
        )
    if not np.isfinite(uncertainty).all():
        raise AcquisitionError("uncertainty holds values that are not numbers.")
    present = [] if classes is None else [int(one) for one in np.unique(classes) if one]
    regions = [None if foreground is None else np.asarray(foreground > POSSIBLE)]
    regions += [np.asarray(classes == one) for one in present]
    maps: list[FloatArray] = [_means(uncertainty, region, size) for region in regions]
    lots = [score.copy() for score in maps]
    if np.isfinite(sharpness):
        draw = np.random.default_rng(0) if rng is None else rng
        for lot in lots:
            lot[...] = sharpness * np.log(np.maximum(lot, FLOOR)) + draw.gumbel(size=lot.shape)
    for corner in () if taken is None else taken:
        _suppress(lots, corner, size)
    return _best(maps, lots, size, k)


def slices(
    uncertainty: FloatArray,
    k: int,
    *,
    axis: int = 0,
    apart: int = 1,
    foreground: FloatArray | None = None,
) -> tuple[Indices, FloatArray]:
    """At most k slice numbers along ``axis``, at least ``apart`` from each other, and their scores."""
    turned = np.moveaxis(uncertainty, axis, 0)
    region = None if foreground is None else np.moveaxis(foreground, axis, 0) > POSSIBLE
    size = (1, *turned.shape[1:])
    score = _means(turned, region, size)
    lots = [np.array(score)]
    found: list[int] = []
    while len(found) < k and np.isfinite(lots[0]).any():
        best = int(np.argmax(lots[0]))
        found.append(best)
        lots[0][max(0, best - apart + 1) : best + apart] = -np.inf
    return np.array(found, np.int64), score.reshape(-1)[found]


def _best(
    maps: Sequence[FloatArray], lots: Sequence[FloatArray], size: tuple[int, ...], k: int
) -> tuple[Indices, FloatArray]:
    corners: list[tuple[int, ...]] = []
    scores: list[float] = []
    turns = thirds(len(maps) - 1)
    while len(corners) < k:
        which = turns[len(corners) % len(turns)]
        if lots[which].max() == -np.inf:
            break
        corner = tuple(int(at) for at in np.unravel_index(np.argmax(lots[which]), maps[0].shape))
        corners.append(corner)
        scores.append(float(maps[which][corner]))
        _suppress(lots, np.array(corner), size)
    return np.array(corners, np.int64).reshape(-1, len(size)), np.array(scores)


def _suppress(lots: Sequence[FloatArray], corner: Indices, size: tuple[int, ...]) -> None:
    around = tuple(
        slice(max(0, int(at) - side + 1), int(at) + side)
        for at, side in zip(corner, size, strict=True)
    )
    for lot in lots:
        lot[around] = -np.inf


def _means(
    values: FloatArray, region: NDArray[np.bool_] | None, size: tuple[int, ...]
) -> FloatArray:
    """The mean of ``values`` in every patch, or of those in the region, which counts by its size."""
    if region is None:
        return _sums(np.asarray(values, np.float32), size) / np.float32(np.prod(size))
    inside = _sums(np.where(region, values, 0).astype(np.float32), size)
    speck = np.prod([min(SPECK, side) for side in size])
    return inside / (_sums(region.astype(np.float32), size) + np.float32(speck))


def _sums(values: FloatArray, size: tuple[int, ...]) -> FloatArray:
    """The sum over every patch: a running sum along each axis, one layer in the cache at a time."""
    depth, *rest = size
    shape = [whole - side + 1 for whole, side in zip(values.shape, size, strict=True)]
    layers = np.empty([len(values), *shape[1:]], np.float32)
    for at, layer in enumerate(values):
        layers[at] = _layer_sums(layer, rest)
    found = np.empty(shape, np.float32)
    total = layers[:depth].sum(axis=0, dtype=np.float64)
    found[0] = total
    for at in range(1, shape[0]):
        total += layers[at + depth - 1]
        total -= layers[at - 1]
        found[at] = total
    return np.maximum(found, 0, out=found)


def _layer_sums(layer: FloatArray, size: Sequence[int]) -> FloatArray:
    for axis, side in enumerate(size):
        running = np.cumsum(layer, axis=axis, dtype=np.float64)
        layer = np.array(np.moveaxis(running, axis, 0)[side - 1 :])
        layer[1:] -= np.moveaxis(running, axis, 0)[:-side]
        layer = np.moveaxis(layer, 0, axis)
    return layer

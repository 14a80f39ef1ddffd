"""Distances between the surfaces of two masks, in mm.

A mask's surface is its voxels of which a face neighbour, or the image's edge, is outside the mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import ndimage

from learning.engine.errors import NotComputable

from .arrays import Array
from .overlap import NO_SURFACES


@dataclass(frozen=True)
class Distances:
    """From each voxel of one surface to the nearest of the other, in mm; empty without a mask."""

    of_predicted: Array
    of_true: Array

    @property
    def comparable(self) -> bool:
        return bool(len(self.of_predicted) and len(self.of_true))


def distances(predicted: Array, true: Array, spacing: Sequence[float]) -> Distances:
    """Of two boolean masks on one grid, with ``spacing`` mm for each axis (slices, rows, columns)."""
    if predicted.shape != true.shape or len(spacing) != true.ndim:
        raise ValueError(f"{predicted.shape}, {true.shape} and {len(spacing)} spacings differ")
    where = _bounds(predicted | true)
    found, wanted = (_surface(np.asarray(mask[where], bool)) for mask in (predicted, true))
    if not found.any() or not wanted.any():
        return Distances(np.full(found.sum(), np.inf), np.full(wanted.sum(), np.inf))
    to_true = ndimage.distance_transform_edt(~wanted, sampling=spacing)
    to_found = ndimage.distance_transform_edt(~found, sampling=spacing)
    return Distances(to_true[found], to_found[wanted])


def hausdorff95(between: Distances) -> float:
    """The larger of the two directed 95th percentiles, in mm. NotComputable if a mask is empty."""
    _need_both(between)
    return float(max(np.percentile(between.of_predicted, 95), np.percentile(between.of_true, 95)))


def mean_distance(between: Distances) -> float:
    """Average symmetric surface distance (ASSD), in mm. NotComputable if a mask is empty."""
    _need_both(between)
    return float(np.concatenate([between.of_predicted, between.of_true]).mean())


def surface_dice(between: Distances, tolerance: float) -> float:
    """Share of both surfaces within ``tolerance`` mm of the other; 0 if one mask is empty.

    NotComputable if both are.
    """
    every = np.concatenate([between.of_predicted, between.of_true])
    if not len(every):
        raise NotComputable("Surface Dice needs a mask with the structure; both are empty.")
    return float((every <= tolerance).mean())


def summary(between: Distances, tolerance: float) -> tuple[float, float, float]:
    """HD95 and mean distance in mm, and surface Dice; not a number where there is none."""
    each = (hausdorff95, mean_distance, partial(surface_dice, tolerance=tolerance))
    first, second, third = (_or_nan(metric, between) for metric in each)
    return first, second, third


def _or_nan(metric: Callable[[Distances], float], between: Distances) -> float:
    try:
        return metric(between)
    except NotComputable:
        return float("nan")


def _surface(mask: Array) -> Array:
    return np.asarray(mask & ~ndimage.binary_erosion(mask))


def _bounds(mask: Array) -> tuple[slice, ...]:
    """The smallest box around the mask: nothing outside it can be on a surface."""
    if not mask.any():
        return tuple(slice(0, 1) for _ in mask.shape)
    box: tuple[slice, ...] = ndimage.find_objects(np.asarray(mask, np.uint8))[0]
    return box


def _need_both(between: Distances) -> None:
    if not between.comparable:
        raise NotComputable(NO_SURFACES)

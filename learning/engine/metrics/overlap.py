"""Dice from counts of voxels, and means over cases of what was measured class by class."""

from __future__ import annotations

import numpy as np

from learning.engine.errors import NotComputable

from .arrays import Array

NO_SURFACES = "Surface distances need a case in which both masks have the structure."


def dice(overlap: Array) -> float:
    """Mean over cases of the mean over classes of ``overlap`` [N, K, 3] (shared, predicted, true).

    A class absent from both masks does not count; one predicted where it is absent counts 0.
    """
    each = dice_by_case(overlap)
    counted = ~np.isnan(each).all(axis=1)
    if not counted.any():
        raise NotComputable("Dice needs a case with a reference mask and something to find in it.")
    return float(np.nanmean(each[counted], axis=1).mean())


def dice_by_case(overlap: Array) -> Array:
    """[N, K] of ``overlap`` [N, K, 3]; not a number where neither mask has the class."""
    shared, predicted, true = np.moveaxis(np.asarray(overlap, float), -1, 0)
    size = np.maximum(predicted + true, 0)
    each = np.divide(2 * shared, size, out=np.full_like(size, np.nan), where=size > 0)
    return np.asarray(each)


def mean_of(values: Array) -> float:
    """Mean over cases of the mean over classes of [N, K]; what is not a number does not count."""
    counted = ~np.isnan(values).all(axis=1)
    if not counted.any():
        raise NotComputable(NO_SURFACES)
    return float(np.nanmean(values[counted], axis=1).mean())

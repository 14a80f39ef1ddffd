"""How far predicted points lie from true ones."""

from __future__ import annotations

import numpy as np

from learning.engine.errors import NotComputable

from .arrays import Array

RADII = (2.0, 2.5, 3.0, 4.0)
"""mm within which a point counts as found, as cephalometric studies state it."""


def radial_errors(predicted: Array, true: Array) -> Array:
    """[N, K] distances of [N, K, D] points in mm; not a number where either is unknown."""
    return np.asarray(np.linalg.norm(np.asarray(predicted, float) - true, axis=-1))


def mean_radial_error(errors: Array) -> float:
    """Mean of the known [N, K] distances, in mm."""
    return float(np.mean(_known(errors)))


def success_rate(errors: Array, radius: float) -> float:
    """Share of the known [N, K] distances of at most ``radius`` mm."""
    return float(np.mean(_known(errors) <= radius))


def _known(errors: Array) -> Array:
    known = errors[np.isfinite(errors)]
    if not len(known):
        raise NotComputable("Landmark errors need a case with a true and a predicted point.")
    return known

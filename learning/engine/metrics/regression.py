"""Predicted numbers against true ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learning.engine.errors import NotComputable

from .arrays import Array, checked

LIMITS = 1.959963984540054
"""Standard deviations on either side of the bias that hold 95 % of normal differences."""
MOST_POINTS = 500


@dataclass(frozen=True)
class Agreement:
    """Bland and Altman's: mean difference predicted - true, and its 95 % limits."""

    bias: float
    low: float
    high: float
    deviation: float


def mae(targets: Array, predicted: Array) -> float:
    """Mean absolute error, in the targets' unit."""
    return float(np.mean(np.abs(_differences(targets, predicted))))


def rmse(targets: Array, predicted: Array) -> float:
    """Root of the mean squared error, in the targets' unit."""
    return float(np.sqrt(np.mean(_differences(targets, predicted) ** 2)))


def r2(targets: Array, predicted: Array) -> float:
    """Share of the targets' variance that is explained; below 0: worse than their mean."""
    differences = _differences(targets, predicted)
    spread = float(np.sum((targets - np.mean(targets)) ** 2))
    if spread == 0:
        raise NotComputable("R² needs cases with different values; all are alike.")
    return 1 - float(np.sum(differences**2)) / spread


def bland_altman(targets: Array, predicted: Array) -> Agreement:
    differences = _differences(targets, predicted)
    if len(differences) < 2:
        raise NotComputable("Limits of agreement need two cases at least.")
    bias, deviation = float(differences.mean()), float(differences.std(ddof=1))
    return Agreement(bias, bias - LIMITS * deviation, bias + LIMITS * deviation, deviation)


def bland_altman_points(targets: Array, predicted: Array) -> dict[str, list[float]]:
    """Means and differences for drawing, at most 500 cases."""
    differences = _differences(targets, predicted)
    kept = np.unique(np.linspace(0, len(differences) - 1, MOST_POINTS).astype(int))
    return {
        "mean": ((np.asarray(targets, float) + predicted) / 2)[kept].tolist(),
        "difference": differences[kept].tolist(),
    }


def _differences(targets: Array, predicted: Array) -> Array:
    checked(targets, predicted)
    checked(predicted, targets)
    return np.asarray(np.asarray(predicted, float) - np.asarray(targets, float))

"""What a network says, as a probability that can be averaged with another network's.

J. Platt, "Probabilistic outputs for support vector machines" (1999), with his smoothed targets: a
temperature and a shift for each network. It only orders and scales: the guarantee does not rest on it,
since thresholds are tested on cases that it was not fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST_OF_EACH = 5
"""Fewer positives or negatives say nothing of a scale."""
STEEPEST = 20.0
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """probability = logistic(slope x log-odds + shift); the slope is above zero, so the order stays."""

    slope: float = 1.0
    shift: float = 0.0

    def __call__(self, log_odds: ArrayLike) -> Floats:
        values = self.slope * np.asarray(log_odds, np.float64) + self.shift
        return np.asarray(0.5 * (1 + np.tanh(values / 2)))


def fit_scaling(log_odds: ArrayLike, positive: ArrayLike) -> Scaling:
    """The scaling with the least log loss of log-odds [N] against answers [N]; none for too few cases."""
    from scipy.optimize import minimize

    values, answers = np.asarray(log_odds, np.float64), np.asarray(positive, bool)
    usable = np.isfinite(values)
    values, answers = values[usable], answers[usable]
    positives, negatives = int(answers.sum()), int((~answers).sum())
    if min(positives, negatives) < FEWEST_OF_EACH or np.ptp(values) == 0:
        return Scaling()
    targets = np.where(answers, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(parameters: Floats) -> float:
        scaled = np.exp(parameters[0]) * values + parameters[1]
        return float(np.mean(np.logaddexp(0, scaled) - targets * scaled))

    found = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-5})
    return Scaling(float(np.clip(np.exp(found.x[0]), 1 / STEEPEST, STEEPEST)), float(found.x[1]))

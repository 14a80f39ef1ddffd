"""Agreement on grades that have an order."""

from __future__ import annotations

import numpy as np

from learning.engine.errors import NotComputable

from .arrays import Array, checked


def quadratic_kappa(targets: Array, predicted: Array, grades: int) -> float:
    """Cohen's kappa of [N] grades 0…grades-1, a disagreement weighing its squared distance."""
    place = np.arange(grades)
    return _kappa(targets, predicted, (place[:, None] - place[None, :]) ** 2.0)


def kappa(targets: Array, predicted: Array, classes: int) -> float:
    """Cohen's kappa of [N] classes 0…classes-1, every disagreement weighing the same."""
    return _kappa(targets, predicted, 1.0 - np.eye(classes))


def _kappa(targets: Array, predicted: Array, weights: Array) -> float:
    checked(targets, predicted)
    size = len(weights)
    both = np.asarray(targets, int) * size + np.asarray(predicted, int)
    observed = np.bincount(both, minlength=size**2).reshape(size, size) / len(both)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0))
    by_chance = float((weights * expected).sum())
    if by_chance == 0:
        raise NotComputable("Kappa needs more than one class among the answers.")
    return 1 - float((weights * observed).sum()) / by_chance

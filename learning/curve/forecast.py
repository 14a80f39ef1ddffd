"""What more labels will bring: an inverse power law through the points of a learning curve.

value(n) = asymptote - gap * (n / first) ** -exponent, with a posterior on a grid: intervals, not one
line. Pure NumPy. Metrics of which less is better are forecast upside down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST = 4
"""Points: below, a curve of three numbers fits anything."""
SHARED = 0.75
"""Share of an interval's variance that all points have in common: they stand on the same hold-out."""
SMALLEST_ERROR = 0.003
UNKNOWN_ERROR = 0.05
DRAWS = 400
LEVEL = 0.9
USUAL_EXPONENT, SPREAD = 0.5, 0.7
"""Prior of the exponent: log-normal, what learning curves of images mostly show."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    labels: int
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Expected:
    """Mean and 90 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Fit:
    """Draws [D, 3] of asymptote, gap and exponent, in the metric turned so that more is better."""

    draws: Array
    first: int
    rising: bool

    def at(self, labels: float) -> Expected:
        """The metric with so many labels."""
        return _summed_up(self._values(labels) if self.rising else -self._values(labels))

    def gain(self, labels: float, batch: float) -> Expected:
        """How much better, by a batch on top of so many labels; never below zero in the mean."""
        return _summed_up(self._values(labels + batch) - self._values(labels))

    def _values(self, labels: float) -> Array:
        asymptote, gap, exponent = self.draws.T
        return np.asarray(asymptote - gap * (max(labels, 1) / self.first) ** -exponent)


def fit(points: Sequence[Point], *, rising: bool = True, seed: int = 0) -> Fit | None:
    """None with fewer than four points of different numbers of labels."""
    if len({point.labels for point in points}) < FEWEST:
        return None
    ordered = sorted(points, key=lambda point: point.labels)
    labels = np.array([max(point.labels, 1) for point in ordered], float)
    values = np.array([point.value if rising else -point.value for point in ordered])
    errors = np.array([_error(point) for point in ordered])
    grid = _grid(values, errors, ceiling=1.0 if rising else 0.0)
    chances = _log_posterior(grid, labels / labels[0], values, errors)
    weights = np.exp(chances - chances.max())
    drawn = np.random.default_rng(seed).choice(len(grid), DRAWS, p=weights / weights.sum())
    return Fit(grid[drawn], int(labels[0]), rising)


def _error(point: Point) -> float:
    if point.low is None or point.high is None:
        return UNKNOWN_ERROR
    whole = (point.high - point.low) / (2 * 1.96)
    return max(SMALLEST_ERROR, whole * float(np.sqrt(1 - SHARED)))


def _grid(values: Array, errors: Array, ceiling: float) -> Array:
    """[G, 3]; the asymptote between what was reached and what can be, the gap below it."""
    reached = min(float(values.max() - 2 * errors.max()), ceiling)
    asymptotes = np.linspace(reached, ceiling, 41)
    gaps = np.linspace(0, max(ceiling - float(values.min()), 0) + 3 * float(errors.max()), 61)
    exponents = np.geomspace(0.1, 2.5, 17)
    return np.stack(np.meshgrid(asymptotes, gaps, exponents, indexing="ij"), -1).reshape(-1, 3)


def _log_posterior(grid: Array, times: Array, values: Array, errors: Array) -> Array:
    asymptote, gap, exponent = grid.T
    chances = -0.5 * ((np.log(exponent) - np.log(USUAL_EXPONENT)) / SPREAD) ** 2
    for more, value, error in zip(times, values, errors, strict=True):
        chances = chances - 0.5 * ((asymptote - gap * more**-exponent - value) / error) ** 2
    return np.asarray(chances)


def _summed_up(values: Array) -> Expected:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Expected(float(values.mean()), float(low), float(high))

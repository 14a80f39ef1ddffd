"""Temperature scaling: one number that makes stated probabilities match observed frequencies."""

from __future__ import annotations

from numpy.typing import ArrayLike


def fit_temperature(logits: ArrayLike, targets: ArrayLike) -> float:
    """The temperature in [0.25, 8] with the least log loss; 1.0 where the data cannot tell."""
    raise NotImplementedError

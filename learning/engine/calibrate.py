"""Temperature scaling: one number that makes stated probabilities match observed frequencies."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

Chances = Callable[[Any, float], NDArray[Any]]
LOWEST, HIGHEST = 0.5, 8.0
"""Below, a few easy cases would make a network absurdly sure."""
FEWEST = 10
"""Cases below which a fitted temperature would be noise."""


def fit_temperature(logits: ArrayLike, targets: ArrayLike, chances: Chances | None = None) -> float:
    """The temperature in [0.5, 8] with the least log loss of ``logits`` [N, C] / temperature.

    ``chances(logits, temperature)`` gives the probabilities, where they are not the softmax.

    1.0, which changes nothing, where the data cannot tell: fewer than ten cases, one class only,
    or no finite logits. Cases with logits that are not numbers do not count.
    """
    values, answers = np.asarray(logits, np.float64), np.asarray(targets, np.int64)
    if values.ndim != 2 or len(values) != len(answers):
        raise ValueError(
            f"logits {values.shape} and targets {answers.shape} do not belong together"
        )
    usable = np.isfinite(values).all(axis=1)
    values, answers = values[usable], answers[usable]
    if len(answers) < FEWEST or len(np.unique(answers)) < 2 or np.ptp(values, axis=1).max() == 0:
        return 1.0
    loss = _log_loss if chances is None else partial(_log_loss_of, chances)
    found = minimize_scalar(
        lambda log: loss(values, float(np.exp(log)), answers),
        bounds=(np.log(LOWEST), np.log(HIGHEST)),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(found.x))


def softmax(logits: ArrayLike, temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities over the last axis."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _log_loss(logits: NDArray[np.float64], temperature: float, targets: NDArray[np.int64]) -> float:
    scaled = logits / temperature
    shifted = scaled - scaled.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-logs[np.arange(len(targets)), targets].mean())


def _log_loss_of(
    chances: Chances, logits: NDArray[np.float64], temperature: float, targets: NDArray[np.int64]
) -> float:
    said = np.clip(chances(logits, temperature), 1e-12, 1.0)
    return float(-np.log(said[np.arange(len(targets)), targets]).mean())

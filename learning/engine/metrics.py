"""Metrics and their intervals over patients, in pure NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Metric = Callable[..., float]


@dataclass(frozen=True)
class Interval:
    """A metric with its bootstrap interval by patient. ``value`` None: see ``note`` for why."""

    value: float | None
    low: float | None
    high: float | None
    patients: int
    note: str = ""


@dataclass(frozen=True)
class Measured:
    """One row of an evaluation; ``detail`` holds curve points or confusion counts."""

    metric: str
    interval: Interval
    subgroup: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def bootstrap(
    metric: Metric,
    arrays: Sequence[NDArray[Any]],
    patients: Sequence[str],
    *,
    seed: int,
    n: int = 1000,
    level: float = 0.95,
) -> Interval:
    """``metric(*arrays)`` and its percentile interval, drawing whole patients with replacement."""
    raise NotImplementedError


def difference(
    metric: Metric,
    targets: NDArray[Any],
    new: NDArray[Any],
    old: NDArray[Any],
    patients: Sequence[str],
    *,
    seed: int,
    n: int = 1000,
    level: float = 0.95,
) -> Interval:
    """``metric(targets, new) - metric(targets, old)``, the same patients drawn for both."""
    raise NotImplementedError


def classification(
    targets: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    patients: Sequence[str],
    *,
    classes: Sequence[str],
    seed: int,
    threshold: float = 0.5,
) -> list[Measured]:
    """auroc, auprc, sensitivity, specificity, balanced_accuracy, f1, brier, ece."""
    raise NotImplementedError


def segmentation(
    overlap: NDArray[np.int64], patients: Sequence[str], *, classes: Sequence[str], seed: int
) -> list[Measured]:
    """dice (mean over the classes) and dice per class (``subgroup`` is the class)."""
    raise NotImplementedError

"""What every metric needs of its arrays: that they belong together, ranks, counts by threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from learning.engine.errors import NotComputable

Array = NDArray[Any]


def checked(targets: Array, values: Array) -> Array:
    """The targets [N] as booleans, when there is anything to measure; NotComputable otherwise."""
    if len(targets) != len(values):
        raise ValueError(f"{len(targets)} targets and {len(values)} values do not belong together")
    if not len(targets):
        raise NotComputable("There is no case to measure.")
    if not np.isfinite(np.asarray(values, float)).all():
        raise NotComputable("Some of the scores are not numbers.")
    return np.asarray(targets) > 0


def ranks(scores: Array) -> NDArray[np.float64]:
    """1 for the lowest of [N] scores; equal scores share the mean of their ranks."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[place], np.float64)


def counts_by_threshold(positive: Array, scores: Array) -> tuple[Array, Array, Array]:
    """True and false positives when calling from each distinct score on, highest first."""
    order = np.argsort(-np.asarray(scores, float), kind="stable")
    ordered = np.asarray(scores)[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    true = np.cumsum(positive[order])[ends]
    return true, ends + 1 - true, ordered[ends]

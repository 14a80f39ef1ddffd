"""What an acquisition function sees of the pool, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]


class AcquisitionError(Exception):
    """The pool lacks what the function needs; the message says what."""


@dataclass(frozen=True)
class PoolScores:
    """N cases, C classes, D features; row i is the same case everywhere."""

    ensemble: FloatArray
    """[N, C] probabilities. [N, 0] when there is no model yet."""
    probabilities: Mapping[str, FloatArray] = field(default_factory=dict)
    """Network name → [N, C]."""
    embeddings: FloatArray | None = None
    """[N, D]."""
    labelled: FloatArray | None = None
    """[L, D]: embeddings of the cases that have a label already."""
    uncertainty: FloatArray | None = None
    """[N], of masks: 0 to 1, mean where foreground is possible."""
    class_uncertainty: FloatArray | None = None
    """[N, K], of masks: the same where class k is the likeliest."""
    cost: FloatArray | None = None
    """[N] seconds that a reader is expected to need; scores are then per second."""
    ids: Indices | None = None
    """[N] different numbers. With them the picks do not depend on the order of the rows."""

    def __post_init__(self) -> None:
        for name, array in self._rows().items():
            if len(array) != len(self):
                raise AcquisitionError(f"{name} has {len(array)} rows, the pool {len(self)}.")
            if not np.isfinite(array).all():
                raise AcquisitionError(f"{name} holds values that are not numbers.")
        if self.labelled is not None and not np.isfinite(self.labelled).all():
            raise AcquisitionError("labelled holds values that are not numbers.")
        if self.ids is not None and len(np.unique(self.ids)) != len(self):
            raise AcquisitionError("ids holds a number twice.")
        if self.cost is not None and (self.cost <= 0).any():
            raise AcquisitionError("cost must be above zero for every case.")

    def __len__(self) -> int:
        return len(self.ensemble)

    def take(self, rows: Indices) -> PoolScores:
        """The same of these rows only, in this order."""
        members = {name: array[rows] for name, array in self.probabilities.items()}
        arrays = {name: array[rows] for name, array in self._rows().items() if name in _ROW_FIELDS}
        return replace(self, probabilities=members, **arrays)

    def per_cost(self, scores: FloatArray) -> FloatArray:
        """``scores`` divided by the expected reading time, relative to a typical case."""
        if self.cost is None or not len(self):
            return scores
        return scores / (self.cost / np.median(self.cost))

    def _rows(self) -> dict[str, NDArray[Any]]:
        own = {name: getattr(self, name) for name in _ROW_FIELDS}
        return {k: v for k, v in {**own, **self.probabilities}.items() if v is not None}


_ROW_FIELDS = tuple(
    field.name for field in fields(PoolScores) if field.name not in ("probabilities", "labelled")
)


@dataclass(frozen=True)
class Selection:
    indices: Indices
    """The picks in order, at most k (the whole pool if it is smaller)."""
    scores: FloatArray
    """[N], higher is asked sooner; the place of a pick comes from ``indices``."""
    components: Mapping[str, FloatArray]
    """Name → [N]: what the score was made of, for "why was this case picked"."""

    def order(self) -> Indices:
        """All N: the picks first, then the others by falling score."""
        rest = np.argsort(-self.scores, kind="stable")
        return np.concatenate([self.indices, rest[~np.isin(rest, self.indices)]])


def highest(scores: FloatArray, k: int, rng: np.random.Generator) -> Indices:
    """The ``k`` best in order; which of equals comes first is drawn."""
    return np.lexsort((rng.random(len(scores)), -scores))[:k]

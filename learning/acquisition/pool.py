"""What an acquisition function sees of the pool, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learning.acquisition.boxes import Detections
from learning.acquisition.errors import AcquisitionError
from learning.acquisition.features import Features, FloatArray, Indices, features

__all__ = ["AcquisitionError", "FloatArray", "Indices", "PoolScores", "Selection", "highest"]

FLOOR = 1e-6
"""Weights below this are drawn as if they were this: last, yet before nothing at all."""


@dataclass(frozen=True)
class PoolScores:
    """N cases, C classes, D features; row i is the same case everywhere."""

    ensemble: FloatArray
    """[N, C] probabilities. [N, 0] when there is no model yet."""
    probabilities: Mapping[str, FloatArray] = field(default_factory=dict)
    """Network name → [N, C]."""
    samples: FloatArray | None = None
    """[N, S, C]: what S passes with dropout said, or S members of an ensemble."""
    embeddings: FloatArray | Features | None = None
    """[N, D], or what ``features.features`` made of it on another device."""
    labelled: FloatArray | None = None
    """[L, D]: embeddings of the cases that have a label already."""
    distance: FloatArray | None = None
    """[N]: kept distances to the nearest labelled case, see ``core_set.distances``."""
    uncertainty: FloatArray | None = None
    """[N], of masks: 0 to 1, mean where foreground is possible; of several findings, numbers or points."""
    class_uncertainty: FloatArray | None = None
    """[N, K], of masks: the same where class k is the likeliest; of several findings of class k alone."""
    contradiction: FloatArray | None = None
    """[N], 0 to 1: how far the networks are apart, where that is not told by ``probabilities``."""
    detections: Mapping[str, Detections] = field(default_factory=dict)
    """Network name → the boxes that it found in all N cases."""
    cost: FloatArray | None = None
    """[N] seconds that a reader is expected to need; scores are then per second."""
    strata: Indices | None = None
    """[N] number of the site, scanner or other group that a batch should be spread over."""
    patients: Indices | None = None
    """[N] number of the patient."""
    open: NDArray[np.bool_] | None = None
    """[N]: False where a case must not be asked for (labelled, hold-out). Without it all may be."""
    ids: Indices | None = None
    """[N] different numbers. With them the picks do not depend on the order of the rows."""
    round: int | None = None
    """How many rounds went before; draws grow sharper with it. None: unknown."""

    def __post_init__(self) -> None:
        for name, array in self._rows().items():
            if len(array) != len(self):
                raise AcquisitionError(f"{name} has {len(array)} rows, the pool {len(self)}.")
            if not features(array).finite():
                raise AcquisitionError(f"{name} holds values that are not numbers.")
        for name, found in self.detections.items():
            found.check(name, len(self))
        if self.labelled is not None:
            self._check_labelled(self.labelled)
        if self.ids is not None and len(np.unique(self.ids)) != len(self):
            raise AcquisitionError("ids holds a number twice.")
        if self.cost is not None and (self.cost <= 0).any():
            raise AcquisitionError("cost must be above zero for every case.")

    def __len__(self) -> int:
        return len(self.ensemble)

    @property
    def has_doubts(self) -> bool:
        """Whether a model has said anything to be unsure of."""
        return bool(self.ensemble.shape[1]) or self.class_uncertainty is not None

    @property
    def members(self) -> FloatArray:
        """[S, N, C]: every opinion that was asked for, of networks and of passes with dropout."""
        said = [np.asarray(p) for p in self.probabilities.values()]
        if self.samples is not None:
            said += list(np.moveaxis(np.asarray(self.samples), 1, 0))
        return np.stack(said) if said else np.zeros((0, *self.ensemble.shape))

    @property
    def features(self) -> Features:
        if self.embeddings is None:
            raise AcquisitionError("This needs the embeddings of the cases.")
        return features(self.embeddings)

    @property
    def known(self) -> FloatArray:
        """[L, D], of length 0 where nothing is labelled."""
        if self.labelled is None or not len(self.labelled):
            return np.zeros((0, self.features.width), np.float32)
        return np.asarray(self.labelled, np.float32)

    def take(self, rows: Indices) -> PoolScores:
        """The same of these rows only, in this order."""
        if len(rows) == len(self) and (np.diff(rows) > 0).all():
            return self
        members = {name: array[rows] for name, array in self.probabilities.items()}
        found = {name: boxes.take(rows, len(self)) for name, boxes in self.detections.items()}
        arrays = {name: array[rows] for name, array in self._rows().items() if name in _ROW_FIELDS}
        return replace(self, probabilities=members, detections=found, **arrays)

    def per_cost(self, scores: FloatArray) -> FloatArray:
        """``scores`` divided by the expected reading time, relative to a typical case."""
        if self.cost is None or not len(self):
            return scores
        return scores / (self.cost / np.median(self.cost))

    def _check_labelled(self, labelled: FloatArray) -> None:
        if not np.isfinite(labelled).all():
            raise AcquisitionError("labelled holds values that are not numbers.")
        if self.embeddings is None or not len(labelled):
            return
        if labelled.shape[1] != self.features.width:
            raise AcquisitionError(
                f"The labelled cases have {labelled.shape[1]} features, the pool"
                f" {self.features.width}."
            )

    def _rows(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in _ROW_FIELDS}
        return {k: v for k, v in {**own, **self.probabilities}.items() if v is not None}


_OTHER_FIELDS = ("probabilities", "labelled", "detections", "round")
_ROW_FIELDS = tuple(f.name for f in fields(PoolScores) if f.name not in _OTHER_FIELDS)


@dataclass(frozen=True)
class Selection:
    indices: Indices
    """The picks in order, at most k (all open cases if they are fewer)."""
    scores: FloatArray
    """[N], higher is asked sooner; the place of a pick comes from ``indices``. NaN: not open."""
    components: Mapping[str, FloatArray]
    """Name → one value for each pick: what its score was made of, for "why was this case picked"."""

    @classmethod
    def of(cls, picks: Indices, scores: FloatArray, **parts: FloatArray) -> Selection:
        """``parts``: name → [N]."""
        picks = np.asarray(picks, np.int64)
        return cls(picks, scores, {name: part[picks] for name, part in parts.items()})

    def order(self) -> Indices:
        """All that may be asked for: the picks first, then the others by falling score."""
        rest = np.argsort(-self.scores, kind="stable")
        rest = rest[np.isfinite(self.scores[rest])]
        picked = np.zeros(len(self.scores), bool)
        picked[self.indices] = True
        return np.concatenate([self.indices, rest[~picked[rest]]])

    def first(self, k: int) -> Selection:
        """The same with at most ``k`` picks."""
        parts = {name: values[:k] for name, values in self.components.items()}
        return replace(self, indices=self.indices[:k], components=parts)


def highest(scores: FloatArray, k: int, rng: np.random.Generator) -> Indices:
    """The ``k`` best in order; which of equals comes first is drawn."""
    lots = rng.random(len(scores))
    rows = np.arange(len(scores))
    if 0 < k < len(scores):
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        rows = np.flatnonzero(scores >= least)
    return rows[np.lexsort((lots[rows], -scores[rows]))[:k]]


def likely(
    weights: FloatArray, k: int, rng: np.random.Generator, *, sharpness: float = 1.0
) -> Indices:
    """``k`` rows drawn without replacement, each by its weight to the power of ``sharpness``.

    Gumbel-top-k (Kool, van Hoof, Welling, ICML 2019): 0 draws evenly, infinity takes the highest.
    """
    return highest(
        sharpness * np.log(np.maximum(weights, FLOOR)) + rng.gumbel(size=len(weights)), k, rng
    )

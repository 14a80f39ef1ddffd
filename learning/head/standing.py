"""What a head thinks of every case of a pool, brought up to date by one pass for each answer or several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learning.head.errors import HeadError
from learning.head.linear import Linear
from learning.head.logistic import Logistic
from learning.head.rows import Rows, Single

Indices = NDArray[np.int64]
PRECISION, NOISE = 1.0, 0.25
"""Of the head for masks: a label explains most of what lies right beside it."""


@dataclass
class Standing:
    """Of N rows: logits [N, K] of a logistic head, and the variance [N] of their answers."""

    rows: Rows
    head: Logistic | Linear
    logits: Single
    variance: Single
    at_first: Single | None = None
    """[N] variance before any answer came in, for ``doubt_left``."""

    @classmethod
    def of_answers(cls, rows: Rows, known: Indices, classes: Indices, count: int) -> Standing:
        """A logistic head taught by the rows ``known``, in one slow pass over all rows."""
        head = Logistic.fit(rows.features(known), classes, count)
        covariance = head.posterior.covariance
        return cls(rows, head, rows.products(head.weights), rows.variances(covariance))

    @classmethod
    def of_places(cls, rows: Rows, known: Indices) -> Standing:
        """A head that knows only where labels lie: it says how much is left to be learnt elsewhere."""
        there = rows.features(known)
        head = Linear.fit(there, np.zeros(len(known)), precision=PRECISION, noise=NOISE)
        variance = rows.variances(head.posterior.covariance)
        return cls(rows, head, np.zeros((rows.count, 0), np.float32), variance, variance.copy())

    def learn(self, more: Indices, classes: Indices) -> None:
        """Answers to these rows came in: one pass over all rows, whatever the number of answers."""
        there = self.rows.features(more)
        if isinstance(self.head, Linear):
            self.head, shrinkage = self.head.after(there, np.zeros(len(more)))
            along = self.rows.products(shrinkage.directions)
        else:
            self.head, shrinkage = self.head.after(there, classes)
            both = np.concatenate([self.head.weights, shrinkage.directions], axis=1)
            found = self.rows.products(both)
            width = self.head.weights.shape[1]
            self.logits, along = np.ascontiguousarray(found[:, :width]), found[:, width:]
        taken = np.einsum("ij,ij->i", along @ shrinkage.middle.astype(np.float32), along)
        self.variance = np.maximum(self.variance - taken, 0)

    def settle(self) -> None:
        """All curvatures anew: a slow pass, for when nobody waits."""
        if isinstance(self.head, Logistic):
            self.head = self.head.settled()
            self.variance = self.rows.variances(self.head.posterior.covariance)

    def doubt(self) -> Single:
        """[N], growing with 1 - margin of the predictive probabilities: enough to find the highest."""
        shrunk = self.logits / np.sqrt(1 + np.float32(np.pi / 8) * self.variance)[:, None]
        if shrunk.shape[1] == 1:
            return np.asarray(-np.abs(shrunk[:, 0]))
        shrunk -= shrunk.max(axis=1, keepdims=True)
        np.exp(shrunk, out=shrunk)
        top = np.partition(shrunk, (-2, -1), axis=1)
        return np.asarray((top[:, -2] - top[:, -1]) / shrunk.sum(axis=1))

    def doubt_left(self) -> Single:
        """[N], 0 to 1: the share of the deviation that is left since the head was made."""
        before = self.variance if self.at_first is None else self.at_first
        return np.sqrt(self.variance / np.maximum(before, 1e-12))

    def exactly(self, index: Indices) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Predictive probabilities [M, C] and variances [M] of a few rows, in full precision."""
        if isinstance(self.head, Linear):
            raise HeadError("A head that knows only places says no probabilities.")
        there = self.rows.features(index)
        variance = self.head.posterior.variance(there)
        return self.head.predictive(self.head.logits(there), variance), variance

    def opinions(self, index: Indices, variance: NDArray[np.float64], draws: int) -> Single:
        """[M, draws, C] probabilities by weights drawn from the head's posterior, row by row."""
        if isinstance(self.head, Linear):
            raise HeadError("A head that knows only places says no probabilities.")
        logits = self.head.logits(self.rows.features(index))
        noise = np.random.default_rng(0).normal(size=(draws, *logits.shape))
        certain = np.zeros(len(index))
        said = [
            self.head.predictive(logits + np.sqrt(variance)[:, None] * one, certain)
            for one in noise
        ]
        return np.stack(said, axis=1).astype(np.float32)

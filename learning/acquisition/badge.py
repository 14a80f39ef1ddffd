"""BADGE: gradients that are long and differ from one another, never written out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learning.acquisition.features import Features, FloatArray, Indices
from learning.acquisition.pool import AcquisitionError, PoolScores, Selection

BLOCK = 256
"""Rows proposed at a time."""
PATIENCE = 16
"""After proposals of one row in so many, the bounds of all rows are brought up to date."""
ROWS = 65_536
LOOSE = 1 + 1e-4
"""A bound may be off by what single precision loses; it must not be too small."""
SAME = 1e-5
"""Gradients closer than this share of their squared lengths are one."""


def badge(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """k-means++ over the gradients that the likeliest answer would give the last layer.

    Ash, Zhang, Krishnamurthy, Langford, Agarwal, ICLR 2020; the first pick is the longest gradient,
    as in the authors' program, each other one is drawn by its squared distance to the picks.
    """
    gradients = Gradients.of(pool)
    price = np.ones(len(pool)) if pool.cost is None else pool.cost / np.median(pool.cost)
    picks, gaps = seeded(gradients, k, rng, 1 / price)
    lengths = np.sqrt(gradients.squares)
    distance = np.zeros(len(pool))
    distance[picks] = np.sqrt(gaps)
    return Selection.of(picks, lengths / price, gradient=lengths, distance=distance)


@dataclass(frozen=True)
class Gradients:
    """Row i is the outer product of residual [C] and embedding [D], kept as the two.

    The inner product of two such rows is the product of the residuals' and the embeddings'.
    """

    residual: FloatArray
    features: Features
    squares: FloatArray
    """[N] squared lengths."""

    @classmethod
    def of(cls, pool: PoolScores) -> Gradients:
        if pool.ensemble.shape[1] < 2:
            raise AcquisitionError("BADGE needs a model's probabilities of two or more classes.")
        residual = np.array(pool.ensemble, np.float32)
        residual[np.arange(len(pool)), residual.argmax(axis=1)] -= 1
        lengths = np.einsum("ij,ij->i", residual, residual)
        return cls(residual, pool.features, lengths * pool.features.squares())

    def __len__(self) -> int:
        return len(self.squares)

    def take(self, rows: Indices) -> Gradients:
        near = Features(self.features.rows(rows))
        return Gradients(self.residual[rows], near, self.squares[rows])

    def gaps(self, centres: Gradients) -> FloatArray:
        """[N] squared distance to the nearest of the few centres."""
        vectors = centres.features.array
        found = self.features.products(vectors)
        found *= self.residual @ centres.residual.T
        found *= -2
        found += centres.squares
        found += self.squares[:, None]
        found[found < SAME * (self.squares[:, None] + centres.squares)] = 0
        return np.asarray(found.min(axis=1))

    def gaps_of_all(self, centres: Gradients) -> FloatArray:
        """The same, in parts: with many centres all at once would not fit."""
        if len(self) <= ROWS:
            return self.gaps(centres)
        found = np.empty(len(self), np.float32)
        for start in range(0, len(self), ROWS):
            rows = slice(start, start + ROWS)
            part = Gradients(self.residual[rows], self.features[rows], self.squares[rows])
            found[rows] = part.gaps(centres)
        return found


def seeded(
    gradients: Gradients, k: int, rng: np.random.Generator, value: FloatArray
) -> tuple[Indices, FloatArray]:
    """k-means++ picks, and the squared distance to the others at which each was picked.

    Each pick is drawn with probability proportional to ``value`` times that squared distance.
    Exact, but lazy: rows are proposed by a bound that can only be too large, looked at, and taken
    with the probability by which it was. What is proposed so often that all rows might as well be
    looked at renews the bounds.
    """
    first = int(np.argmax(gradients.squares * value))
    picks, shown = [first], [float(gradients.squares[first])]
    centres, renewed = gradients.take(np.array(picks)), 0
    bound = _triangle(gradients.squares, shown[0])
    while len(picks) < k:
        running = np.cumsum(bound * value, dtype=np.float64)
        if running[-1] <= 0:
            break
        patience = max(BLOCK, len(gradients) // PATIENCE)
        while len(picks) < k and patience > 0:
            patience -= BLOCK
            rows = np.searchsorted(running, rng.random(BLOCK) * running[-1], side="right")
            rows = np.minimum(rows, len(gradients) - 1)
            block, lots = gradients.take(rows), rng.random(BLOCK) * bound[rows]
            gaps, at = block.gaps(centres), 0
            while len(picks) < k:
                won = np.flatnonzero(lots[at:] < gaps[at:])
                if not len(won):
                    break
                at += int(won[0])
                picks.append(int(rows[at]))
                shown.append(float(gaps[at]))
                new = block.take(np.array([at]))
                centres = _joined(centres, new)
                gaps = np.minimum(gaps, block.gaps(new))
        if len(picks) < k:
            late = centres.take(np.arange(renewed, len(centres)))
            bound = np.minimum(bound, gradients.gaps_of_all(late) * np.float32(LOOSE))
            renewed = len(centres)
    return _filled(picks, shown, k, gradients.squares * value, rng)


def _triangle(squares: FloatArray, first: float) -> FloatArray:
    """No gradient can be farther from the first than their lengths together."""
    return np.asarray((np.sqrt(squares) + np.sqrt(first)) ** 2 * LOOSE, np.float32)


def _joined(first: Gradients, second: Gradients) -> Gradients:
    both = np.concatenate([first.features.array, second.features.array])
    return Gradients(
        np.concatenate([first.residual, second.residual]),
        Features(both),
        np.concatenate([first.squares, second.squares]),
    )


def _filled(
    picks: list[int], shown: list[float], k: int, worth: FloatArray, rng: np.random.Generator
) -> tuple[Indices, FloatArray]:
    """Copies of what is picked come last, the longest first, equals by lot."""
    if len(picks) < k:
        rest = np.setdiff1d(np.arange(len(worth)), picks)
        order = rest[np.lexsort((rng.random(len(rest)), -worth[rest]))]
        picks = [*picks, *order[: k - len(picks)].tolist()]
        shown = [*shown, *[0.0] * (len(picks) - len(shown))]
    return np.array(picks, np.int64), np.array(shown)

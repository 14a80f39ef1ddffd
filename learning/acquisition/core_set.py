"""k-center: each pick is the case farthest from all that is labelled or picked already."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learning.acquisition.features import Features, FloatArray, Indices
from learning.acquisition.pool import PoolScores, Selection

ACTIVE = 2048
"""Rows whose distances are kept current; doubled for as long as none of them can win."""
WIDEST = 65_536
GUESS = 256
"""Labelled cases above which most rows meet only the one that seems nearest."""
AXES = 32
"""Principal directions along which that one is sought."""
LOOSE = 1 + 1e-5
"""A bound may be off by what single precision loses; it must not be too small."""
SAMPLE = 1024


def k_center(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """The greedy core set, exactly, in time that hardly grows with the number of labels.

    Sener and Savarese, "Active learning for convolutional neural networks: a core-set approach",
    ICLR 2018. Reaches for outliers while labels are few.
    """
    picks, distance = farthest_first(pool.features, pool.known, k, kept=pool.distance)
    return Selection.of(picks, distance, distance=distance)


def distances(points: Features, centres: FloatArray, kept: FloatArray | None = None) -> FloatArray:
    """[N] distance to the nearest centre, or to those of before (``kept``) if they are nearer.

    Keep it between batches and pass on only the newly labelled cases: k-center then looks at no
    more than a few thousand rows.
    """
    if not len(centres):
        return np.full(len(points), np.inf, np.float32) if kept is None else kept
    fresh = np.sqrt(points.nearest(centres, _middle(points))[0])
    return fresh if kept is None else np.minimum(kept, fresh)


def farthest_first(
    points: Features, centres: FloatArray, k: int, *, kept: FloatArray | None = None
) -> tuple[Indices, FloatArray]:
    """The greedy picks, and each row's distance to its centre when last looked at.

    Without centres the first pick is the row nearest to the mean. Exact, but lazy: a distance that
    was not brought up to date, with picks or with labelled cases, can only be too large, so as long
    as the best of the current ones reaches the largest of the others, no other can win.
    """
    search = _Search.begin(points, centres, kept)
    if not len(search.centres) and kept is None and k:
        search.take_middle()
    width = ACTIVE
    while len(search.picks) < k:
        before = len(search.picks)
        search.advance(k, min(width, len(points)))
        width = ACTIVE if len(search.picks) > before else min(2 * width, WIDEST)
    shown = np.where(search.shown >= 0, search.shown, search.bound)
    return np.array(search.picks, np.int64), np.sqrt(np.maximum(shown, 0))


@dataclass
class _Search:
    """Squared distances: upper bounds for all rows, and how many centres each has met."""

    points: Features
    origin: FloatArray
    centres: FloatArray
    """[L + picks, D] with the labelled first."""
    bound: FloatArray
    met: Indices
    shown: FloatArray
    """Of a pick, its distance when it was picked; else -1."""
    picks: list[int]

    @classmethod
    def begin(cls, points: Features, centres: FloatArray, kept: FloatArray | None) -> _Search:
        n, origin = len(points), _middle(points)
        bound, met = np.full(n, np.inf, np.float32), np.zeros(n, np.int64)
        if kept is not None:
            bound = np.square(kept, dtype=np.float32)
            centres = centres[:0]
        elif len(centres) > GUESS:
            bound = points.guessed(centres, origin, _axes(points, origin)) * np.float32(LOOSE)
        elif len(centres):
            bound, met = points.nearest(centres, origin)[0], met + len(centres)
        return cls(points, origin, centres, bound, met, np.full(n, -1.0, np.float32), [])

    def take_middle(self) -> None:
        mean = self.points.mean()
        gaps, _ = self.points.nearest(mean[None], mean)
        first = int(np.argmin(gaps))
        row = self.points.rows(np.array([first]))
        self.bound = self.points.nearest(row, self.origin)[0]
        self.shown[first] = self.bound.max(initial=0)
        self.bound[first] = -1.0
        self.centres, self.picks = row, [first]
        self.met += 1

    def advance(self, k: int, width: int) -> None:
        """Brings the ``width`` best rows up to date, and picks while one of them must be the best."""
        leaders, outside = _best(self.bound, width)
        self._refresh(leaders)
        inside, left_out = _best(self.bound[leaders], min(ACTIVE, width))
        active, outside = np.sort(leaders[inside]), max(outside, left_out)
        rows = self.points.rows(active) - self.origin
        lengths, bound = np.einsum("ij,ij->i", rows, rows), self.bound[active]
        new: list[int] = []
        while len(self.picks) < k:
            best = int(np.argmax(bound))
            if bound[best] < outside or bound[best] < 0:
                break
            self.shown[active[best]] = bound[best]
            gaps = lengths + lengths[best] - 2 * np.einsum("ij,j->i", rows, rows[best])
            bound = np.where(bound < 0, bound, np.minimum(bound, np.maximum(gaps, 0)))
            bound[best] = -1.0
            self.picks.append(int(active[best]))
            new.append(best)
        if new:
            self.centres = np.concatenate([self.centres, rows[new] + self.origin])
            self.bound[active], self.met[active] = bound, len(self.centres)

    def _refresh(self, rows: Indices) -> None:
        stale = rows[(self.met[rows] < len(self.centres)) & (self.bound[rows] >= 0)]
        for since in np.unique(self.met[stale]):
            group = stale[self.met[stale] == since]
            part = Features(self.points.rows(group))
            fresh = part.nearest(self.centres[since:], self.origin)[0]
            self.bound[group] = np.minimum(self.bound[group], fresh)
        self.met[stale] = len(self.centres)


def _best(bound: FloatArray, width: int) -> tuple[Indices, float]:
    """The rows with the ``width`` largest bounds, and the largest bound of the others."""
    if len(bound) <= width:
        return np.arange(len(bound)), -np.inf
    order = np.argpartition(-bound, width)
    return order[:width], float(bound[order[width]])


def _middle(points: Features) -> FloatArray:
    """Near the mean: the mean of rows at even steps."""
    sample = _sample(points)
    return sample.mean(axis=0) if len(sample) else np.zeros(points.width, np.float32)


def _axes(points: Features, origin: FloatArray) -> FloatArray:
    """[D, W]: about the directions in which rows differ most, by two powers of random ones.

    Halko, Martinsson, Tropp, SIAM Review 2011.
    """
    sample = _sample(points) - origin
    start = np.random.default_rng(0).normal(size=(points.width, min(AXES, points.width)))
    found = np.asarray(start, np.float32)
    for _ in range(2):
        found = np.linalg.qr(sample.T @ (sample @ found))[0]
    return np.ascontiguousarray(found)


def _sample(points: Features) -> FloatArray:
    return points.rows(np.arange(0, len(points), max(1, len(points) // SAMPLE)))

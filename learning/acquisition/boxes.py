"""For detection: how unsure networks are of a case, from their boxes matched with one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from learning.acquisition.errors import AcquisitionError
from learning.acquisition.features import FloatArray, Indices

SAME = 0.3
"""Overlap (intersection over union) from which two boxes may mean the same finding."""
WORST = 3
"""A case is as unsure as the mean of this many of its most doubtful boxes."""


@dataclass(frozen=True)
class Detections:
    """M boxes in any order, of any of the N cases of a pool."""

    case: Indices
    """[M] row of the pool."""
    boxes: FloatArray
    """[M, 2A]: the lower corner's A coordinates, then the upper corner's, in one unit."""
    scores: FloatArray
    """[M, K] probability of each of K classes."""

    def check(self, name: str, cases: int) -> None:
        if not len(self.case) == len(self.boxes) == len(self.scores):
            raise AcquisitionError(f"The boxes of {name} have cases or scores that do not fit.")
        if not (np.isfinite(self.boxes).all() and np.isfinite(self.scores).all()):
            raise AcquisitionError(f"The boxes of {name} hold values that are not numbers.")
        if len(self.case) and not 0 <= self.case.min() <= self.case.max() < cases:
            raise AcquisitionError(f"The boxes of {name} belong to cases that the pool lacks.")

    def take(self, rows: Indices, cases: int) -> Detections:
        """The boxes of these rows of a pool, numbered by their place among them."""
        place = np.full(cases, -1)
        place[rows] = np.arange(len(rows))
        kept = place[self.case] >= 0
        return Detections(place[self.case[kept]], self.boxes[kept], self.scores[kept])


def doubts(
    networks: Mapping[str, Detections], cases: int, *, difficulty: Sequence[float] | None = None
) -> tuple[FloatArray, FloatArray]:
    """[N] and, by the class that a box most likely shows, [N, K]: 0 (sure) to 1.

    A box is doubtful where the mean of its probability over two networks is near one half (a box
    that the other network lacks counts as 0 there), and where they put it in different places.
    Neither few nor many boxes make a case doubtful: only the most doubtful ones count.
    ``difficulty`` multiplies the doubt of each class (PPAL: Yang, Huang, Crowley, CVPR 2024).
    """
    found = list(networks.values())
    if not found:
        raise AcquisitionError("This needs the boxes that networks found.")
    classes = found[0].scores.shape[1]
    weight = np.ones(classes) if difficulty is None else np.asarray(difficulty, float)
    parts: list[list[tuple[float, int]]] = [[] for _ in range(cases)]
    pairs = list(combinations(found, 2)) or [(found[0], found[0])]
    for first, second in pairs:
        for case in np.union1d(first.case, second.case):
            of_case = _boxes(first, second, int(case))
            parts[case] += [(min(1.0, doubt * weight[at]), at) for doubt, at in of_case]
    return (
        np.array([_worst([doubt for doubt, _ in found]) for found in parts], float),
        np.array(
            [
                [_worst([d for d, at in found if at == k]) for k in range(classes)]
                for found in parts
            ],
            float,
        ).reshape(cases, classes),
    )


def overlaps(first: FloatArray, second: FloatArray) -> FloatArray:
    """[M, P] intersection over union of [M, 2A] with [P, 2A] boxes."""
    axes = first.shape[1] // 2
    low = np.maximum(first[:, None, :axes], second[None, :, :axes])
    high = np.minimum(first[:, None, axes:], second[None, :, axes:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    sizes = [np.prod(np.clip(b[:, axes:] - b[:, :axes], 0, None), axis=1) for b in (first, second)]
    union = sizes[0][:, None] + sizes[1] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def matches(first: FloatArray, second: FloatArray) -> list[tuple[int, int]]:
    """Pairs of boxes that overlap enough, the best overlap first, each box at most once."""
    overlap = overlaps(first, second)
    pairs: list[tuple[int, int]] = []
    while overlap.size and overlap.max() >= SAME:
        one, other = np.unravel_index(np.argmax(overlap), overlap.shape)
        pairs.append((int(one), int(other)))
        overlap[one, :] = overlap[:, other] = -1
    return pairs


def _boxes(first: Detections, second: Detections, case: int) -> Iterator[tuple[float, int]]:
    """The doubt of each box of a case, a matched pair being one, and the class it shows."""
    one, other = first.case == case, second.case == case
    a, b = first.scores[one], second.scores[other]
    pairs = matches(first.boxes[one], second.boxes[other])
    overlap = overlaps(first.boxes[one], second.boxes[other])
    for i, j in pairs:
        yield _doubt((a[i] + b[j]) / 2, float(overlap[i, j]))
    for alone, met in ((a, {i for i, _ in pairs}), (b, {j for _, j in pairs})):
        for i in sorted(set(range(len(alone))) - met):
            yield _doubt(alone[i] / 2, 0.0)


def _doubt(scores: FloatArray, overlap: float) -> tuple[float, int]:
    """Unsure what it is or where it is; the place of what is hardly there does not matter."""
    shown = int(np.argmax(scores))
    p = float(np.clip(scores[shown], 1e-12, 1 - 1e-12))
    what = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    where = p * (1 - overlap)
    return float(1 - (1 - what) * (1 - where)), shown


def _worst(values: list[float]) -> float:
    return float(np.mean(sorted(values)[-WORST:])) if values else 0.0

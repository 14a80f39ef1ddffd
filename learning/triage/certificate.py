"""Which thresholds may decide alone, by exact tests on labelled cases that were drawn at random.

Of each patient one case counts, drawn by lot before anything is known of it, so that the trials are
independent and the binomial tests exact. Only random streams are evidence: cases that a ranking chose
would need the probability of each choice, which no acquisition function knows.

*Auto-negative*: of all positives at most ``miss_level`` may be accepted as negative. The number of
positives does not depend on the threshold and the misses grow with it, so one fixed sequence from the
most careful threshold on tests all of them at the whole level (see ``multiple``). *Auto-positive*: of
what is accepted at most ``error_level`` may be negative; what is accepted changes with the threshold,
so the sequence starts at several of them. Groups (sites, scanners) share the level: all promises of a
lane hold at once. A group with fewer than ``FEWEST`` cases stays with people.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .bounds import MOST, cases_needed, p_value, upper_bound
from .errors import TriageError
from .multiple import fixed_sequence

LaneName = Literal["auto_negative", "auto_positive"]
NEGATIVE: LaneName = "auto_negative"
POSITIVE: LaneName = "auto_positive"
FEWEST = 300
STARTS = 3
SHARES_NEGATIVE = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97)
SHARES_POSITIVE = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
"""Of the cases on that side of each threshold of the grid, most careful first."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Promise:
    """What a lead signs."""

    miss_level: float = 0.02
    """Of all positives, the most that may be accepted as negative."""
    error_level: float = 0.02
    """Of all accepted as positive, the most that may be negative."""
    confidence: float = 0.95
    gap: float = 0.3
    """Between the networks' probabilities: a larger one goes to a reader whatever the mean says."""
    lanes: tuple[LaneName, ...] = (NEGATIVE, POSITIVE)
    fewest: int = FEWEST


@dataclass(frozen=True)
class Evidence:
    """Cases of a random stream, one of each patient: what the networks say [N, K], and the truth [N]."""

    probabilities: Floats
    positive: Flags
    groups: tuple[str, ...]

    def __post_init__(self) -> None:
        shape = self.probabilities.shape
        if len(shape) != 2 or not shape[0] == len(self.positive) == len(self.groups):
            raise TriageError("Probabilities, answers and groups are not of the same cases.")
        if shape[0] and not np.isfinite(self.probabilities).all():
            raise TriageError("A probability is not a number.")

    @property
    def score(self) -> Floats:
        return score_of(self.probabilities)

    @property
    def gap(self) -> Floats:
        return gap_of(self.probabilities)


@dataclass(frozen=True)
class Step:
    """One threshold of the grid and what it would do."""

    threshold: float
    accepted: int
    trials: int
    """Positives for auto-negative, accepted cases for auto-positive."""
    errors: int
    bound: float
    """Upper limit of the error at the confidence that this group has."""
    passed: bool


@dataclass(frozen=True)
class Needs:
    """How many more cases a lane wants before it can open; ``possible`` is False if none would do."""

    cases: int
    positives: int
    possible: bool = True


@dataclass(frozen=True)
class Lane:
    """A lane of a group: open at ``threshold``, or closed and what it ``needs``."""

    name: LaneName
    group: str
    n: int
    positives: int
    level: float
    confidence: float
    """This group's share of it: one minus it is a part of what the whole lane may fail."""
    threshold: float | None
    accepted_share: float
    errors: int
    trials: int
    bound: float
    steps: tuple[Step, ...]
    needs: Needs

    def accepts(self, score: Floats, gap: Floats, widest: float) -> Flags:
        """Which of these cases it takes."""
        if self.threshold is None:
            return np.zeros(len(score), bool)
        return taken(self.name, score, gap, self.threshold, widest)


def score_of(probabilities: Floats) -> Floats:
    """The mean of the networks: [N, K] -> [N]."""
    return np.asarray(np.mean(np.asarray(probabilities, np.float64), axis=1))


def gap_of(probabilities: Floats) -> Floats:
    """How far the networks lie apart: [N, K] -> [N]."""
    return np.asarray(np.ptp(probabilities, axis=1))


def grid(scores: Floats, lane: LaneName) -> tuple[float, ...]:
    """Up to ten thresholds, most careful first, from scores of cases whose answers nobody looked at.

    They must be other cases than those that are tested on.
    """
    if len(scores) == 0:
        return ()
    shares = SHARES_NEGATIVE if lane == NEGATIVE else tuple(1 - one for one in SHARES_POSITIVE)
    return tuple(dict.fromkeys(float(value) for value in np.quantile(scores, shares)))


def one_per_patient(patients: Sequence[int], cases: Sequence[int], *, seed: int) -> list[int]:
    """Places of one case of each patient, by a lot that depends on nothing but ``seed`` and the case."""
    chosen: dict[int, tuple[bytes, int]] = {}
    for place, (patient, case) in enumerate(zip(patients, cases, strict=True)):
        lot = hashlib.sha256(f"{seed}:{case}".encode()).digest()
        if patient not in chosen or lot < chosen[patient][0]:
            chosen[patient] = (lot, place)
    return sorted(place for _, place in chosen.values())


def certify(
    evidence: Evidence, promise: Promise, grids: Mapping[LaneName, Sequence[float]]
) -> list[Lane]:
    """Every wanted lane of every group, in the order of the groups' names."""
    groups = np.array(evidence.groups, dtype=object)
    names = sorted(set(evidence.groups))
    large = sum(int((groups == name).sum()) >= promise.fewest for name in names)
    confidence = 1 - (1 - promise.confidence) / max(1, large)
    return [
        _lane(name, group, evidence, groups == group, promise, confidence, grids[name])
        for group in names
        for name in promise.lanes
    ]


def _lane(
    name: LaneName,
    group: str,
    evidence: Evidence,
    rows: Flags,
    promise: Promise,
    confidence: float,
    thresholds: Sequence[float],
) -> Lane:
    score, gap, positive = evidence.score[rows], evidence.gap[rows], evidence.positive[rows]
    level = promise.miss_level if name == NEGATIVE else promise.error_level
    counted = [
        _count(name, taken(name, score, gap, threshold, promise.gap), positive)
        for threshold in thresholds
    ]
    values = [p_value(errors, trials, level) for _, errors, trials in counted]
    enough = len(score) >= promise.fewest
    passed = fixed_sequence(values, 1 - confidence, _starts(name, len(values))) if enough else []
    steps = tuple(
        Step(threshold, accepted, trials, errors, upper_bound(errors, trials, confidence), ok)
        for threshold, (accepted, errors, trials), ok in zip(
            thresholds, counted, passed or [False] * len(counted), strict=True
        )
    )
    best = max(
        (step for step in steps if step.passed), key=lambda step: step.accepted, default=None
    )
    positives = int(positive.sum())
    said = best or (steps[0] if steps else Step(math.nan, 0, 0, 0, 1.0, False))
    return Lane(
        name=name,
        group=group,
        n=len(score),
        positives=positives,
        level=level,
        confidence=confidence,
        threshold=best.threshold if best and best.accepted else None,
        accepted_share=best.accepted / len(score) if best else 0.0,
        errors=said.errors,
        trials=said.trials,
        bound=said.bound,
        steps=steps,
        needs=_needs(name, steps, len(score), positives, level, confidence, promise.fewest),
    )


def taken(name: str, score: Floats, gap: Floats, threshold: float, widest: float) -> Flags:
    """Which of these cases a lane with this threshold takes."""
    side = score <= threshold if name == NEGATIVE else score >= threshold
    return np.asarray(side & (gap <= widest))


def _count(name: LaneName, chosen: Flags, positive: Flags) -> tuple[int, int, int]:
    """(accepted, errors, trials)"""
    accepted = int(chosen.sum())
    if name == NEGATIVE:
        return accepted, int((chosen & positive).sum()), int(positive.sum())
    return accepted, int((chosen & ~positive).sum()), accepted


def _starts(name: LaneName, count: int) -> list[int]:
    if name == NEGATIVE or count <= STARTS:
        return list(range(min(count, 1)))
    return [round(place * (count - 1) / STARTS) for place in range(1, STARTS + 1)]


def _needs(
    name: LaneName,
    steps: Sequence[Step],
    n: int,
    positives: int,
    level: float,
    confidence: float,
    fewest: int,
) -> Needs:
    """What would open the lane if errors stayed as frequent as seen; of all thresholds, what takes least."""
    if any(step.passed and step.accepted for step in steps):
        return Needs(0, 0)
    share = (positives + 1) / (n + 2)
    starts = _starts(name, len(steps))
    budget = 1 - (1 - confidence) / max(1, len(starts))
    cases = MOST
    for step in (steps[place] for place in starts):
        per_case = share if name == NEGATIVE else (step.accepted + 1) / (n + 2)
        wanted = _trials(step, level, budget)
        cases = min(cases, max(math.ceil((wanted - step.trials) / per_case), fewest - n, 0))
    if not steps:
        cases = max(math.ceil(cases_needed(0, level, budget) / share), fewest)
    return Needs(0, 0, possible=False) if cases >= MOST else Needs(cases, _round_up(cases, share))


def _round_up(cases: int, share: float) -> int:
    return math.ceil(cases * share - 1e-9)


def _trials(step: Step, level: float, confidence: float) -> int:
    """The fewest trials that show the level if the share of errors stays; MOST if it is too high for any."""
    rate = step.errors / step.trials if step.trials else 0.0
    if rate >= level:
        return MOST
    for errors in _counts(step.errors):
        trials = cases_needed(errors, level, confidence)
        if rate * trials <= errors:
            return max(trials, step.trials)
    return MOST


def _counts(first: int) -> Iterator[int]:
    errors = first
    while errors < MOST // 10:
        yield errors
        errors += max(1, errors // 8)

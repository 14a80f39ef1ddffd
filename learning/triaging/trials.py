"""What a promise comes to on the evidence of one ensemble. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from learning.models import TrainedModel
from learning.triage import NEGATIVE, Lane, Promise, Scaling, certify, grid
from learning.triage.certificate import LaneName
from learning.triaging import evidence

LOWEST_TOLERANCE, HIGHEST_TOLERANCE = 1e-4, 0.5


@dataclass(frozen=True)
class Tested:
    lanes: list[Lane]
    scalings: list[Scaling]
    fitted_on: int
    pool: evidence.Rows
    calibration: evidence.Calibration


def test(model: TrainedModel, promise: Promise, group_by: str) -> Tested:
    """Thresholds come from the pool, or from the fitting part where the pool is empty."""
    known = evidence.calibration(model, group_by)
    scalings = known.scalings()
    pool = evidence.pool(model, group_by)
    scored = pool.scaled(scalings) if pool.cases else known.rows.scaled(scalings)[known.fit]
    means = scored.mean(axis=1)
    grids: dict[LaneName, Sequence[float]] = {name: grid(means, name) for name in promise.lanes}
    found = certify(known.evidence(scalings, seed=model.round.seed), promise, grids)
    return Tested(found, scalings, int(known.fit.sum()), pool, known)


def tolerance_of(lane: Lane) -> float:
    """The share of accepted cases that may be wrong: misses per positive, turned to misses per accepted."""
    if lane.name != NEGATIVE:
        return lane.level
    accepted = max(1.0, lane.accepted_share * lane.n)
    found = lane.level * lane.positives / accepted
    return float(min(HIGHEST_TOLERANCE, max(LOWEST_TOLERANCE, found)))

"""Triage as a lead sees it: what is signed, what could be certified now, each lane with its audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.models import Project
from learning.models import (
    DriftTest,
    TrainedModel,
    TriageCertificate,
    TriageDecision,
    TriageLane,
    TriagePolicy,
)
from learning.triage import Monitor, audit_rate, score_of
from learning.triaging import certificates, evidence, lanes, policies, trials, watch

BINS = 40
HISTORY = 20
POINTS = 200
"""Of the audit's running bound; more would be drawn on the same pixels."""


@dataclass(frozen=True)
class AuditPoint:
    """What the audit said after so many cases, in the order in which they were read."""

    audited: int
    errors: int
    low: float
    high: float


@dataclass(frozen=True)
class Audit:
    audited: int
    errors: int
    waiting: int
    low: float
    high: float
    tolerance: float
    course: list[AuditPoint]


@dataclass(frozen=True)
class LaneInForce:
    row: TriageLane
    accepted: int
    """For now: nobody has read them."""
    withdrawn: int
    audit: Audit | None


@dataclass(frozen=True)
class Overview:
    """``misfit``: why triage cannot work here, in a sentence; '' if it can."""

    policy: TriagePolicy | None
    model: TrainedModel | None
    misfit: str
    certificate: TriageCertificate | None
    lanes: list[LaneInForce]
    drift: list[DriftTest]
    history: list[TriageCertificate]


@dataclass(frozen=True)
class Bin:
    low: float
    high: float
    pool: float
    positives: float
    negatives: float
    """Shares of the pool, and of the calibration stream by its answer."""


@dataclass(frozen=True)
class Previewed:
    """A lane that could be certified now, or what it wants."""

    name: str
    group: str
    n: int
    positives: int
    level: float
    confidence: float
    threshold: float | None
    accepted_share: float
    would_accept: int
    errors: int
    trials: int
    bound: float
    audit_rate: float | None
    needs_cases: int
    needs_positives: int
    can_open: bool
    steps: list[Any]


@dataclass(frozen=True)
class Preview:
    model: TrainedModel | None
    misfit: str
    pool: int
    lanes: list[Previewed]
    histogram: list[Bin]


def of(project: Project) -> Overview:
    certificate = certificates.in_force(project)
    model = evidence.latest(project)
    shown = certificate or _newest(project)
    found = [] if shown is None else list(shown.lanes.order_by("group", "name"))
    return Overview(
        policy=policies.current(project),
        model=model,
        misfit="" if model is None else evidence.misfit(model),
        certificate=shown,
        lanes=[_lane(row) for row in found],
        drift=[] if shown is None else _last_look(shown),
        history=list(
            project.certificates.select_related("policy", "model__round")
            .prefetch_related("lanes")
            .order_by("-pk")[:HISTORY]
        ),
    )


def preview(project: Project, wanted: Mapping[str, Any]) -> Preview:
    """What these settings would come to on the newest evidence. Writes nothing."""
    checked = policies.check(wanted)
    model = evidence.latest(project)
    if model is None or (misfit := evidence.misfit(model)):
        return Preview(model, "" if model is None else misfit, 0, [], [])
    found = trials.test(model, policies.promise(checked), checked["group_by"])
    counts = lanes.qualifying(found, checked["gap"])
    return Preview(
        model,
        "",
        len(found.pool.cases),
        [_previewed(lane, counts[lane.name, lane.group], checked) for lane in found.lanes],
        histogram(found),
    )


def histogram(found: trials.Tested) -> list[Bin]:
    """Of the mean calibrated score."""
    known = score_of(found.calibration.rows.scaled(found.scalings))
    positive = found.calibration.positive
    pool = _shares(score_of(found.pool.scaled(found.scalings)))
    ill, well = _shares(known[positive]), _shares(known[~positive])
    edges = np.linspace(0, 1, BINS + 1)
    return [
        Bin(
            float(edges[place]),
            float(edges[place + 1]),
            *(float(x[place]) for x in (pool, ill, well)),
        )
        for place in range(BINS)
    ]


def accepted(project: Project) -> Any:
    """Every case that a lane ever accepted, as a queryset for the API to page."""
    return TriageDecision.objects.filter(lane__certificate__project=project).select_related(
        "case__site", "lane__certificate"
    )


def _newest(project: Project) -> TriageCertificate | None:
    return project.certificates.select_related("policy", "model__round").order_by("-pk").first()


def _last_look(certificate: TriageCertificate) -> list[DriftTest]:
    last = certificate.drift_tests.order_by("-look").first()
    return [] if last is None else list(certificate.drift_tests.filter(look=last.look))


def _lane(row: TriageLane) -> LaneInForce:
    states = TriageDecision.State
    return LaneInForce(
        row,
        accepted=row.decisions.filter(state=states.ACCEPTED).count(),
        withdrawn=row.decisions.filter(state=states.WITHDRAWN).count(),
        audit=None if row.tolerance is None else _audit(row, row.tolerance),
    )


def _audit(row: TriageLane, tolerance: float) -> Audit:
    now = watch.monitor(row)
    waiting = row.decisions.filter(audit=True, state=TriageDecision.State.ACCEPTED).count()
    return Audit(
        now.audited, now.errors, waiting, now.low, now.high, tolerance, _course(row, tolerance)
    )


def _course(row: TriageLane, tolerance: float) -> list[AuditPoint]:
    done = row.decisions.filter(
        audit=True, state=TriageDecision.State.READ, is_wrong__isnull=False
    ).order_by("settled_at", "pk")
    wrong = np.cumsum([one is True for one in done.values_list("is_wrong", flat=True)])
    if len(wrong) == 0:
        return []
    stops = np.unique(np.linspace(1, len(wrong), min(POINTS, len(wrong))).astype(int))
    course = []
    for audited in stops:
        errors = int(wrong[audited - 1])
        then = Monitor(tolerance, watch.FALSE_ALARM, int(audited), errors)
        course.append(AuditPoint(int(audited), errors, then.low, then.high))
    return course


def _previewed(lane: Any, would_accept: int, wanted: Mapping[str, Any]) -> Previewed:
    rate = None
    if lane.threshold is not None:
        rate = audit_rate(
            trials.tolerance_of(lane),
            would_accept,
            confidence=wanted["confidence"],
            least=wanted["least_audit"],
        )
    return Previewed(
        name=lane.name,
        group=lane.group,
        n=lane.n,
        positives=lane.positives,
        level=lane.level,
        confidence=lane.confidence,
        threshold=lane.threshold,
        accepted_share=lane.accepted_share,
        would_accept=would_accept,
        errors=lane.errors,
        trials=lane.trials,
        bound=lane.bound,
        audit_rate=rate,
        needs_cases=lane.needs.cases,
        needs_positives=lane.needs.positives,
        can_open=lane.needs.possible,
        steps=list(lane.steps),
    )


def _shares(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.histogram(scores, bins=BINS, range=(0, 1))[0]
    return np.asarray(counts / max(1, len(scores)))

"""What two networks may decide alone, tested and on record. The only writer of TriageCertificate, TriageLane
and DriftTest.

The row of the certificate is the lock of all triage of a project: rows are locked in the order
certificate, case, slot, head of the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from annotation import ledger
from annotation.models import Project, User
from learning.errors import LaneNotOpen
from learning.models import DriftTest, TrainedModel, TriageCertificate, TriageLane, TriagePolicy
from learning.triage import Lane, audit_rate
from learning.triage.drift import Drift
from learning.triaging import drifting, evidence, lanes, policies, trials

STAY_CLOSED = (TriageLane.Closed.AUDIT, TriageLane.Closed.DRIFT)
DRIFT_LEVEL = 0.01
"""Over all looks of a certificate, the chance that sameness is taken for drift."""


def in_force(project: Project) -> TriageCertificate | None:
    return project.certificates.filter(ended_at=None).select_related("policy", "model").first()


def renew(project: Project, model: TrainedModel) -> TriageCertificate | None:
    """The certificate of this ensemble under the policy in force; None while triage is off.

    Another one ends, and what was accepted under it goes back to readers. Done twice, it is the same.
    """
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        policy = policies.current(project)
        before = _lock(project.certificates.filter(ended_at=None))
        if before is not None and (before.model_id, before.policy_id) == (
            model.pk,
            policy.pk if policy else None,
        ):
            return before
        if before is not None:
            _end(before, TriageLane.Closed.REPLACED, "Another model or policy takes its place.")
        if policy is None or not policy.is_on:
            return None
        known = TriageCertificate.objects.filter(model=model, policy=policy).first()
        return known if known is not None else _make(project, model, policy)


def close(lane: TriageLane, *, user: User, reason: str) -> None:
    """A lead closes a lane: all that it accepted and nobody has read goes back to readers."""
    with transaction.atomic():
        _lock(TriageCertificate.objects.filter(pk=lane.certificate_id))
        lane = TriageLane.objects.select_related("certificate__project").get(pk=lane.pk)
        if lane.state != TriageLane.State.OPEN:
            raise LaneNotOpen("This lane is not open, so there is nothing to close.")
        shut(lane, TriageLane.Closed.LEAD, reason, user=user)


def shut(lane: TriageLane, closed_for: str, reason: str, *, user: User | None = None) -> None:
    """Within the caller's transaction, which holds the certificate."""
    lane.state = TriageLane.State.CLOSED
    lane.closed_at, lane.closed_by = timezone.now(), user
    lane.closed_for, lane.closed_because = closed_for, reason
    lane.save()
    withdrawn = lanes.withdraw_all(lane, reason)
    data = {
        "lane": lane.name,
        "group": lane.group,
        "for": str(closed_for),
        "reason": reason,
        "withdrawn": withdrawn,
    }
    project = lane.certificate.project
    ledger.record("triage.close", project=project, actor=user, obj=lane, data=data)


def expire(certificate: TriageCertificate) -> None:
    """Within the caller's transaction, which holds the certificate."""
    _end(certificate, TriageLane.Closed.EXPIRY, "The certificate has expired.")


def look_for_drift(certificate: TriageCertificate, tests: Sequence[Drift]) -> None:
    """Keep the tests of one look; drift closes every lane. Each look has a part of the level:
    level / (k (k + 1)) for the k-th, which sums to the level however often one looks.
    """
    last = certificate.drift_tests.order_by("-look").first()
    look = 1 if last is None else last.look + 1
    level = DRIFT_LEVEL / (look * (look + 1))
    DriftTest.objects.bulk_create(
        DriftTest(
            certificate=certificate,
            look=look,
            name=one.name,
            statistic=one.statistic,
            p=one.p,
            adjusted=one.adjusted,
            level=level,
            before=one.before,
            after=one.after,
        )
        for one in tests
    )
    fired = [one.name for one in tests if one.adjusted < level]
    if not fired:
        return
    reason = f"The cases have changed since they were certified: {', '.join(fired)}."
    for lane in certificate.lanes.filter(state=TriageLane.State.OPEN).order_by("pk"):
        shut(lane, TriageLane.Closed.DRIFT, reason)


def summary(certificate: TriageCertificate) -> str:
    """For the log of a round."""
    found = list(certificate.lanes.order_by("pk"))
    opened = [lane for lane in found if lane.state == TriageLane.State.OPEN]
    accepted = lanes.standing(certificate).count()
    return f"{len(opened)} of {len(found)} lanes are open. {accepted} cases are accepted for now."


def _make(project: Project, model: TrainedModel, policy: TriagePolicy) -> TriageCertificate:
    found = trials.test(model, policies.promise(policy), policy.group_by)
    names = evidence.networks_of(model)
    made = TriageCertificate.objects.create(
        project=project,
        model=model,
        policy=policy,
        scalings={
            name: [scaling.slope, scaling.shift]
            for name, scaling in zip(names, found.scalings, strict=True)
        },
        fitted_on=found.fitted_on,
        expires_at=timezone.now() + timedelta(days=policy.valid_days),
    )
    barred = _barred(model)
    waiting = lanes.qualifying(found, policy.gap)
    rows = [_row(made, lane, policy, waiting, barred) for lane in found.lanes]
    TriageLane.objects.bulk_create(rows)
    look_for_drift(made, drifting.at_start(model, found, policy.group_by))
    data = {
        "model": model.pk,
        "weights_sha256": model.weights_sha256,
        "policy": policy.version,
        "lanes": [
            {
                "lane": row.name,
                "group": row.group,
                "state": row.state,
                "n": row.n,
                "positives": row.positives,
                "level": row.level,
                "confidence": row.confidence,
                "threshold": row.threshold,
                "bound": row.bound,
            }
            for row in rows
        ],
    }
    ledger.record("triage.certify", project=project, actor=None, obj=made, data=data)
    return made


def _row(
    certificate: TriageCertificate,
    lane: Lane,
    policy: TriagePolicy,
    waiting: Mapping[tuple[str, str], int],
    barred: Mapping[tuple[str, str], str],
) -> TriageLane:
    place = (lane.name, lane.group)
    row = TriageLane(
        certificate=certificate,
        name=lane.name,
        group=lane.group,
        state=TriageLane.State.WANTING,
        n=lane.n,
        positives=lane.positives,
        level=lane.level,
        confidence=lane.confidence,
        threshold=lane.threshold,
        accepted_share=lane.accepted_share,
        errors=lane.errors,
        trials=lane.trials,
        bound=lane.bound,
        steps=[asdict(step) for step in lane.steps],
        needs_cases=lane.needs.cases,
        needs_positives=lane.needs.positives,
        can_open=lane.needs.possible,
    )
    if lane.threshold is None:
        return row
    row.state = TriageLane.State.OPEN
    row.tolerance = trials.tolerance_of(lane)
    row.audit_rate = audit_rate(
        row.tolerance,
        waiting.get(place, 0),
        confidence=policy.confidence,
        least=policy.least_audit,
    )
    if place in barred:
        row.state, row.closed_at = TriageLane.State.CLOSED, timezone.now()
        row.closed_for = barred[place]
        row.closed_because = "It was closed under this model before. Train another one."
    return row


def _barred(model: TrainedModel) -> dict[tuple[str, str], str]:
    """Lanes that the audit or drift closed under this model: the same evidence must not open them again."""
    rows = TriageLane.objects.filter(certificate__model=model, closed_for__in=STAY_CLOSED)
    return {(row.name, row.group): row.closed_for for row in rows}


def _end(certificate: TriageCertificate, closed_for: str, reason: str) -> None:
    for lane in certificate.lanes.filter(state=TriageLane.State.OPEN).order_by("pk"):
        lane.state, lane.closed_at = TriageLane.State.ENDED, timezone.now()
        lane.closed_for, lane.closed_because = closed_for, reason
        lane.save()
        lanes.withdraw_all(lane, reason)
    certificate.ended_at, certificate.ended_because = Now(), reason
    certificate.save(update_fields=["ended_at", "ended_because"])
    ledger.record(
        "triage.end",
        project=certificate.project,
        actor=None,
        obj=certificate,
        data={"for": str(closed_for), "reason": reason},
    )


def _lock(rows: QuerySet[TriageCertificate]) -> TriageCertificate | None:
    return rows.select_for_update(no_key=True).first()

"""Keeps watch over what was accepted: audits counted, drift looked for, certificates ended and renewed.

The work is asked of the data, and each piece is a transaction that holds the certificate: a worker may
be killed anywhere, and a lost message costs a tick.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction
from django.db.models.functions import Now

from annotation.models import Project
from learning.models import TrainedModel, TriageCertificate, TriageLane, TriagePolicy
from learning.triage import Monitor
from learning.triaging import certificates, drifting, evidence, lanes, policies

ACTOR = policies.ACTOR
FALSE_ALARM = 0.01
"""Over the life of a lane, the chance that the audit closes it though it keeps its promise."""
LOOK_AFTER = drifting.FEWEST
"""New cases from which drift is looked for again."""


def due() -> Iterator[int]:
    """Projects with something to do."""
    concerned = Project.objects.filter(triage_policies__isnull=False, archived_at=None).distinct()
    for project in concerned.order_by("pk"):
        if is_due(project):
            yield project.pk


def is_due(project: Project) -> bool:
    certificate = certificates.in_force(project)
    if _wants_another(project, certificate):
        return True
    return certificate is not None and (
        certificate.filled_at is None
        or lanes.answered(certificate).exists()
        or lanes.strayed(certificate).exists()
        or _has_expired(certificate)
        or _may_have_drifted(certificate)
    )


def follow(project_id: int) -> bool:
    """One piece of work; whether there was any."""
    project = Project.objects.get(pk=project_id)
    certificate = certificates.in_force(project)
    if model := _wants_another(project, certificate):
        certificates.renew(project, model)
        return True
    if certificate is None or not is_due(project):
        return False
    if certificate.filled_at is None:
        lanes.accept_some(certificate)
    else:
        _look_after(certificate)
    return True


def monitor(lane: TriageLane) -> Monitor:
    """The audit of the lane so far. Raises ValueError for a lane that never opened."""
    if lane.tolerance is None:
        raise ValueError("A lane that never opened has no audit.")
    audited, errors = lanes.audited(lane)
    return Monitor(lane.tolerance, FALSE_ALARM, audited, errors)


@transaction.atomic
def _look_after(certificate: TriageCertificate) -> None:
    locked = (
        TriageCertificate.objects.select_for_update(no_key=True, of=("self",))
        .select_related("project", "policy", "model__round")
        .get(pk=certificate.pk)
    )
    if locked.ended_at is not None:
        return
    if _has_expired(locked):
        certificates.expire(locked)
        return
    lanes.settle(locked)
    for lane in locked.lanes.filter(state=TriageLane.State.OPEN).order_by("pk"):
        audit = monitor(lane)
        if audit.is_broken:
            certificates.shut(lane, TriageLane.Closed.AUDIT, _broken(audit))
    again = lanes.cases_of(lanes.strayed(locked))
    lanes.withdraw(locked.project, list(again), "It is to be read again: its images changed.")
    if _may_have_drifted(locked):
        certificates.look_for_drift(locked, drifting.arrivals(locked))


def _broken(audit: Monitor) -> str:
    return (
        f"The audit found {audit.errors} wrong labels among {audit.audited} accepted cases, and at most "
        f"{audit.tolerance:.2%} may be wrong."
    )


def _wants_another(project: Project, certificate: TriageCertificate | None) -> TrainedModel | None:
    """The ensemble to certify, if the policy in force has not been tested on it."""
    policy: TriagePolicy | None = policies.current(project)
    model = evidence.latest(project)
    if policy is None or model is None:
        return None
    if certificate is not None and certificate.policy_id == policy.pk:
        return None
    if certificate is None and not policy.is_on:
        return None
    done = TriageCertificate.objects.filter(model=model, policy=policy)
    return None if certificate is None and done.exists() else model


def _has_expired(certificate: TriageCertificate) -> bool:
    return TriageCertificate.objects.filter(pk=certificate.pk, expires_at__lt=Now()).exists()


def _may_have_drifted(certificate: TriageCertificate) -> bool:
    open_ = certificate.lanes.filter(state=TriageLane.State.OPEN)
    return open_.exists() and len(drifting.arrived(certificate)) >= LOOK_AFTER

"""Cases that an open lane accepts, and their way back. The only writer of TriageDecision.

Accepting is data for annotation: slots are put aside, a provisional label is said, and a random part
stays with the readers as audits that nobody can tell from other readings. Every piece is a transaction
of its own, holds the certificate, and finds its work in the data: killed anywhere, it goes on.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from annotation import ledger, provisional, set_aside
from annotation.models import Project, ProvisionalLabel, Reference, User
from learning.errors import LaneNotOpen
from learning.models import TriageCertificate, TriageDecision, TriageLane
from learning.triage import NEGATIVE, Scaling
from learning.triage.certificate import gap_of, score_of, taken
from learning.triaging import evidence
from learning.triaging.trials import Tested

AT_ONCE = 500
_random = random.SystemRandom()
State = TriageDecision.State


@dataclass(frozen=True)
class Candidate:
    case: int
    lane: TriageLane
    score: float
    gap: float


def accept_some(certificate: TriageCertificate) -> bool:
    """The next cases that a lane takes; False when all of the pool has been decided."""
    with transaction.atomic():
        locked = (
            TriageCertificate.objects.select_for_update(no_key=True, of=("self",))
            .select_related("project", "model__round", "policy")
            .get(pk=certificate.pk)
        )
        if locked.ended_at is not None or locked.filled_at is not None:
            return False
        candidates = list(_candidates(locked))[:AT_ONCE]
        accepted = _accept(locked, candidates) if candidates else 0
        if accepted == 0 or len(candidates) < AT_ONCE:
            TriageCertificate.objects.filter(pk=locked.pk).update(filled_at=Now())
            return False
        return True


def qualifying(found: Tested, widest: float) -> Counter[tuple[str, str]]:
    """How many cases of the pool each lane would take."""
    said = found.pool.scaled(found.scalings)
    score, gap = score_of(said), gap_of(said)
    groups = np.array(found.pool.groups, dtype=object)
    counts: Counter[tuple[str, str]] = Counter()
    for lane in found.lanes:
        chosen = lane.accepts(score, gap, widest) & (groups == lane.group)
        counts[lane.name, lane.group] = int(chosen.sum())
    return counts


def standing(certificate: TriageCertificate) -> QuerySet[TriageDecision]:
    return TriageDecision.objects.filter(lane__certificate=certificate, state=State.ACCEPTED)


def withdraw_all(lane: TriageLane, reason: str) -> int:
    """Everything of the lane that nobody has read. Within the caller's transaction."""
    found = list(lane.decisions.filter(state=State.ACCEPTED).values_list("case_id", flat=True))
    return withdraw(lane.certificate.project, found, reason)


def withdraw(project: Project, cases: Sequence[int], reason: str) -> int:
    if not cases:
        return 0
    accepted = TriageDecision.objects.filter(case__in=cases, state=State.ACCEPTED)
    withdrawn = accepted.update(state=State.WITHDRAWN, settled_at=Now(), reason=reason)
    provisional.withdraw(cases)
    set_aside.take_back(project, cases, reason=reason)
    return withdrawn


def send_to_reader(decision: TriageDecision, *, user: User, reason: str) -> None:
    """A lead doubts one label: the case goes back to the readers."""
    project = decision.lane.certificate.project
    with transaction.atomic():
        TriageCertificate.objects.select_for_update(no_key=True).get(
            pk=decision.lane.certificate_id
        )
        if not withdraw(project, [decision.case_id], reason):
            raise LaneNotOpen("This case is with the readers already.")
        data = {"case": decision.case_id, "reason": reason}
        ledger.record("triage.send", project=project, actor=user, obj=decision, data=data)


def answered(certificate: TriageCertificate) -> QuerySet[TriageDecision]:
    """Accepted cases that a reader has read since, by lot or otherwise."""
    read = Reference.objects.filter(case=OuterRef("case"), current=True)
    return standing(certificate).filter(Exists(read))


def settle(certificate: TriageCertificate) -> int:
    """A reader's word takes the place of the provisional label, and the audit counts it. Within the
    caller's transaction, which holds the certificate.
    """
    recipe = evidence.recipe_of(certificate.model)
    found = list(answered(certificate)[:AT_ONCE])
    truths = dict(
        Reference.objects.filter(case__in=[one.case_id for one in found], current=True).values_list(
            "case_id", "answers"
        )
    )
    for one in found:
        said = truths[one.case_id].get(recipe.question)
        one.state = State.READ
        one.is_wrong = said != one.label if said in recipe.classes else None
        one.reason = "A reader has read it."
        one.settled_at = Now()
    TriageDecision.objects.bulk_update(found, ["state", "is_wrong", "reason", "settled_at"])
    provisional.withdraw([one.case_id for one in found])
    return len(found)


def strayed(certificate: TriageCertificate) -> QuerySet[TriageDecision]:
    """Accepted cases that are to be read again: their images changed, or somebody asked for it."""
    return standing(certificate).filter(set_aside.is_read_again())


def audited(lane: TriageLane) -> tuple[int, int]:
    """Audits that were read, and how many of them found the label wrong."""
    done = lane.decisions.filter(audit=True, state=State.READ, is_wrong__isnull=False)
    return done.count(), done.filter(is_wrong=True).count()


def _candidates(certificate: TriageCertificate) -> Iterator[Candidate]:
    """Each case of the pool with the open lane that takes it, by number of the case."""
    model, policy = certificate.model, certificate.policy
    pool = evidence.pool(model, policy.group_by)
    names = evidence.networks_of(model)
    said = pool.scaled([Scaling(*certificate.scalings[name]) for name in names])
    score, gap = score_of(said), gap_of(said)
    groups = np.array(pool.groups, dtype=object)
    known = set(
        TriageDecision.objects.filter(lane__certificate=certificate).values_list("case", flat=True)
    )
    for lane in certificate.lanes.filter(state=TriageLane.State.OPEN).order_by("pk"):
        threshold = math.nan if lane.threshold is None else lane.threshold
        side = taken(lane.name, score, gap, threshold, policy.gap)
        for place in np.flatnonzero(side & (groups == lane.group)):
            if pool.cases[place] not in known:
                known.add(pool.cases[place])
                yield Candidate(pool.cases[place], lane, float(score[place]), float(gap[place]))


def _accept(certificate: TriageCertificate, candidates: Sequence[Candidate]) -> int:
    """Put aside what nobody has begun to read, with its label and the draw for the audit."""
    audits = {one.case for one in candidates if _random.random() < (one.lane.audit_rate or 1.0)}
    wanted = [one.case for one in candidates]
    free = set(set_aside.put_aside(certificate.project, wanted, audits=audits))
    accepted = [one for one in candidates if one.case in free]
    recipe = evidence.recipe_of(certificate.model)
    decisions = [
        TriageDecision(
            case_id=one.case,
            lane=one.lane,
            score=one.score,
            gap=one.gap,
            label=recipe.classes[0 if one.lane.name == NEGATIVE else -1],
            audit=one.case in audits,
        )
        for one in accepted
    ]
    TriageDecision.objects.bulk_create(decisions)
    provisional.state(
        ProvisionalLabel(
            case_id=one.case_id,
            question=recipe.question,
            value=one.label,
            source=_source(certificate, one),
        )
        for one in decisions
    )
    return len(accepted)


def _source(certificate: TriageCertificate, decision: TriageDecision) -> dict[str, Any]:
    lane, model = decision.lane, certificate.model
    return {
        "certificate": certificate.pk,
        "model": model.pk,
        "weights_sha256": model.weights_sha256,
        "lane": lane.name,
        "group": lane.group,
        "score": decision.score,
        "gap": decision.gap,
        "threshold": lane.threshold,
        "level": lane.level,
        "confidence": lane.confidence,
        "bound": lane.bound,
    }


def cases_of(decisions: QuerySet[TriageDecision]) -> Collection[int]:
    return list(decisions.values_list("case_id", flat=True)[:AT_ONCE])

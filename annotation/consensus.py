"""What the reads of a case resolve to: the only writer of Reference.

One read is its own reference; several are put to the vote, question by question. A reference is
never changed: when the reads change, the next version becomes the current one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import rfc8785
from django.db import transaction
from django.db.models import QuerySet

from . import ledger, provenance
from .marks import as_submitted
from .models import Answer, Case, Read, Reference


@dataclass(frozen=True)
class Resolved:
    """A reference before it is stored. ``certainty``: the share of the reads that agree with it."""

    method: Reference.Method
    answers: dict[str, Any]
    certainty: float
    marks: list[dict[str, Any]] = field(default_factory=list)


def resolve(case: Case) -> Reference | None:
    """The case's current reference, brought up to date; None while readings are still wanted."""
    with transaction.atomic():
        locked = Case.objects.select_related("project").select_for_update(no_key=True, of=("self",))
        case = locked.get(pk=case.pk)
        if renewed := renew(case):
            record(case, renewed)
        return renewed or current(case)


def renew(case: Case) -> Reference | None:
    """A new version if the reads call for one. For a caller that has locked the case and records."""
    before = current(case)
    reads = list(standing_reads(case))
    if len(reads) < max(1, case.reads_wanted):
        return None
    known = set() if before is None else set(before.reads.values_list("pk", flat=True))
    return None if known == {read.pk for read in reads} else _store(case, before, reads)


def record(case: Case, reference: Reference) -> None:
    data = {
        "case": case.pk,
        "version": reference.version,
        "method": reference.method,
        "reads": sorted(reference.reads.values_list("pk", flat=True)),
    }
    ledger.record("reference.resolve", project=case.project, actor=None, obj=reference, data=data)


def current(case: Case) -> Reference | None:
    return case.references.filter(current=True).first()


def standing_reads(case: Case) -> QuerySet[Read]:
    """The reads that count: in time, for a wanted reading, of the images as they are now, and not
    superseded by the reader's own correction.
    """
    images = provenance.instances_sha256(case)
    counting = case.reads.filter(late=False, superseded_by=None, slot__isnull=False)
    return counting.filter(instances_sha256=images).order_by("pk")


def vote(answers: list[dict[str, Any]]) -> tuple[dict[str, Any], float]:
    """Per question the most frequent value, none on a tie; and the mean share that voted for it
    (0 where nothing was asked)."""
    chosen: dict[str, Any] = {}
    shares = []
    for question in sorted({question for given in answers for question in given}):
        values = [given[question] for given in answers if question in given]
        counts = Counter(rfc8785.dumps(value) for value in values)
        (first, votes), *others = counts.most_common(2)
        shares.append(votes / len(answers))
        if not others or others[0][1] < votes:
            chosen[question] = next(value for value in values if rfc8785.dumps(value) == first)
    return chosen, sum(shares) / len(shares) if shares else 0.0


def submitted_marks(read: Read) -> list[dict[str, Any]]:
    """The marks of a read in the form in which they were submitted."""
    drawn = read.marks.select_related("mask").defer("mask__gzip").order_by("pk")
    return [as_submitted(mark) for mark in drawn]


def _store(case: Case, before: Reference | None, reads: list[Read]) -> Reference:
    resolved = _of_one(reads[0]) if len(reads) == 1 else _of_several(reads)
    version = 1
    if before is not None:
        Reference.objects.filter(pk=before.pk).update(current=False)
        version = before.version + 1
    reference = Reference.objects.create(
        case=case,
        version=version,
        method=resolved.method,
        answers=resolved.answers,
        marks=resolved.marks,
        certainty=resolved.certainty,
    )
    reference.reads.set(reads)
    return reference


def _of_one(read: Read) -> Resolved:
    return Resolved(Reference.Method.SINGLE, _answers_of([read])[0], 1.0, submitted_marks(read))


def _of_several(reads: list[Read]) -> Resolved:
    """Marks of several readers are not merged: whose outline is right is not a matter of counting."""
    answers, certainty = vote(_answers_of(reads))
    return Resolved(Reference.Method.MAJORITY, answers, certainty)


def _answers_of(reads: list[Read]) -> list[dict[str, Any]]:
    """Each read's answers on the case as a whole."""
    given: dict[int, dict[str, Any]] = {read.pk: {} for read in reads}
    for answer in Answer.objects.filter(read__in=reads, target="").order_by("question"):
        given[answer.read_id][answer.question] = answer.value
    return [given[read.pk] for read in reads]

"""Cases whose images look like those of a case, by the embeddings of the model in use.

Readers find among what they have read themselves, and nothing of the hold-out or calibration stream,
whose cases find nothing either: that would tell what a case is used for. No label, score or suggestion
is part of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from pgvector.django import CosineDistance

from annotation.models import Case, Purpose, Slot, Stream, User
from learning import registry
from learning.models import Embedding

MOST = 24
NOTHING = (
    "There is nothing to compare this case with yet: the model in use has to have looked at its "
    "images, and at others that you may see."
)
FOR_READERS = (Stream.POOL, Stream.CONTROL)


@dataclass(frozen=True)
class Found:
    """Case ids, the most similar first, with cosine similarity; a sentence where there are none."""

    similarities: dict[int, float]
    note: str


def to(case: Case, user: User, *, oversees: bool, count: int) -> Found:
    model = registry.in_use(case.project)
    own = Embedding.objects.filter(case=case, model=model).first() if model else None
    if own is None or (not oversees and _is_hidden(case, user)):
        return Found({}, NOTHING)
    rows = (
        Embedding.objects.filter(model=model, case__in=_allowed(case, user, oversees))
        .exclude(case=case)
        .annotate(distance=CosineDistance("vector", own.vector))
        .order_by("distance", "case")
        .values_list("case_id", "distance")[: min(count, MOST)]
    )
    found = {case_id: 1 - float(distance) for case_id, distance in rows}
    return Found(found, "" if found else NOTHING)


def _allowed(case: Case, user: User, oversees: bool) -> QuerySet[Case]:
    cases = case.project.cases.exclude(state=Case.State.WITHDRAWN)
    if oversees:
        return cases
    return cases.filter(stream__in=FOR_READERS, pk__in=user.reads.values("case"))


def _is_hidden(case: Case, user: User) -> bool:
    """Of the evaluating streams, and of a repeated reading, which is to be made without the first."""
    if case.stream not in FOR_READERS:
        return True
    repeated = Slot.objects.filter(case=case, reader=user, purpose=Purpose.REPEAT)
    return repeated.filter(state=Slot.State.CLAIMED).exists()

"""The reading list as queries: which cases a person may see there, and how far each one is.

A reader's list is made of the reader's own doings alone, so that it tells nothing of other readers.
"""

from __future__ import annotations

from typing import Any

from django.db.models import (
    BigIntegerField,
    CharField,
    Exists,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models import Case as Choose
from django.db.models.functions import Coalesce

from .errors import InvalidInput
from .models import Case, Comment, Draft, Project, Read, Reference, Series, Skip, Slot, User

NEWEST_FREE = 1000
STAGES = ("not_started", "draft", "issue", "awaiting", "done")
_OF_CASE = {"case": OuterRef("pk")}


def for_reader(
    project: Project, reader: User, *, stage: str = "", search: str = ""
) -> QuerySet[Case]:
    """Cases that this reader has, had or asked about, and the newest of those that the reader may
    take: all of these only for a search.

    Found from the reader's own rows and the open slots, never by walking through all cases.
    """
    mine = {**_OF_CASE, "reader": reader}
    candidates: list[QuerySet[Any, Any]] = [
        Draft.objects.filter(reader=reader).values("slot__case"),
        Slot.objects.filter(reader=reader, project=project).values("case"),
        Comment.objects.filter(author=reader)
        .exclude(issue="")
        .exclude(case__skips__reader=reader)
        .values("case"),
    ]
    if stage in ("", "not_started"):
        candidates.append(_free(project, reader, None if search else NEWEST_FREE))
    found = Read.objects.filter(reader=reader).values("case").union(*candidates)
    cases = Case.objects.filter(project=project, pk__in=found).alias(
        is_read=Exists(Read.objects.filter(**mine).exclude(slot__state=Slot.State.OUTDATED)),
        is_drafted=Exists(Draft.objects.filter(slot__case=OuterRef("pk"), reader=reader)),
    )
    return _staged(
        cases,
        When(is_read=True, then=Value("done")),
        When(state=Case.State.ISSUE, then=Value("issue")),
        When(is_drafted=True, then=Value("draft")),
    )


def _free(project: Project, reader: User, newest: int | None) -> QuerySet[Slot, Any]:
    """The cases with a slot that waits for somebody, other than those that the reader declined."""
    declined = Skip.objects.filter(reader=reader, case=OuterRef("case"))
    slots = Slot.objects.filter(~Exists(declined), project=project, state=Slot.State.OPEN)
    return slots.order_by("-case").values("case")[:newest]


def for_overseer(project: Project) -> QuerySet[Case]:
    """All cases, with what all readers have done."""
    claimed = Slot.objects.filter(**_OF_CASE, state=Slot.State.CLAIMED)
    cases = Case.objects.filter(project=project).alias(
        is_resolved=Exists(Reference.objects.filter(**_OF_CASE, current=True)),
        is_read=Exists(Read.objects.filter(**_OF_CASE, late=False, slot__isnull=False)),
        is_drafted=Exists(Draft.objects.filter(slot__case=OuterRef("pk"))),
        is_claimed=Exists(claimed),
    )
    return _staged(
        cases,
        When(state=Case.State.ISSUE, then=Value("issue")),
        When(is_resolved=True, then=Value("done")),
        When(is_read=True, then=Value("awaiting")),
        When(Q(is_drafted=True) | Q(is_claimed=True), then=Value("draft")),
    )


def described(cases: QuerySet[Case], user: User) -> QuerySet[Case]:
    """With the columns of the list: the person's own slot, what was answered to the person, due date,
    series and first series.
    """
    slots = Slot.objects.filter(case=OuterRef("pk"))
    own = slots.filter(reader=user, state__in=[Slot.State.CLAIMED, Slot.State.DONE])
    drafted = Draft.objects.filter(slot__case=OuterRef("pk"), reader=user)
    late = Read.objects.filter(**_OF_CASE, reader=user, late=True).order_by("-pk")
    answers = Comment.objects.filter(**_OF_CASE, parent__author=user).exclude(author=user)
    series = Series.objects.filter(cases=OuterRef("pk"), deleted_at=None).order_by("series_uid")
    count = Func("pk", function="COUNT", output_field=IntegerField())
    return cases.select_related("project").annotate(
        slot=Coalesce(
            Subquery(own.values("pk")[:1]),
            Subquery(drafted.values("slot_id")[:1]),
            Subquery(late.values("slot_id")[:1]),
            output_field=BigIntegerField(),
        ),
        answer=Subquery(answers.order_by("-pk").values("text")[:1]),
        due_at=Subquery(slots.exclude(due_at=None).order_by("due_at").values("due_at")[:1]),
        series_count=Subquery(series.order_by().annotate(count=count).values("count")),
        first_series=Subquery(series.values("pk")[:1]),
        first_version=Subquery(series.values("display__version")[:1]),
    )


def narrowed(
    cases: QuerySet[Case], *, stage: str, search: str, fields: tuple[str, ...]
) -> QuerySet[Case]:
    """Only the cases of a stage, and those that match the search in one of the fields."""
    if stage and stage not in STAGES:
        raise InvalidInput(f"“{stage[:40]}” is no stage. Stages are {', '.join(STAGES)}.")
    if stage:
        cases = cases.filter(Q(stage=stage))
    for word in search.split()[:5]:
        wanted = Q()
        for field in fields:
            wanted |= Q(**{f"{field}__icontains": word})
        if word.isascii() and word.isdigit() and len(word) < 19:
            wanted |= Q(pk=int(word))
        cases = cases.filter(wanted)
    return cases


def _staged(cases: QuerySet[Case], *stages: When) -> QuerySet[Case]:
    return cases.annotate(
        stage=Choose(*stages, default=Value("not_started"), output_field=CharField())
    )

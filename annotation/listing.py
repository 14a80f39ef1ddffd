"""The reading list as queries: which cases a person may see there, and how far each one is.

A reader's list is made of the reader's own doings alone, so that it tells nothing of other readers.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import (
    BigIntegerField,
    BooleanField,
    CharField,
    Exists,
    ExpressionWrapper,
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
from django.db.models.functions import Coalesce, Now

from . import suggestions
from .list_filters import ListFilter
from .models import (
    Case,
    Comment,
    Draft,
    Project,
    Purpose,
    Read,
    Reference,
    Series,
    Skip,
    Slot,
    User,
)

NEWEST_FREE = 1000
FEW = 5000
NEVER_SOUGHT = ListFilter()
_OF_CASE = {"case": OuterRef("pk")}
_DUE_WITHIN = {"overdue": timedelta(), "week": timedelta(days=7)}
_TO_READ = (Slot.State.OPEN, Slot.State.CLAIMED, Slot.State.HELD)


def for_reader(project: Project, reader: User, sought: ListFilter = NEVER_SOUGHT) -> QuerySet[Case]:
    """Cases that this reader has, had or asked about, and the newest of those that the reader may
    take: the newest of each kind where the filter names kinds.

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
    if sought.stage in ("", "not_started") and not sought.flag:
        candidates += _free(project, reader, sought)
    found = Read.objects.filter(reader=reader).values("case").union(*candidates)
    cases = Case.objects.filter(project=project, pk__in=found).alias(
        is_read=Exists(Read.objects.filter(**mine).exclude(slot__state=Slot.State.OUTDATED)),
        is_drafted=Exists(Draft.objects.filter(slot__case=OuterRef("pk"), reader=reader)),
    )
    staged = _staged(
        cases,
        When(is_read=True, then=Value("done")),
        When(state=Case.State.ISSUE, then=Value("issue")),
        When(is_drafted=True, then=Value("draft")),
    )
    return _narrowed(staged, project, sought)


def for_overseer(project: Project, sought: ListFilter = NEVER_SOUGHT) -> QuerySet[Case]:
    """All cases, with what all readers have done."""
    slots = Slot.objects.filter(**_OF_CASE)
    adjudicated = slots.filter(purpose=Purpose.ADJUDICATION, state__in=_TO_READ)
    cases = Case.objects.filter(project=project).alias(
        is_adjudicated=Exists(adjudicated),
        is_resolved=Exists(Reference.objects.filter(**_OF_CASE, current=True)),
        is_read=Exists(Read.objects.filter(**_OF_CASE, late=False, slot__isnull=False)),
        is_drafted=Exists(Draft.objects.filter(slot__case=OuterRef("pk"))),
        is_claimed=Exists(slots.filter(state=Slot.State.CLAIMED)),
    )
    staged = _staged(
        cases,
        When(state=Case.State.ISSUE, then=Value("issue")),
        When(is_adjudicated=True, then=Value("adjudication")),
        When(is_resolved=True, then=Value("done")),
        When(is_read=True, then=Value("awaiting")),
        When(Q(is_drafted=True) | Q(is_claimed=True), then=Value("draft")),
    )
    return _narrowed(_begun_at(staged, project, sought.stage), project, sought)


def described(cases: QuerySet[Case], user: User, *, oversees: bool = False) -> QuerySet[Case]:
    """With the columns of the list: the person's own slot, whether a suggestion awaits the person, what
    was answered to the person, due date, flags, series and first series.
    """
    slots = Slot.objects.filter(case=OuterRef("pk"))
    own = slots.filter(reader=user, state__in=[Slot.State.CLAIMED, Slot.State.DONE])
    drafts = Draft.objects.filter(slot__case=OuterRef("pk"))
    drafted = drafts.filter(reader=user)
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
        ai_ready=suggestions.ready(user),
        answer=Subquery(answers.order_by("-pk").values("text")[:1]),
        due_at=Subquery(slots.exclude(due_at=None).order_by("due_at").values("due_at")[:1]),
        has_draft=Exists(drafts if oversees else drafted),
        has_issue=ExpressionWrapper(Q(state=Case.State.ISSUE), output_field=BooleanField()),
        series_count=Subquery(series.order_by().annotate(count=count).values("count")),
        first_series=Subquery(series.values("pk")[:1]),
        first_version=Subquery(series.values("version")[:1]),
    )


def _free(project: Project, reader: User, sought: ListFilter) -> list[QuerySet[Slot, Any]]:
    """The cases with a slot that waits for somebody, other than those that the reader declined."""
    declined = Skip.objects.filter(reader=reader, case=OuterRef("case"))
    slots = Slot.objects.filter(~Exists(declined), project=project, state=Slot.State.OPEN)
    parts = [slots.filter(case__in=sought.case_ids)] if sought.case_ids else []
    if sought.kinds is None and not sought.case_ids:
        parts = [slots]
    parts += [
        slots.filter(modality=modality, body_part=body_part)
        for modality, body_part in sought.kinds or ()
    ]
    return [part.order_by("-case").values("case")[:NEWEST_FREE] for part in parts]


def _begun_at(cases: QuerySet[Case], project: Project, stage: str) -> QuerySet[Case]:
    """While few cases are at a stage, they are found from what was begun; once many are, the newest of
    them turn up soon among all.
    """
    slots = Slot.objects.filter(project=project)
    begun: QuerySet[Any, Any]
    match stage:
        case "draft":
            drafts = Draft.objects.filter(slot__project=project).values_list("slot__case")
            begun = drafts.union(slots.filter(state=Slot.State.CLAIMED).values_list("case"))
        case "issue":
            return cases.filter(state=Case.State.ISSUE)
        case "adjudication":
            wanted = slots.filter(purpose=Purpose.ADJUDICATION, state__in=_TO_READ)
            begun = wanted.values_list("case")
        case "awaiting":
            reads = Read.objects.filter(label_schema__project=project, late=False)
            begun = reads.values_list("case")
        case "done":
            current = Reference.objects.filter(case__project=project, current=True)
            begun = current.values_list("case")
        case _:
            return cases
    found = [case for (case,) in begun[: FEW + 1]]
    return cases.filter(pk__in=found) if len(found) <= FEW else cases


def _narrowed(cases: QuerySet[Case], project: Project, sought: ListFilter) -> QuerySet[Case]:
    """Only the cases that the filter lets through."""
    if sought.stage:
        cases = cases.filter(Q(stage=sought.stage))
    for words in sought.words:
        cases = cases.filter(words)
    if sought.due:
        until = _DUE_WITHIN[sought.due]
        due = Slot.objects.filter(project=project, due_at__lt=Now() + until, state__in=_TO_READ)
        cases = cases.filter(pk__in=due.values("case"))
    match sought.flag:
        case "draft":
            cases = cases.filter(Q(is_drafted=True))
        case "issue":
            cases = cases.filter(state=Case.State.ISSUE)
    return cases


def _staged(cases: QuerySet[Case], *stages: When) -> QuerySet[Case]:
    return cases.annotate(
        stage=Choose(*stages, default=Value("not_started"), output_field=CharField())
    )

"""Conversation on a case: the only writer of Comment. An issue is a comment that wants an answer."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from . import ledger
from .errors import InvalidInput
from .models import Case, Comment, User

LONGEST = 10_000


def add(
    case: Case,
    author: User,
    *,
    text: str,
    parent: Comment | None = None,
    anchor: dict[str, Any] | None = None,
) -> Comment:
    """A remark, or an answer to one of the same case."""
    if parent is not None and parent.case_id != case.pk:
        raise InvalidInput("The comment that this answers belongs to another case.")
    with transaction.atomic():
        comment = write(case, author, text=text, parent=parent, anchor=anchor)
        data = {"case": case.pk, "parent": comment.parent_id}
        ledger.record("comment.add", project=case.project, actor=author, obj=comment, data=data)
        return comment


def resolve(comment: Comment, user: User) -> None:
    """Close a remark. For an issue use ``queue.resolve_issue``, which also frees the case."""
    with transaction.atomic():
        if mark_resolved(comment.case, user, comment=comment):
            project, data = comment.case.project, {"case": comment.case_id}
            ledger.record("comment.resolve", project=project, actor=user, obj=comment, data=data)


def write(
    case: Case,
    author: User,
    *,
    text: str,
    issue: str = "",
    parent: Comment | None = None,
    anchor: dict[str, Any] | None = None,
) -> Comment:
    """Store a comment in the caller's transaction, which records the event."""
    if not text.strip():
        raise InvalidInput("Write something: an empty comment helps nobody.")
    if len(text) > LONGEST:
        raise InvalidInput(f"A comment may have at most {LONGEST:,} characters.")
    return Comment.objects.create(
        case=case, author=author, text=text, issue=issue, parent=parent, anchor=anchor or {}
    )


def open_issues(case: Case) -> QuerySet[Comment]:
    return case.comments.filter(resolved_at=None).exclude(issue="")


def mark_resolved(case: Case, user: User, *, comment: Comment | None) -> list[int]:
    """Close one comment, or all open issues of the case; the ids of those that were open."""
    chosen = open_issues(case) if comment is None else case.comments.filter(pk=comment.pk)
    still_open = [*chosen.filter(resolved_at=None).values_list("pk", flat=True).order_by("pk")]
    Comment.objects.filter(pk__in=still_open).update(resolved_at=Now(), resolved_by=user)
    return still_open

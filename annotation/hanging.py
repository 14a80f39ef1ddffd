"""A project's hanging protocols: stored version by version, applied to a case, tried on many.

The only writer of HangingProtocols.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from . import ledger, surroundings
from .errors import Conflict
from .hanging_rules import EMPTY, fits, hang, validate
from .models import Case, HangingProtocols, Project, User

TRIED_AT_MOST = 500
EXAMPLES = 12


@dataclass
class Trial:
    """What a protocol would do: cases that fit it, those it would open, and some of these."""

    code: str
    fits: int = 0
    first: int = 0
    examples: list[Case] = field(default_factory=list)


@dataclass(frozen=True)
class Trials:
    """``left``: cases that would open with a built-in protocol. ``of``: cases of the project."""

    protocols: list[Trial]
    left: int
    checked: int
    of: int


def current(project: Project) -> HangingProtocols:
    """The version in force; version 0, unsaved, of a project that has none."""
    stored = project.hanging_protocols.order_by("-version").first()
    return stored or HangingProtocols(project=project, version=0, document=dict(EMPTY))


def publish(
    project: Project, document: Mapping[str, Any], *, base: int, user: User
) -> HangingProtocols:
    """Store the next version, made from version ``base``; Conflict if another one came in between."""
    validate(document)
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        before = current(project)
        if before.version != base:
            raise Conflict(
                f"Somebody else stored version {before.version} meanwhile; yours was made from version "
                f"{base}. Load theirs and make your change again."
            )
        if before.version and before.document == document:
            return before
        added = HangingProtocols.objects.create(
            project=project, version=base + 1, document=dict(document), created_by=user
        )
        data = {"version": added.version, "document": dict(document)}
        ledger.record("hanging_protocols.add", project=project, actor=user, obj=added, data=data)
    return added


def of_case(case: Case, around: surroundings.Around) -> tuple[int, list[dict[str, Any]]]:
    """The version in force, and the protocols that fit the case, the one to open with first."""
    stored = current(case.project)
    return stored.version, hang(stored.document, surroundings.facts(case, around))


def try_out(project: Project, document: Mapping[str, Any]) -> Trials:
    """What the document would do with the newest cases of the project; nothing is stored."""
    validate(document)
    cases = Case.objects.filter(project=project).exclude(state=Case.State.WITHDRAWN)
    newest = list(cases.select_related("project").order_by("-pk")[:TRIED_AT_MOST])
    known = surroundings.facts_of_all(newest)
    trials = [Trial(protocol["code"]) for protocol in document["protocols"]]
    left = 0
    for case in newest:
        facts = known[case.pk]
        hung = hang(document, facts)
        opens = hung[0]["code"] if hung else ""
        left += not any(trial.code == opens for trial in trials)
        for trial, protocol in zip(trials, document["protocols"], strict=True):
            trial.fits += fits(protocol, facts)
            if trial.code == opens:
                trial.first += 1
                if len(trial.examples) < EXAMPLES:
                    trial.examples.append(case)
    return Trials(trials, left, len(newest), cases.count())

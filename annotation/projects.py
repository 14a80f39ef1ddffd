"""Projects: made from a document a person wrote, changed with a trace. The only writer of Project."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction

from . import adoption, intake_rules, ledger, members, schema_versions
from .models import (
    CaseUnit,
    Comparison,
    Project,
    Stream,
    SuggestionMode,
    SupersededRule,
    Task,
    User,
    WriteBackRule,
)
from .validation import Problem, problem, require_none, violations

DEFAULT_SHARES = {"pool": 0.4, "control": 0.2, "calibration": 0.1, "holdout": 0.3}
DEFAULT_MIX = dict.fromkeys(DEFAULT_SHARES, 1)
CHANGEABLE = {
    "title": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": {"type": "string", "maxLength": 20_000},
    "intake_rule": {
        "type": "object",
        "propertyNames": {"enum": intake_rules.ATTRIBUTES},
        "additionalProperties": {"type": "string"},
    },
    "reading_mix": {
        "type": "object",
        "propertyNames": {"enum": Stream.values},
        "additionalProperties": {"type": "number", "minimum": 0},
    },
    "evaluation_first": {"type": "boolean"},
    "reads_per_case": {"type": "integer", "minimum": 1, "maximum": 50},
    "blind_to_model": {"type": "boolean"},
    "suggestions": {"enum": SuggestionMode.values},
    "comparison": {"enum": Comparison.values},
    "lease_minutes": {"type": "integer", "minimum": 1, "maximum": 1440},
    "write_back": {"enum": WriteBackRule.values},
    "write_back_superseded": {"enum": SupersededRule.values},
    "round_every": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
}
SLUG = {
    "type": "string",
    "pattern": "^[a-z0-9][a-z0-9-]{0,49}$",
    "description": "a slug: up to 50 small letters, digits and hyphens",
}
SHARES = {
    "type": "object",
    "propertyNames": {"enum": Stream.values},
    "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
}
BLIND = (
    "Readers are blind to the model, so nothing of it may be shown to them: set suggestions to off, or "
    "blind_to_model to false."
)
CHANGES_SCHEMA = {
    "type": "object",
    "properties": CHANGEABLE,
    "additionalProperties": False,
    "minProperties": 1,
}
PROJECT_SCHEMA = {
    "type": "object",
    "required": ["slug", "title", "task", "case_unit"],
    "additionalProperties": False,
    "properties": {
        "slug": SLUG,
        **CHANGEABLE,
        "task": {"enum": Task.values},
        "case_unit": {"enum": CaseUnit.values},
        "stream_shares": SHARES,
        "label_schema": {"type": "object"},
        "recipe": {"type": "object"},
    },
}


def create(document: Mapping[str, Any], *, owner: User) -> Project:
    """The project that the document describes, led by ``owner``. One that exists is returned as it is."""
    require_none(_problems(document, PROJECT_SCHEMA), "The project document")
    asked = document.get("label_schema", {})
    if asked:
        require_none(schema_versions.problems(None, asked), "The label schema")
    with transaction.atomic():
        project, new = Project.objects.get_or_create(
            slug=document["slug"], defaults=_fields_of(document)
        )
        if new:
            schema_versions.begin(project, asked, owner=owner)
            if project.intake_rule:
                adoption.begin(project)
            ledger.record(
                "project.create", project=project, actor=owner, obj=project, data=dict(document)
            )
            members.found(project, owner)
    return project


@transaction.atomic
def update(project: Project, changes: Mapping[str, Any], *, user: User) -> Project:
    """Change settings. Task, unit and stream shares are part of the design and stay as they are.

    A new intake rule also takes what is stored already; cases that it no longer matches stay.
    Reads per case hold for cases that arrive afterwards.
    """
    require_none(_problems(changes, CHANGES_SCHEMA), "The change")
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    changed = {
        name: {"from": getattr(project, name), "to": value}
        for name, value in changes.items()
        if getattr(project, name) != value
    }
    if not changed:
        return project
    for name, values in changed.items():
        setattr(project, name, values["to"])
    require_none(_contradictions(project.suggestions, blind=project.blind_to_model), "The change")
    project.save(update_fields=list(changed))
    if changed.get("intake_rule", {}).get("to"):
        adoption.begin(project)
    ledger.record("project.update", project=project, actor=user, obj=project, data=changed)
    return project


def _fields_of(document: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: document[name] for name in ("title", "task", "case_unit")}
    given |= {name: document[name] for name in CHANGEABLE if name in document}
    given.setdefault("reading_mix", DEFAULT_MIX)
    given["stream_shares"] = document.get("stream_shares", DEFAULT_SHARES)
    return given


def _problems(document: Any, shape: Mapping[str, Any]) -> Iterator[Problem]:
    wrong = list(violations(document, shape))
    yield from wrong
    if wrong:
        return
    for attribute, expression in document.get("intake_rule", {}).items():
        for objection in intake_rules.objections(expression):
            yield problem(f"intake_rule.{attribute}", objection)
    shares = document.get("stream_shares", DEFAULT_SHARES)
    if not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
        yield problem("stream_shares", f"The shares add up to {sum(shares.values()):g}, not to 1.")
    if "slug" in document:
        blind = document.get("blind_to_model", True)
        yield from _contradictions(document.get("suggestions", SuggestionMode.OFF), blind=blind)
    mix = document.get("reading_mix", DEFAULT_MIX)
    if not any(mix.values()):
        yield problem("reading_mix", "At least one stream needs a weight above 0.")


def _contradictions(mode: str, *, blind: bool) -> Iterator[Problem]:
    if blind and mode != SuggestionMode.OFF:
        yield problem("suggestions", BLIND)

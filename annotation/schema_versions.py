"""The next version of a project's label schema is checked and stored. The only writer of LabelSchema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction

from . import label_schemas, ledger, schema, suggestions
from .errors import Conflict
from .models import LabelSchema, Project, User
from .validation import Problem, problem, require_none

NO_PICTURE = "The project has no such picture. Upload it to the project first."


def begin(project: Project, document: Mapping[str, Any], *, owner: User) -> LabelSchema:
    """Version 1 of a new project; an empty document asks nothing until the next version is stored."""
    return LabelSchema.objects.create(
        project=project, version=1, document=dict(document), created_by=owner
    )


def problems(project: Project | None, document: Mapping[str, Any]) -> list[Problem]:
    """All that is wrong with the document, each with its place; a new project has no pictures yet."""
    found = list(schema.problems(document))
    return found or list(_missing_pictures(project, document))


@transaction.atomic
def add(
    project: Project, document: Mapping[str, Any], *, user: User, base: int | None = None
) -> LabelSchema:
    """Store the document as the next version; the one in force is returned if nothing differs.

    ``base``: the version that it was made from; Conflict if another one came in between.
    """
    require_none(schema.problems(document), "The label schema")
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    require_none(_missing_pictures(project, document), "The label schema")
    before = label_schemas.current(project.pk)
    if before.document == document:
        return before
    if base is not None and base != before.version:
        raise Conflict(
            f"Somebody else stored version {before.version} meanwhile; yours was made from version {base}. "
            "Compare the two, then store yours as the next version or take theirs."
        )
    added = LabelSchema.objects.create(
        project=project, version=before.version + 1, document=document, created_by=user
    )
    suggestions.retire(project)
    data = {"version": added.version, "document": dict(document)}
    ledger.record("label_schema.add", project=project, actor=user, obj=added, data=data)
    return added


def _missing_pictures(project: Project | None, document: Mapping[str, Any]) -> Iterator[Problem]:
    named = schema.pictures_named(document)
    kept = set()
    if project is not None and named:
        found = project.guideline_pictures.filter(sha256__in=named.values())
        kept = set(found.values_list("sha256", flat=True))
    for where, sha256 in named.items():
        if sha256 not in kept:
            yield problem(f"{where}.picture", NO_PICTURE)

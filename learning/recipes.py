"""What a project's rounds learn and how. The only writer of Recipe; a stored version never changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction

from annotation import ledger
from annotation.errors import InvalidInput
from annotation.models import LabelSchema, Project, User

from . import acquisition
from .engine import spec
from .engine.errors import InvalidRecipe
from .engine.tasks import TASKS
from .errors import RoundNotPossible
from .models import Recipe, Round
from .preparing import starts
from .teaching import teacher_of


@transaction.atomic
def store(project: Project, document: Mapping[str, Any], *, user: User | None = None) -> Recipe:
    """A new version, or the latest one if it says the same. Raises InvalidInput with all that is wrong."""
    recipe = check(project, document, user=user)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    latest = project.recipes.order_by("-version").first()
    if latest is not None and latest.document == recipe.document():
        return latest
    version = 1 if latest is None else latest.version + 1
    row = Recipe.objects.create(project=project, version=version, document=recipe.document())
    ledger.record(
        "recipe.store", project=project, actor=user, obj=row, data={"document": row.document}
    )
    return row


def check(
    project: Project, document: Mapping[str, Any], *, user: User | None = None
) -> spec.Recipe:
    """The recipe if the engine can carry it out and the project's labels can teach it."""
    try:
        recipe = spec.parse(document)
    except InvalidRecipe as problem:
        raise _invalid(problem.problems) from problem
    schema = project.label_schemas.order_by("-version").first()
    if problems := [*_misfits(recipe, project, schema), *starts.objections(recipe, user)]:
        raise _invalid(problems)
    return recipe


def current(project: Project) -> Recipe:
    row = project.recipes.order_by("-version").first()
    if row is None:
        raise RoundNotPossible(
            "The project has no recipe, so nothing says what to learn. Add a `recipe` to the "
            "project's file (task, question or classes, networks) and store it again."
        )
    return row


def parsed(row: Recipe) -> spec.Recipe:
    """Raises RoundNotPossible for one that was stored when other rules held."""
    try:
        return spec.parse(row.document)
    except InvalidRecipe as problem:
        raise RoundNotPossible(
            f"Version {row.version} of the project's recipe cannot be carried out any more. {problem} "
            "Store it again."
        ) from problem


def of_round(round_: Round) -> spec.Recipe:
    """The round's recipe with what the round has settled of it."""
    recipe, plan = parsed(round_.recipe), round_.plan
    if recipe.input_size or "input_size" not in plan:
        return recipe
    return replace(
        recipe,
        input_size=tuple(plan["input_size"]),
        batch_size=plan["batch_size"],
        spacing=tuple(plan["spacing"]),
    )


def _misfits(recipe: spec.Recipe, project: Project, schema: LabelSchema | None) -> Iterator[str]:
    if recipe.acquisition != acquisition.AUTO:
        opinions = recipe.opinions
        if said := acquisition.objection(
            recipe.acquisition, task=TASKS[recipe.task].regime, networks=opinions
        ):
            yield said
    if schema is None:
        yield "The project has no label schema yet, so no label can teach this recipe."
        return
    yield from teacher_of(recipe).misfits(recipe, schema.document)


def _invalid(problems: list[str] | tuple[str, ...]) -> InvalidInput:
    errors = [{"where": "recipe", "message": sentence} for sentence in problems]
    return InvalidInput(" ".join(problems), errors=errors)

"""Answers to one question of the form: one of several, several of several, a grade, a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from annotation.models import Answer, Project, Reference
from learning.assisting import items
from learning.engine.spec import Recipe, Target

from .teacher import Image, Json, Spoken, Suggested, Teacher, Unusable

TIED = "readers differ"
ANSWERED = "an answer"


class Choice(Teacher):
    """One option. ``asked_by``: the types of question that fit; empty: any that has the options."""

    asked_by: tuple[str, ...] = ()

    def misfits(self, recipe: Recipe, document: Json) -> Iterator[str]:
        question = items.question_of(recipe, document)
        if question is None and not recipe.classes:
            yield f"The label schema has no question “{recipe.question}” to learn."
        elif question is None:
            yield (
                f"The label schema has no question “{recipe.question}”, to be answered by "
                f"{', '.join(recipe.classes)}."
            )
        elif self.asked_by and question["type"] not in self.asked_by:
            yield self.unfit(question)
        else:
            yield from self._missing(recipe, question)

    def unfit(self, question: Json) -> str:
        """Why a question of such a type cannot be learned, in a sentence."""
        return (
            f"“{question['code']}” is a question of type {question['type']}, which has no options."
        )

    def _missing(self, recipe: Recipe, question: Json) -> Iterator[str]:
        missing = [name for name in recipe.classes if name not in items.options_of(question)]
        if missing:
            yield (
                f"The label schema does not let “{recipe.question}” be answered by "
                f"{', '.join(missing)}."
            )

    def usable(self, rows: QuerySet[Any], recipe: Recipe, path: str) -> Any:
        answer = KeyTextTransform(recipe.question, f"{path}answers")
        if not self.is_soft(recipe):
            return rows.annotate(target=answer).filter(target__in=recipe.classes)
        numbers = [int(name) for name in recipe.classes if name.lstrip("-").isdecimal()]
        known = _given(recipe, path, value__in=[*recipe.classes, *numbers])
        said = Coalesce(answer, Value(TIED), output_field=CharField())
        return rows.filter(known).annotate(target=said)

    def prefetched(self, recipe: Recipe) -> tuple[str, ...]:
        return ("reference__reads__answers",) if self.is_soft(recipe) else ()

    def target(
        self, reference: Reference, image: Image, recipe: Recipe, project: Project
    ) -> Target:
        if not self.is_soft(recipe):
            return recipe.classes.index(str(reference.answers[recipe.question]))
        given = [str(value) for value in answers_of(reference, recipe.question)]
        known = [value for value in given if value in recipe.classes]
        if not known:
            raise Unusable("None of its readers gave an answer that the recipe knows.")
        return tuple(known.count(name) / len(known) for name in recipe.classes)

    def suggested(
        self, said: Spoken, recipe: Recipe, document: Json, image: Image, project: int
    ) -> Suggested:
        chances = said.ensemble.probabilities[said.row]
        return Suggested([items.answer(recipe, document, [float(one) for one in chances])])


class Grade(Choice):
    asked_by = ("scale", "choice")

    def unfit(self, question: Json) -> str:
        return (
            f"“{question['code']}” is a question of type {question['type']}; ordinal learns a scale, "
            "or a choice whose options have an order."
        )

    def counted(self, recipe: Recipe) -> tuple[str, ...]:
        """Grades are rare at the ends; those between them teach what lies there."""
        return ()


class Findings(Choice):
    asked_by = ("multichoice",)

    def unfit(self, question: Json) -> str:
        return (
            f"“{question['code']}” is a question of type {question['type']}; multilabel learns a "
            "question of type multichoice."
        )

    def usable(self, rows: QuerySet[Any], recipe: Recipe, path: str) -> Any:
        return _answered(self, rows, recipe, path)

    def prefetched(self, recipe: Recipe) -> tuple[str, ...]:
        more = ("reference__reads__answers",) if self.is_soft(recipe) else ()
        return ("reference__reads__label_schema", *more)

    def counted(self, recipe: Recipe) -> tuple[str, ...]:
        return (ANSWERED,)

    def target(
        self, reference: Reference, image: Image, recipe: Recipe, project: Project
    ) -> Target:
        """A finding that no reader could choose, by an older label schema, is not known."""
        offered = _offered(reference, recipe)
        if not self.is_soft(recipe):
            given = [reference.answers[recipe.question]]
        else:
            given = answers_of(reference, recipe.question)
        said = [{str(one) for one in value} for value in given if isinstance(value, list)]
        if not said:
            raise Unusable("None of its readers gave an answer that the recipe knows.")
        return tuple(
            sum(name in one for one in said) / len(said) if name in offered else None
            for name in recipe.classes
        )

    def suggested(
        self, said: Spoken, recipe: Recipe, document: Json, image: Image, project: int
    ) -> Suggested:
        chances = [float(one) for one in said.ensemble.probabilities[said.row]]
        return Suggested(items.findings(recipe, document, chances))


class Number(Choice):
    asked_by = ("number", "scale")

    def unfit(self, question: Json) -> str:
        return (
            f"“{question['code']}” is a question of type {question['type']}; regression learns a "
            "number or a scale."
        )

    def usable(self, rows: QuerySet[Any], recipe: Recipe, path: str) -> Any:
        return _answered(self, rows, recipe, path)

    def counted(self, recipe: Recipe) -> tuple[str, ...]:
        return (ANSWERED,)

    def target(
        self, reference: Reference, image: Image, recipe: Recipe, project: Project
    ) -> Target:
        if not self.is_soft(recipe):
            return float(reference.answers[recipe.question])
        given = [float(value) for value in answers_of(reference, recipe.question)]
        if not given:
            raise Unusable("None of its readers gave an answer that the recipe knows.")
        return sum(given) / len(given)

    def suggested(
        self, said: Spoken, recipe: Recipe, document: Json, image: Image, project: int
    ) -> Suggested:
        middle, spread = (float(one) for one in said.ensemble.probabilities[said.row])
        return Suggested([items.number(recipe, document, middle, spread)])


def answers_of(reference: Reference, question: str) -> list[Any]:
    """What each of the readers answered about the case as a whole."""
    return [
        answer.value
        for read in reference.reads.all()
        for answer in read.answers.all()
        if answer.question == question and not answer.target
    ]


def _answered(teacher: Choice, rows: QuerySet[Any], recipe: Recipe, path: str) -> Any:
    given: Any = _given(recipe, path)
    if teacher.is_soft(recipe):
        return rows.filter(given).annotate(target=Value(ANSWERED))
    known = {f"{path}answers__has_key": recipe.question}
    return rows.filter(**known).annotate(target=Value(ANSWERED))


def _given(recipe: Recipe, path: str, **more: Any) -> Exists:
    """Whether one of the reads that the reference was made of answers the question."""
    asked = {"question": recipe.question, "target": "", **more}
    return Exists(Answer.objects.filter(read__references=OuterRef(f"{path}pk"), **asked))


def _offered(reference: Reference, recipe: Recipe) -> set[str]:
    found: set[str] = set()
    for read in reference.reads.all():
        question = items.question_of(recipe, read.label_schema.document)
        found |= set(items.options_of(question or {}))
    return found

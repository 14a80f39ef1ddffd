"""What a person asked of the reading list, made into conditions that an index answers at any size.

A project has few kinds of case (see ``kinds``), so a word that a kind contains stands for whole kinds.
A UID or pseudonym is found by its beginning, a case by its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q, QuerySet

from . import kinds
from .errors import InvalidInput
from .kinds import Kind, Kinds
from .models import Case, Patient, Project

STAGES = ("not_started", "draft", "issue", "awaiting", "adjudication", "done")
DUE = ("overdue", "week")
FLAGS = ("draft", "issue")
MOST_WORDS = 5
MOST_FOUND = 1000


@dataclass(frozen=True)
class ListFilter:
    """``kinds``: the only ones that can fit, None if any can. ``case_ids``: cases that a word names."""

    stage: str = ""
    due: str = ""
    flag: str = ""
    kinds: Kinds | None = None
    case_ids: tuple[int, ...] = ()
    words: tuple[Q, ...] = ()


def parse(
    project: Project,
    *,
    stage: str = "",
    due: str = "",
    flag: str = "",
    modality: str = "",
    body_part: str = "",
    search: str = "",
    by_identity: bool = False,
) -> ListFilter:
    """``by_identity``: UIDs and patients' pseudonyms may be searched for, too."""
    _known("stage", stage, STAGES)
    _known("due", due, DUE)
    _known("flag", flag, FLAGS)
    chosen = kinds.chosen(project, modality=modality, body_part=body_part)
    words = search.split()[:MOST_WORDS]
    if not words:
        conditions = () if chosen is None else (_of_kinds(chosen),)
        return ListFilter(stage, due, flag, chosen, (), conditions)
    there = kinds.of(project) if chosen is None else chosen
    meant = [_meant_kinds(there, word) for word in words]
    named = [_named_cases(project, word, by_identity=by_identity) for word in words]
    return ListFilter(
        stage,
        due,
        flag,
        [kind for kind in there if all(kind in some for some in meant)],
        tuple({case for some in named for case in some}),
        (
            *(() if chosen is None else (_of_kinds(chosen),)),
            *(_of_kinds(a) | Q(pk__in=b) for a, b in zip(meant, named, strict=True)),
        ),
    )


def _known(what: str, given: str, names: Sequence[str]) -> None:
    if given and given not in names:
        raise InvalidInput(f"“{given[:40]}” is no {what}. Possible are {', '.join(names)}.")


def _meant_kinds(there: Kinds, word: str) -> list[Kind]:
    sought = word.casefold()
    return [kind for kind in there if any(sought in name.casefold() for name in kind)]


def _named_cases(project: Project, word: str, *, by_identity: bool) -> list[int]:
    found = [int(word)] if word.isascii() and word.isdigit() and len(word) < 19 else []
    if not by_identity:
        return found
    patients = _beginning(Patient.objects.filter(project=project), "pseudonym", word)
    of_patients = Case.objects.filter(patient__in=list(patients)).values_list("pk", flat=True)
    by_uid = _beginning(Case.objects.filter(project=project), "uid", word)
    return [*found, *by_uid, *of_patients[:MOST_FOUND]]


def _beginning(rows: QuerySet[Any], field: str, text: str) -> QuerySet[Model, int]:
    """The first that an index finds: who gets so many types on."""
    begins = rows.filter(**{f"{field}__startswith": text})
    return begins.values_list("pk", flat=True)[:MOST_FOUND]


def _of_kinds(some: Kinds) -> Q:
    found = Q(pk__in=[])
    for modality, body_part in some:
        found |= Q(modality=modality, body_part=body_part)
    return found

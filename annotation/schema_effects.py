"""What a new version of a label schema means for work that was done or begun under the versions before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from . import label_schemas
from .models import Answer, Draft, Mark, MarkKind, Project, Read, Slot

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Gone:
    """Something that the new version no longer has, and how often it was said in reads that count.

    ``what``: class, kind (of a class, as ``detail``), question, type (another one: the answers are of the
    old) or option (of a question, as ``detail``).
    """

    what: str
    code: str
    name: str
    detail: str
    used: int


@dataclass(frozen=True)
class Effects:
    """``begun``: drafts and cases in hand, which are finished by the version they were begun under.
    ``reads``: those that count; they keep their version, and their cases are not asked for again.
    ``waiting``: readings that nobody has opened yet, which go by the new version.
    """

    version: int
    begun: int
    reads: int
    waiting: int
    gone: list[Gone]


def of(project: Project, document: Json) -> Effects:
    """What storing the document, which is valid, as the next version would mean."""
    before = label_schemas.current(project.pk)
    slots = Slot.objects.filter(project=project)
    drafts = Draft.objects.filter(slot__project=project).values("slot")
    begun = slots.filter(Q(state=Slot.State.CLAIMED) | Q(pk__in=drafts))
    return Effects(
        version=before.version,
        begun=begun.count(),
        reads=_reads(project).count(),
        waiting=slots.filter(state=Slot.State.OPEN).exclude(pk__in=drafts).count(),
        gone=[
            *_gone_classes(project, before.document, document),
            *_gone_questions(project, before.document, document),
        ],
    )


def _reads(project: Project) -> QuerySet[Read]:
    return Read.objects.filter(label_schema__project=project, superseded_by=None)


def _gone_classes(project: Project, before: Json, after: Json) -> Iterator[Gone]:
    marks = Mark.objects.filter(read__in=_reads(project))
    kept = {one["code"]: one for one in after.get("classes", [])}
    for label in before.get("classes", []):
        code, name = label["code"], label["name"]
        painted = Q(kind=MarkKind.LABELMAP, mask__labels__contains=[label["value"]])
        of_class = marks.filter(Q(label_class=code) | painted)
        if code not in kept:
            yield Gone("class", code, name, "", of_class.count())
            continue
        for kind in _kinds(before, label):
            if kind not in _kinds(after, kept[code]):
                yield Gone("kind", code, name, kind, of_class.filter(kind=kind).count())


def _kinds(document: Json, label: Json) -> list[str]:
    """Those that the class may have, in the order of the project's."""
    own = label.get("marks")
    return [kind for kind in document.get("marks", []) if own is None or kind in own]


def _gone_questions(project: Project, before: Json, after: Json) -> Iterator[Gone]:
    answers = Answer.objects.filter(read__in=_reads(project))
    kept = {one["code"]: one for one in after.get("questions", [])}
    for question in before.get("questions", []):
        code, text = question["code"], question["text"]
        said = answers.filter(question=code)
        if code not in kept:
            yield Gone("question", code, text, "", said.count())
        elif _form(question) != _form(kept[code]):
            yield Gone("type", code, text, question["type"], said.count())
        else:
            yield from _gone_options(question, kept[code], said)


def _form(question: Json) -> tuple[str, str]:
    return question["type"], question.get("level", "case")


def _gone_options(before: Json, after: Json, said: QuerySet[Answer]) -> Iterator[Gone]:
    kept = [one["value"] for one in after.get("options", [])]
    for option in before.get("options", []):
        value = option["value"]
        if value not in kept:
            chosen = said.filter(Q(value=value) | Q(value__contains=[value]))
            yield Gone("option", before["code"], before["text"], option["label"], chosen.count())

"""The next version of a label schema: stored whole, in no unseen conflict, and no trap for work under way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import builders
import pytest
from django.utils import timezone

from annotation import label_schemas, projects, queue, reading, schema_effects, schema_versions
from annotation.errors import Conflict, InvalidInput
from annotation.models import Event, LabelSchema, Mark, Project, Role, Slot, User

pytestmark = pytest.mark.django_db

LESION, NODE = builders.CLASSES
SIZE = {"code": "size", "text": "How large?", "type": "number", "min": 0, "step": 0.5}


@pytest.fixture
def project() -> Project:
    return builders.project()


@pytest.fixture
def lead(project: Project) -> User:
    return builders.user(Role.LEAD, project=project)


def in_hand(project: Project, reader: User) -> Slot:
    builders.case(project)
    return queue.claim(project, reader)


def box(label: str) -> dict[str, Any]:
    return {
        "tracking_uid": builders.uid(),
        "kind": "box",
        "label_class": label,
        "sop_instance_uid": "1.2",
        "frame": 1,
        "points_px": [[1, 2], [3.5, 4]],
    }


def said(**answers: Any) -> dict[str, Any]:
    given = [{"question": code, "value": value} for code, value in answers.items()]
    return {"answers": given, "marks": []}


def test_the_version_names_who_made_it_and_the_one_it_was_made_from(
    project: Project, lead: User
) -> None:
    added = schema_versions.add(project, builders.label_document(guideline="A"), user=lead, base=1)
    assert (added.version, added.created_by) == (2, lead)
    with pytest.raises(Conflict, match="stored version 2 meanwhile; yours was made from version 1"):
        schema_versions.add(project, builders.label_document(guideline="B"), user=lead, base=1)
    assert label_schemas.current(project.pk).document["guideline"] == "A"
    assert Event.objects.filter(verb="label_schema.add").count() == 1


def test_the_same_document_from_an_older_base_is_no_conflict(project: Project, lead: User) -> None:
    same = builders.label_document(guideline="A")
    schema_versions.add(project, same, user=lead, base=1)
    assert schema_versions.add(project, same, user=lead, base=1).version == 2


def test_a_project_may_begin_without_a_schema_and_gives_nobody_a_case(lead: User) -> None:
    made = projects.create(
        {"slug": "empty", "title": "Empty", "task": "classification", "case_unit": "study"},
        owner=lead,
    )
    assert label_schemas.current(made.pk).document == {}
    with pytest.raises(Conflict, match="asks nothing yet"):
        label_schemas.require_asking(made)
    schema_versions.add(made, builders.label_document(), user=lead, base=1)
    label_schemas.require_asking(made)


def test_a_draft_goes_on_by_the_version_that_it_was_begun_under(
    project: Project, lead: User
) -> None:
    reader = builders.reader(project)
    slot = in_hand(project, reader)
    draft = {**said(finding="yes"), "marks": [box("node")]}
    reading.save_draft(
        slot.pk, reader, token=slot.token, version=0, content=draft, active_seconds=1
    )
    schema_versions.add(project, builders.label_document(classes=[LESION]), user=lead)
    reading.save_draft(
        slot.pk, reader, token=slot.token, version=1, content=draft, active_seconds=2
    )
    read = reading.submit(
        slot.pk, reader, token=slot.token, idempotency_key=uuid4(), content=said(finding="yes"),
        active_seconds=3,
    )  # fmt: skip
    assert read.label_schema.version == 1
    assert label_schemas.of_reading(Slot.objects.get(pk=slot.pk), reader).version == 1


def test_a_case_in_hand_goes_by_the_version_of_when_it_was_opened(
    project: Project, lead: User
) -> None:
    reader, other = builders.reader(project), builders.reader(project)
    slot = in_hand(project, reader)
    LabelSchema.objects.filter(project=project).update(
        created_at=timezone.now() - timedelta(hours=1)
    )
    schema_versions.add(project, builders.label_document(guideline="A"), user=lead)
    LabelSchema.objects.filter(project=project, version=2).update(
        created_at=timezone.now() + timedelta(seconds=5)
    )
    assert label_schemas.of_reading(slot, reader).version == 1
    assert label_schemas.of_reading(slot, other).version == 2
    queue.release(slot.pk, reader, slot.token)
    assert label_schemas.of_reading(Slot.objects.get(pk=slot.pk), reader).version == 2


def test_what_a_new_version_means_is_counted(project: Project, lead: User) -> None:
    before = builders.label_document(marks=["box", "contour"], questions=[builders.QUESTION, SIZE])
    schema_versions.add(project, before, user=lead)
    for answer in ("yes", "yes", "no"):
        read = builders.read(builders.case(project), value=answer)
        for label in ("node", "lesion"):
            Mark.objects.create(read=read, **box(label))
    waiting = Slot.objects.filter(project=project, state="open").count()
    after = {
        "classes": [{**LESION, "marks": ["contour"]}],
        "marks": ["box", "contour"],
        "questions": [{**builders.QUESTION, "options": builders.QUESTION["options"][:1]}],
    }
    found = schema_effects.of(project, after)
    assert (found.version, found.reads, found.begun, found.waiting) == (2, 3, 0, waiting)
    assert [(one.what, one.code, one.detail, one.used) for one in found.gone] == [
        ("kind", "lesion", "box", 3),
        ("class", "node", "", 3),
        ("option", "finding", "Yes", 2),
        ("question", "size", "", 0),
    ]


def test_every_fault_has_the_place_of_its_field(project: Project) -> None:
    document = builders.label_document(
        classes=[LESION, {**NODE, "code": "lesion"}],
        questions=[
            {
                **builders.QUESTION,
                "options": [
                    *builders.QUESTION["options"],
                    {"value": "no", "label": "x", "key": "2"},
                ],
                "pictures": [{"picture": "0" * 64, "alt": "x"}],
            }
        ],
    )
    places = [one["where"] for one in schema_versions.problems(project, document)]
    assert places == [
        "classes.1.code", "questions.0.options.2.value", "questions.0.options.2.key",
    ]  # fmt: skip
    picture = {"guideline": "", "pictures": [{"picture": "0" * 64, "alt": "x"}]}
    [fault] = schema_versions.problems(project, builders.label_document(**picture))
    assert fault["where"] == "pictures.0.picture"


def test_a_number_goes_in_steps_from_its_minimum(project: Project, lead: User) -> None:
    schema_versions.add(project, builders.label_document(questions=[SIZE]), user=lead)
    reader = builders.reader(project)
    slot = in_hand(project, reader)
    LabelSchema.objects.filter(project=project).update(
        created_at=timezone.now() - timedelta(hours=1)
    )
    sent: dict[str, Any] = {"token": slot.token, "active_seconds": 1}
    with pytest.raises(InvalidInput, match=r"steps of 0\.5 from 0"):
        reading.submit(slot.pk, reader, idempotency_key=uuid4(), content=said(size=1.3), **sent)
    reading.submit(slot.pk, reader, idempotency_key=uuid4(), content=said(size=1.5), **sent)

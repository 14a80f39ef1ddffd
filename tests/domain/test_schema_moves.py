"""A begun reading moves to a newer form if its reader wishes so: what fits stays, the rest is told before."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import builders
import numpy as np
import pytest
from django.utils import timezone

from annotation import label_schemas, masks, queue, reading, schema_moves, schema_versions
from annotation.errors import Conflict, LeaseLost
from annotation.masks import shape_of
from annotation.models import Draft, Event, LabelSchema, Mask, Project, Role, Slot, User

pytestmark = pytest.mark.django_db

LESION, NODE = builders.CLASSES
SIGNS = {
    "code": "signs",
    "text": "Which signs?",
    "type": "multichoice",
    "options": [{"value": one, "label": one.title()} for one in ("edema", "gas", "stones")],
}
SIZE = {"code": "size", "text": "How large?", "type": "number", "min": 0, "max": 100}
NOTE = {"code": "note", "text": "Remark", "type": "text"}
KINDS = ["box", "length", "labelmap"]
Change = Callable[..., LabelSchema]


@pytest.fixture
def project() -> Project:
    document = builders.label_document(
        marks=KINDS, classes=[LESION, NODE], questions=[SIGNS, SIZE, NOTE]
    )
    return builders.project(label_schema=document)


@pytest.fixture
def change(project: Project) -> Change:
    """Stores the next version; whoever claimed before goes on by the one before."""
    lead = builders.user(Role.LEAD, project=project)

    def store(**fields: Any) -> LabelSchema:
        before = label_schemas.current(project.pk)
        document = {**before.document, **fields}
        if before.version == 1:
            long_ago = timezone.now() - timedelta(hours=1)
            LabelSchema.objects.filter(pk=before.pk).update(created_at=long_ago)
        return schema_versions.add(project, document, user=lead)

    return store


@pytest.fixture
def reader(project: Project) -> User:
    return builders.reader(project)


@pytest.fixture
def slot(project: Project, reader: User) -> Slot:
    builders.case(project, frames=3)
    return reading.slot_of(queue.claim(project, reader).pk, reader)


def box(label: str, kind: str = "box") -> dict[str, Any]:
    return {
        "tracking_uid": builders.uid(),
        "kind": kind,
        "label_class": label,
        "sop_instance_uid": "1.2",
        "frame": 1,
        "points_px": [[1, 2], [3.5, 4]],
    }


def answers(**given: Any) -> list[dict[str, Any]]:
    return [{"question": code, "value": value} for code, value in given.items()]


def save(slot: Slot, content: dict[str, Any]) -> Draft:
    assert slot.reader is not None
    draft = reading.draft_of(slot, slot.reader)
    return reading.save_draft(
        slot.pk,
        slot.reader,
        token=slot.token,
        version=0 if draft is None else draft.version,
        content=content,
        active_seconds=7,
    )


def moved(slot: Slot, reader: User) -> Draft:
    told = schema_moves.preview(slot, reader)
    return schema_moves.move(slot, reader, token=slot.token, draft=told.draft, version=told.version)


def painted(slot: Slot, *values: int) -> dict[str, Any]:
    series = slot.case.series.get()
    voxels = np.zeros(shape_of(series.display), np.uint8)  # type: ignore[arg-type]
    for row, value in enumerate(values):
        voxels[1, row, : row + 2] = value
    sha256 = hashlib.sha256(voxels.tobytes()).hexdigest()
    packed = io.BytesIO(gzip.compress(voxels.tobytes()))
    masks.store(slot, series_id=series.pk, sha256=sha256, gzip_stream=packed, values=set(values))
    return {
        "tracking_uid": builders.uid(), "kind": "labelmap", "label_class": "",
        "mask": sha256, "series": series.pk,
    }  # fmt: skip


def test_what_fits_goes_on_and_what_does_not_is_told_before(
    slot: Slot, reader: User, change: Change
) -> None:
    kept, gone, line = box("lesion"), box("node"), box("lesion", "length")
    given = answers(signs=["edema", "gas"], size=60, note="seen")
    save(slot, {"answers": given, "marks": [kept, gone, line]})
    signs = {**SIGNS, "options": SIGNS["options"][:1]}  # type: ignore[index]
    change(
        classes=[LESION], questions=[signs, {**SIZE, "max": 50}, NOTE], marks=["box", "labelmap"]
    )
    told = schema_moves.preview(slot, reader)
    assert (told.draft, told.version) == (1, 2)
    assert {(one.what, one.code, one.name, one.detail, one.count) for one in told.dropped} == {
        ("mark", "node", NODE["name"], "box", 1),
        ("mark", "lesion", LESION["name"], "length", 1),
        ("option", "signs", "Which signs?", "Gas", 1),
        ("answer", "size", "How large?", "60", 1),
    }
    assert Draft.objects.get().content["marks"] == [kept, gone, line]
    draft = moved(slot, reader)
    assert draft.content["marks"] == [kept]
    assert draft.content["answers"] == answers(signs=["edema"], note="seen")
    assert (draft.version, draft.active_seconds) == (2, 7)
    assert label_schemas.of_reading(slot, reader).version == 2
    save(slot, {**draft.content, "answers": answers(size=40)})
    event = Event.objects.get(verb="draft.move")
    assert (event.actor, event.data["from"], event.data["to"]) == (reader, 1, 2)
    assert len(event.data["dropped"]) == 4
    assert schema_moves.newer(slot, reader) is None


def test_answers_on_a_mark_go_with_it(slot: Slot, reader: User, change: Change) -> None:
    sharp = {"code": "sharp", "text": "Sharp?", "type": "text", "level": "mark"}
    change(questions=[NOTE, sharp])
    moved(slot, reader)
    kept, gone = box("lesion"), box("node")
    on = [
        {"question": "sharp", "target": one["tracking_uid"], "value": "yes"} for one in (kept, gone)
    ]
    save(slot, {"answers": on, "marks": [kept, gone]})
    change(classes=[LESION])
    assert [one.what for one in schema_moves.preview(slot, reader).dropped] == ["mark", "answer"]
    assert moved(slot, reader).content["answers"] == on[:1]


def test_segments_of_classes_that_are_gone_are_taken_out_and_values_follow_their_class(
    slot: Slot, reader: User, change: Change
) -> None:
    mark = painted(slot, LESION["value"], NODE["value"])
    save(slot, {"answers": [], "marks": [mark]})
    change(classes=[{**NODE, "value": 9}])
    told = schema_moves.preview(slot, reader)
    assert [(one.what, one.code, one.count) for one in told.dropped] == [("segment", "lesion", 1)]
    [now] = moved(slot, reader).content["marks"]
    assert now["tracking_uid"] == mark["tracking_uid"]
    assert now["mask"] != mark["mask"]
    mask = masks.find(slot, now["mask"])
    voxels = np.frombuffer(gzip.decompress(bytes(mask.gzip)), np.uint8)
    assert mask.labels == [9]
    assert {int(v): int((voxels == v).sum()) for v in np.unique(voxels) if v} == {9: 3}
    before = Mask.objects.get(sha256=mark["mask"])
    assert sorted(before.labels) == sorted([LESION["value"], NODE["value"]])


def test_a_mask_of_nothing_but_such_classes_goes_altogether(
    slot: Slot, reader: User, change: Change
) -> None:
    save(slot, {"answers": [], "marks": [painted(slot, NODE["value"])]})
    change(classes=[LESION])
    assert moved(slot, reader).content["marks"] == []


def test_looks_of_what_is_gone_go_too(slot: Slot, reader: User, change: Change) -> None:
    kept, gone = box("lesion"), box("node")
    looks = [
        {"target": kept["tracking_uid"], "hidden": True},
        {"target": gone["tracking_uid"], "hidden": True},
        {"target": "class:node", "locked": True},
    ]
    save(slot, {"answers": [], "marks": [kept, gone], "looks": looks})
    change(classes=[LESION])
    assert moved(slot, reader).content["looks"] == looks[:1]


def test_a_reading_without_a_draft_moves_as_well(slot: Slot, reader: User, change: Change) -> None:
    assert schema_moves.newer(slot, reader) is None
    change(questions=[NOTE])
    assert label_schemas.of_reading(slot, reader).version == 1
    told = schema_moves.preview(slot, reader)
    assert (told.draft, told.dropped) == (0, [])
    assert moved(slot, reader).version == 1
    assert label_schemas.of_reading(slot, reader).version == 2


def test_what_was_told_must_still_hold(slot: Slot, reader: User, change: Change) -> None:
    save(slot, {"answers": answers(size=3), "marks": []})
    change(questions=[NOTE, SIZE])
    told = schema_moves.preview(slot, reader)
    save(slot, {"answers": answers(size=4), "marks": []})
    given = {"token": slot.token, "draft": told.draft, "version": told.version}
    with pytest.raises(Conflict, match="draft changed"):
        schema_moves.move(slot, reader, **given)
    change(questions=[NOTE])
    given["draft"] = 2
    with pytest.raises(Conflict, match="once more"):
        schema_moves.move(slot, reader, **given)
    with pytest.raises(LeaseLost):
        schema_moves.move(slot, reader, **{**given, "token": slot.token + 1})
    assert label_schemas.of_reading(slot, reader).version == 1
    assert not Event.objects.filter(verb="draft.move").exists()


def test_what_was_said_for_good_does_not_move(slot: Slot, reader: User, change: Change) -> None:
    reading.submit(
        slot.pk, reader, token=slot.token, idempotency_key=builders.key(),
        content={"answers": answers(note="a"), "marks": []}, active_seconds=1,
    )  # fmt: skip
    change(questions=[NOTE])
    again = reading.slot_of(slot.pk, reader)
    assert schema_moves.newer(again, reader) is None
    with pytest.raises(Conflict):
        schema_moves.preview(again, reader)


def test_nobody_is_moved_in_the_case_of_another(
    slot: Slot, change: Change, project: Project
) -> None:
    change(questions=[NOTE])
    assert schema_moves.newer(slot, builders.reader(project)) is None

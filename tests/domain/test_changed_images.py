"""Images that come or go after a read: the read stays, the case is asked for again, nothing misaligned
is learned from.
"""

from __future__ import annotations

from typing import Any

import builders
import learning_builders as lessons
import numpy as np
import pytest

from annotation import consensus, enrolment, listing, provenance, queue, reading, snapshots
from annotation.errors import Conflict, ImagesChanged, InvalidInput, NothingToRead
from annotation.models import Case, Event, Instance, Mask, Project, Read, Series, Slot, User
from learning import datasets
from learning.engine import spec
from learning.teaching.masks import REDRAW

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return builders.project()


@pytest.fixture
def reader(project: Project) -> User:
    return builders.reader(project)


def grow(case: Case) -> None:
    """One more slice at the end of the case's series, as intake would describe it."""
    series = case.series.get()
    old = series.display["frames"]
    display = builders.display(frames=len(old) + 1)
    for frame, before in zip(display["frames"], old, strict=False):
        frame["sop_instance_uid"] = before["sop_instance_uid"]
    Series.objects.filter(pk=series.pk).update(display=display, frame_count=len(old) + 1)
    uid = display["frames"][-1]["sop_instance_uid"]
    Instance.objects.create(
        series=series, sop_instance_uid=uid, orthanc_id=uid, sha256=f"{uid:0>64}", pixel_sha256="x"
    )


def read_next(project: Project, reader: User, value: str = "yes", **changes: Any) -> Read:
    slot = queue.claim(project, reader)
    given = {
        "token": slot.token,
        "idempotency_key": builders.key(),
        "content": builders.content(value),
        "active_seconds": 10.0,
    }
    return reading.submit(slot.pk, reader, **{**given, **changes})


def test_a_read_of_other_images_is_wanted_again_of_anybody(project: Project, reader: User) -> None:
    case = builders.case(project)
    old = read_next(project, reader)
    assert queue.ask_again(case) == 0
    grow(case)
    assert queue.ask_again(case) == 1
    assert queue.ask_again(case) == 0
    assert sorted(case.slots.values_list("number", "state")) == [(1, "outdated"), (2, "open")]
    assert Event.objects.get(verb="slots.outdate").data == {"case": case.pk, "slots": 1}
    new = read_next(project, reader, "no")
    assert (new.case, new.late, new.supersedes) == (case, False, None)
    assert Read.objects.filter(pk=old.pk).exists()
    with pytest.raises(NothingToRead):
        queue.claim(project, reader)


def test_the_reference_is_made_of_the_reads_of_the_images_as_they_are(reader: User) -> None:
    project = builders.project(reads_per_case=2)
    case = builders.case(project)
    first, second = builders.reader(project), builders.reader(project)
    for person in (first, second):
        read_next(project, person)
    grow(case)
    queue.ask_again(case)
    read_next(project, first, "no")
    assert consensus.current(case).answers == {"finding": "yes"}
    assert consensus.current(case).version == 1
    read_next(project, second, "no")
    assert consensus.current(case).answers == {"finding": "no"}


def test_a_case_that_is_asked_for_again_is_not_done_on_the_list(
    project: Project, reader: User
) -> None:
    case = builders.case(project)
    read_next(project, reader)
    assert listing.for_reader(project, reader).get().stage == "done"
    grow(case)
    queue.ask_again(case)
    assert listing.for_reader(project, reader).get().stage == "not_started"


def test_a_reference_of_other_images_is_left_out_of_a_snapshot_and_named(project: Project) -> None:
    kept, changed = builders.cases(project, 2)
    for case in (kept, changed):
        builders.reference(case)
    grow(changed)
    frozen = snapshots.freeze(project, user=None, title="", query={})
    assert [item.case for item in frozen.items.all()] == [kept]
    assert frozen.left_out == [{"case": changed.uid, "reason": snapshots.CHANGED}]
    assert Event.objects.get(verb="snapshot.freeze").data["left_out"] == 1
    assert snapshots.verify(frozen).ok
    grow(kept)
    with pytest.raises(Conflict, match="images it has now"):
        snapshots.freeze(project, user=None, title="", query={})


def test_a_mask_drawn_before_a_slice_came_is_not_taken(project: Project, reader: User) -> None:
    case = builders.case(project, frames=2)
    series = case.series.get()
    mask = lessons.store_mask(project, series, np.ones((2, 8, 10), np.uint8))
    marks = (builders.labelmap(series, mask.sha256),)
    grow(case)
    with pytest.raises(InvalidInput) as refused:
        read_next(project, reader, content=builders.content(marks=marks))
    assert "before the images of this series changed" in str(refused.value.extra)


@pytest.mark.parametrize("frames", [1, 3], ids=["a slice came", "a slice went"])
def test_a_mask_of_another_shape_leaves_its_case_out_and_the_others_go_on(
    artifacts_folder: object, frames: int
) -> None:
    project, recipe = lessons.project(lessons.MASK_RECIPE), spec.parse(lessons.MASK_RECIPE)
    bad, good = (lessons.volume_case(project, "pool", index) for index in range(2))
    Mask.objects.filter(series__cases=bad).update(shape=[frames, 16, 16])
    frozen = snapshots.freeze(project, user=None, title="", query={})
    made = datasets.of_items(frozen.items.all(), recipe, after_each=lambda _: None)
    assert [sample.id for sample in made.samples] == [good.pk]
    assert made.left_out == [(bad.pk, REDRAW)]


def seen(case: Case) -> dict[str, str]:
    """What a viewer that has just opened the case shows."""
    shown = case.series.filter(deleted_at=None)
    return {str(series.pk): series.display["version"] for series in shown}


def test_images_that_changed_while_they_were_read_are_to_be_looked_at_again(
    project: Project, reader: User
) -> None:
    case = builders.case(project, frames=2)
    slot, before = queue.claim(project, reader), seen(case)
    grow(case)
    for images in (before, {}, {**seen(case), "1": "another"}):
        with pytest.raises(ImagesChanged, match="your work is kept"):
            read_next(project, reader, images=images)
    assert not Read.objects.exists()
    assert read_next(project, reader, images=seen(case)).slot == slot


def test_a_submission_that_is_repeated_after_the_images_changed_is_the_first_one(
    project: Project, reader: User
) -> None:
    case, key = builders.case(project), builders.key()
    slot, images = queue.claim(project, reader), seen(case)
    given = {"token": slot.token, "idempotency_key": key, "active_seconds": 1.0, "images": images}
    read = reading.submit(slot.pk, reader, content=builders.content("yes"), **given)
    grow(case)
    assert reading.submit(slot.pk, reader, content=builders.content("yes"), **given) == read


def test_a_series_that_is_gone_from_a_study_is_asked_about_again(reader: User) -> None:
    project = builders.project(case_unit="study")
    case = builders.case(project)
    kept, gone = case.series.get(), builders.case(project).series.get()
    Case.objects.exclude(pk=case.pk).update(state=Case.State.WITHDRAWN)
    case.series.add(gone)
    Case.objects.filter(pk=case.pk).update(frame_count=kept.frame_count + gone.frame_count)
    old = read_next(project, reader)
    Series.objects.filter(pk=gone.pk).update(deleted_at="2026-01-01T00:00Z")
    gone.refresh_from_db()
    enrolment.withdraw(gone)
    case.refresh_from_db()
    assert (case.state, case.frame_count) == ("ready", kept.frame_count)
    assert sorted(case.slots.values_list("number", "state")) == [(1, "outdated"), (2, "open")]
    assert provenance.instances_sha256(case) != old.instances_sha256
    Series.objects.filter(pk=gone.pk).update(deleted_at=None)
    assert provenance.instances_sha256(case) == old.instances_sha256


def test_a_withdrawn_case_is_still_that_of_the_images_that_were_read(
    project: Project, reader: User
) -> None:
    case = builders.case(project)
    read = read_next(project, reader)
    case.series.update(deleted_at="2026-01-01T00:00Z")
    enrolment.withdraw(case.series.get())
    assert provenance.instances_sha256(case) == read.instances_sha256


def test_the_open_slots_of_a_case_are_not_outdated(project: Project, reader: User) -> None:
    case = builders.case(project)
    slot = queue.claim(project, reader)
    grow(case)
    assert queue.ask_again(case) == 0
    assert Slot.objects.get().pk == slot.pk
    assert provenance.instances_sha256(case)

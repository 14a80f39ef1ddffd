"""Reads stored back to the image store: real Orthanc, real PostgreSQL, what is found there afterwards."""

from __future__ import annotations

import gzip
import hashlib
import io
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import builders
import images
import made_elsewhere as elsewhere
import numpy as np
import pytest
from django.utils import timezone
from pydicom import dcmread

from annotation import due, imports, intake, masks, orthanc, projects, queue, reading, write_backs
from annotation.dicom.grid import grid_of
from annotation.errors import Conflict, ImageStoreUnavailable
from annotation.models import (
    Case,
    Event,
    Instance,
    Project,
    Read,
    Role,
    Series,
    User,
    WriteBack,
    WrittenObject,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def in_an_empty_store(empty_store: None) -> None:
    """Each test has its own folders, and a store that holds nothing."""


@pytest.fixture
def project() -> Project:
    return builders.project(case_unit="study")


@pytest.fixture
def case(project: Project, tmp_path: Path) -> Case:
    """A volume of four slices, imported."""
    images.write(
        tmp_path / "in", *images.series(4, FrameOfReferenceUID="2.25.5", SeriesDescription="Chest")
    )
    imports.import_paths(project, [tmp_path / "in"], builders.user())
    return Case.objects.get(project=project)


def submitted(case: Case, reader: User | None = None, **content: Any) -> Read:
    """A read with a box and a labelmap, submitted as a reader does."""
    reader = reader or builders.reader(case.project)
    slot = queue.claim(case.project, reader)
    series = case.series.get()
    assert series.display is not None
    voxels = np.zeros(grid_of(series.display).shape, np.uint8)
    voxels[1, 2:5, 3:6], voxels[2, 0, 0] = 1, 2
    sha256 = hashlib.sha256(voxels.tobytes()).hexdigest()
    stream = io.BytesIO(gzip.compress(voxels.tobytes()))
    masks.store(slot, series_id=series.pk, sha256=sha256, gzip_stream=stream, values={1, 2})
    marks = (builders.box(case), builders.labelmap(series, sha256, label_class=""))
    return reading.submit(
        slot.pk,
        reader,
        token=slot.token,
        idempotency_key=uuid4(),
        content=builders.content(marks=marks) | content,
        active_seconds=3,
    )


def work() -> None:
    """What the workers do until nothing is due."""
    while rung := [row for actor, row in due.due() if actor == write_backs.ACTOR]:
        for row in rung:
            write_backs.carry_out(row)


def fetched(one: WrittenObject, folder: Path) -> Path:
    path = folder / f"{one.kind}.dcm"
    orthanc.download(one.orthanc_id, path)
    return path


def test_marks_masks_and_answers_lie_in_the_store_as_sr_and_seg(case: Case, tmp_path: Path) -> None:
    read = submitted(case)
    lead = builders.user(Role.LEAD, project=case.project)
    write_backs.request(case, lead)
    work()
    row = WriteBack.objects.get(read=read)
    assert (row.state, row.reason, row.requested_by) == ("stored", "", lead)
    written = {one.kind: one for one in row.written.all()}
    assert set(written) == {"seg", "sr"}
    paths = {kind: fetched(one, tmp_path) for kind, one in written.items()}
    assert {kind: elsewhere.errors_of(path) for kind, path in paths.items()} == {
        "seg": [],
        "sr": [],
    }
    series = case.series.get()
    assert series.display is not None
    outside = elsewhere.read_back(paths["seg"], tmp_path / "seg")
    found = elsewhere.voxels_of(outside, grid_of(series.display), tmp_path / "seg")
    assert {label: int(v.sum()) for label, v in found.items()} == {"Lesion": 9, "Lymph node": 1}
    assert found["Lesion"][1, 2:5, 3:6].all()
    report = elsewhere.read_back(paths["sr"], tmp_path / "sr")
    (box,) = [shape for shape in report.shapes if shape.kind == "box"]
    mark = read.marks.get(kind="box")
    assert (box.points_px, box.sop_instance_uid) == (mark.points_px, mark.sop_instance_uid)
    assert [said.value.value for said in report.said if said.shape < 0 and said.value] == ["yes"]
    dataset = dcmread(paths["sr"])
    assert dataset.StudyInstanceUID == series.study_uid
    assert read.reader.username not in dataset.to_json()
    assert Event.objects.filter(verb="write_back.store").count() == 1


def test_what_is_stored_back_becomes_no_case_and_is_not_asked_about(case: Case) -> None:
    submitted(case)
    before = (case.frame_count, case.series.count())
    write_backs.request(case, None)
    work()
    for _ in range(3):
        intake.follow()
        Series.objects.filter(stable=False).update(created_at=timezone.now() - timedelta(minutes=1))
        Instance.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    assert (
        Instance.objects.filter(
            sop_instance_uid__in=WrittenObject.objects.values("sop_instance_uid")
        ).count()
        == 2
    )
    assert Case.objects.count() == 1
    case.refresh_from_db()
    assert (case.frame_count, case.series.count(), case.state) == (*before, "ready")
    assert not Case.objects.filter(series__modality__in=["SEG", "SR"]).exists()
    assert Read.objects.get().slot is not None
    assert Read.objects.get().slot.state == "done"  # type: ignore[union-attr]


def test_by_the_projects_rule_each_submission_is_stored_back(case: Case) -> None:
    lead = builders.user(Role.LEAD, project=case.project)
    read = submitted(case)
    work()
    assert not WriteBack.objects.exists()
    projects.update(case.project, {"write_back": "submit"}, user=lead)
    slot = read.slot
    assert slot is not None
    again = reading.submit(
        slot.pk, read.reader, token=slot.token, idempotency_key=uuid4(),
        content=builders.content("no"), active_seconds=1,
    )  # fmt: skip
    work()
    row = WriteBack.objects.get()
    assert (row.read, row.state, row.requested_by) == (again, "stored", None)
    assert [one.kind for one in row.written.all()] == ["sr"]


def test_a_store_that_is_away_is_tried_again_and_the_reason_is_seen(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted(case)
    store = orthanc.store

    def away(path: Path) -> orthanc.StoredInstance:
        raise ImageStoreUnavailable("The image store does not answer.")

    monkeypatch.setattr(orthanc, "store", away)
    (row,) = write_backs.request(case, None)
    work()
    row.refresh_from_db()
    assert (row.state, row.tries, row.reason) == ("waiting", 1, "The image store does not answer.")
    assert row.due_at > timezone.now()
    monkeypatch.setattr(orthanc, "store", store)
    WriteBack.objects.update(due_at=timezone.now())
    work()
    row.refresh_from_db()
    assert (row.state, row.tries) == ("stored", 2)


def test_killed_after_it_was_sent_it_is_sent_again_and_stored_once(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted(case)
    (row,) = write_backs.request(case, None)

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(write_backs, "_finish", killed)
        with pytest.raises(Killed):
            write_backs.carry_out(row.pk)
    held = orthanc.statistics().instances
    noted = set(WrittenObject.objects.values_list("sop_instance_uid", "sha256"))
    assert list(write_backs.due()) == []
    WriteBack.objects.update(due_at=timezone.now())
    work()
    assert orthanc.statistics().instances == held == 6
    assert set(WrittenObject.objects.values_list("sop_instance_uid", "sha256")) == noted
    row.refresh_from_db()
    assert row.state == "stored"


def test_what_cannot_be_written_fails_with_a_reason_and_may_be_asked_for_again(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted(case)
    with monkeypatch.context() as patched:

        def refused(path: Path) -> orthanc.StoredInstance:
            raise orthanc.Refused("no room for it")

        patched.setattr(orthanc, "store", refused)
        (row,) = write_backs.request(case, None)
        work()
    row.refresh_from_db()
    assert (row.state, row.reason) == ("failed", "no room for it")
    assert write_backs.request_all(case.project, None) == 1
    work()
    row.refresh_from_db()
    assert row.state == "stored"
    assert write_backs.request_all(case.project, None) == 0


def test_a_case_that_nobody_read_has_nothing_to_store(case: Case) -> None:
    with pytest.raises(Conflict):
        write_backs.request(case, None)


def corrected(read: Read, answer: str = "no", **content: Any) -> Read:
    """The same reader says something else of the case."""
    slot = read.slot
    assert slot is not None
    said = builders.content(answer, marks=reading.said(read)["marks"]) | content
    return reading.submit(
        slot.pk,
        read.reader,
        token=slot.token,
        idempotency_key=uuid4(),
        content=said,
        active_seconds=1,
    )


def held() -> set[str]:
    """The objects of ours in the store, by SOP Instance UID."""
    here = orthanc.all_instances()
    noted = WrittenObject.objects.values_list("sop_instance_uid", flat=True)
    return {uid for uid in noted if orthanc.find_instance(uid) in here}


def of(read: Read) -> set[str]:
    objects = WrittenObject.objects.filter(write_back__read=read)
    return set(objects.values_list("sop_instance_uid", flat=True))


def test_a_correction_takes_the_place_of_what_it_corrects(case: Case) -> None:
    first = submitted(case)
    write_backs.request(case, None)
    work()
    assert held() == of(first)
    assert len(of(first)) == 2
    second = corrected(first)
    work()
    assert held() == of(first)
    write_backs.request(case, None)
    work()
    assert held() == of(second)
    assert len(of(second)) == 2
    assert not WrittenObject.objects.filter(write_back__read=first, removed_at=None).exists()
    event = Event.objects.filter(verb="write_back.store").latest("pk")
    assert event.data["removed"] == sorted(of(first))
    third = corrected(second, "yes")
    write_backs.request(case, None)
    work()
    assert held() == of(third)
    assert orthanc.statistics().instances == 4 + 2


def test_what_is_removed_is_no_loss_to_the_case_and_never_read_in(case: Case) -> None:
    first = submitted(case)
    write_backs.request(case, None)
    work()
    intake.follow()
    corrected(first)
    write_backs.request(case, None)
    work()
    intake.follow()
    intake.reconcile()
    Series.objects.filter(stable=False).update(created_at=timezone.now() - timedelta(minutes=1))
    intake.follow()
    shown = Instance.objects.filter(series__deleted_at=None)
    assert not shown.filter(sop_instance_uid__in=of(first)).exists()
    case.refresh_from_db()
    assert (case.state, case.frame_count, Case.objects.count()) == ("ready", 4, 1)


def test_kept_objects_are_named_as_predecessors(case: Case, tmp_path: Path) -> None:
    lead = builders.user(Role.LEAD, project=case.project)
    projects.update(case.project, {"write_back_superseded": "keep"}, user=lead)
    first = submitted(case)
    write_backs.request(case, None)
    work()
    second = corrected(first)
    write_backs.request(case, None)
    work()
    assert held() == of(first) | of(second)
    report = WrittenObject.objects.get(write_back__read=second, kind="sr")
    path = fetched(report, tmp_path)
    assert elsewhere.errors_of(path) == []
    [study] = dcmread(path).PredecessorDocumentsSequence
    [series] = study.ReferencedSeriesSequence
    [named] = series.ReferencedSOPSequence
    before = WrittenObject.objects.get(write_back__read=first, kind="sr")
    assert study.StudyInstanceUID == case.series.get().study_uid
    assert series.SeriesInstanceUID == before.series_uid
    assert named.ReferencedSOPInstanceUID == before.sop_instance_uid
    assert "PredecessorDocumentsSequence" not in dcmread(fetched(before, tmp_path))


def test_a_read_that_was_corrected_before_its_turn_is_not_stored(case: Case) -> None:
    lead = builders.user(Role.LEAD, project=case.project)
    projects.update(case.project, {"write_back": "submit"}, user=lead)
    first = submitted(case)
    second = corrected(first)
    late = WriteBack.objects.get(read=first)
    work()
    assert held() == of(second)
    late.refresh_from_db()
    assert (late.state, late.reason, of(first)) == ("stored", write_backs.OVERTAKEN, set())


def test_a_read_that_is_corrected_while_it_is_sent_leaves_nothing_behind(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The correction is through before the slower worker of the earlier read has sent anything."""
    lead = builders.user(Role.LEAD, project=case.project)
    projects.update(case.project, {"write_back": "submit"}, user=lead)
    first = submitted(case)
    note, done = write_backs._note, []

    def meanwhile(row: WriteBack, written: Any) -> None:
        note(row, written)
        if row.read_id == first.pk:
            done.append(corrected(first))
            work()

    monkeypatch.setattr(write_backs, "_note", meanwhile)
    write_backs.carry_out(WriteBack.objects.get(read=first).pk)
    assert len(of(first)) == 2
    assert held() == of(done[0])
    assert WriteBack.objects.get(read=first).reason == write_backs.OVERTAKEN


def test_a_store_that_goes_away_before_the_removal_is_asked_again(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = submitted(case)
    write_backs.request(case, None)
    work()
    second = corrected(first)
    write_backs.request(case, None)

    def away(orthanc_id: str) -> None:
        raise ImageStoreUnavailable("The image store does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(orthanc, "delete_instance", away)
        work()
    assert WriteBack.objects.get(read=second).state == "waiting"
    assert held() == of(first) | of(second)
    WriteBack.objects.update(due_at=timezone.now())
    work()
    assert held() == of(second)

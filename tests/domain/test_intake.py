"""Following the image store: what arrives becomes cases, once, in any order, after any restart."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import builders
import httpx
import images
import pytest
import store_log
from django.conf import settings
from django.db import connection
from pydicom.uid import CTImageStorage, generate_uid
from pynetdicom import AE

from annotation import adoption, arrivals, enrolment, intake, orthanc, projects, queue
from annotation.models import (
    Case,
    ChangeCursor,
    Event,
    ImportItem,
    Instance,
    Patient,
    Project,
    Series,
    Slot,
)
from annotation.turns import turn
from deploy.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)

RULE = {"Modality": "^CT$"}


@pytest.fixture(autouse=True)
def just_reconciled(empty_store: None) -> None:
    intake._reconciled_at = time.monotonic()


@pytest.fixture
def project() -> Project:
    return builders.project(intake_rule=RULE)


def send(folder: Path, *datasets: object) -> list[orthanc.StoredInstance]:
    return [orthanc.store(path) for path in images.write(folder, *datasets)]


def settle_all() -> None:
    """Take in what is there, as if the quiet time were over."""
    intake.follow()
    for series in Series.objects.filter(stable=False):
        intake.settle(series.pk)


def test_a_series_that_arrives_becomes_one_case_with_its_frames_in_order(
    tmp_path: Path, project: Project
) -> None:
    slices = images.series(4)
    send(tmp_path, *reversed(slices))
    settle_all()
    case = Case.objects.get()
    assert (case.project, case.state, case.frame_count) == (project, "ready", 4)
    display = case.series.get().display
    assert [frame["sop_instance_uid"] for frame in display["frames"]] == [
        dataset.SOPInstanceUID for dataset in slices
    ]
    assert (display["geometry"], display["slice_spacing"]) == ("volume", 5.0)
    assert Slot.objects.get().state == "open"
    assert Event.objects.filter(verb="case.ready").count() == 1


def test_following_again_changes_nothing(tmp_path: Path, project: Project) -> None:
    send(tmp_path, *images.series(2))
    settle_all()
    before = (Case.objects.count(), Slot.objects.count(), Instance.objects.count())
    ChangeCursor.objects.update(seq=0)
    settle_all()
    assert (Case.objects.count(), Slot.objects.count(), Instance.objects.count()) == before
    assert Event.objects.filter(verb="case.ready").count() == 1


def test_a_case_is_there_within_five_seconds_of_arrival(tmp_path: Path, project: Project) -> None:
    send(tmp_path, *images.series(3))
    started = time.monotonic()
    while not Case.objects.filter(state="ready").exists():
        assert time.monotonic() - started < 5
        intake.follow()
        time.sleep(0.2)
    assert Case.objects.get().frame_count == 3


def test_late_images_join_the_case_and_leave_a_trace(tmp_path: Path, project: Project) -> None:
    slices = images.series(3)
    send(tmp_path, *slices[:2])
    settle_all()
    version = Series.objects.get().display["version"]
    send(tmp_path, slices[2])
    intake.follow()
    assert Series.objects.get().stable is False
    settle_all()
    series = Series.objects.get()
    assert (series.frame_count, Case.objects.get().frame_count) == (3, 3)
    assert series.display["version"] != version
    assert Event.objects.filter(verb="case.images_changed").count() == 1
    assert Slot.objects.count() == 1


def test_a_deleted_series_withdraws_its_case_and_a_return_brings_it_back(
    tmp_path: Path, project: Project
) -> None:
    slices = images.series(2)
    stored = send(tmp_path, *slices)
    settle_all()
    for each in stored:
        orthanc.delete_instance(each.orthanc_id)
    assert intake.reconcile() == 2
    case = Case.objects.get()
    assert (case.state, case.state_reason) == ("withdrawn", enrolment.GONE)
    assert Slot.objects.get().state == "cancelled"
    send(tmp_path, *slices)
    settle_all()
    assert Case.objects.get().state == "ready"
    assert Slot.objects.get().state == "open"
    assert Series.objects.get().deleted_at is None


def test_one_deleted_image_leaves_the_series_with_a_gap_that_is_said(
    tmp_path: Path, project: Project
) -> None:
    stored = send(tmp_path, *images.series(4))
    settle_all()
    orthanc.delete_instance(stored[1].orthanc_id)
    intake.reconcile()
    settle_all()
    display = Series.objects.get().display
    assert (display["geometry"], display["frame_count"]) == ("stack", 3)
    assert "1 slice seems to be missing" in display["fidelity"]["note"]
    assert Case.objects.get().state == "ready"


def test_an_object_that_replaced_another_of_its_uid_is_looked_at_again(
    tmp_path: Path, project: Project
) -> None:
    dataset = images.slice_()
    (stored,) = send(tmp_path / "a", dataset)
    settle_all()
    before = Instance.objects.get()
    Instance.objects.update(created_at=before.created_at - timedelta(minutes=1))
    orthanc.delete_instance(stored.orthanc_id)
    dataset.PixelData = images.ramp(start=77).tobytes()
    send(tmp_path / "b", dataset)
    settle_all()
    after = Instance.objects.get()
    assert after.pixel_sha256 != before.pixel_sha256
    assert Series.objects.get().display["sources"]["objects"][0][1] == after.sha256


def test_following_notices_deletions_by_itself(tmp_path: Path, project: Project) -> None:
    (stored,) = send(tmp_path, images.slice_())
    settle_all()
    orthanc.delete_instance(stored.orthanc_id)
    intake._reconciled_at = 0.0
    intake.follow()
    assert Case.objects.get().state == "withdrawn"


def test_a_store_that_was_emptied_is_read_from_its_beginning(
    tmp_path: Path, project: Project
) -> None:
    send(tmp_path, images.slice_())
    ChangeCursor.objects.create(store=intake.STORE, seq=10**9)
    settle_all()
    assert Case.objects.count() == 1
    assert ChangeCursor.objects.get().seq == store_log.newest_change()


def test_what_the_log_does_not_tell_is_found_by_comparing(tmp_path: Path, project: Project) -> None:
    send(tmp_path, images.slice_())
    ChangeCursor.objects.create(store=intake.STORE, seq=store_log.newest_change())
    assert intake.reconcile() == 1
    settle_all()
    assert Case.objects.count() == 1


def test_only_one_process_follows_at_a_time(tmp_path: Path, project: Project) -> None:
    send(tmp_path, images.slice_())
    handled: list[int] = []

    def other() -> None:
        handled.append(intake.follow())
        connection.close()

    with turn(intake.TURN) as mine:
        assert mine
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert handled == [0]
    assert not Instance.objects.exists()


def test_rows_and_cursor_move_together_or_not_at_all(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(tmp_path, *images.series(3))
    real = arrivals.register
    calls = []

    def dies_at_the_third(*args: object, **kwargs: object) -> Instance:
        calls.append(1)
        if len(calls) == 3:
            raise SystemExit("killed")
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(arrivals, "register", dies_at_the_third)
    with pytest.raises(SystemExit):
        intake.follow()
    assert (Instance.objects.count(), ChangeCursor.objects.get().seq) == (0, 0)
    monkeypatch.setattr(arrivals, "register", real)
    settle_all()
    assert Case.objects.get().frame_count == 3


def test_a_bad_object_is_quarantined_with_a_reason_and_does_not_stop_the_rest(
    tmp_path: Path, project: Project
) -> None:
    good = images.series(2)
    bad = images.slice_()
    bad.PixelData = bad.PixelData[:20]
    send(tmp_path, good[0], bad, good[1])
    settle_all()
    item = ImportItem.objects.get()
    assert (item.batch, item.state, item.reason_code) == (None, "quarantined", "undecodable")
    assert "cannot be decoded" in item.reason
    assert Case.objects.get().frame_count == 2
    intake.reconcile()
    assert ImportItem.objects.count() == 1


def test_an_object_that_is_no_image_becomes_no_case(tmp_path: Path, project: Project) -> None:
    report = images.slice_(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="CT")
    send(tmp_path, report)
    settle_all()
    assert not Case.objects.exists()
    assert not ImportItem.objects.exists()
    assert intake.reconcile() == 0


def test_one_uid_under_two_patients_is_quarantined(tmp_path: Path, project: Project) -> None:
    first = images.slice_()
    second = images.slice_(SOPInstanceUID=first.SOPInstanceUID)
    send(tmp_path / "a", first)
    send(tmp_path / "b", second)
    settle_all()
    assert ImportItem.objects.get().reason_code == "same_uid"
    assert Case.objects.count() == 1


def test_a_series_that_is_too_long_is_quarantined_whole(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake.limits, "MAX_SERIES_OBJECTS", 2)
    send(tmp_path, *images.series(3))
    settle_all()
    settle_all()
    assert not Case.objects.exists()
    assert ImportItem.objects.get().reason.startswith("The series has 3 images; the limit is 2.")


def test_a_study_of_two_patients_stays_with_the_first(tmp_path: Path) -> None:
    builders.project(case_unit="study", intake_rule=RULE)
    study = generate_uid()
    send(tmp_path, images.slice_(StudyInstanceUID=study))
    settle_all()
    send(tmp_path, images.slice_(StudyInstanceUID=study))
    settle_all()
    settle_all()
    assert Case.objects.get().series.count() == 1
    assert ImportItem.objects.get().reason_code == "study_of_two_patients"
    assert Patient.objects.count() == 2


def test_a_study_is_ready_only_when_all_its_series_have_settled(tmp_path: Path) -> None:
    builders.project(case_unit="study", intake_rule=RULE)
    study = {"StudyInstanceUID": generate_uid(), "PatientID": "one"}
    send(tmp_path, *images.series(2, **study), *images.series(3, **study))
    intake.follow()
    first, second = Series.objects.order_by("pk")
    intake.settle(first.pk)
    assert Case.objects.get().state == "arriving"
    assert not Slot.objects.exists()
    intake.settle(second.pk)
    case = Case.objects.get()
    assert (case.state, case.frame_count, case.series.count()) == ("ready", 5, 2)


def test_two_series_of_a_study_that_settle_at_once_leave_it_ready(tmp_path: Path) -> None:
    builders.project(case_unit="study", intake_rule=RULE)
    study = {"StudyInstanceUID": generate_uid(), "PatientID": "one"}
    send(tmp_path, *images.series(1, **study), *images.series(1, **study))
    intake.follow()

    def settle(series_id: int) -> None:
        intake.settle(series_id)
        connection.close()

    threads = [
        threading.Thread(target=settle, args=[pk])
        for pk in Series.objects.values_list("pk", flat=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Case.objects.get().state == "ready"


def test_each_image_is_a_case_where_the_project_says_so(tmp_path: Path) -> None:
    builders.project(case_unit="instance", intake_rule=RULE)
    slices = images.series(3)
    send(tmp_path, *slices)
    settle_all()
    assert set(Case.objects.values_list("uid", "frame_count")) == {
        (dataset.SOPInstanceUID, 1) for dataset in slices
    }
    assert Patient.objects.count() == 1


def test_a_rule_takes_what_matches_in_every_attribute_and_nothing_else(tmp_path: Path) -> None:
    chest = builders.project(intake_rule={"Modality": "CT|MR", "BodyPartExamined": "chest"})
    builders.project(intake_rule={"Modality": "^MR$"})
    builders.project(intake_rule={})
    send(tmp_path, images.slice_(BodyPartExamined="CHEST"), images.slice_(BodyPartExamined="HEAD"))
    settle_all()
    assert Case.objects.get().project == chest


def test_a_new_rule_takes_what_is_stored_already(tmp_path: Path) -> None:
    send(tmp_path, images.slice_())
    settle_all()
    lead, project = builders.user(), builders.project(intake_rule={"Modality": "^MR$"})
    projects.update(project, {"intake_rule": RULE}, user=lead)
    assert not Case.objects.exists()
    settle_all()
    assert Case.objects.get().project == project
    projects.update(project, {"intake_rule": {"Modality": "CT"}}, user=lead)
    settle_all()
    assert Case.objects.count() == 1


def test_what_arrives_does_not_wait_for_what_a_rule_looks_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "SETTLED_AT_ONCE", 1)
    monkeypatch.setattr(intake, "QUIET", timedelta(seconds=-1))
    old, new = images.slice_(), images.slice_()
    send(tmp_path, old)
    intake.follow()
    project = builders.project(intake_rule=RULE)
    adoption.begin(project)
    send(tmp_path, new)
    intake.follow()
    assert Case.objects.get().uid == new.SeriesInstanceUID
    intake.follow()
    assert Case.objects.count() == 2


def test_a_patient_keeps_one_pseudonym_and_stream_in_a_project_and_another_elsewhere(
    tmp_path: Path,
) -> None:
    one, two = (builders.project(intake_rule=RULE) for _ in range(2))
    send(tmp_path, images.slice_(PatientID="P-1"), images.slice_(PatientID="P-1"))
    send(tmp_path, images.slice_(PatientID="P-1", IssuerOfPatientID="elsewhere"))
    settle_all()
    assert Patient.objects.filter(project=one).count() == 2
    mine, theirs = (
        set(project.patients.values_list("pseudonym", flat=True)) for project in (one, two)
    )
    assert not mine & theirs
    assert not any("P-1" in pseudonym for pseudonym in mine)


def test_patients_without_an_id_are_not_thrown_together(tmp_path: Path, project: Project) -> None:
    send(tmp_path, images.slice_(PatientID=""), images.slice_(PatientID=""))
    settle_all()
    assert Patient.objects.count() == 2


def test_an_issue_stays_when_late_images_arrive(tmp_path: Path, project: Project) -> None:
    slices = images.series(2)
    send(tmp_path, slices[0])
    settle_all()
    reader = builders.reader(project)
    slot = queue.claim(project, reader)
    queue.raise_issue(slot.pk, reader, slot.token, issue="quality", text="Blurred")
    send(tmp_path, slices[1])
    settle_all()
    case = Case.objects.get()
    assert (case.state, case.frame_count) == ("issue", 2)


def test_images_sent_by_dicomweb_become_a_case(tmp_path: Path, project: Project) -> None:
    (path,) = images.write(tmp_path, images.slice_())
    body = (
        b"--edge\r\nContent-Type: application/dicom\r\n\r\n"
        + path.read_bytes()
        + b"\r\n--edge--\r\n"
    )
    response = httpx.post(
        f"{settings.ORTHANC_URL}/dicom-web/studies",
        content=body,
        headers={"Content-Type": 'multipart/related; type="application/dicom"; boundary=edge'},
        auth=(settings.ORTHANC_USER, settings.ORTHANC_PASSWORD),
    )
    assert response.status_code == 200
    settle_all()
    assert Case.objects.get().state == "ready"


def test_images_sent_by_dimse_become_a_case_within_five_seconds(
    orthanc_stack: Stack, project: Project
) -> None:
    sender = AE("STORESCU")
    sender.add_requested_context(CTImageStorage)
    link = sender.associate("127.0.0.1", orthanc_stack.ports.dicom, ae_title="CONSILIUM")
    assert link.is_established
    for dataset in images.series(3):
        assert link.send_c_store(dataset).Status == 0
    link.release()
    started = time.monotonic()
    while not Case.objects.filter(state="ready").exists():
        assert time.monotonic() - started < 5
        intake.follow()
        time.sleep(0.2)
    case = Case.objects.get()
    assert case.frame_count == 3
    assert case.series.get().attributes["RemoteAET"] == "STORESCU"


def test_a_project_may_take_what_a_certain_sender_sends(tmp_path: Path) -> None:
    builders.project(intake_rule={"Origin": "DicomProtocol"})
    mine = builders.project(intake_rule={"Origin": "RestApi", "RemoteIP": r"^127\."})
    send(tmp_path, images.slice_())
    settle_all()
    assert Case.objects.get().project == mine

"""One odd object never stops the others: it is quarantined with a reason, and intake goes on."""

from __future__ import annotations

import time
from pathlib import Path

import builders
import images
import pytest
import store_log
from pydicom.uid import generate_uid

from annotation import import_items, imports, intake, orthanc, quarantine
from annotation.errors import Conflict
from annotation.models import Case, ChangeCursor, Event, ImportItem, Project, Series

pytestmark = pytest.mark.django_db(transaction=True)

RULE = {"Modality": "^(CT|DX)$"}
REPORT = "1.2.840.10008.5.1.4.1.1.88.11"


@pytest.fixture(autouse=True)
def just_reconciled(empty_store: None) -> None:
    intake._reconciled_at = time.monotonic()


@pytest.fixture
def project() -> Project:
    return builders.project(intake_rule=RULE)


def send(folder: Path, *datasets: object) -> list[orthanc.StoredInstance]:
    return [orthanc.store(path) for path in images.write(folder, *datasets)]


def settle_all() -> None:
    intake.follow()
    for series in Series.objects.filter(stable=False):
        intake.settle_or_hold(series.pk)


def detector(**fields: object) -> object:
    return images.slice_(Modality="DX", PixelSpacing=None, **fields)


ODD = {
    "a UID that is too long": lambda: images.slice_(
        SOPClassUID=REPORT, SOPInstanceUID="1." + "2" * 72
    ),
    "a kind that is too long": lambda: images.slice_(SOPClassUID="1." + "2" * 72),
    "a position beyond all measure": lambda: images.slice_(
        ImagePositionPatient=[1e308, 1e308, 1e308]
    ),
    "a magnification of almost nothing": lambda: detector(
        ImagerPixelSpacing=[1e10, 1e10], EstimatedRadiographicMagnificationFactor=1e-300
    ),
}


@pytest.mark.filterwarnings("ignore:The value length")
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_an_odd_object_lets_the_cursor_move_and_the_others_become_cases(
    tmp_path: Path, project: Project, odd: object
) -> None:
    good = images.slice_()
    send(tmp_path, odd(), good)  # type: ignore[operator]
    settle_all()
    assert ChangeCursor.objects.get().seq == store_log.newest_change()
    assert Case.objects.filter(uid=good.SeriesInstanceUID, state="ready").exists()


def test_a_value_that_the_database_refuses_is_quarantined_on_both_ways_in(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from annotation.dicom.sandbox import Sandbox

    real = Sandbox._run

    def with_infinity(self: Sandbox, request: dict[str, object]) -> dict[str, object]:
        answer = real(self, request)  # type: ignore[arg-type]
        answer["objects"][0]["description"]["frame_time_ms"] = float("inf")
        return answer

    monkeypatch.setattr(Sandbox, "_run", with_infinity)
    (sent, imported) = images.write(tmp_path, images.slice_(), images.slice_())
    orthanc.store(sent)
    intake.follow()
    assert ChangeCursor.objects.get().seq == store_log.newest_change()
    batch = imports.import_paths(project, [imported], builders.user())
    assert [item.reason_code for item in ImportItem.objects.filter(batch=None)] == ["bad_value"]
    assert batch.items.get().reason_code == "bad_value"


def test_a_series_that_cannot_be_settled_stops_no_other_and_can_be_tried_again(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = images.slice_(), images.slice_()
    send(tmp_path, good, bad)
    real = intake._describe

    def fails(series: Series, objects: object) -> object:
        if series.series_uid == bad.SeriesInstanceUID:
            raise ZeroDivisionError
        return real(series, objects)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(intake, "_describe", fails)
        settle_all()
        assert Case.objects.get().uid == good.SeriesInstanceUID
        item = ImportItem.objects.get()
        assert (item.state, item.reason_code) == ("quarantined", "not_described")
        user = builders.user()
        assert import_items.retry(item, user).state == "waiting"
        settle_all()
        item.refresh_from_db()
        assert item.state == "quarantined"
        import_items.retry(item, user)
    settle_all()
    item.refresh_from_db()
    assert (item.state, Case.objects.count()) == ("stored", 2)
    assert set(Event.objects.filter(verb="import.retry").values_list("actor", flat=True)) == {
        user.pk
    }


def test_a_feed_that_is_behind_still_makes_cases_of_what_it_brought(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "READ_SECONDS", 0.0)
    monkeypatch.setattr(intake, "CHANGES_AT_ONCE", 8)
    monkeypatch.setattr(intake, "QUIET", intake.QUIET * 0)
    send(tmp_path, *[images.slice_() for _ in range(6)])
    intake.follow()
    intake.follow()
    assert ChangeCursor.objects.get().seq < store_log.newest_change()
    assert Case.objects.filter(state="ready").exists()


def test_what_waits_to_be_settled_does_not_hold_up_the_feed(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(intake, "QUIET", intake.QUIET * 0)
    send(tmp_path, *[images.slice_() for _ in range(3)])
    intake.follow()
    assert Series.objects.filter(stable=True).count() == 1


def test_a_fault_of_a_series_that_comes_again_is_said_again(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices = images.series(3)
    user = builders.user()
    monkeypatch.setattr(intake.limits, "MAX_SERIES_OBJECTS", 1)
    send(tmp_path, *slices[:2])
    settle_all()
    quarantine.dismiss(ImportItem.objects.get(), user)
    send(tmp_path, slices[2])
    settle_all()
    first, second = ImportItem.objects.order_by("pk")
    assert (first.state, second.state) == ("dismissed", "quarantined")
    assert Event.objects.get(verb="import.dismiss").actor == user
    monkeypatch.setattr(intake.limits, "MAX_SERIES_OBJECTS", 5)
    import_items.retry(second, user)
    settle_all()
    with pytest.raises(Conflict):
        quarantine.dismiss(second, user)


def test_a_gap_is_said_ends_when_the_slice_comes_and_never_holds_up_the_case(
    tmp_path: Path, project: Project
) -> None:
    slices = images.series(5)
    send(tmp_path, *slices[:2], *slices[3:])
    settle_all()
    item = ImportItem.objects.get()
    assert (item.state, item.reason_code) == ("quarantined", "no_volume")
    assert item.reason.startswith("1 slice seems to be missing")
    assert Case.objects.get().state == "ready"
    send(tmp_path, slices[2])
    settle_all()
    item.refresh_from_db()
    assert item.state == "stored"


def test_a_segmentation_project_takes_an_uneven_series_only_once_somebody_accepts_it(
    tmp_path: Path,
) -> None:
    builders.project(task="segmentation", intake_rule=RULE)
    slices = images.series(5)
    send(tmp_path, *slices[:2], *slices[3:])
    settle_all()
    assert not Case.objects.exists()
    quarantine.dismiss(ImportItem.objects.get(), builders.user())
    settle_all()
    assert Case.objects.get().state == "ready"
    Series.objects.update(stable=False)
    settle_all()
    assert ImportItem.objects.get().state == "dismissed"


def test_one_study_of_two_patients_is_said_where_its_series_are(tmp_path: Path) -> None:
    project = builders.project(case_unit="study")
    study = generate_uid()
    for folder in ("a", "b"):
        images.write(tmp_path / folder, images.slice_(StudyInstanceUID=study))
        imports.import_paths(project, [tmp_path / folder], builders.user())
    seen = quarantine.seen_in([project])
    assert seen.get(state="quarantined").reason_code == "study_of_two_patients"
    other = builders.project(intake_rule={"Modality": "^MG$"})
    assert not quarantine.seen_in([other]).exists()

"""Imports: files in pieces, one by one, resumable at any line; what is wrong stops nothing else."""

from __future__ import annotations

import shutil
import threading
import zipfile
from collections import namedtuple
from pathlib import Path

import builders
import images
import numpy as np
import pytest
from django.conf import settings
from django.db import connection
from PIL import Image

from annotation import (
    arrivals,
    due,
    import_items,
    imports,
    intake,
    orthanc,
    quarantine,
    uploads,
)
from annotation.errors import (
    Conflict,
    ImageStoreUnavailable,
    InvalidInput,
    StorageFull,
    TooLarge,
)
from annotation.models import (
    Case,
    Event,
    Import,
    ImportItem,
    Instance,
    Project,
    Series,
    User,
)

pytestmark = pytest.mark.django_db(transaction=True)

State = ImportItem.State


@pytest.fixture(autouse=True)
def in_an_empty_store(empty_store: None) -> None:
    """Each test has its own folders, and a store that holds nothing."""


@pytest.fixture
def project() -> Project:
    return builders.project()


@pytest.fixture
def user() -> User:
    return builders.user()


def announced(project: Project, user: User, *paths: Path) -> Import:
    """An import whose files have arrived but were not taken in."""
    files = [(path.name, path.stat().st_size) for path in paths]
    batch = imports.begin(project, user, files=files, site=None)
    for item, path in zip(batch.items.order_by("pk"), paths, strict=True):
        imports.receive(item.pk, 0, path.read_bytes())
    return batch


def work(batch: Import) -> None:
    """What the worker does until nothing is due."""
    while rung := list(due.due()):
        for actor, row in rung:
            {
                "process_import_item": imports.process_item,
                "finish_import": imports.finish,
                "expire_import": imports.expire,
            }[actor](row)
    batch.refresh_from_db()


def picture(path: Path, value: int = 7) -> Path:
    array = np.full((6, 5), value, np.uint8)
    array[0, 0] = 200
    Image.fromarray(array).save(path)
    return path


def test_files_become_cases_of_the_project_they_were_imported_into(
    tmp_path: Path, project: Project, user: User
) -> None:
    images.write(tmp_path / "in" / "ct", *images.series(3))
    picture(tmp_path / "in" / "chest.png")
    images.nifti(tmp_path / "in" / "brain.nii.gz", np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    (tmp_path / "in" / "notes.txt").write_text("not an image")
    seen: list[tuple[int, int]] = []
    batch = imports.import_paths(
        project, [tmp_path / "in"], user, on_progress=lambda done, total: seen.append((done, total))
    )
    assert batch.state == Import.State.DONE
    assert imports.counts(batch) == {"stored": 5, "quarantined": 1}
    assert sorted(
        Case.objects.filter(project=project).values_list("modality", "frame_count", "state")
    ) == [
        ("CT", 3, "ready"),
        ("MR", 4, "ready"),
        ("OT", 1, "ready"),
    ]
    assert seen[-1] == (6, 6)
    bad = batch.items.get(state=State.QUARANTINED)
    assert (bad.name, bad.reason_code) == ("notes.txt", "unknown_kind")
    assert [path.name for path in settings.UPLOADS_DIR.iterdir()] == [str(bad.pk)]
    assert Event.objects.filter(verb__startswith="import.").count() == 2


def test_the_same_files_again_are_duplicates_and_change_nothing(
    tmp_path: Path, project: Project, user: User
) -> None:
    images.write(tmp_path / "in", *images.series(2))
    imports.import_paths(project, [tmp_path / "in"], user)
    again = imports.import_paths(project, [tmp_path / "in"], user)
    assert imports.counts(again) == {"duplicate": 2}
    assert (Case.objects.count(), Instance.objects.count()) == (1, 2)


def test_files_that_are_here_already_become_cases_of_the_next_project_too(
    tmp_path: Path, project: Project, user: User
) -> None:
    images.write(tmp_path / "in", *images.series(2))
    imports.import_paths(project, [tmp_path / "in"], user)
    other = builders.project()
    imports.import_paths(other, [tmp_path / "in"], user)
    assert Case.objects.get(project=other).state == "ready"
    assert Series.objects.count() == 1


def test_the_same_uid_with_other_pixels_is_quarantined_and_the_first_kept(
    tmp_path: Path, project: Project, user: User
) -> None:
    first = images.slice_()
    second = images.slice_(
        images.ramp(start=500),
        **{
            keyword: getattr(first, keyword)
            for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID")
        },
    )
    images.write(tmp_path / "a", first)
    images.write(tmp_path / "b", second)
    imports.import_paths(project, [tmp_path / "a"], user)
    kept = Instance.objects.get().pixel_sha256
    batch = imports.import_paths(project, [tmp_path / "b"], user)
    item = batch.items.get()
    assert (item.state, item.reason_code) == ("quarantined", "same_uid_other_pixels")
    assert Instance.objects.get().pixel_sha256 == kept


def test_the_same_pixels_with_another_header_are_a_duplicate(
    tmp_path: Path, project: Project, user: User
) -> None:
    dataset = images.slice_()
    images.write(tmp_path / "a", dataset)
    dataset.SeriesDescription = "Renamed"
    images.write(tmp_path / "b", dataset)
    imports.import_paths(project, [tmp_path / "a"], user)
    assert imports.counts(imports.import_paths(project, [tmp_path / "b"], user)) == {"duplicate": 1}


def test_other_pixels_are_noticed_before_the_feed_has_a_row_for_the_first(
    tmp_path: Path, project: Project, user: User
) -> None:
    first = images.slice_()
    (path,) = images.write(tmp_path / "a", first)
    orthanc.store(path)
    first.PixelData = images.ramp(start=900).tobytes()
    images.write(tmp_path / "b", first)
    batch = imports.import_paths(project, [tmp_path / "b"], user)
    assert batch.items.get().reason_code == "same_uid_other_pixels"


def test_what_is_no_image_is_refused_on_import(
    tmp_path: Path, project: Project, user: User
) -> None:
    images.write(tmp_path, images.slice_(SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4"))
    batch = imports.import_paths(project, [tmp_path], user)
    item = batch.items.get()
    assert item.reason == "This is an object of the kind “Segmentation”, not an image to read."
    assert orthanc.statistics().instances == 0


def test_a_file_arrives_in_pieces_and_goes_on_where_it_stopped(
    tmp_path: Path, project: Project, user: User
) -> None:
    (path,) = images.write(tmp_path, images.slice_())
    content = path.read_bytes()
    batch = imports.begin(project, user, files=[(path.name, len(content))], site=None)
    item = batch.items.get()
    imports.receive(item.pk, 0, content[:500])
    with pytest.raises(Conflict) as refused:
        imports.receive(item.pk, 0, content[:500])
    assert refused.value.extra == {"received": 500}
    imports.receive(item.pk, 500, content[500:900])
    with pytest.raises(InvalidInput, match="announced"):
        imports.receive(item.pk, 900, content[900:] + b"more")
    with pytest.raises(Conflict, match="1 of the files have not fully arrived"):
        imports.complete(batch)
    imports.receive(item.pk, 900, content[900:])
    imports.complete(batch)
    work(batch)
    assert (batch.state, imports.counts(batch)) == ("done", {"stored": 1})


def test_an_upload_cut_short_between_disk_and_database_is_repaired_by_the_next_piece(
    tmp_path: Path, project: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = images.write(tmp_path, images.slice_())
    content = path.read_bytes()
    batch = imports.begin(project, user, files=[(path.name, len(content))], site=None)
    item = batch.items.get()

    def dies(self: ImportItem, **_: object) -> None:
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(ImportItem, "save", dies)
        with pytest.raises(SystemExit):
            imports.receive(item.pk, 0, b"x" * 700)
    imports.receive(item.pk, 0, content[:600])
    imports.receive(item.pk, 600, content[600:])
    assert uploads.path_of(item).read_bytes() == content


def test_two_tabs_that_send_the_same_piece_store_it_once(
    tmp_path: Path, project: Project, user: User
) -> None:
    batch = imports.begin(project, user, files=[("x.dcm", 1000)], site=None)
    item = batch.items.get()
    answers: list[str] = []

    def send() -> None:
        try:
            imports.receive(item.pk, 0, b"a" * 400)
            answers.append("stored")
        except Conflict:
            answers.append("refused")
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["refused"] * 3 + ["stored"]
    assert uploads.path_of(item).stat().st_size == 400


@pytest.mark.parametrize(
    "files", [[], [("x.dcm", 600 * 1024**2)], [("x.zip", 9 * 1024**3)], [("x", -1)]]
)
def test_what_is_too_much_is_refused_before_it_is_sent(
    project: Project, user: User, files: list[tuple[str, int]]
) -> None:
    with pytest.raises((InvalidInput, TooLarge)):
        imports.begin(project, user, files=files, site=None)


def test_a_nearly_full_disk_takes_nothing_more(
    project: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = imports.begin(project, user, files=[("x.dcm", 10)], site=None)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1000, 960, 40))
    with pytest.raises(StorageFull):
        imports.begin(project, user, files=[("x.dcm", 10)], site=None)
    with pytest.raises(StorageFull):
        imports.receive(batch.items.get().pk, 0, b"0123456789")
    assert batch.items.get().received == 0


def test_an_archive_is_unpacked_and_each_file_judged_alone(
    tmp_path: Path, project: Project, user: User
) -> None:
    paths = images.write(tmp_path / "in", *images.series(2))
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as made:
        for path in paths:
            made.write(path, f"deep/{path.name}")
        made.writestr("readme.txt", "hello")
        made.writestr("inner.zip", (tmp_path / "study.zip").read_bytes())
        made.write(picture(tmp_path / "p.png"), "pictures/knee 4.png")
    batch = imports.import_paths(project, [tmp_path / "study.zip"], user)
    assert imports.counts(batch) == {"quarantined": 2, "stored": 4}
    assert batch.items.get(name="study.zip").reason == "Unpacked: 5 files."
    codes = batch.items.filter(state=State.QUARANTINED).values_list("reason_code", flat=True)
    assert sorted(codes) == ["nested_archive", "unknown_kind"]
    assert Case.objects.count() == 2
    assert orthanc.patient_identity(
        Instance.objects.get(frame_count=1, series__modality="OT").orthanc_id
    ) == (
        "knee 4",
        "",
    )


def test_an_evil_archive_is_refused_whole(tmp_path: Path, project: Project, user: User) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as made:
        made.writestr("good.txt", "1")
        made.writestr("../../evil.txt", "2")
    batch = imports.import_paths(project, [tmp_path / "evil.zip"], user)
    assert [item.reason_code for item in batch.items.all()] == ["archive_path"]
    assert not (tmp_path.parent / "evil.txt").exists()


def test_unpacking_that_was_killed_goes_on_without_doubles(
    tmp_path: Path, project: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = images.write(tmp_path / "in", *images.series(4))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        for path in paths:
            made.write(path, path.name)
    batch = announced(project, user, tmp_path / "a.zip")
    imports.complete(batch)
    real = import_items.archive.unpack
    calls: list[int] = []

    def dies_at_the_third(opened: zipfile.ZipFile, number: int, destination: Path) -> None:
        calls.append(number)
        if len(calls) == 3:
            raise SystemExit("killed")
        real(opened, number, destination)

    with monkeypatch.context() as patch:
        patch.setattr(import_items.archive, "unpack", dies_at_the_third)
        with pytest.raises(SystemExit):
            imports.process_item(batch.items.get(name="a.zip").pk)
    work(batch)
    assert imports.counts(batch) == {"stored": 5}
    assert Case.objects.get().frame_count == 4


STEPS = [
    (import_items, "sha256_of"),
    (import_items.sandbox, "examine"),
    (orthanc, "store"),
    (arrivals, "register"),
    (import_items, "_conclude"),
    (uploads, "drop"),
    (intake, "settle_or_hold"),
]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("module", "step"), STEPS, ids=[step for _, step in STEPS])
def test_a_kill_around_any_step_loses_and_doubles_nothing(
    tmp_path: Path,
    project: Project,
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    step: str,
    before: bool,
) -> None:
    batch = announced(project, user, *images.write(tmp_path, images.slice_()))
    imports.complete(batch)
    real = getattr(module, step)

    def killed(*args: object, **kwargs: object) -> None:
        if not before:
            real(*args, **kwargs)
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(module, step, killed)
        with pytest.raises(SystemExit):
            imports.process_item(batch.items.get().pk)
    work(batch)
    intake.follow()
    assert (batch.state, imports.counts(batch)) == ("done", {"stored": 1})
    assert (Instance.objects.count(), Case.objects.count()) == (1, 1)
    assert Case.objects.get().state == "ready"


def test_a_store_that_is_away_leaves_the_file_waiting(
    tmp_path: Path, project: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = announced(project, user, *images.write(tmp_path, images.slice_()))
    imports.complete(batch)
    item = batch.items.get()
    with monkeypatch.context() as patch:
        patch.setattr(settings, "ORTHANC_URL", "http://127.0.0.1:9")
        with pytest.raises(ImageStoreUnavailable):
            imports.process_item(item.pk)
    item.refresh_from_db()
    assert item.state == State.WAITING
    assert ("process_import_item", item.pk) in list(due.due())
    work(batch)
    assert imports.counts(batch) == {"stored": 1}


def test_two_workers_on_one_file_do_it_once(
    tmp_path: Path, project: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = announced(project, user, *images.write(tmp_path, images.slice_()))
    imports.complete(batch)
    real, calls = orthanc.store, []

    def counted(path: Path) -> orthanc.StoredInstance:
        calls.append(path)
        return real(path)

    monkeypatch.setattr(orthanc, "store", counted)

    def take_in() -> None:
        imports.process_item(batch.items.get().pk)
        connection.close()

    threads = [threading.Thread(target=take_in) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    batch.refresh_from_db()
    assert batch.state == "done"


def test_a_cancelled_import_keeps_what_is_stored_and_forgets_the_rest(
    tmp_path: Path, project: Project, user: User
) -> None:
    paths = images.write(tmp_path, images.slice_(), images.slice_())
    batch = announced(project, user, *paths)
    first, second = batch.items.order_by("pk")
    imports.process_item(first.pk)
    imports.cancel(batch, user)
    work(batch)
    imports.process_item(second.pk)
    assert (batch.state, imports.counts(batch)) == ("cancelled", {"dismissed": 1, "stored": 1})
    assert not uploads.path_of(second).exists()
    assert Instance.objects.count() == 1


def test_a_file_in_quarantine_can_be_tried_again_or_let_go(
    tmp_path: Path, project: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = images.write(tmp_path, images.slice_())
    with monkeypatch.context() as patch:
        patch.setattr(import_items, "sniff", lambda _: import_items.Kind.ZIP)
        batch = imports.import_paths(project, [path], user)
    item = batch.items.get()
    assert item.state == State.QUARANTINED
    import_items.retry(item, user)
    batch.refresh_from_db()
    assert batch.state == Import.State.PROCESSING
    work(batch)
    assert imports.counts(batch) == {"stored": 1}
    with pytest.raises(Conflict):
        quarantine.dismiss(batch.items.get(), user)
    (tmp_path / "text").write_text("x")
    batch = imports.import_paths(project, [tmp_path / "text"], user)
    item = quarantine.dismiss(batch.items.get(), user)
    assert item.state == State.DISMISSED
    assert not uploads.path_of(item).exists()
    with pytest.raises(Conflict):
        import_items.retry(item, user)


def test_an_object_of_the_feed_in_quarantine_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builders.project(intake_rule={"Modality": "CT"})
    (path,) = images.write(tmp_path, images.slice_())
    orthanc.store(path)

    def refuses(*args: object, **kwargs: object) -> None:
        raise import_items.Fault("odd", "The decoder of that day did not know this.")

    with monkeypatch.context() as patch:
        patch.setattr(arrivals.sandbox, "examine_object", refuses)
        intake.follow()
    item = import_items.retry(ImportItem.objects.get(), None)
    assert item.state == State.DISMISSED
    intake.settle(Series.objects.get().pk)
    assert Case.objects.get().state == "ready"
    assert intake.reconcile() == 0


def test_a_table_says_that_pictures_in_two_folders_are_of_one_patient(
    tmp_path: Path, project: Project, user: User
) -> None:
    for folder, value in (("left", 1), ("right", 2)):
        (tmp_path / folder).mkdir()
        picture(tmp_path / folder / "patient-7.png", value)
    (tmp_path / "whose.csv").write_text(
        "file,patient\nleft/patient-7.png,7\nright/patient-7.png,7\n"
    )
    both = [tmp_path / "left", tmp_path / "right"]
    imports.import_paths(project, both, user, table=tmp_path / "whose.csv")
    assert (project.patients.count(), Case.objects.count()) == (1, 2)


def test_there_has_to_be_something_to_import(tmp_path: Path, project: Project, user: User) -> None:
    with pytest.raises(InvalidInput, match="no file or folder"):
        imports.import_paths(project, [tmp_path / "nowhere"], user)
    with pytest.raises(InvalidInput, match="no file to import"):
        imports.import_paths(project, [tmp_path], user)


def test_a_thousand_small_files_do_not_start_a_thousand_decoders(
    tmp_path: Path, project: Project, user: User
) -> None:
    images.write(tmp_path, *images.series(40))
    before = import_items.sandbox.started
    imports.import_paths(project, [tmp_path], user)
    assert import_items.sandbox.started - before <= 4


def test_bare_dicom_is_stored_with_a_proper_beginning(
    tmp_path: Path, project: Project, user: User
) -> None:
    (path,) = images.write(tmp_path, images.slice_())
    path.write_bytes(path.read_bytes()[132:])
    batch = imports.import_paths(project, [path], user)
    assert imports.counts(batch) == {"stored": 1}
    assert Case.objects.get().frame_count == 1


def test_a_machine_in_trouble_is_logged_by_the_actors_and_the_work_stays_due(
    tmp_path: Path,
    project: Project,
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from annotation import actors

    batch = announced(project, user, *images.write(tmp_path, images.slice_()))
    imports.complete(batch)
    item = batch.items.get()
    with monkeypatch.context() as patch:
        patch.setattr(settings, "ORTHANC_URL", "http://127.0.0.1:9")
        actors.follow_changes.fn(0)
        actors.process_import_item.fn(item.pk)
    assert [record.getMessage().split(" has to wait: ")[0] for record in caplog.records] == [
        "Following the image store",
        "Taking in a file",
    ]
    assert list(due.due()) == [("process_import_item", item.pk)]
    actors.process_import_item.fn(item.pk)
    actors.finish_import.fn(batch.pk)
    assert list(due.due()) == []
    assert Case.objects.get().state == "ready"

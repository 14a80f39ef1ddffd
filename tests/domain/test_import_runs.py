"""Many files at once: patients by folder or table, runs that were killed, imports side by side."""

from __future__ import annotations

import zipfile
from datetime import timedelta
from pathlib import Path

import builders
import images
import numpy as np
import pytest
from django.db.models import F
from PIL import Image

from annotation import due, import_items, imports, intake, local_files, orthanc, uploads
from annotation.errors import InvalidInput
from annotation.models import Case, Event, Import, ImportItem, Instance, Project, User

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


def picture(path: Path, value: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.full((6, 5), value, np.uint8)
    array[0, 0] = 200
    Image.fromarray(array).save(path)
    return path


def identities() -> list[str]:
    stored = Instance.objects.values_list("orthanc_id", flat=True)
    return sorted({orthanc.patient_identity(each)[0] for each in stored})


def uploaded(project: Project, user: User, folder: Path) -> Import:
    """As the browser sends a folder that was dropped."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder.parent).as_posix() for path in paths]
    files = [(name, path.stat().st_size) for name, path in zip(names, paths, strict=True)]
    batch = imports.begin(project, user, files=files, site=None)
    for item, path in zip(batch.items.order_by("pk"), paths, strict=True):
        imports.receive(item.pk, 0, path.read_bytes())
    return batch


def work(batch: Import) -> None:
    while rung := list(due.due()):
        for actor, row in rung:
            {"process_import_item": imports.process_item, "finish_import": imports.finish}[actor](
                row
            )
    batch.refresh_from_db()


def test_one_file_name_in_the_folders_of_two_patients_makes_two_patients(
    tmp_path: Path, project: Project, user: User
) -> None:
    for number, name in enumerate(("sub-01", "sub-02"), start=1):
        picture(tmp_path / "set" / name / "t1.png", number)
    imports.import_paths(project, [tmp_path / "set"], user)
    assert identities() == ["sub-01", "sub-02"]
    assert project.patients.count() == 2


def test_folders_given_one_by_one_are_patients_too(
    tmp_path: Path, project: Project, user: User
) -> None:
    folders = [tmp_path / name for name in ("sub-01", "sub-02")]
    for number, folder in enumerate(folders):
        picture(folder / "t1.png", number)
    imports.import_paths(project, folders, user)
    assert identities() == ["sub-01", "sub-02"]


def test_a_table_in_the_folder_that_is_dropped_names_the_patients(
    tmp_path: Path, project: Project, user: User
) -> None:
    folder = tmp_path / "set"
    for number, name in enumerate(("p1_a.png", "p1_b.png", "p2_a.png")):
        picture(folder / name, number)
    (folder / "patients.csv").write_text("file,patient\np1_a.png,p1\np1_b.png,p1\np2_a.png,p2\n")
    batch = uploaded(project, user, folder)
    assert list(due.due()) == []
    imports.complete(batch)
    work(batch)
    assert (batch.state, imports.counts(batch)) == ("done", {"stored": 4})
    assert identities() == ["p1", "p2"]
    assert (project.patients.count(), Case.objects.count()) == (2, 3)


def test_an_import_with_a_table_that_makes_no_sense_is_not_begun(
    tmp_path: Path, project: Project, user: User
) -> None:
    picture(tmp_path / "set" / "a.png", 1)
    (tmp_path / "set" / "patients.csv").write_text("file,patient\nb.png,1\n")
    batch = uploaded(project, user, tmp_path / "set")
    with pytest.raises(InvalidInput, match=r"name no file of the import, “set/b.png”"):
        imports.complete(batch)
    with pytest.raises(InvalidInput, match="name no file"):
        imports.import_paths(project, [tmp_path / "set"], user)
    assert not Instance.objects.exists()


def test_a_table_within_an_archive_names_the_patients_of_the_archive(
    tmp_path: Path, project: Project, user: User
) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as made:
        for number, name in enumerate(("a.png", "b.png")):
            made.write(picture(tmp_path / name, number), f"set/{name}")
        made.writestr("set/patients.csv", "file,patient\na.png,one\nb.png,one\n")
    imports.import_paths(project, [tmp_path / "set.zip"], user)
    assert identities() == ["one"]


def test_a_killed_run_goes_on_where_it_stopped_and_looks_at_no_file_twice(
    tmp_path: Path, project: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    images.write(tmp_path / "in", *images.series(6))
    monkeypatch.setattr(imports, "FILES_AT_ONCE", 2)
    real, parts = local_files.take_in, []

    def dies_at_the_third(*args: object) -> None:
        parts.append(args)
        if len(parts) == 3:
            raise SystemExit("killed")
        real(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(local_files, "take_in", dies_at_the_third)
        with pytest.raises(SystemExit):
            imports.import_paths(project, [tmp_path / "in"], user)
    killed = Import.objects.get()
    assert imports.counts(killed) == {"stored": 4}
    examined: list[object] = []
    look = import_items.sha256_of
    monkeypatch.setattr(import_items, "sha256_of", lambda path: examined.append(path) or look(path))
    batch = imports.import_paths(project, [tmp_path / "in"], user)
    killed.refresh_from_db()
    assert (killed.state, len(examined)) == ("cancelled", 2)
    assert imports.counts(batch) == {"duplicate": 4, "stored": 2}
    assert Case.objects.get().frame_count == 6


def test_a_file_that_changed_or_is_gone_from_the_store_is_taken_in_anew(
    tmp_path: Path, project: Project, user: User
) -> None:
    paths = images.write(tmp_path / "in", images.slice_(), images.slice_())
    imports.import_paths(project, [tmp_path / "in"], user)
    gone = Instance.objects.get(sop_instance_uid=paths[0].stem)
    orthanc.delete_instance(gone.orthanc_id)
    intake.reconcile()
    batch = imports.import_paths(project, [tmp_path / "in"], user)
    assert imports.counts(batch) == {"duplicate": 1, "stored": 1}
    paths[1].touch()
    again = imports.import_paths(project, [tmp_path / "in"], user)
    reasons = set(again.items.values_list("reason", flat=True))
    assert reasons == {"Taken in by an earlier import.", "These images were here already."}


def test_local_files_are_not_copied(
    tmp_path: Path, project: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    images.write(tmp_path / "in", images.slice_())
    monkeypatch.setattr(uploads.shutil, "copyfile", None)
    batch = imports.import_paths(project, [tmp_path / "in"], user)
    assert imports.counts(batch) == {"stored": 1}
    assert len(list((tmp_path / "in").iterdir())) == 1


def test_a_small_import_does_not_wait_for_a_large_one(
    tmp_path: Path, project: Project, user: User
) -> None:
    large = Import.objects.create(project=project, created_by=user)
    ImportItem.objects.bulk_create(
        ImportItem(batch=large, name=f"{n}", size=1, state=State.WAITING) for n in range(500)
    )
    small = Import.objects.create(project=project, created_by=builders.user())
    item = small.items.create(name="one", size=1, state=State.WAITING)
    rung = list(due.due())
    assert ("process_import_item", item.pk) in rung
    assert len(rung) <= due.ITEMS_AT_ONCE


def test_an_upload_that_nobody_goes_on_with_ends_after_a_week(project: Project, user: User) -> None:
    batch = imports.begin(project, user, files=[("x.dcm", 10), ("y.dcm", 10)], site=None)
    item = batch.items.order_by("pk")[0]
    imports.receive(item.pk, 0, b"12345")
    Import.objects.update(created_at=F("created_at") - timedelta(days=8))
    assert list(due.due()) == []
    ImportItem.objects.update(updated_at=F("updated_at") - timedelta(days=8))
    assert list(due.due()) == [("expire_import", batch.pk)]
    imports.expire(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, imports.counts(batch)) == ("cancelled", {"dismissed": 2})
    assert not uploads.path_of(item).exists()
    assert Event.objects.get(verb="import.expire").project == project


def test_each_volume_of_a_time_series_is_a_case(
    tmp_path: Path, project: Project, user: User
) -> None:
    images.nifti(tmp_path / "bold.nii", np.arange(48, dtype=np.int16).reshape(2, 2, 3, 4))
    batch = imports.import_paths(project, [tmp_path / "bold.nii"], user)
    assert imports.counts(batch) == {"stored": 1}
    assert [(case.frame_count, case.state) for case in Case.objects.all()] == [(3, "ready")] * 4
    assert project.patients.count() == 1

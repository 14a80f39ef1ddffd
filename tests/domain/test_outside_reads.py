"""Marks made elsewhere become reads of a named source: uploaded, or found in the image store."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import builders
import images
import made_elsewhere as elsewhere
import numpy as np
import pytest
from pydicom import dcmwrite

from annotation import (
    consensus,
    due,
    export,
    import_items,
    imports,
    intake,
    masks,
    orthanc,
    outside_reads,
    progress,
    queue,
    sources,
)
from annotation.dicom import grid
from annotation.errors import Conflict, InvalidInput
from annotation.models import Case, Event, Import, ImportItem, Mask, Project, Read, Source

pytestmark = pytest.mark.django_db(transaction=True)

State = ImportItem.State
SQUARE = [[1.0, 1.0], [5.0, 1.0], [5.0, 4.0], [1.0, 4.0]]


@pytest.fixture(autouse=True)
def in_an_empty_store(empty_store: None) -> None:
    """Each test has its own folders, and a store that holds nothing."""


@pytest.fixture
def project() -> Project:
    return builders.project()


@pytest.fixture
def here(project: Project, tmp_path: Path) -> elsewhere.Case:
    """A volume of four slices, a case of the project."""
    paths = images.write(tmp_path / "in", *images.series(4, FrameOfReferenceUID="2.25.5"))
    imports.import_paths(project, [tmp_path / "in"], builders.user())
    (tmp_path / "work").mkdir()
    return elsewhere.case(tmp_path / "work", paths)


@pytest.fixture
def source(project: Project) -> Source:
    return sources.add(
        project, name="Program 2", description="", counts=False, user=builders.user()
    )


def read_in(source: Source, *paths: Path) -> Import:
    return imports.import_paths(source.project, list(paths), builders.user(), marks_of=source)


def segmentation(here: elsewhere.Case, voxels: np.ndarray[Any, Any], *segments: Any) -> Path:
    written = here.write(here.record(labelmaps=[here.painted(voxels, *segments)]))
    path = here.folder / "outside-seg.dcm"
    shutil.copy(next(one.path for one in written if one.kind == "seg"), path)
    return path


def report(here: elsewhere.Case, *marks: Any, **fields: Any) -> Path:
    (written,) = here.write(here.record(marks=list(marks), **fields))
    path = here.folder / "outside-sr.dcm"
    shutil.copy(written.path, path)
    return path


def voxels_of(mask: Mask) -> np.ndarray[Any, Any]:
    import gzip

    return np.frombuffer(gzip.decompress(bytes(mask.gzip)), np.uint8).reshape(mask.shape)


def painted(here: elsewhere.Case) -> np.ndarray[Any, Any]:
    voxels = here.empty()
    voxels[1, 2:5, 3:6], voxels[2, 0, 0] = 1, 2
    return voxels


def test_a_segmentation_becomes_a_read_of_its_source_with_equal_voxels(
    here: elsewhere.Case, source: Source
) -> None:
    voxels = painted(here)
    batch = read_in(source, segmentation(here, voxels))
    assert imports.counts(batch) == {"stored": 1}
    read = Read.objects.get()
    assert (read.source, read.reader, read.slot) == (source, source.account, None)
    assert (read.origin["kind"], read.origin["maker"][:9]) == ("SEG", "Consilium")
    mark = read.marks.get()
    assert mark.mask is not None
    assert np.array_equal(voxels_of(mark.mask), voxels)
    assert batch.items.get().reason == "Read in for 1 case: 1 mark and 0 answers."
    event = Event.objects.get(verb="read.take_in")
    assert (event.data["source"], event.data["counts"]) == (source.pk, False)


def test_a_source_is_no_reader_unless_it_is_said_to_count(
    here: elsewhere.Case, source: Source, project: Project
) -> None:
    read_in(source, segmentation(here, painted(here)))
    case = Case.objects.get()
    assert case.slots.get().state == "open"
    assert consensus.current(case) is None
    assert not consensus.standing_reads(case).exists()
    assert progress.overview(project).readers == 0
    assert progress.counts([project], builders.user())[project.pk].reads == 0
    assert not source.account.is_active
    assert not source.account.has_usable_password()
    assert queue.claim(project, builders.reader(project)).case == case


def test_a_source_that_counts_fills_a_wanted_reading(
    here: elsewhere.Case, source: Source, project: Project
) -> None:
    sources.change(source, {"counts": True}, user=None)
    read_in(source, segmentation(here, painted(here)))
    case = Case.objects.get()
    slot = case.slots.get()
    assert (slot.state, slot.reader) == ("done", source.account)
    reference = consensus.current(case)
    assert reference is not None
    assert [mark["kind"] for mark in reference.marks] == ["labelmap"]
    assert export.reader_pseudonym(project, slot.reader_id or 0).startswith("reader-")


def test_marks_and_answers_of_a_report_keep_their_coordinates(
    here: elsewhere.Case, source: Source
) -> None:
    from annotation.dicom.record import About, Given
    from annotation.dicom.terms import PRIVATE, Term

    finding = Given(Term("finding", PRIVATE, "Is there?"), [Term("yes", PRIVATE, "Yes")])
    other = Given(Term("mood", PRIVATE, "Mood"), [Term("good", PRIVATE, "Good")])
    marks = [
        elsewhere.drawn(here, "box", [[1, 2], [5.5, 6]], frame=2),
        elsewhere.drawn(here, "contour", SQUARE, frame=1),
        elsewhere.drawn(here, "length", [[0, 0], [3, 3]]),
    ]
    path = report(here, *marks, about=[About([finding, other])])
    sources.change(source, {"classes": {"Neoplasm of lung": "lesion"}}, user=None)
    batch = read_in(source, path)
    read = Read.objects.get()
    found = {mark.kind: mark for mark in read.marks.all()}
    assert found["box"].points_px == [[1, 2], [5.5, 6]]
    assert found["contour"].points_px == SQUARE
    for mark in marks[:2]:
        kept = found[mark.kind]
        assert (kept.sop_instance_uid, kept.label_class) == (mark.sop_instance_uid, "lesion")
        assert np.allclose(kept.points_mm, mark.points_mm)
        assert kept.tracking_uid == mark.tracking_uid
    assert list(read.answers.values_list("question", "target", "value")) == [("finding", "", "yes")]
    reason = batch.items.get().reason
    assert "2 marks and 1 answer." in reason
    assert "does not use marks of kind length" in reason
    assert "“Mood” is asked by no question here." in reason


def test_a_name_that_stands_for_no_class_waits_for_a_person(
    here: elsewhere.Case, source: Source, project: Project
) -> None:
    path = report(
        here,
        elsewhere.drawn(here, "box", [[1, 2], [5, 6]]),
        elsewhere.drawn(here, "box", [[0, 0], [3, 3]], finding=elsewhere.NODE.finding),
    )
    batch = read_in(source, path)
    item = batch.items.get()
    assert (item.state, item.reason_code) == (State.QUARANTINED, "unknown_class")
    assert item.report["unknown"] == ["Neoplasm of lung"]
    assert "“Neoplasm of lung”" in item.reason
    first = Read.objects.get()
    assert [mark.label_class for mark in first.marks.all()] == ["node"]
    with pytest.raises(InvalidInput):
        sources.change(source, {"classes": {"Neoplasm of lung": "elephant"}}, user=None)
    sources.change(source, {"classes": {"Neoplasm of lung": "lesion"}}, user=None)
    import_items.retry(item, None)
    imports.process_item(item.pk)
    item.refresh_from_db()
    assert item.state == State.STORED
    second = Read.objects.get(supersedes=first)
    assert sorted(mark.label_class for mark in second.marks.all()) == ["lesion", "node"]


def test_a_name_that_is_left_out_on_purpose_asks_no_more(
    here: elsewhere.Case, source: Source
) -> None:
    sources.change(source, {"classes": {"Lymph node": ""}}, user=None)
    voxels = painted(here)
    batch = read_in(source, segmentation(here, voxels))
    assert imports.counts(batch) == {"stored": 1}
    mask = Read.objects.get().marks.get().mask
    assert mask is not None
    assert np.array_equal(voxels_of(mask), np.where(voxels == 1, 1, 0))


def test_the_same_object_again_changes_nothing(here: elsewhere.Case, source: Source) -> None:
    path = segmentation(here, painted(here))
    read_in(source, path)
    again = tmp_copy(path)
    batch = read_in(source, again)
    assert imports.counts(batch) == {"duplicate": 1}
    assert Read.objects.count() == 1


def tmp_copy(path: Path) -> Path:
    return Path(shutil.copy(path, path.with_name("again.dcm")))


def test_outlines_of_a_structure_set_land_on_their_slices(
    here: elsewhere.Case, source: Source
) -> None:
    frames = here.grid.frames
    outlines = {
        "LESION": [
            (frames[2]["sop_instance_uid"], elsewhere.in_patient(frames[2], SQUARE)),
            ("", elsewhere.in_patient(frames[0], SQUARE)),
        ],
        "Body": [("", [[900.0, 900, 900], [901, 900, 900], [901, 901, 900]])],
    }
    path = here.folder / "rt.dcm"
    dcmwrite(
        path, elsewhere.structure_set(here.images[0].study_uid, outlines), enforce_file_format=True
    )
    sources.change(source, {"classes": {"Body": "node"}}, user=None)
    batch = read_in(source, path)
    marks = list(Read.objects.get().marks.order_by("pk"))
    assert [mark.kind for mark in marks] == ["contour", "contour"]
    assert [mark.sop_instance_uid for mark in marks] == [
        frames[2]["sop_instance_uid"],
        frames[0]["sop_instance_uid"],
    ]
    assert all(np.allclose(mark.points_px, SQUARE, atol=1e-4) for mark in marks)
    assert "1 marks lie on no image" in batch.items.get().reason


def test_outlines_are_filled_where_the_project_paints(tmp_path: Path) -> None:
    project = builders.project(builders.label_document(marks=["labelmap"]))
    paths = images.write(tmp_path / "in", *images.series(3))
    imports.import_paths(project, [tmp_path / "in"], builders.user())
    (tmp_path / "work").mkdir()
    here = elsewhere.case(tmp_path / "work", paths)
    frame = here.grid.frames[1]
    outline = [[0.5, 0.5], [4.5, 0.5], [4.5, 3.5], [0.5, 3.5]]
    path = tmp_path / "rt.dcm"
    outlines = {"Lesion": [(frame["sop_instance_uid"], elsewhere.in_patient(frame, outline))]}
    dcmwrite(
        path, elsewhere.structure_set(here.images[0].study_uid, outlines), enforce_file_format=True
    )
    read_in(sources.named(project, "Planning", user=None), path)
    mask = Read.objects.get().marks.get().mask
    assert mask is not None
    expected = here.empty()
    expected[1, 1:4, 1:5] = 1
    assert np.array_equal(voxels_of(mask), expected)


def test_a_nifti_mask_finds_its_volume_by_geometry_or_by_name(
    project: Project, source: Source, tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    mask = rng.integers(0, 3, (5, 6, 7)).astype(np.uint8)
    for name, shift in (("one", 0), ("two", 0), ("three", 50)):
        affine = np.diag([2.0, 2, 3, 1])
        affine[0, 3] = shift
        voxels = rng.integers(0, 99, (5, 6, 7)).astype(np.int16)
        images.nifti(_in(tmp_path, name), voxels, affine)
    imports.import_paths(project, [tmp_path / "images"], builders.user())
    far, near = np.diag([2.0, 2, 3, 1]), np.diag([2.0, 2, 3, 1])
    far[0, 3] = 50
    by_place = images.nifti(tmp_path / "whatever.nii.gz", mask, far)
    by_name = images.nifti(tmp_path / "two.nii.gz", mask, near)
    unclear = images.nifti(tmp_path / "unclear.nii.gz", mask, near)
    nowhere = images.nifti(tmp_path / "nowhere.nii.gz", mask[:3], near)
    image = images.nifti(tmp_path / "image.nii.gz", mask.astype(np.float32) / 7, near)
    batch = read_in(source, by_place, by_name, unclear, nowhere, image)
    states = {item.name: (item.state, item.reason_code) for item in batch.items.all()}
    assert states == {
        "whatever.nii.gz": ("stored", "marks"),
        "two.nii.gz": ("stored", "marks"),
        "unclear.nii.gz": ("quarantined", "several_cases"),
        "nowhere.nii.gz": ("quarantined", "no_case"),
        "image.nii.gz": ("quarantined", "no_mask"),
    }
    for read in Read.objects.all():
        series = read.case.series.get()
        assert series.display is not None
        kept = read.marks.get().mask
        assert kept is not None
        affine = far if read.origin["name"] == "whatever.nii.gz" else near
        turned = grid.fit_volume(grid.grid_of(series.display), mask, affine.tolist())
        assert np.array_equal(voxels_of(kept), turned)


def _in(folder: Path, name: str) -> Path:
    (folder / "images").mkdir(exist_ok=True)
    return folder / "images" / f"{name}.nii.gz"


def test_objects_in_the_image_store_are_read_in_save_our_own(
    here: elsewhere.Case, source: Source, tmp_path: Path
) -> None:
    orthanc.store(segmentation(here, painted(here)))
    intake.follow()
    batch = imports.begin_from_store(source, builders.user())
    while rung := list(due.due()):
        for actor, row in rung:
            {"process_import_item": imports.process_item, "finish_import": imports.finish}[actor](
                row
            )
    batch.refresh_from_db()
    assert (batch.state, imports.counts(batch)) == ("done", {"stored": 1})
    assert Read.objects.get().origin["kind"] == "SEG"
    assert Case.objects.count() == 1


def test_with_nothing_in_the_store_it_says_so(here: elsewhere.Case, source: Source) -> None:
    with pytest.raises(InvalidInput, match="holds no SEG"):
        imports.begin_from_store(source, builders.user())


def test_marks_on_images_of_another_project_are_refused(
    here: elsewhere.Case, tmp_path: Path
) -> None:
    other = sources.named(builders.project(), "Program", user=None)
    batch = read_in(other, segmentation(here, painted(here)))
    item = batch.items.get()
    assert (item.state, item.reason_code) == (State.QUARANTINED, "no_case")
    assert not Read.objects.exists()
    assert not Mask.objects.exists()


def test_a_source_has_a_name_of_its_own(project: Project, source: Source) -> None:
    with pytest.raises(Conflict):
        sources.add(project, name="program 2", description="", counts=False, user=None)
    assert sources.named(project, "PROGRAM 2", user=None) == source


def test_masks_of_a_source_outlive_the_sweep(here: elsewhere.Case, source: Source) -> None:
    read_in(source, segmentation(here, painted(here)))
    Mask.objects.update(stored_at="2020-01-01T00:00:00Z")
    masks.sweep()
    assert Mask.objects.count() == 1
    assert outside_reads.in_store(source, frozenset({"1.2"})) == []

"""What is written as DICOM SEG and SR reads back equal: any voxels, any marks, any geometry."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import images
import made_elsewhere as elsewhere
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import generate_uid

from annotation.dicom import examine, grid, nifti
from annotation.dicom.measure import measurements
from annotation.dicom.record import About, Given
from annotation.dicom.terms import PRIVATE, Term, scheme_of, term_of, unit_of
from annotation.dicom.write_sr import HALF_PIXEL

SLOW = settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
KINDS = {
    "box": 2, "contour": 5, "polyline": 4, "ellipse": 4, "circle": 2, "length": 2,
    "bidirectional": 4, "angle": 3, "cobb_angle": 4, "landmark": 1, "arrow": 2,
}  # fmt: skip


def orientation(seed: int) -> tuple[list[float], np.ndarray[Any, Any]]:
    """A random pair of directions at right angles, and their normal."""
    turned, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return [round(float(v), 8) for v in [*turned[:, 0], *turned[:, 1]]], np.cross(
        turned[:, 0], turned[:, 1]
    )


def oblique(folder: Path, *, slices: int, rows: int, columns: int, seed: int) -> elsewhere.Case:
    """A volume that lies askew in the patient."""
    folder.mkdir(parents=True)
    directions, normal = orientation(seed)
    shared = {
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
        "FrameOfReferenceUID": generate_uid(),
        "PatientID": "p",
        "ImageOrientationPatient": directions,
        "PixelSpacing": [0.7, 0.45],
    }
    made = [
        images.slice_(
            images.ramp(rows, columns, start=index),
            ImagePositionPatient=[
                round(float(v), 6) for v in (3.25 * index * normal + [-7, 11, 5])
            ],
            InstanceNumber=slices - index,
            **shared,
        )
        for index in range(slices)
    ]
    return elsewhere.case(folder, images.write(folder / "in", *made))


def clip(folder: Path, *, frames: int) -> elsewhere.Case:
    """Frames of one object that have no place in the patient."""
    folder.mkdir(parents=True)
    made = images.slice_(
        np.stack([images.ramp(6, 9, start=50 * frame) for frame in range(frames)])[0],
        SOPClassUID="1.2.840.10008.5.1.4.1.1.3.1",
        Modality="US",
        NumberOfFrames=frames,
        FrameTime="40",
    )
    array = np.stack([images.ramp(6, 9, start=50 * frame) for frame in range(frames)])
    made.PixelData = array.tobytes()
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        delattr(made, keyword)
    return elsewhere.case(folder, images.write(folder / "in", made))


def beating(folder: Path) -> elsewhere.Case:
    """A cine of slices at the same place: nothing tells them apart but their number."""
    folder.mkdir(parents=True)
    made = images.series(5, gap=0.0, FrameOfReferenceUID=generate_uid())
    return elsewhere.case(folder, images.write(folder / "in", *made))


def round_trip(here: elsewhere.Case, voxels: np.ndarray[Any, Any]) -> None:
    record = here.record(labelmaps=[here.painted(voxels)])
    segmentation, report = here.write(record)
    assert (segmentation.kind, report.kind) == ("seg", "sr")
    back = here.folder / "back"
    outside = elsewhere.read_back(Path(segmentation.path), back)
    found = elsewhere.voxels_of(outside, here.grid, back)
    for one in (elsewhere.LESION, elsewhere.NODE):
        assert (found.get(one.label, np.zeros(1, bool)) == (voxels == one.value)).all()
        assert one.label in found or not (voxels == one.value).any()
    assert {c.term.key for c in outside.concepts if c.term} <= {"SCT:126713003", f"{PRIVATE}:node"}


@SLOW
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(3, 12), st.integers(3, 12))
def test_voxels_of_a_volume_that_lies_askew_read_back_equal(
    seed: int, slices: int, rows: int, columns: int
) -> None:
    folder = Path(tempfile.mkdtemp())
    here = oblique(folder / "a", slices=slices, rows=rows, columns=columns, seed=seed)
    assert here.display["geometry"] == "volume"
    voxels = np.random.default_rng(seed).integers(0, 3, here.grid.shape).astype(np.uint8)
    voxels[0, 0, 0] = 1
    round_trip(here, voxels)
    shutil.rmtree(folder)


@SLOW
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_voxels_on_a_clip_without_a_place_in_the_patient_read_back_equal(
    seed: int, frames: int
) -> None:
    folder = Path(tempfile.mkdtemp())
    here = clip(folder / "a", frames=frames)
    voxels = np.random.default_rng(seed).integers(0, 3, here.grid.shape).astype(np.uint8)
    voxels[0, 0, 0] = 2
    round_trip(here, voxels)
    shutil.rmtree(folder)


@elsewhere.needs_dciodvfy
def test_frames_at_one_place_are_told_apart(tmp_path: Path) -> None:
    here = beating(tmp_path / "a")
    voxels = here.empty()
    for frame in range(5):
        voxels[frame, frame, :3] = 1 + frame % 2
    round_trip(here, voxels)
    for path in here.folder.glob("2.25.*.dcm"):
        assert elsewhere.errors_of(path) == []


coordinate = st.floats(0, 7, width=32)


@SLOW
@given(st.data())
def test_marks_of_every_kind_read_back_equal_in_the_image_and_in_the_patient(
    data: st.DataObject,
) -> None:
    folder = Path(tempfile.mkdtemp())
    here = oblique(folder / "a", slices=3, rows=8, columns=8, seed=data.draw(st.integers(0, 10**6)))
    marks = []
    for kind, count in KINDS.items():
        points = data.draw(
            st.lists(st.lists(coordinate, min_size=2, max_size=2), min_size=count, max_size=count)
        )
        if kind == "box":
            points = [
                [min(p[i] for p in points) for i in (0, 1)],
                [max(p[i] for p in points) for i in (0, 1)],
            ]
        marks.append(elsewhere.drawn(here, kind, points, frame=1))
    (report,) = here.write(here.record(marks=marks))
    outside = elsewhere.read_back(Path(report.path), folder / "back")
    found = {shape.tracking_uid: shape for shape in outside.shapes}
    assert len(found) == len(marks)
    for mark in marks:
        shape = found[mark.tracking_uid]
        assert (shape.kind, shape.sop_instance_uid) == (mark.kind, mark.sop_instance_uid)
        written = np.float32(np.array(mark.points_px) + HALF_PIXEL).astype(float) - HALF_PIXEL
        assert np.array_equal(np.array(shape.points_px), written)
    in_patient = _points_in_patient(report.path)
    for mark in marks:
        recorded = np.float32(mark.points_mm)
        assert np.array_equal(in_patient[mark.tracking_uid][: len(recorded)], recorded)
    shutil.rmtree(folder)


def _points_in_patient(path: str) -> dict[str, np.ndarray[Any, Any]]:
    found = {}
    for container in dcmread(path).ContentSequence:
        for group in container.get("ContentSequence", []):
            uid = next(
                (i.UID for i in group.get("ContentSequence", []) if i.ValueType == "UIDREF"), ""
            )
            for item in group.get("ContentSequence", []):
                if item.ValueType == "SCOORD3D":
                    found[str(uid)] = np.float32(item.GraphicData).reshape(-1, 3)
    return found


def test_a_report_carries_answers_measurements_with_units_and_references(tmp_path: Path) -> None:
    here = oblique(tmp_path / "a", slices=3, rows=8, columns=8, seed=4)
    malignancy = Given(
        Term("malignancy", PRIVATE, "How likely?"), [Term("4", PRIVATE, "Suspicious")]
    )
    size = Given(Term("size", PRIVATE, "Size"), number=12.5, unit=unit_of("mm"))
    remark = Given(Term("remark", PRIVATE, "Remark"), text="Größe unklar\nsiehe Bild 2")
    line = elsewhere.drawn(here, "length", [[0, 0], [3, 4]], text="here", answers=[malignancy])
    series = here.images[0].series_uid
    about = [About([size, remark, malignancy]), About([malignancy], series_uid=series)]
    (report,) = here.write(here.record(marks=[line], about=about))
    outside = elsewhere.read_back(Path(report.path), tmp_path / "back")
    said = [
        (one.question.value, one.value.value if one.value else one.number or one.text, one.shape)
        for one in outside.said
    ]
    assert said == [
        ("410668003", pytest.approx(np.hypot(3 * 0.45, 4 * 0.7)), 0),
        ("malignancy", "4", 0),
        ("size", 12.5, -1),
        ("malignancy", "4", -1),
        ("remark", "Größe unklar\nsiehe Bild 2", -1),
        ("malignancy", "4", -1),
    ]
    assert outside.shapes[0].text == "here"
    assert set(outside.images) == {image.sop_instance_uid for image in here.images}
    dataset = dcmread(report.path)
    assert str(dataset.PatientName) == "Test^Patient"
    assert "mm" in {str(item.value) for item in dataset.iterall() if item.keyword == "CodeValue"}


def test_the_same_read_gives_the_same_bytes_and_other_reads_other_identifiers(
    tmp_path: Path,
) -> None:
    here = oblique(tmp_path / "a", slices=3, rows=8, columns=8, seed=4)
    voxels = here.empty()
    voxels[1, 2:4, 3] = 1
    record = here.record(labelmaps=[here.painted(voxels)])
    first = here.write(record)
    assert here.write(record) == first
    other = here.write(here.record(digest="cd" * 32, labelmaps=[here.painted(voxels)]))
    assert not {one.sop_instance_uid for one in first} & {one.sop_instance_uid for one in other}


def test_a_segment_says_how_it_was_made(tmp_path: Path) -> None:
    here = oblique(tmp_path / "a", slices=3, rows=8, columns=8, seed=4)
    voxels = here.empty()
    voxels[0, 0], voxels[1, 1] = 1, 2
    helped = replace(elsewhere.NODE, algorithm="Random walker", category="tissue")
    segmentation, _ = here.write(
        here.record(labelmaps=[here.painted(voxels, elsewhere.LESION, helped)])
    )
    by_hand, by_both = dcmread(segmentation.path).SegmentSequence
    assert (by_hand.SegmentAlgorithmType, by_both.SegmentAlgorithmType) == (
        "MANUAL",
        "SEMIAUTOMATIC",
    )
    assert by_both.SegmentationAlgorithmIdentificationSequence[0].AlgorithmName == "Random walker"
    assert by_both.SegmentedPropertyCategoryCodeSequence[0].CodeMeaning == "Tissue"
    assert (by_hand.TrackingUID, by_hand.SegmentLabel) == ("2.25.71", "Lesion")


@SLOW
@given(st.permutations([0, 1, 2]), st.tuples(*[st.booleans()] * 3), st.integers(0, 2**32 - 1))
def test_a_nifti_mask_of_any_axis_order_lands_on_its_voxels(
    axes: list[int], flips: tuple[bool, ...], seed: int
) -> None:
    """As other programs save it: the same voxels in the patient, other axes in the file."""
    folder = Path(tempfile.mkdtemp())
    here = oblique(folder / "a", slices=4, rows=6, columns=5, seed=seed).grid
    voxels = np.random.default_rng(seed).integers(0, 3, here.shape).astype(np.uint8)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ grid.affine_of(here)
    saved, moved = voxels.transpose(axes), affine[:, [*axes, 3]]
    for axis, flipped in enumerate(flips):
        if flipped:
            saved = np.flip(saved, axis)
            moved = moved.copy()
            moved[:3, 3] += moved[:3, axis] * (saved.shape[axis] - 1)
            moved[:3, axis] *= -1
    path = images.nifti(folder / "mask.nii.gz", np.ascontiguousarray(saved), moved)
    outside = elsewhere.read_back(path, folder / "back")
    stored = np.load(folder / "back" / outside.voxels)
    assert np.array_equal(grid.fit_volume(here, stored, outside.affine or []), voxels)
    shifted = np.array(outside.affine) + np.eye(4, k=3) * 2
    assert grid.fit_volume(here, stored, shifted.tolist()) is None
    shutil.rmtree(folder)


def test_a_mask_of_a_converted_volume_fits_it(tmp_path: Path) -> None:
    """The image became DICOM when it was imported; the mask beside it has the same header."""
    rng = np.random.default_rng(3)
    affine = np.array([[-1.5, 0, 0, 40], [0, 0, 2, -10], [0, 1.2, 0, 5], [0, 0, 0, 1.0]])
    path = images.nifti(
        tmp_path / "image.nii.gz", rng.integers(0, 99, (5, 6, 7)).astype(np.int16), affine
    )
    (tmp_path / "a").mkdir()
    found = examine.examine(path, name="image.nii.gz", folder=tmp_path / "a", patient="p")
    (tmp_path / "b").mkdir()
    here = elsewhere.case(tmp_path / "b", [Path(one.path) for one in found]).grid
    mask = rng.integers(0, 3, (5, 6, 7)).astype(np.uint8)
    assert np.array_equal(
        grid.fit_volume(here, mask, affine.tolist()), nifti.in_display_order(mask, affine)
    )


@pytest.mark.parametrize(
    ("kind", "points", "expected"),
    [
        ("length", [[0, 0], [3, 4]], [("Length", np.hypot(1.5, 8), "mm")]),
        ("box", [[1, 1], [3, 4]], [("Area", 6.0, "mm2")]),
        ("contour", [[0, 0], [4, 0], [4, 2], [0, 2]], [("Area", 8.0, "mm2")]),
        ("circle", [[1, 1], [1, 2]], [("Diameter", 4.0, "mm"), ("Area", np.pi * 4, "mm2")]),
        ("angle", [[4, 0], [0, 0], [0, 1]], [("Angle", 90.0, "deg")]),
        ("landmark", [[1, 1]], []),
    ],
)
def test_measurements_are_in_millimetres(kind: str, points: Any, expected: Any) -> None:
    found = [
        (one.name.meaning, one.value, one.unit.value)
        for one in measurements(kind, points, (0.5, 2.0))
    ]
    assert found == [(name, pytest.approx(value), unit) for name, value, unit in expected]


def test_terms_and_units_have_a_code_whatever_was_written() -> None:
    assert scheme_of("SNOMED CT") == scheme_of("http://snomed.info/sct") == "SCT"
    assert scheme_of("RadLex") == "RADLEX"
    assert term_of("a", "A lesion", None) == Term("a", PRIVATE, "A lesion")
    assert term_of("a", "x", {"system": "SCT", "code": "1", "display": "y"}) == Term(
        "1", "SCT", "y"
    )
    assert (unit_of("mm").value, unit_of("cells/µl").value) == ("mm", "{cells/_l}")

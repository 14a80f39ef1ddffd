"""On real images: what is written is conformant, and what others wrote is read where it lies."""

from __future__ import annotations

import json
from pathlib import Path

import made_elsewhere as elsewhere
import numpy as np
import pytest
from pydicom import dcmread, dcmwrite

from annotation.dicom import convert, grid
from annotation.dicom.faults import Fault
from annotation.dicom.record import About, Given
from annotation.dicom.sniff import sniff
from annotation.dicom.terms import PRIVATE, Term, unit_of

DEMO = Path(__file__).parents[2] / "deploy" / "demo"
LUNG = DEMO / "lung-lesion"
DATA = Path(__file__).parents[1] / "data"
EDGE_CASES = DATA / "dicom-edge"
SEGMENTATIONS = DATA / "dicom-seg"
POINTS = {
    "box": [[10, 20], [30.5, 40]], "contour": [[10, 10], [50, 15], [30, 60]],
    "polyline": [[1, 1], [4, 2], [5, 5]], "ellipse": [[10, 30], [70, 30], [40, 20], [40, 40]],
    "circle": [[40, 40], [60, 40]], "length": [[1, 1], [4, 5]],
    "bidirectional": [[1, 1], [5, 5], [2, 4], [4, 2]], "angle": [[1, 1], [3, 3], [5, 1]],
    "cobb_angle": [[1, 1], [5, 2], [1, 6], [5, 4]], "landmark": [[3.25, 2.5]],
    "arrow": [[1, 1], [6, 6]],
}  # fmt: skip


def lungs(folder: Path) -> elsewhere.Case:
    return elsewhere.case(folder, sorted((LUNG / "dicom").glob("*.dcm")))


def radiograph(folder: Path) -> elsewhere.Case:
    """A PNG as it is converted on import: no spacing, no place."""
    picture = next((DEMO / "tuberculosis" / "images").glob("*.png"))
    made = convert.convert(picture, sniff(picture), name="chest.png", patient="p", folder=folder)
    return elsewhere.case(folder, made)


def volume(folder: Path) -> elsewhere.Case:
    """MR that was converted from NIfTI."""
    image = next((DEMO / "hippocampus" / "images").glob("*.nii.gz"))
    made = convert.convert(image, sniff(image), name="brain.nii.gz", patient="p", folder=folder)
    return elsewhere.case(folder, made)


@elsewhere.needs_dciodvfy
@pytest.mark.parametrize("images", [lungs, radiograph, volume])
def test_every_object_written_of_a_read_passes_dciodvfy(images: object, tmp_path: Path) -> None:
    here = images(tmp_path)  # type: ignore[operator]
    voxels = np.random.default_rng(1).integers(0, 3, here.grid.shape).astype(np.uint8)
    said = [
        Given(Term("malignancy", PRIVATE, "How likely?"), [Term("4", PRIVATE, "Suspicious")]),
        Given(Term("size", PRIVATE, "Size"), number=12.5, unit=unit_of("mm")),
        Given(Term("remark", PRIVATE, "Remark"), text="Größe unklar"),
    ]
    marks = [
        elsewhere.drawn(here, kind, points, text="here", answers=said)
        for kind, points in POINTS.items()
    ]
    about = [About(said), About(said, series_uid=here.images[0].series_uid)]
    written = here.write(here.record(marks=marks, labelmaps=[here.painted(voxels)], about=about))
    assert {one.kind for one in written} == {"seg", "sr"}
    assert {one.kind: elsewhere.errors_of(one.path) for one in written} == {"seg": [], "sr": []}
    segmentation = next(one for one in written if one.kind == "seg")
    back = tmp_path / "back"
    found = elsewhere.voxels_of(elsewhere.read_back(Path(segmentation.path), back), here.grid, back)
    for one in (elsewhere.LESION, elsewhere.NODE):
        assert np.array_equal(found[one.label], voxels == one.value)


def test_the_outlines_of_four_readers_come_back_from_a_structure_set(tmp_path: Path) -> None:
    """Each outline in mm, as a planning system would have it, lands on its own pixels again."""
    here = lungs(tmp_path)
    frames = {frame["sop_instance_uid"]: frame for frame in here.grid.frames}
    readers = json.loads((LUNG / "readers.json").read_text())["readers"]
    outlines = {
        f"Reader {reader['reader']}": [
            (
                contour["sop_instance_uid"],
                elsewhere.in_patient(frames[contour["sop_instance_uid"]], contour["points_xy"]),
            )
            for contour in reader["contours"]
            if contour["sop_instance_uid"] in frames and len(contour["points_xy"]) > 2
        ]
        for reader in readers
    }
    path = tmp_path / "rt.dcm"
    dcmwrite(
        path, elsewhere.structure_set(here.images[0].study_uid, outlines), enforce_file_format=True
    )
    outside = elsewhere.read_back(path, tmp_path / "back")
    assert {shape.concept.label for shape in outside.shapes} == set(outlines)
    assert len(outside.shapes) == sum(map(len, outlines.values())) > 20
    drawn = [
        contour["points_xy"]
        for reader in readers
        for contour in reader["contours"]
        if contour["sop_instance_uid"] in frames and len(contour["points_xy"]) > 2
    ]
    for shape, points in zip(outside.shapes, drawn, strict=True):
        found, distance = grid.to_pixels(frames[shape.sop_instance_uid], shape.points_mm)
        assert distance < 1e-3
        assert np.allclose(found, points, atol=1e-3)


def test_filled_outlines_have_the_pixels_whose_centres_lie_inside() -> None:
    square = [[1.5, 1.5], [5.5, 1.5], [5.5, 4.5], [1.5, 4.5]]
    hole = [[2.5, 2.5], [4.5, 2.5], [4.5, 3.5], [2.5, 3.5]]
    filled = grid.filled([square, hole], 7, 8)
    assert (filled.sum(), filled[2, 2], filled[3, 3], filled[0, 0]) == (10, True, False, False)


def test_a_liver_segmented_by_dcmqi_lies_on_its_three_slices(tmp_path: Path) -> None:
    folder = SEGMENTATIONS / "dcmqi"
    here = elsewhere.case(tmp_path, sorted((folder / "ct-3slice").glob("*.dcm")))
    back = tmp_path / "back"
    outside = elsewhere.read_back(folder / "liver.dcm", back)
    found = elsewhere.voxels_of(outside, here.grid, back)
    stored = dcmread(folder / "liver.dcm").pixel_array
    assert found["Liver"].sum() == stored.sum() > 0
    for plane in outside.planes:
        (index,) = [
            i
            for i, f in enumerate(here.grid.frames)
            if f["sop_instance_uid"] == plane.sop_instance_uid
        ]
        assert np.array_equal(found["Liver"][index], stored[plane.index].astype(bool))
        assert np.allclose(here.grid.frames[index]["position"], plane.position, atol=1e-3)


def test_segments_that_overlap_go_into_two_labelmaps(tmp_path: Path) -> None:
    folder = SEGMENTATIONS / "dcmqi"
    here = elsewhere.case(tmp_path, sorted((folder / "ct-3slice").glob("*.dcm")))
    back = tmp_path / "back"
    outside = elsewhere.read_back(folder / "partial_overlaps.dcm", back)
    found = elsewhere.voxels_of(outside, here.grid, back)
    layers = grid.Layers(here.grid.shape)
    for value, voxels in enumerate(found.values(), start=1):
        layers.add(voxels, value)
    assert len(layers.maps) > 1
    for value, voxels in enumerate(found.values(), start=1):
        assert np.array_equal(np.any([one == value for one in layers.maps], axis=0), voxels)


def test_a_tumour_on_pet_reads_in_on_the_slices_that_are_here(tmp_path: Path) -> None:
    folder = SEGMENTATIONS / "qin-headneck-pet"
    here = elsewhere.case(tmp_path, sorted(folder.glob("*.dcm")))
    back = tmp_path / "back"
    outside = elsewhere.read_back(folder / "seg" / "tumor_User1_Manual_Trial1.dcm", back)
    assert outside.kind == "SEG"
    assert outside.concepts
    assert sum(v.sum() for v in elsewhere.voxels_of(outside, here.grid, back).values()) > 0


@pytest.mark.parametrize("name", ["test-SR.dcm", "reportsi.dcm", "CT_small.dcm", "rtplan.dcm"])
def test_what_holds_no_marks_says_so(name: str, tmp_path: Path) -> None:
    path = EDGE_CASES / "pydicom" / "test_files" / name
    with pytest.raises(Fault) as refused:
        elsewhere.read_back(path, tmp_path)
    assert refused.value.code in ("no_measurements", "not_marks", "missing_attribute", "bad_uid")


def test_every_segmentation_and_report_in_the_folder_is_read_or_refused_with_a_reason(
    tmp_path: Path,
) -> None:
    kinds: list[str] = []
    reasons: list[str] = []
    for number, path in enumerate(sorted(EDGE_CASES.rglob("*.dcm"))):
        name = path.name.lower()
        if not any(part in name for part in ("seg", "sr", "rtstruct", "liver", "report")):
            continue
        try:
            kinds.append(elsewhere.read_back(path, tmp_path / str(number)).kind)
        except Fault as fault:
            reasons.append(fault.reason)
    assert {"SEG", "SR", "RTSTRUCT"} <= set(kinds)
    assert all(reason.endswith(".") for reason in reasons)

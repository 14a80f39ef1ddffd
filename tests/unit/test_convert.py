"""NIfTI and pictures as DICOM: same bytes, same objects; the right way round; nothing lost unsaid."""

from __future__ import annotations

from pathlib import Path

import images
import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_elsewhere import errors_of, needs_dciodvfy
from PIL import Image
from pydicom import dcmread

from annotation.dicom import convert, nifti, raster
from annotation.dicom.faults import Fault
from annotation.dicom.identity import sha256_of
from annotation.dicom.sniff import Kind, sniff


def converted(path: Path, folder: Path, name: str = "") -> list:
    folder.mkdir(exist_ok=True)
    made = convert.convert(path, sniff(path), name=name or path.name, folder=folder)
    return [dcmread(each) for each in made]


def place(dataset: object, row: int, column: int) -> np.ndarray:
    """Millimetres in LPS of a pixel, by the standard's own equation."""
    position = np.array(dataset.ImagePositionPatient, float)
    orientation = np.array(dataset.ImageOrientationPatient, float)
    rows, columns = map(float, dataset.PixelSpacing)
    return position + orientation[:3] * columns * column + orientation[3:] * rows * row


@pytest.mark.parametrize("axcodes", ["RAS", "LPS", "LAS", "PSR", "ASL", "SPR", "ILA"])
def test_every_voxel_lies_where_nifti_puts_it(tmp_path: Path, axcodes: str) -> None:
    voxels = np.arange(3 * 4 * 5, dtype=np.int16).reshape(3, 4, 5)
    turned = nibabel.orientations.axcodes2ornt(tuple(axcodes))
    affine = nibabel.affines.from_matvec(
        nibabel.orientations.inv_ornt_aff(turned, (3, 4, 5))[:3, :3] @ np.diag([0.7, 1.1, 2.0]),
        [11, -7, 3],
    )
    slices = converted(images.nifti(tmp_path / "v.nii.gz", voxels, affine), tmp_path / "out")
    to_lps = np.diag([-1, -1, 1])
    seen = set()
    for dataset in slices:
        for (row, column), value in np.ndenumerate(dataset.pixel_array):
            index = np.argwhere(voxels == value)[0]
            expected = to_lps @ (affine[:3, :3] @ index + affine[:3, 3])
            assert place(dataset, row, column) == pytest.approx(expected, abs=1e-3)
            seen.add(int(value))
    assert len(seen) == voxels.size


def test_an_axial_slice_is_shown_as_radiologists_see_it(tmp_path: Path) -> None:
    (volume,) = nifti.volumes(images.nifti(tmp_path / "v.nii", np.zeros((4, 5, 6), np.int16)))
    assert volume.orientation == pytest.approx([1, 0, 0, 0, 1, 0])
    assert volume.along_slices == pytest.approx([0, 0, 1])


def test_a_mask_follows_its_volume(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    voxels = generator.integers(0, 1000, (3, 4, 5)).astype(np.int16)
    affine = np.diag([-1.0, 1.0, -2.0, 1.0])
    volume = nifti.volumes(images.nifti(tmp_path / "v.nii", voxels, affine))[0]
    mask = nifti.in_display_order((voxels > 500).astype(np.uint8), affine)
    assert np.array_equal(mask, volume.frames > 500)


def test_the_same_bytes_become_the_same_objects_and_names_only_change_the_patient(
    tmp_path: Path,
) -> None:
    path = images.nifti(tmp_path / "v.nii.gz", np.zeros((2, 2, 3), np.int16))
    first, again, renamed = (
        converted(path, tmp_path / str(number), name)
        for number, name in enumerate(["a/knee 1.nii.gz", "b/knee 1.nii.gz", "other.nii.gz"])
    )
    uids = [dataset.SOPInstanceUID for dataset in first]
    assert uids == [dataset.SOPInstanceUID for dataset in again] == convert.uids(path)
    assert uids == [dataset.SOPInstanceUID for dataset in renamed]
    assert (first[0].PatientID, renamed[0].PatientID) == ("knee 1", "other")
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)
    assert sha256_of(path) in first[0].DerivationDescription


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=8, max_size=8),
    st.sampled_from([np.float32, np.float64, np.int32, np.uint8, np.int16]),
)
def test_values_survive_to_within_half_a_step(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], dtype: type
) -> None:
    voxels = np.array(values).clip(0, 255) if dtype is np.uint8 else np.array(values)
    voxels = voxels.astype(dtype).reshape(2, 2, 2)
    path = images.nifti(tmp_path_factory.mktemp("nifti") / "v.nii", voxels)
    volume = nifti.volumes(path)[0]
    real = volume.frames * volume.slope + volume.intercept
    back = nifti.in_display_order(voxels, np.eye(4)).astype(float)
    span = float(back.max() - back.min())
    tolerance = 1e-6 * max(1.0, abs(back).max()) if not volume.note else span / 65_535
    assert np.abs(real - back).max() <= tolerance + 1e-9


def test_scaled_integers_keep_their_scale(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.arange(8, dtype=np.int16).reshape(2, 2, 2), np.eye(4))
    image.header.set_slope_inter(2.0, -1000.0)
    nibabel.save(image, tmp_path / "v.nii")
    dataset = converted(tmp_path / "v.nii", tmp_path / "out")[0]
    assert (float(dataset.RescaleSlope), float(dataset.RescaleIntercept)) == (2.0, -1000.0)


@pytest.mark.parametrize(
    ("shape", "code"), [((2, 2, 2, 501), "too_large"), ((2, 2, 2, 1, 3), "five_dimensional")]
)
def test_what_is_no_volume_or_too_many_is_refused(
    tmp_path: Path, shape: tuple[int, ...], code: str
) -> None:
    path = images.nifti(tmp_path / "v.nii", np.zeros(shape, np.int16))
    with pytest.raises(Fault) as refused:
        nifti.volumes(path)[0]
    assert refused.value.code == code


def test_a_sheared_grid_is_refused(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[0, 1] = 0.4
    with pytest.raises(Fault, match="right angles"):
        nifti.volumes(images.nifti(tmp_path / "v.nii", np.zeros((2, 2, 2), np.int16), affine))


@pytest.mark.parametrize("mode", ["L", "RGB", "I;16", "1"])
@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_pictures_keep_every_pixel(tmp_path: Path, mode: str, suffix: str) -> None:
    generator = np.random.default_rng(2)
    pixels = {
        "L": generator.integers(0, 255, (5, 7)).astype(np.uint8),
        "RGB": generator.integers(0, 255, (5, 7, 3)).astype(np.uint8),
        "I;16": generator.integers(0, 65_535, (5, 7)).astype(np.uint16),
        "1": generator.integers(0, 2, (5, 7)).astype(bool),
    }[mode]
    Image.fromarray(pixels).save(tmp_path / f"p.{suffix}")
    (dataset,) = converted(tmp_path / f"p.{suffix}", tmp_path / "out")
    expected = pixels.astype(np.uint8) * 255 if mode == "1" else pixels
    assert np.array_equal(dataset.pixel_array, expected)
    assert "PixelSpacing" not in dataset
    assert dataset.PatientID == "p"


def test_colour_that_is_grey_is_stored_as_grey(tmp_path: Path) -> None:
    grey = np.arange(35, dtype=np.uint8).reshape(5, 7)
    Image.fromarray(np.stack([grey] * 3, axis=-1)).save(tmp_path / "p.png")
    (dataset,) = converted(tmp_path / "p.png", tmp_path / "out")
    assert dataset.PhotometricInterpretation == "MONOCHROME2"
    assert np.array_equal(dataset.pixel_array, grey)


def test_pages_of_a_tiff_become_frames(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((4, 6), value, np.uint8)) for value in (10, 20, 30)]
    pages[0].save(tmp_path / "p.tiff", save_all=True, append_images=pages[1:])
    (dataset,) = converted(tmp_path / "p.tiff", tmp_path / "out")
    assert dataset.NumberOfFrames == 3
    assert [int(frame[0, 0]) for frame in dataset.pixel_array] == [10, 20, 30]


def test_a_photograph_stands_upright_and_says_that_it_was_compressed(tmp_path: Path) -> None:
    picture = Image.new("RGB", (8, 4), (200, 30, 30))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "p.jpg", exif=exif)
    (dataset,) = converted(tmp_path / "p.jpg", tmp_path / "out")
    assert (dataset.Rows, dataset.Columns) == (8, 4)
    assert dataset.LossyImageCompression == "01"


def test_deep_colour_is_refused_rather_than_cut(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    Image.new("RGB", (2, 2)).save(path)
    raw = bytearray(path.read_bytes())
    raw[24] = 16
    path.write_bytes(bytes(raw))
    with pytest.raises(Fault):
        raster.read(path)


def test_floating_point_pictures_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((3, 3), np.float32)).save(tmp_path / "p.tiff")
    with pytest.raises(Fault, match="floating-point"):
        raster.read(tmp_path / "p.tiff")


@needs_dciodvfy
@pytest.mark.parametrize("kind", ["mr", "ct", "picture", "pages"])
def test_what_is_made_conforms_to_the_standard(tmp_path: Path, kind: str) -> None:
    source = tmp_path / ("s.nii" if kind in ("mr", "ct") else "s.tiff")
    if kind in ("mr", "ct"):
        low = 0 if kind == "mr" else -1000
        images.nifti(source, np.arange(low, low + 24, dtype=np.int16).reshape(2, 3, 4))
    else:
        page = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6))
        page.save(source, save_all=True, append_images=[page] if kind == "pages" else [])
    (tmp_path / "out").mkdir()
    made = convert.convert(source, sniff(source), name="s", folder=tmp_path / "out")[0]
    assert errors_of(made) == []


def test_a_time_series_becomes_one_series_of_a_volume_each_in_one_study(tmp_path: Path) -> None:
    voxels = np.arange(2 * 3 * 4 * 5, dtype=np.int16).reshape(2, 3, 4, 5)
    path = images.nifti(tmp_path / "bold.nii", voxels)
    made = [
        dcmread(each)
        for each in convert.convert(path, Kind.NIFTI, name="s/bold.nii", folder=tmp_path)
    ]
    assert len({dataset.SOPInstanceUID for dataset in made}) == 4 * 5
    assert [dataset.SOPInstanceUID for dataset in made] == convert.uids(path)
    assert len({dataset.StudyInstanceUID for dataset in made}) == 1
    by_series = {dataset.SeriesInstanceUID: dataset for dataset in made}
    assert [
        (each.TemporalPositionIdentifier, each.SeriesDescription) for each in by_series.values()
    ] == [(number, f"bold: volume {number} of 5") for number in range(1, 6)]
    third = [each for each in made if each.TemporalPositionIdentifier == 3]
    assert sorted(np.concatenate([each.pixel_array.ravel() for each in third])) == sorted(
        voxels[..., 2].ravel()
    )


def test_a_patient_that_is_named_wins_over_the_name_of_the_file(tmp_path: Path) -> None:
    path = images.nifti(tmp_path / "t1.nii", np.zeros((2, 2, 2), np.int16))
    (made, *_) = convert.convert(path, Kind.NIFTI, name="t1.nii", patient="sub-01", folder=tmp_path)
    assert dcmread(made).PatientID == "sub-01"

"""Whether an image can be shown, how, and what the viewer is told about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import edge_cases
import images
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from annotation.dicom import examine, limits, worker
from annotation.dicom.faults import Fault
from annotation.dicom.found import Found


def examined(folder: Path, dataset: Dataset) -> Found:
    (path,) = images.write(folder, dataset)
    return examine.examine_object(path, folder=folder / "frames")


def described(folder: Path, **attributes: Any) -> dict[str, Any]:
    found = examined(folder, images.slice_(**attributes))
    assert found.description is not None
    return found.description


def shown(folder: Path, found: Found) -> np.ndarray:
    """The decoded copy of the first frame."""
    form = (found.description or {})["pixels"]
    kind = "i" if form["pixel_representation"] else "u"
    raw = np.fromfile(folder / "frames" / "0.raw", f"<{kind}{form['bits_allocated'] // 8}")
    return raw.reshape(form["rows"], form["columns"], -1).squeeze()


def test_a_plain_slice_goes_as_it_is(tmp_path: Path) -> None:
    found = examined(tmp_path, images.slice_())
    assert (found.normalised, found.frame_count, found.not_an_image) == (False, 1, "")
    assert found.description["transfer_syntax_uid"] == "1.2.840.10008.1.2.1"


def test_bits_that_are_not_used_are_cleaned(tmp_path: Path) -> None:
    array = images.ramp(dtype=np.uint16) | np.uint16(0xF000)
    found = examined(tmp_path, images.slice_(array, BitsStored=12, HighBit=11))
    assert found.normalised
    assert np.array_equal(shown(tmp_path, found), images.ramp(dtype=np.uint16))


def test_negative_values_of_twelve_bits_keep_their_sign(tmp_path: Path) -> None:
    stored = (images.ramp(start=-40).astype(np.int16) & 0x0FFF).astype(np.int16)
    found = examined(tmp_path, images.slice_(stored, BitsStored=12, HighBit=11))
    assert found.normalised
    assert np.array_equal(shown(tmp_path, found), images.ramp(start=-40))


def test_planes_of_colour_are_interleaved(tmp_path: Path) -> None:
    pixels = np.arange(8 * 10 * 3, dtype=np.uint8).reshape(8, 10, 3)
    dataset = images.slice_(np.ascontiguousarray(pixels[..., 0]))
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration = 1
    dataset.PixelData = pixels.transpose(2, 0, 1).tobytes()
    found = examined(tmp_path, dataset)
    assert found.normalised
    assert np.array_equal(shown(tmp_path, found), pixels)


def test_a_table_of_real_values_is_applied(tmp_path: Path) -> None:
    table = Dataset()
    table.LUTDescriptor = [256, 0, 16]
    table.ModalityLUTType = "OD"
    table.LUTData = (np.arange(256, dtype="<u2") * 3).tobytes()
    dataset = images.slice_(images.ramp(dtype=np.uint8))
    del dataset.RescaleSlope, dataset.RescaleIntercept
    dataset.ModalityLUTSequence = [table]
    found = examined(tmp_path, dataset)
    assert np.array_equal(shown(tmp_path, found), images.ramp(dtype=np.uint16) * 3)
    assert found.description["frames"][0]["rescale_slope"] == 1.0


@pytest.mark.parametrize(("values", "fits"), [(lambda a: a, True), (lambda a: a + 100_000, False)])
def test_pixels_of_32_bits_are_shown_only_where_16_hold_them(
    tmp_path: Path, values: Any, fits: bool
) -> None:
    dataset = images.slice_(values(images.ramp(dtype=np.uint32)).astype(np.uint32))
    if fits:
        assert shown(tmp_path, examined(tmp_path, dataset))[0, 5] == 5
        return
    with pytest.raises(Fault, match="more than 16 bits"):
        examined(tmp_path, dataset)


def test_deep_colour_is_shown_only_if_eight_bits_hold_it(tmp_path: Path) -> None:
    def coloured(pixels: np.ndarray) -> Dataset:
        dataset = images.slice_(np.ascontiguousarray(pixels[..., 0]))
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
        dataset.PlanarConfiguration = 0
        dataset.PixelData = pixels.tobytes()
        return dataset

    eight = np.arange(240, dtype=np.uint16).reshape(8, 10, 3)
    assert np.array_equal(shown(tmp_path, examined(tmp_path, coloured(eight * 257))), eight)
    with pytest.raises(Fault, match="without loss"):
        examined(tmp_path, coloured(eight * 257 + 1))


def test_a_jpeg_2000_whose_sign_is_wrong_is_decoded_here(tmp_path: Path) -> None:
    path = edge_cases.FOLDER / "pydicom/test_files/J2K_pixelrep_mismatch.dcm"
    found = examine.examine_object(path, folder=tmp_path / "frames")
    assert found.normalised
    assert np.array_equal(shown(tmp_path, found), edge_cases.expected_frames(path)[0])


def test_the_same_pixels_have_the_same_hash_in_any_encoding(tmp_path: Path) -> None:
    folder = edge_cases.FOLDER / "pydicom" / "test_files"
    names = [
        "MR_small.dcm",
        "MR_small_RLE.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_jp2klossless.dcm",
    ]
    found = [examine.examine_object(folder / n, folder=tmp_path / n) for n in names]
    assert len({each.pixel_sha256 for each in found}) == 1
    assert len({each.sha256 for each in found}) == 4


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"StudyInstanceUID": ""}, "missing_attribute"),
        ({"SOPInstanceUID": "1.2.x"}, "bad_uid"),
        ({"SOPClassUID": ""}, "missing_attribute"),
        ({"Rows": 0}, "bad_size"),
        ({"SamplesPerPixel": 4}, "bad_samples"),
        ({"BitsAllocated": 64}, "bad_bits"),
        ({"NumberOfFrames": 5}, "undecodable"),
        ({"NumberOfFrames": 2**31}, "too_large"),
        ({"Rows": 65_535, "Columns": 65_535, "NumberOfFrames": 2}, "too_large"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(
    tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    dataset = images.slice_()
    name = dataset.SOPInstanceUID
    for keyword, value in change.items():
        setattr(dataset, keyword, value)
    path = tmp_path / f"{name}.dcm"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID or "1.2"
    dataset.file_meta.MediaStorageSOPInstanceUID = name
    if not dataset.SOPClassUID:
        dataset.file_meta.MediaStorageSOPClassUID = ""
    dataset.save_as(path, enforce_file_format=False)
    with pytest.raises(Fault) as refused:
        examine.examine_object(path, folder=tmp_path / "frames")
    assert refused.value.code == code
    assert refused.value.reason.endswith(".")


def test_a_malformed_value_that_nobody_needs_does_not_matter(tmp_path: Path) -> None:
    (path,) = images.write(tmp_path, images.slice_(SeriesNumber=7, SliceThickness="5.0"))
    path.write_bytes(path.read_bytes().replace(b"5.0 ", b"5,0 "))
    found = examine.examine_object(path, folder=tmp_path / "frames")
    assert found.frame_count == 1


def test_a_small_file_may_not_inflate_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_INFLATED_BYTES", 100_000)
    dataset = images.slice_(np.zeros((600, 600), np.int16))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    with pytest.raises(Fault, match="inflates") as refused:
        examined(tmp_path, dataset)
    assert refused.value.code == "too_large"


def test_sequences_may_not_be_nested_without_end(tmp_path: Path) -> None:
    inner = Dataset()
    for _ in range(20):
        outer = Dataset()
        outer.ReferencedImageSequence = [inner]
        inner = outer
    with pytest.raises(Fault) as refused:
        examined(tmp_path, images.slice_(ReferencedImageSequence=[inner]))
    assert refused.value.code == "too_deep"


def test_big_endian_is_shown_from_a_copy(tmp_path: Path) -> None:
    dataset = images.slice_()
    expected = dataset.pixel_array
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.PixelData = expected.astype(">i2").tobytes()
    path = tmp_path / "big.dcm"
    dataset.save_as(path, little_endian=False, implicit_vr=False, enforce_file_format=True)
    found = examine.examine_object(path, folder=tmp_path / "frames")
    assert np.array_equal(shown(tmp_path, found), expected)


@pytest.mark.parametrize(
    ("attributes", "spacing", "source"),
    [
        ({"Modality": "CT"}, [0.5, 0.25], "pixel_spacing"),
        ({"Modality": "CT", "PixelSpacing": [0, 0]}, None, "unknown"),
        ({"Modality": "DX", "ImagerPixelSpacing": [0.5, 0.25]}, [0.5, 0.25], "detector"),
        ({"Modality": "DX", "ImagerPixelSpacing": [0.6, 0.3]}, [0.5, 0.25], "calibrated"),
        (
            {
                "Modality": "DX",
                "PixelSpacing": None,
                "ImagerPixelSpacing": [0.6, 0.3],
                "EstimatedRadiographicMagnificationFactor": 1.2,
            },
            [0.5, 0.25],
            "estimated",
        ),
        (
            {"Modality": "OT", "PixelSpacing": None, "NominalScannedPixelSpacing": [1, 1]},
            [1.0, 1.0],
            "nominal",
        ),
    ],
)
def test_where_the_pixel_spacing_comes_from_is_said(
    tmp_path: Path, attributes: dict[str, Any], spacing: list[float] | None, source: str
) -> None:
    frame = described(tmp_path, **attributes)["frames"][0]
    assert frame["spacing_source"] == source
    assert frame["pixel_spacing"] == (pytest.approx(spacing) if spacing else None)


def region(**attributes: Any) -> Dataset:
    made = Dataset()
    made.RegionSpatialFormat = 1
    made.PhysicalUnitsXDirection = made.PhysicalUnitsYDirection = 3
    made.PhysicalDeltaX, made.PhysicalDeltaY = 0.02, 0.03
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def test_ultrasound_is_measured_only_where_one_region_leaves_no_doubt(tmp_path: Path) -> None:
    one = described(
        tmp_path / "1", Modality="US", PixelSpacing=None, SequenceOfUltrasoundRegions=[region()]
    )
    two = described(
        tmp_path / "2",
        Modality="US",
        PixelSpacing=None,
        SequenceOfUltrasoundRegions=[region(), region(PhysicalDeltaX=0.1)],
    )
    assert one["frames"][0]["pixel_spacing"] == pytest.approx([0.3, 0.2])
    assert two["frames"][0]["spacing_source"] == "unknown"


def test_windows_that_make_no_sense_are_left_out(tmp_path: Path) -> None:
    frame = described(
        tmp_path,
        WindowCenter=[40, 0, -600],
        WindowWidth=[400, 0, 1500],
        WindowCenterWidthExplanation=["Soft", "Broken", "Lung"],
    )["frames"][0]
    assert frame["windows"] == [
        {"center": 40.0, "width": 400.0, "name": "Soft"},
        {"center": -600.0, "width": 1500.0, "name": "Lung"},
    ]


def test_an_orientation_that_is_none_is_left_out(tmp_path: Path) -> None:
    frame = described(tmp_path, ImageOrientationPatient=[1, 0, 0, 1, 0, 0])["frames"][0]
    assert frame["orientation"] is None


def test_no_modality_is_other(tmp_path: Path) -> None:
    assert described(tmp_path, Modality="")["modality"] == "OT"


def test_nothing_that_names_the_patient_is_described(tmp_path: Path) -> None:
    found = examined(
        tmp_path,
        images.slice_(
            PatientName="Secret^Name",
            PatientID="SECRET-1",
            PatientBirthDate="19501231",
            AccessionNumber="SECRET-2",
            ReferringPhysicianName="Secret^Doctor",
        ),
    )
    assert "secret" not in str(found.description).lower()
    assert "19501231" not in str(found.description)


def test_functional_groups_describe_each_frame() -> None:
    path = edge_cases.FOLDER / "dcm_qa_enh" / "In" / "Siemens" / "XA10" / "6_3.dcm"
    found = examine.examine_object(path, folder=Path("unused"))
    positions = [frame["position"] for frame in found.description["frames"]]
    assert len({tuple(position) for position in positions}) == 6


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_damaged_file_is_examined_or_refused_and_nothing_else(
    tmp_path: Path, data: st.DataObject
) -> None:
    source = data.draw(
        st.sampled_from(
            [
                "MR_small.dcm",
                "MR_small_RLE.dcm",
                "SC_rgb_small_odd.dcm",
                "reportsi.dcm",
                "rtdose.dcm",
            ]
        )
    )
    raw = bytearray((edge_cases.FOLDER / "pydicom" / "test_files" / source).read_bytes())
    for _ in range(data.draw(st.integers(1, 12))):
        raw[data.draw(st.integers(132, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.dcm"
    path.write_bytes(bytes(raw[: data.draw(st.integers(200, len(raw)))]))
    request = {"job": "object", "path": str(path), "folder": str(tmp_path / "frames")}
    answer = worker.answer(request)
    assert answer.get("objects") or answer["reason"].endswith(".")

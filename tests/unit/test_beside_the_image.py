"""What stands beside an image: technique, uptake, fidelity; and nothing that says whose it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from images import nifti, series, slice_, write
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from annotation.dicom import examine
from annotation.dicom.display import Described, series_display
from annotation.dicom.suv import body_weight


def displayed(folder: Path, *datasets: Dataset) -> dict[str, Any]:
    """As the browser gets it, of these objects in one series."""
    objects = []
    for number, path in enumerate(write(folder, *datasets)):
        [found] = examine.examine(path, name=path.name, folder=folder / f"f{number}")
        assert found.description is not None
        objects.append(
            Described(
                found.sop_instance_uid,
                f"s{number}",
                found.sha256,
                found.normalised,
                found.description,
            )
        )
    return series_display(objects)


def test_what_was_taken_in_before_this_was_told_is_described_as_it_was(tmp_path: Path) -> None:
    [path] = write(tmp_path, slice_(KVP=120))
    [found] = examine.examine(path, name="x", folder=tmp_path)
    assert found.description is not None
    del found.description["fidelity"]["reasons"]
    for frame in found.description["frames"]:
        del frame["technique"]
    display = series_display([Described("1.2", "s", "0", False, found.description)])
    assert not {"technique", "suv"} & set(display)
    assert display["fidelity"] == {"exact": True, "note": ""}
    assert "technique" not in display["frames"][0]


def item(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def group(**values: Any) -> Sequence:
    return Sequence([item(**values)])


def test_how_an_image_was_taken_is_told(tmp_path: Path) -> None:
    one = slice_(
        KVP=120, XRayTubeCurrent=200, Exposure=80, SliceThickness="1.25", ConvolutionKernel="B30f"
    )
    assert displayed(tmp_path, one)["technique"] == {
        "kvp": 120,
        "tube_current_ma": 200,
        "exposure_mas": 80,
        "thickness_mm": 1.25,
        "kernel": "B30f",
    }


def test_what_differs_from_frame_to_frame_is_said_of_the_frame(tmp_path: Path) -> None:
    first, second = series(2, Modality="MR", RepetitionTime=2000)
    first.EchoTime, second.EchoTime = 10, 90
    display = displayed(tmp_path, first, second)
    assert display["technique"] == {"repetition_ms": 2000, "echo_ms": 10}
    assert "technique" not in display["frames"][0]
    assert display["frames"][1]["technique"] == {"repetition_ms": 2000, "echo_ms": 90}


def test_an_enhanced_object_tells_it_in_its_functional_groups(tmp_path: Path) -> None:
    pixels = np.arange(2 * 80, dtype=np.int16).reshape(2, 8, 10)
    one = slice_(pixels[0], Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4.1")
    one.NumberOfFrames, one.PixelData = 2, pixels.tobytes()
    del one.RescaleSlope, one.RescaleIntercept
    one.SharedFunctionalGroupsSequence = group(
        MRTimingAndRelatedParametersSequence=group(RepetitionTime=500, FlipAngle=15),
        PlaneOrientationSequence=group(ImageOrientationPatient=[0, 1, 0, 0, 0, -1]),
    )
    one.PerFrameFunctionalGroupsSequence = Sequence(
        [
            item(
                MREchoSequence=group(EffectiveEchoTime=20 * number),
                PlanePositionSequence=group(ImagePositionPatient=[4.0 * number, 0, 0]),
                PixelMeasuresSequence=group(PixelSpacing=[2, 3], SliceThickness=4),
                PixelValueTransformationSequence=group(
                    RescaleSlope=number, RescaleIntercept=-5, RescaleType="US"
                ),
            )
            for number in (1, 2)
        ]
    )
    display = displayed(tmp_path, one)
    # Along the normal of this orientation, the second frame comes first.
    assert [frame["frame"] for frame in display["frames"]] == [2, 1]
    again = {**display, **display["frames"][1]}
    assert display["technique"] == {
        "repetition_ms": 500,
        "flip_degrees": 15,
        "thickness_mm": 4,
        "echo_ms": 40,
    }
    assert again["technique"]["echo_ms"] == 20
    assert (display["rescale_slope"], again["rescale_slope"]) == (2, 1)
    assert display["pixel_spacing"] == [2, 3]
    assert again["position"] == [4, 0, 0]
    assert again["orientation"] == [0, 1, 0, 0, 0, -1]


def test_free_text_is_no_technique(tmp_path: Path) -> None:
    one = slice_(
        ConvolutionKernel="for Mrs. Müller (see note)", ViewPosition="PA", ImageLaterality="left"
    )
    assert displayed(tmp_path, one)["technique"] == {"view": "PA"}


PLANTED = {
    "PatientName": "Ravenscroft^Ottilie",
    "PatientID": "MRN-884422",
    "PatientBirthDate": "19610417",
    "StudyDate": "20190305",
    "SeriesDate": "20190305",
    "AccessionNumber": "ACC771133",
    "InstitutionName": "St. Brannock Infirmary",
    "StationName": "SCANNER-NORTH",
    "ReferringPhysicianName": "Quillfeather^Jos",
    "OperatorsName": "Thimblewood^A",
    "StudyDescription": "Ravenscroft staging",
    "ProtocolName": "Chest 20190305",
}


@pytest.mark.parametrize(
    "description",
    [
        "Ottilie chest",
        "CT RAVENSCROFT 3mm",
        "x MRN-884422",
        "acc771133 axial",
        "St. Brannock Infirmary routine",
        "routine Quillfeather",
        "follow-up 05.03.2019",
        "prior 2017-11-30",
    ],
)
def test_nothing_that_the_viewer_gets_says_whose_it_is(tmp_path: Path, description: str) -> None:
    window = {"WindowCenter": 40, "WindowWidth": 400, "WindowCenterWidthExplanation": description}
    one = slice_(**PLANTED, **window, SeriesDescription=description, KVP=100)
    display = displayed(tmp_path, one)
    said = json.dumps({key: value for key, value in display.items() if key != "sources"}).casefold()
    planted = ["ravenscroft", "ottilie", "884422", "19610417", "20190305", "771133", "brannock"]
    planted += ["scanner-north", "quillfeather", "thimblewood", "05.03.2019", "2017-11-30"]
    assert [word for word in planted if word in said] == []
    assert display["description"] == ""
    assert display["technique"]["kvp"] == 100


@pytest.mark.parametrize(
    "description", ["Axial 1.25 mm lung", "T2 TSE 512x512", "AP supine", "b1000"]
)
def test_a_plain_description_stays(tmp_path: Path, description: str) -> None:
    one = slice_(**PLANTED, SeriesDescription=description)
    assert displayed(tmp_path, one)["description"] == description


def pet(**changes: Any) -> Dataset:
    injection = {
        "RadionuclideTotalDose": 370e6,
        "RadionuclideHalfLife": 6586.2,
        "RadiopharmaceuticalStartTime": "090000",
        **{key: changes.pop(key) for key in list(changes) if key.startswith("Radio")},
    }
    made = slice_(
        **{
            "Modality": "PT",
            "SOPClassUID": "1.2.840.10008.5.1.4.1.1.128",
            "Units": "BQML",
            "DecayCorrection": "START",
            "CorrectedImage": ["ATTN", "DECY"],
            "PatientWeight": 70,
            "SeriesDate": "20200102",
            "SeriesTime": "100000",
            "AcquisitionDate": "20200102",
            "AcquisitionTime": "100010.5",
            **changes,
        }
    )
    made.RadiopharmaceuticalInformationSequence = group(
        **{key: value for key, value in injection.items() if value is not None}
    )
    return made


AFTER_AN_HOUR = 70_000 / (370e6 * 2 ** (-3600 / 6586.2))


@pytest.mark.parametrize(
    ("changes", "factor"),
    [
        ({}, AFTER_AN_HOUR),
        ({"DecayCorrection": "ADMIN"}, 70_000 / 370e6),
        ({"RadiopharmaceuticalStartDateTime": "20200102090000.000"}, AFTER_AN_HOUR),
        (
            {
                "SeriesTime": "003000",
                "AcquisitionTime": "003100",
                "RadiopharmaceuticalStartTime": "233000",
            },
            AFTER_AN_HOUR,
        ),
        ({"Units": "GML"}, 1.0),
    ],
)
def test_the_uptake_follows_from_weight_dose_and_decay(
    changes: dict[str, Any], factor: float
) -> None:
    found = body_weight(pet(**changes))
    assert found["factor"] == pytest.approx(factor, rel=1e-6)
    assert found["reason"] == ""


def test_counts_of_one_maker_name_their_factor() -> None:
    dataset = pet(Units="CNTS")
    dataset.add_new(Tag(0x7053, 0x1000), "DS", "0.000551")
    assert body_weight(dataset)["factor"] == pytest.approx(0.000551)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"PatientWeight": None}, "weight"),
        ({"PatientWeight": 0}, "weight"),
        ({"RadionuclideTotalDose": None}, "dose"),
        ({"RadionuclideHalfLife": None}, "half-life"),
        ({"CorrectedImage": ["ATTN"]}, "corrected"),
        ({"DecayCorrection": "NONE"}, "decay"),
        ({"SeriesTime": ""}, "times"),
        ({"SeriesTime": "110000"}, "later"),
        ({"RadiopharmaceuticalStartTime": None}, "injection"),
        ({"Units": "PROPCNTS"}, "PROPCNTS"),
        ({"Units": "CNTS"}, "makes no sense"),
        ({"Units": "GML", "SUVType": "LBM"}, "body weight"),
    ],
)
def test_where_the_uptake_is_unknown_it_says_why(changes: dict[str, Any], why: str) -> None:
    found = body_weight(pet(**changes))
    assert found["factor"] is None
    assert why in found["reason"]


def test_a_series_has_one_factor_or_none(tmp_path: Path) -> None:
    same, other = pet(), pet(PatientWeight=80)
    for one in (same, other):
        one.SeriesInstanceUID = one.StudyInstanceUID = "2.25.7"
    assert displayed(tmp_path / "one", same)["suv"]["factor"] == pytest.approx(AFTER_AN_HOUR)
    both = displayed(tmp_path / "two", same, other)["suv"]
    assert (both["factor"], "differ" in both["reason"]) == (None, True)
    assert "suv" not in displayed(tmp_path / "ct", slice_())


@pytest.mark.parametrize(
    ("changes", "reasons", "words"),
    [
        ({}, None, ""),
        ({"LossyImageCompression": "01"}, ["lossy"], "with loss"),
        (
            {"LossyImageCompression": "01", "LossyImageCompressionRatio": [1, 12.5]},
            ["lossy"],
            "(12.5 to 1)",
        ),
        ({"VOILUTFunction": "SIGMOID"}, ["curve"], "contrast curve"),
    ],
)
def test_why_the_pixels_are_not_the_measured_ones_is_said(
    tmp_path: Path, changes: dict[str, Any], reasons: list[str] | None, words: str
) -> None:
    fidelity = displayed(tmp_path, slice_(**changes))["fidelity"]
    assert fidelity.get("reasons") == reasons
    assert words in fidelity["note"]


@pytest.mark.parametrize(
    ("voxels", "reasons"),
    [
        (np.arange(60, dtype=np.int16).reshape(3, 4, 5), ["converted"]),
        (np.linspace(0, 1, 60, dtype=np.float32).reshape(3, 4, 5) ** 3, ["rounded", "converted"]),
    ],
)
def test_a_file_that_became_dicom_is_said_to_be_one(
    tmp_path: Path, voxels: Any, reasons: list[str]
) -> None:
    path = nifti(tmp_path / "someone.nii", voxels)
    found = examine.examine(path, name="Ravenscroft.nii", folder=tmp_path, patient="p")
    fidelity = (found[0].description or {})["fidelity"]
    assert fidelity["reasons"] == reasons
    assert "NIfTI" in fidelity["note"]
    assert "Ravenscroft" not in fidelity["note"]


def test_pixels_that_the_server_decoded_are_said_to_be_so(tmp_path: Path) -> None:
    colour = np.arange(8 * 10 * 3, dtype=np.uint8).reshape(8, 10, 3)
    one = slice_(colour, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=1)
    one.PixelData = colour.transpose(2, 0, 1).tobytes()
    display = displayed(tmp_path, one)
    assert (display["rescale_slope"], display["rescale_intercept"]) == (1, 0), "of colours none"
    assert display["fidelity"] == {
        "exact": True,
        "note": "Shown from a decoded copy; the stored original is unchanged.",
        "reasons": ["decoded"],
    }

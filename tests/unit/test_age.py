"""Ages in bands: of what is stated, else of two dates, and none where neither makes sense."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from annotation.dicom.age import age_band


@pytest.mark.parametrize(
    ("header", "band"),
    [
        ({"PatientAge": "045Y"}, "40-59"),
        ({"PatientAge": "017Y"}, "0-17"),
        ({"PatientAge": "018Y"}, "18-39"),
        ({"PatientAge": "030M"}, "0-17"),
        ({"PatientAge": "003D"}, "0-17"),
        ({"PatientAge": "097Y"}, "80+"),
        ({"PatientBirthDate": "19500601", "StudyDate": "20240101"}, "60-79"),
        ({"PatientBirthDate": "20250101", "StudyDate": "20240101"}, ""),
        ({"PatientBirthDate": "19500601"}, ""),
        ({"PatientAge": "400Y"}, ""),
        ({}, ""),
    ],
)
def test_the_band_of_a_header(header: dict[str, str], band: str) -> None:
    dataset = Dataset()
    for keyword, value in header.items():
        setattr(dataset, keyword, value)
    assert age_band(dataset) == band


def test_a_stated_age_that_makes_no_sense_gives_way_to_the_dates() -> None:
    dataset = Dataset()
    dataset.PatientBirthDate, dataset.StudyDate = "19900101", "20200101"
    dataset["PatientAge"] = Dataset.from_json({"00101010": {"vr": "LO", "Value": ["old"]}})[
        0x00101010
    ]
    assert age_band(dataset) == "18-39"

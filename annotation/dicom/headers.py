"""The patient and study of an image, as an object made from it must repeat them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from . import header
from .describe import positive
from .values import numbers

_REPEATED = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyID",
    "StudyDescription",
    "ReferringPhysicianName",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "ClinicalTrialSiteID",
    "ClinicalTrialSubjectID",
)
_NEVER_ABSENT = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyID",
    "ReferringPhysicianName",
)
_TRIAL = ("ClinicalTrialSponsorName", "ClinicalTrialProtocolID")


def clean(path: Path) -> Dataset:
    """Patient, study, series and frame of reference of the image, without what is malformed; in UTF-8."""
    found = header.read(path)
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SpecificCharacterSet = "ISO_IR 192"
    for keyword in _REPEATED:
        value = _value(found, keyword)
        if value or keyword in _NEVER_ABSENT:
            setattr(made, keyword, value)
    if not all(made.get(keyword) for keyword in _TRIAL):
        for keyword in [name for name in _REPEATED if name.startswith("ClinicalTrial")]:
            if keyword in made:
                delattr(made, keyword)
    if made.PatientSex not in ("M", "F", "O"):
        made.PatientSex = ""
    made.SeriesInstanceUID = found.SeriesInstanceUID
    made.SOPInstanceUID = found.SOPInstanceUID
    made.SOPClassUID = header.sop_class(found)
    thickness = positive(numbers(found, "SliceThickness", 1))
    if thickness:
        made.SliceThickness = thickness[0]
    room = header.value_of(found, "FrameOfReferenceUID")
    if room:
        made.FrameOfReferenceUID = room
        made.PositionReferenceIndicator = header.value_of(found, "PositionReferenceIndicator") or ""
    return made


def _value(found: Dataset, keyword: str) -> Any:
    """'' for what is missing or malformed; dates and times of the old form in the present one."""
    value = header.value_of(found, keyword)
    if value is None:
        return ""
    if keyword.endswith("Date"):
        digits = re.sub(r"[.\-]", "", str(value).strip())
        return digits if re.fullmatch(r"\d{8}", digits) else ""
    if keyword.endswith("Time"):
        digits = str(value).strip().replace(":", "")
        return digits if re.fullmatch(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?", digits) else ""
    return value

"""The attributes of a header that an intake rule may match. Nothing that names the patient is among them."""

from __future__ import annotations

RULE_ATTRIBUTES = (
    "Modality",
    "BodyPartExamined",
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "ImageType",
    "Manufacturer",
    "ManufacturerModelName",
    "InstitutionName",
    "StationName",
    "ViewPosition",
    "Laterality",
    "PatientSex",
    "PhotometricInterpretation",
    "SOPClassUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
)

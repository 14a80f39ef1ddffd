"""Whether a free text gives away whom it is about: a description may repeat a name, a number or a date."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from .values import text

_NAMES = ("PatientName", "OtherPatientNames", "ReferringPhysicianName", "OperatorsName")
_NUMBERS = (
    "PatientID",
    "AccessionNumber",
    "StudyID",
    "PatientBirthDate",
    "StudyDate",
    "SeriesDate",
)
_PLACES = ("InstitutionName", "StationName", "InstitutionalDepartmentName")
_SHORTEST_WORD = 3
_WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d[-./]?[01]\d[-./]?[0-3]\d|[0-3]?\d[-./][01]?\d[-./](?:19|20)\d\d)(?!\d)"
)


def gives_away(dataset: Dataset, said: str) -> bool:
    """Whether it holds a word of a name, an identifier, a place or a date of this object."""
    folded = said.casefold()
    words = set(_WORD.findall(folded))
    if _DATE.search(said) or words & _words_of_names(dataset):
        return True
    whole = (text(dataset, keyword, 64).casefold() for keyword in (*_NUMBERS, *_PLACES))
    return any(len(value) >= _SHORTEST_WORD and value in folded for value in whole)


def _words_of_names(dataset: Dataset) -> set[str]:
    names = " ".join(text(dataset, keyword, 200).casefold() for keyword in _NAMES)
    return {word for word in _WORD.findall(names) if len(word) >= _SHORTEST_WORD}

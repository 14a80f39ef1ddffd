"""How old a patient was when the images were made, in bands too wide to tell who it was."""

from __future__ import annotations

import re
from datetime import date, datetime
from itertools import pairwise

from pydicom.dataset import Dataset

from .values import text

BEGIN = (0, 18, 40, 60, 80)
"""Years; from the last one on, everybody is of one band."""
OLDEST = 130
_PER_YEAR = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}


def age_band(dataset: Dataset) -> str:
    """Such as “40-59”, of the stated age or else of the dates of birth and study; '' if unknown."""
    years = _stated(dataset)
    if years is None:
        years = _between_dates(dataset)
    if years is None or not 0 <= years < OLDEST:
        return ""
    for low, high in pairwise(BEGIN):
        if years < high:
            return f"{low}-{high - 1}"
    return f"{BEGIN[-1]}+"


def _stated(dataset: Dataset) -> float | None:
    written = re.fullmatch(r"(\d{1,3})([DWMY])", text(dataset, "PatientAge", 4).strip())
    return int(written[1]) / _PER_YEAR[written[2]] if written else None


def _between_dates(dataset: Dataset) -> float | None:
    born, made = (_date(text(dataset, name, 8)) for name in ("PatientBirthDate", "StudyDate"))
    return None if born is None or made is None else (made - born).days / 365.25


def _date(written: str) -> date | None:
    try:
        return datetime.strptime(written, "%Y%m%d").date()  # noqa: DTZ007
    except ValueError:
        return None

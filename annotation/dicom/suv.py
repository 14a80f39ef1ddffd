"""Standardised uptake values of PET by body weight: the factor, or why there is none.

The rules are those of the vendor-neutral recipe of the QIBA FDG-PET profile, its safe cases only.
Weight, dose and times stay here; nothing but the factor leaves.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from .header import value_of
from .values import numbers, text

_PHILIPS = Tag(0x7053, 0x1000)
_GRAMS = 1000.0
_DAY = timedelta(days=1)
_LONGEST_HOURS = 24


class _Unknown(Exception):
    """Why the uptake cannot be said, as a sentence for the reader."""


def body_weight(dataset: Dataset) -> dict[str, Any]:
    """``factor``: by which a rescaled value becomes g/ml; None if unknown, with a ``reason``."""
    try:
        factor = _factor(dataset)
    except _Unknown as unknown:
        return {"factor": None, "reason": str(unknown)}
    if not (math.isfinite(factor) and factor > 0):
        return {
            "factor": None,
            "reason": "The dose or the weight that the object names makes no sense.",
        }
    return {"factor": float(f"{factor:.9g}"), "reason": ""}


def _factor(dataset: Dataset) -> float:
    units = text(dataset, "Units", 16)
    if units == "GML":
        if text(dataset, "SUVType", 16) not in ("", "BW"):
            raise _Unknown("The values are uptake by another measure than body weight.")
        return 1.0
    if units == "CNTS":
        return _of_philips(dataset)
    if units != "BQML":
        raise _Unknown(f"The values are in {units or 'no known unit'}, not in Bq/ml.")
    _require_corrections(dataset)
    grams = _positive(dataset, "PatientWeight", "the patient's weight") * _GRAMS
    return grams / _dose_at_reference(dataset)


def _of_philips(dataset: Dataset) -> float:
    element = dataset.get(_PHILIPS)
    try:
        return float(element.value) if element is not None else 0.0
    except (TypeError, ValueError):
        raise _Unknown("The values are counts, and the object names no factor.") from None


def _require_corrections(dataset: Dataset) -> None:
    done = value_of(dataset, "CorrectedImage") or []
    names = [done] if isinstance(done, str) else [str(one) for one in done]
    if "ATTN" not in names or not any(name.startswith("DEC") for name in names):
        raise _Unknown("The image is not said to be corrected for attenuation and decay.")


def _positive(dataset: Dataset, keyword: str, name: str) -> float:
    found = numbers(dataset, keyword, 1)
    if not found or found[0] <= 0:
        raise _Unknown(f"The object does not name {name}.")
    return found[0]


def _dose_at_reference(dataset: Dataset) -> float:
    """Becquerel at the moment to which the image's decay is corrected."""
    items = value_of(dataset, "RadiopharmaceuticalInformationSequence") or []
    if len(items) != 1:
        raise _Unknown("The object does not name the injection.")
    injection: Dataset = items[0]
    dose = _positive(injection, "RadionuclideTotalDose", "the injected dose")
    reference = text(dataset, "DecayCorrection", 16)
    if reference == "ADMIN":
        return dose
    if reference != "START":
        raise _Unknown("The object does not say to which time its decay is corrected.")
    half_life = _positive(injection, "RadionuclideHalfLife", "the half-life")
    waited = (_scan_start(dataset) - _injected(dataset, injection)).total_seconds()
    if not 0 <= waited <= _LONGEST_HOURS * 3600:
        raise _Unknown("The times of injection and scan do not fit together.")
    return float(dose * 2 ** (-waited / half_life))


def _scan_start(dataset: Dataset) -> datetime:
    series = _moment(text(dataset, "SeriesDate", 8), text(dataset, "SeriesTime", 16))
    taken = _moment(text(dataset, "AcquisitionDate", 8), text(dataset, "AcquisitionTime", 16))
    if series is None or taken is None:
        raise _Unknown("The times of the scan were left out of the object.")
    if series > taken:
        raise _Unknown("The series was made anew later: its time is not that of the scan.")
    return series


def _injected(dataset: Dataset, injection: Dataset) -> datetime:
    whole = text(injection, "RadiopharmaceuticalStartDateTime", 26)
    moment = _moment(whole[:8], whole[8:])
    if moment is not None:
        return moment
    time = text(injection, "RadiopharmaceuticalStartTime", 16)
    moment = _moment(text(dataset, "SeriesDate", 8), time)
    if moment is None:
        raise _Unknown("The object does not name the time of the injection.")
    return moment if moment <= _scan_start(dataset) else moment - _DAY


def _moment(day: str, time: str) -> datetime | None:
    """To the second, in the scanner's own time: what comes after is far below what matters here."""
    try:
        return datetime.strptime(f"{day} {time[:6]} +0000", "%Y%m%d %H%M%S %z")
    except ValueError:
        return None

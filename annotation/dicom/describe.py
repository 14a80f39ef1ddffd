"""The curated header of one object: what the viewer, the intake rules and the geometry need of it.

Nothing that names the patient is in it. Values that make no sense are left out rather than passed on.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from pydicom.dataset import Dataset

from . import classes, suv
from .age import age_band
from .attributes import RULE_ATTRIBUTES
from .header import frame_count, sop_class, value_of
from .naming import gives_away
from .pixels import Served
from .technique import technique
from .values import macro, numbers, text

_PROJECTION = {"CR", "DX", "MG", "RF", "XA", "IO", "PX", "RG", "RTIMAGE"}
_CENTIMETRES = 3


def describe(dataset: Dataset, served: Served) -> dict[str, Any]:
    modality = text(dataset, "Modality", 16) or "OT"
    frames = frame_count(dataset)
    described: dict[str, Any] = {
        "modality": modality,
        "body_part": text(dataset, "BodyPartExamined", 16),
        "description": _said_of(dataset),
        "attributes": _attributes(dataset, modality),
        "pixels": served.form,
        "transfer_syntax_uid": served.transfer_syntax,
        "compressed": served.transfer_syntax not in classes.NATIVE_LITTLE,
        "instance_number": _integer(dataset, "InstanceNumber"),
        "frame_of_reference": text(dataset, "FrameOfReferenceUID", 64),
        "study_date": _date(dataset, "StudyDate"),
        "frame_time_ms": _frame_time(dataset) if frames > 1 else None,
        "fidelity": {
            "exact": served.exact,
            "note": served.note,
            "reasons": list(served.reasons),
        },
    }
    if modality == "PT":
        described["suv"] = suv.body_weight(dataset)
    # A slope is of numbers that were measured: to apply one to colours would change them.
    final = served.rescaled or served.form["samples_per_pixel"] > 1
    described["frames"] = [
        _frame(dataset, index, modality, rescaled=final) for index in range(frames)
    ]
    return described


def _said_of(dataset: Dataset) -> str:
    """The description that stands beside the image; none that says whose it is or when it was made."""
    said = (text(dataset, keyword, 64) for keyword in ("SeriesDescription", "ProtocolName"))
    return next((one for one in said if one and not gives_away(dataset, one)), "")


def _date(dataset: Dataset, keyword: str) -> str | None:
    """As YYYY-MM-DD; None if missing or no date."""
    written = text(dataset, keyword, 8)
    try:
        return datetime.strptime(written, "%Y%m%d").date().isoformat()  # noqa: DTZ007
    except ValueError:
        return None


def _integer(dataset: Dataset, keyword: str) -> int | None:
    found = numbers(dataset, keyword, 1)
    return int(found[0]) if found and abs(found[0]) < 2**53 else None


def _attributes(dataset: Dataset, modality: str) -> dict[str, str]:
    found = {keyword: text(dataset, keyword, 200) for keyword in RULE_ATTRIBUTES}
    found |= {"Modality": modality, "SOPClassUID": sop_class(dataset), "AgeBand": age_band(dataset)}
    return {keyword: value for keyword, value in found.items() if value}


def _frame(dataset: Dataset, index: int, modality: str, *, rescaled: bool) -> dict[str, Any]:
    spacing, source = _spacing(dataset, index, modality)
    slope, intercept, kind = (1.0, 0.0, "") if rescaled else _rescale(dataset, index)
    return {
        "position": numbers(
            macro(dataset, index, "PlanePositionSequence"), "ImagePositionPatient", 3
        ),
        "orientation": _orientation(dataset, index),
        "pixel_spacing": spacing,
        "spacing_source": source,
        "rescale_slope": slope,
        "rescale_intercept": intercept,
        "rescale_type": kind or ("HU" if modality == "CT" else ""),
        "windows": _windows(dataset, macro(dataset, index, "FrameVOILUTSequence")),
        "time": _time(dataset, index),
        "technique": technique(dataset, index),
    }


def _orientation(dataset: Dataset, index: int) -> list[float] | None:
    """Row and column direction, if they are unit vectors at right angles."""
    found = numbers(macro(dataset, index, "PlaneOrientationSequence"), "ImageOrientationPatient", 6)
    if found is None:
        return None
    row, column = found[:3], found[3:]
    lengths = [math.hypot(*row), math.hypot(*column)]
    across = sum(a * b for a, b in zip(row, column, strict=True))
    if any(abs(length - 1) > 0.01 for length in lengths) or abs(across) > 0.01:
        return None
    return found


def positive(values: list[float] | None) -> list[float] | None:
    """As they are if all are finite and above zero: what was computed of them may be neither."""
    return values if values and all(0 < value < math.inf for value in values) else None


def _spacing(dataset: Dataset, index: int, modality: str) -> tuple[list[float] | None, str]:
    """Millimetres between rows and between columns, and where the figure comes from."""
    measures = macro(dataset, index, "PixelMeasuresSequence")
    spacing = positive(numbers(measures, "PixelSpacing", 2))
    detector = positive(numbers(dataset, "ImagerPixelSpacing", 2))
    if spacing and not (modality in _PROJECTION and spacing == detector):
        calibrated = (
            bool(text(dataset, "PixelSpacingCalibrationType", 16)) or modality in _PROJECTION
        )
        return spacing, "calibrated" if calibrated else "pixel_spacing"
    if detector:
        magnification = positive(numbers(dataset, "EstimatedRadiographicMagnificationFactor", 1))
        if magnification and (at_patient := positive([x / magnification[0] for x in detector])):
            return at_patient, "estimated"
        return detector, "detector"
    ultrasound = _ultrasound_spacing(dataset)
    if ultrasound:
        return ultrasound, "ultrasound_region"
    nominal = positive(numbers(dataset, "NominalScannedPixelSpacing", 2))
    return (nominal, "nominal") if nominal else (None, "unknown")


def _ultrasound_spacing(dataset: Dataset) -> list[float] | None:
    """Only where a single two-dimensional region in centimetres leaves no doubt which one applies."""
    regions = value_of(dataset, "SequenceOfUltrasoundRegions") or []
    spatial = [region for region in regions if value_of(region, "RegionSpatialFormat") == 1]
    if len(regions) != 1 or len(spatial) != 1:
        return None
    region = spatial[0]
    units = {value_of(region, f"PhysicalUnits{axis}Direction") for axis in "XY"}
    delta = (numbers(region, "PhysicalDeltaY", 1), numbers(region, "PhysicalDeltaX", 1))
    if units != {_CENTIMETRES} or delta[0] is None or delta[1] is None:
        return None
    return positive([10 * abs(delta[0][0]), 10 * abs(delta[1][0])])


def _rescale(dataset: Dataset, index: int) -> tuple[float, float, str]:
    holder = macro(dataset, index, "PixelValueTransformationSequence")
    slope = numbers(holder, "RescaleSlope", 1)
    intercept = numbers(holder, "RescaleIntercept", 1)
    kind = text(holder, "RescaleType", 16)
    if slope is None or intercept is None or slope[0] == 0:
        return 1.0, 0.0, ""
    return slope[0], intercept[0], "" if kind == "US" else kind


def _windows(dataset: Dataset, holder: Dataset) -> list[dict[str, Any]]:
    centers, widths = numbers(holder, "WindowCenter"), numbers(holder, "WindowWidth")
    if not centers or not widths:
        return []
    names = value_of(holder, "WindowCenterWidthExplanation") or []
    labels = [names] if isinstance(names, str) else list(names)
    labels += [""] * len(centers)
    return [
        {
            "center": center,
            "width": width,
            "name": "" if gives_away(dataset, str(label)) else str(label)[:64],
        }
        for center, width, label in zip(centers, widths, labels, strict=False)
        if width >= 1
    ]


def _frame_time(dataset: Dataset) -> float | None:
    """Milliseconds between frames of a cine, if the object says so."""
    single = positive(numbers(dataset, "FrameTime", 1))
    if single:
        return single[0]
    vector = numbers(dataset, "FrameTimeVector")
    if vector and len(vector) > 1 and (mean := positive([sum(vector[1:]) / (len(vector) - 1)])):
        return mean[0]
    for keyword in ("CineRate", "RecommendedDisplayFrameRate"):
        rate = positive(numbers(dataset, keyword, 1))
        if rate and (between := positive([1000 / rate[0]])):
            return between[0]
    return None


def _time(dataset: Dataset, index: int) -> float | None:
    """What orders frames at the same place: the temporal position, or the trigger time."""
    content = macro(dataset, index, "FrameContentSequence")
    for keyword in ("TemporalPositionIndex", "TriggerTime", "TemporalPositionIdentifier"):
        found = numbers(content, keyword, 1)
        if found:
            return found[0]
    return None

"""How an image was taken, in the few values that readers expect beside it.

Numbers and short codes alone: no free text, no identifier and no date can come through.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pydicom.dataset import Dataset

from .values import macro, numbers, text

_CODE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9 _.+/-]{0,15}$")
_SIDES: Final = frozenset({"L", "R", "B"})

# What it is called here: the keyword of an object, and of an enhanced one the group and the keyword there.
_NUMBERS: Final = {
    "thickness_mm": ("SliceThickness", "PixelMeasuresSequence", "SliceThickness"),
    "kvp": ("KVP", "CTXRayDetailsSequence", "KVP"),
    "tube_current_ma": ("XRayTubeCurrent", "CTExposureSequence", "XRayTubeCurrentInmA"),
    "exposure_mas": ("Exposure", "CTExposureSequence", "ExposureInmAs"),
    "repetition_ms": (
        "RepetitionTime",
        "MRTimingAndRelatedParametersSequence",
        "RepetitionTime",
    ),
    "echo_ms": ("EchoTime", "MREchoSequence", "EffectiveEchoTime"),
    "inversion_ms": ("InversionTime", "MRModifierSequence", "InversionTimes"),
    "flip_degrees": ("FlipAngle", "MRTimingAndRelatedParametersSequence", "FlipAngle"),
    "field_tesla": ("MagneticFieldStrength", "", ""),
}
_CODES: Final = {
    "kernel": ("ConvolutionKernel", "CTReconstructionSequence", "ConvolutionKernel"),
    "view": ("ViewPosition", "", ""),
}


def technique(dataset: Dataset, index: int) -> dict[str, Any]:
    """Of one frame, 0-based: mm, ms, kV, mA, mAs, degrees, tesla. What is not known is left out."""
    found: dict[str, Any] = {}
    for name, (keyword, group, within) in _NUMBERS.items():
        values = _first(dataset, index, keyword, group, within, numbers)
        if values and values[0] > 0:
            found[name] = round(values[0], 3)
    for name, (keyword, group, within) in _CODES.items():
        said = _first(
            dataset, index, keyword, group, within, lambda where, key: text(where, key, 17)
        )
        if said and _CODE.match(said):
            found[name] = said
    if side := _side(dataset):
        found["laterality"] = side
    return found


def _first(dataset: Dataset, index: int, keyword: str, group: str, within: str, read: Any) -> Any:
    if group:
        holder = macro(dataset, index, group)
        if holder is not dataset and (found := read(holder, within)):
            return found
    return read(dataset, keyword)


def _side(dataset: Dataset) -> str:
    for keyword in ("ImageLaterality", "Laterality"):
        side = text(dataset, keyword, 4)
        if side in _SIDES:
            return side
    return ""

"""Why the pixels on the screen are not (all of) what was measured: codes, and sentences for a reader."""

from __future__ import annotations

import re
from typing import Final

from pydicom import uid
from pydicom.dataset import FileDataset

from . import classes
from .values import numbers, text

REASONS: Final = (
    "lossy",
    "perhaps_lossy",
    "rounded",
    "converted",
    "decoded",
    "palette",
    "overlays",
    "curve",
)
"""In the order in which they are told."""

ROUNDED: Final = "Values were rounded to 65,536 steps between their extremes."
"""What a conversion writes into the object that it makes."""

_CONVERTED: Final = re.compile(r"^Converted from (NIfTI|PNG|JPEG|TIFF|\w{2,8}) “")
_ALWAYS_LOSSY: Final = frozenset(
    {uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLSNearLossless}
)
_EITHER: Final = frozenset({uid.JPEG2000, uid.HTJ2K})


def reasons(dataset: FileDataset, *, as_stored: bool, exact: bool) -> dict[str, str]:
    """By code, in the order of ``REASONS``. ``as_stored``: the browser decodes the stored bytes itself;
    ``exact``: it gets every bit of them.
    """
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    flag = text(dataset, "LossyImageCompression", 4)
    said = {}
    if flag == "01" or syntax in _ALWAYS_LOSSY:
        said["lossy"] = (
            f"The image was compressed with loss{_how_much(dataset)} before it came here."
        )
    elif syntax in _EITHER and flag != "00":
        said["perhaps_lossy"] = (
            f"The encoding “{classes.name(syntax)}” allows loss, and the object does not say "
            "whether there was any."
        )
    derived = text(dataset, "DerivationDescription", 1024)
    if converted := _CONVERTED.match(derived):
        if derived.endswith(ROUNDED):
            said["rounded"] = ROUNDED
        said["converted"] = f"Converted from a file of the format {converted[1]}."
    if not as_stored:
        said["decoded"] = "Shown from a decoded copy; the stored original is unchanged."
    if not exact:
        said["palette"] = "Palette colours of 16 bits are shown with 8."
    if any(tag >> 24 == 0x60 and tag & 0xFFFF == 0x3000 for tag in dataset.keys()):  # noqa: SIM118
        said["overlays"] = "Graphic overlays of the object are not shown."
    if "VOILUTSequence" in dataset or text(dataset, "VOILUTFunction", 16) not in ("", "LINEAR"):
        said["curve"] = "The object's own contrast curve is not applied; the window is linear."
    return said


def _how_much(dataset: FileDataset) -> str:
    ratio = numbers(dataset, "LossyImageCompressionRatio")
    return f" ({ratio[-1]:.3g} to 1)" if ratio and ratio[-1] > 1 else ""

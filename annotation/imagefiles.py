"""Arrays as the files that other programs read: NIfTI for volumes, 16-bit PNG for single images."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
LARGEST_16_BIT = 65535


@dataclass(frozen=True)
class Png:
    """A PNG file; a pixel's value in real units is ``stored * slope + intercept``."""

    data: bytes
    slope: float = 1.0
    intercept: float = 0.0


def lps_affine(display: Mapping[str, Any]) -> NDArray[np.float64]:
    """(column, row, frame) -> millimetres in LPS, from a series' description.

    Frames without a place in the patient are laid out from the origin with the spacing that is known.
    """
    frames = display["frames"]
    rows_mm, columns_mm = display.get("pixel_spacing") or (1.0, 1.0)
    affine = np.eye(4)
    first, last = frames[0], frames[-1]
    if not first.get("position") or not first.get("orientation"):
        affine[:3, :3] = np.diag([columns_mm, rows_mm, display.get("slice_spacing") or 1.0])
        return affine
    along_row, along_column = (
        np.array(part) for part in np.split(np.array(first["orientation"]), 2)
    )
    start = np.array(first["position"])
    affine[:3, 0] = along_row * columns_mm
    affine[:3, 1] = along_column * rows_mm
    affine[:3, 2] = np.cross(along_row, along_column) * (display.get("slice_spacing") or 1.0)
    if len(frames) > 1 and last.get("position"):
        affine[:3, 2] = (np.array(last["position"]) - start) / (len(frames) - 1)
    affine[:3, 3] = start
    return affine


def nifti(voxels: NDArray[Any], affine_lps: NDArray[np.float64]) -> bytes:
    """[frame, row, column] as a compressed NIfTI file, the same bytes each time."""
    import nibabel  # with SciPy half a second, which no web process should take to start

    affine = LPS_TO_RAS @ affine_lps
    image = nibabel.Nifti1Image(np.ascontiguousarray(voxels.transpose(2, 1, 0)), affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    return gzip.compress(image.to_bytes(), compresslevel=6, mtime=0)


def png(pixels: NDArray[Any]) -> Png:
    """One image [row, column] in 16 bits, or [row, column, 3] in 8 bits per colour."""
    if pixels.ndim == 3:
        return Png(_encoded(np.clip(np.rint(pixels), 0, 255).astype(np.uint8)))
    low, high = float(pixels.min()), float(pixels.max())
    whole = bool(np.all(pixels == np.rint(pixels))) and high - low <= LARGEST_16_BIT
    slope = 1.0 if whole or high == low else (high - low) / LARGEST_16_BIT
    stored = np.rint((pixels.astype(np.float64) - low) / slope).astype(np.uint16)
    return Png(_encoded(stored), slope, low)


def small(voxels: NDArray[Any]) -> NDArray[Any]:
    """The same values in 16-bit integers where that loses nothing, else 32-bit floats."""
    limits = np.iinfo(np.int16)
    if voxels.min() >= limits.min and voxels.max() <= limits.max:
        rounded = voxels.astype(np.int16)
        if np.array_equal(rounded, voxels):
            return rounded
    return voxels.astype(np.float32)


def _encoded(pixels: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()

"""Read a NIfTI volume as the frames that a DICOM series of it shows, with their place in the patient.

NIfTI counts towards right, anterior, superior; DICOM towards left, posterior, superior. In the plane,
axes are flipped or swapped to the orientation a reader expects; no voxel is resampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.spatialimages import HeaderDataError, ImageDataError
from numpy.typing import NDArray

from .faults import Fault
from .fidelity import ROUNDED

MAX_VOXELS = 2**28
MAX_VOLUMES, MAX_SLICES = 500, 10_000
_SLICE_AXIS = 2
_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_HOUNSFIELD_AIR = (-3100, -500)
_READ_ERRORS = (
    nibabel.filebasedimages.ImageFileError,
    HeaderDataError,
    ImageDataError,
    EOFError,
    OSError,
    OverflowError,
    ValueError,
)


@dataclass(frozen=True)
class Volume:
    """``frames``: slice, row, column; real value = stored × slope + intercept. Lengths in mm, LPS."""

    frames: NDArray[Any]
    slope: float
    intercept: float
    origin: NDArray[np.float64]
    along_slices: NDArray[np.float64]
    along_rows: NDArray[np.float64]
    along_columns: NDArray[np.float64]
    placed: bool
    modality: str
    note: str = ""

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Between slices, between rows, between columns."""
        lengths = (self.along_slices, self.along_rows, self.along_columns)
        between = tuple(float(np.linalg.norm(length)) for length in lengths)
        return between[0], between[1], between[2]

    @property
    def orientation(self) -> list[float]:
        """Row direction, then column direction, as DICOM words it."""
        _, rows, columns = self.spacing
        directions = np.concatenate([self.along_columns / columns, self.along_rows / rows])
        return [float(value) for value in directions]


def volumes(path: Path) -> list[Volume]:
    """One volume, or those of a time series in their order."""
    try:
        image = nibabel.load(path)
        _check(image)
        return _volumes(image)
    except _READ_ERRORS as error:
        raise Fault("unreadable", "The NIfTI file is damaged and cannot be read.") from error


def in_display_order(voxels: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[Any]:
    """Voxels of the same grid (a mask, say) as slices, rows, columns in the order of the series."""
    frames, _ = _rearranged(_three_dimensional(voxels), affine)
    return frames


def _check(image: Any) -> None:
    shape = tuple(image.shape)
    if len(shape) > 4 and any(extent != 1 for extent in shape[4:]):
        raise Fault(
            "five_dimensional", "The NIfTI file holds vectors, not images. Import one component."
        )
    if len(shape) > 3 and (shape[3] > MAX_VOLUMES or shape[2] * shape[3] > MAX_SLICES):
        raise Fault(
            "too_large",
            f"The NIfTI file holds {shape[3]} volumes of {shape[2]} slices; the limits are "
            f"{MAX_VOLUMES} volumes and {MAX_SLICES} slices in all. Split it.",
        )
    if not shape or min(shape) < 1 or len(shape) < 2:
        raise Fault("bad_size", "The NIfTI file holds no volume.")
    if int(np.prod(shape)) > MAX_VOXELS or max(shape) > 65_535:
        raise Fault("too_large", f"A volume of {' × '.join(map(str, shape))} voxels is too large.")
    if image.get_data_dtype().fields or image.get_data_dtype().kind not in "iuf":
        raise Fault("bad_samples", "Colour or complex NIfTI volumes cannot be shown.")


def _volumes(image: Any) -> list[Volume]:
    """All are scaled alike, so that what changes between them can be seen."""
    proxy = image.dataobj
    slope, intercept = float(proxy.slope), float(proxy.inter)
    raw = np.asanyarray(proxy.get_unscaled())
    stored, factor, offset, note = _sixteen_bits(raw, slope, intercept)
    placed = bool(int(image.header["sform_code"]) or int(image.header["qform_code"]))
    modality = _modality(float(stored.min()) * factor + offset)
    each = stored.reshape(*(*stored.shape, 1, 1)[:3], -1)
    found = []
    for index in range(each.shape[3]):
        frames, affine = _rearranged(each[..., index], np.asarray(image.affine, float))
        volume = Volume(
            frames=frames,
            slope=factor,
            intercept=offset,
            origin=affine[:3, 3],
            along_slices=affine[:3, 0],
            along_rows=affine[:3, 1],
            along_columns=affine[:3, 2],
            placed=placed,
            modality=modality,
            note=note,
        )
        found.append(volume)
    return found


def _modality(lowest: float) -> str:
    """CT where the values look like Hounsfield units; NIfTI itself does not say."""
    return "CT" if _HOUNSFIELD_AIR[0] <= lowest <= _HOUNSFIELD_AIR[1] else "MR"


def _three_dimensional(voxels: NDArray[Any]) -> NDArray[Any]:
    extents = voxels.shape[:3] + (1,) * (3 - voxels.ndim)
    return voxels.reshape(extents)


def _sixteen_bits(
    raw: NDArray[Any], slope: float, intercept: float
) -> tuple[NDArray[Any], float, float, str]:
    """Exactly where the values are whole and fit; otherwise in 65,536 steps between the extremes."""
    if raw.dtype.kind == "f":
        finite = np.isfinite(raw)
        if not finite.any():
            raise Fault("no_pixels", "The NIfTI file holds no finite value.")
        raw = raw if finite.all() else np.where(finite, raw, raw[finite].min())
    low, high = raw.min(), raw.max()
    whole = raw.dtype.kind != "f" or bool(np.equal(np.rint(raw), raw).all())
    for narrow in (np.int16, np.uint16):
        info = np.iinfo(narrow)
        if whole and info.min <= low and high <= info.max:
            return raw.astype(narrow), slope, intercept, ""
    step = (float(high) - float(low)) / 65_535 or 1.0
    stored = np.rint((raw.astype(np.float64) - float(low)) / step).astype(np.uint16)
    note = ROUNDED
    return stored, slope * step, slope * float(low) + intercept, note


def _rearranged(
    voxels: NDArray[Any], affine: NDArray[np.float64]
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Voxels as slices × rows × columns, and the affine from those indices to LPS millimetres."""
    axes = _axes(affine)
    lps = _TO_LPS @ affine
    columns = [lps[:, axis].copy() for axis in axes]
    origin = lps[:, 3].copy()
    frames = voxels.transpose(axes)
    for place, flipped in enumerate(_flips(columns)):
        if flipped:
            frames = np.flip(frames, place)
            origin = origin + columns[place] * (frames.shape[place] - 1)
            columns[place] = -columns[place]
    return np.ascontiguousarray(frames), np.stack([*columns, origin], axis=1)


def _axes(affine: NDArray[np.float64]) -> tuple[int, int, int]:
    """Voxel axes that become slices, rows and columns: the third stays the slices."""
    closest: NDArray[Any] = nibabel.orientations.io_orientation(affine)[:, 0]
    if not np.isfinite(closest).all() or not np.isfinite(affine).all():
        raise Fault("bad_geometry", "The NIfTI file's orientation makes no sense.")
    first, second = (axis for axis in range(3) if axis != _SLICE_AXIS)
    _check_right_angle(affine[:3, first], affine[:3, second])
    return (2, second, first) if closest[first] < closest[second] else (2, first, second)


def _check_right_angle(first: NDArray[np.float64], second: NDArray[np.float64]) -> None:
    if abs(first @ second) > 0.01 * float(np.linalg.norm(first) * np.linalg.norm(second)):
        raise Fault("bad_geometry", "The NIfTI file's rows and columns are not at right angles.")


def _flips(columns: list[NDArray[np.float64]]) -> tuple[bool, bool, bool]:
    """Rows run towards posterior or inferior, columns towards left or posterior, slices up the normal."""
    expected = np.array([1.0, 1.0, -1.0])
    turned = []
    for column in columns[1:]:
        strongest = int(np.abs(column[:3]).argmax())
        turned.append(bool(column[strongest] * expected[strongest] < 0))
    rows, across = (
        -column if turn else column for column, turn in zip(columns[1:], turned, strict=True)
    )
    normal = np.cross(across[:3], rows[:3])
    return bool(normal @ columns[0][:3] < 0), turned[0], turned[1]

"""The pixels of a series: frames for the browser, volumes for learning, thumbnails for lists.

Frames come from Orthanc as stored, or from decoded copies on disk where the browser would get the
stored ones wrong. The copies may be deleted at any time: they are made again when missed.
"""

from __future__ import annotations

import io
import math
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image

from . import orthanc
from .dicom import classes, convert, geometry
from .dicom.sandbox import sandbox
from .errors import InvalidInput, NotFound
from .models import Instance, Series

THUMBNAIL_PIXELS = 128
_LOW, _HIGH = 1.0, 99.0
_SCRATCH, _ABANDONED_SECONDS = ".making-", 3600


@dataclass(frozen=True)
class PixelVolume:
    """Real-world values. ``array``: frame, row, column (, channel); ``spacing``: the same order, mm.

    ``affine`` maps (column, row, frame) to millimetres in LPS, where the frames form a volume.
    Spacing that nobody knows is 1.
    """

    array: NDArray[np.float32]
    spacing: tuple[float, float, float]
    affine: NDArray[np.float64] | None
    modality: str


def frame_bytes(series: Series, index: int) -> bytes:
    """One frame in the encoding that the series' display names."""
    display = display_of(series)
    if not 0 <= index < len(display["sources"]):
        raise NotFound
    return source_bytes(display["sources"][index])


def source_bytes(source: list[Any]) -> bytes:
    """``source``: the store's id of the object, frame counted from 1, and the copy's name if one serves."""
    store_id, number, sha256 = source
    if not sha256:
        return orthanc.frame(store_id, number - 1)
    return copy_of(store_id, number, sha256).read_bytes()


def display_of(series: Series) -> dict[str, Any]:
    if series.display is None or series.deleted_at is not None:
        raise NotFound("The images of this series are not here: not yet complete, or deleted.")
    display: dict[str, Any] = series.display
    return display


def load_pixels(series: Series) -> PixelVolume:
    """All frames decoded and rescaled; frames must share one size."""
    display = display_of(series)
    array = np.stack(_real_frames(display))
    rows, columns = display["pixel_spacing"] or (1.0, 1.0)
    return PixelVolume(
        array=array,
        spacing=(float(display["slice_spacing"] or 1.0), float(rows), float(columns)),
        affine=_affine(display),
        modality=series.modality,
    )


def thumbnail(series: Series) -> bytes:
    """A PNG of the middle frame, at most 128 pixels wide and high; made once and kept beside the copies."""
    display = display_of(series)
    kept: Path = settings.FRAMES_DIR / "thumbnails" / f"{series.pk}-{display['version']}.png"
    try:
        return kept.read_bytes()
    except FileNotFoundError:
        content = _draw_thumbnail(display)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with scratch() as folder:
        (folder / kept.name).write_bytes(content)
        (folder / kept.name).replace(kept)
    return content


def decoded_frame(display: dict[str, Any], index: int) -> NDArray[Any]:
    """The stored values of one frame: row, column (, channel)."""
    frame = _described(display, index)
    store_id, number, sha256 = display["sources"][index]
    if not sha256 and frame["transfer_syntax_uid"] not in classes.NATIVE_LITTLE:
        sha256 = Instance.objects.values_list("sha256", flat=True).get(orthanc_id=store_id)
    return _array(source_bytes([store_id, number, sha256]), frame)


def copy_of(store_id: str, number: int, sha256: str) -> Path:
    """The file of one decoded frame, made now if it is missing."""
    path = _copies(sha256) / f"{number - 1}.raw"
    if not path.exists():
        _make_copies(store_id, sha256)
    return path


def keep_copies(sha256: str, decoded: Path) -> None:
    """Take over a folder of decoded frames of the object of that hash, whole or not at all."""
    target = _copies(sha256)
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        decoded.rename(target)
    except OSError:
        if not target.exists():
            raise


def drop_copies(sha256: str) -> None:
    shutil.rmtree(_copies(sha256), ignore_errors=True)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder beside the copies, so that a finished one can be renamed into place."""
    settings.FRAMES_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=settings.FRAMES_DIR) as folder:
        yield Path(folder)


def sweep_scratch() -> None:
    """Remove what processes that were killed have left behind."""
    for folder in settings.FRAMES_DIR.glob(f"{_SCRATCH}*"):
        if time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _copies(sha256: str) -> Path:
    """Named by what they were decoded from, so that a copy can never be another object's."""
    folder: Path = settings.FRAMES_DIR / sha256[:2] / sha256
    return folder


def _make_copies(store_id: str, sha256: str) -> None:
    """Fetch the original and decode all its frames; whoever does it at the same time does the same."""
    with scratch() as folder:
        original, decoded = folder / "original.dcm", folder / "frames"
        orthanc.download(store_id, original)
        if convert.sha256_of(original) != sha256:
            raise NotFound("The image store holds another object under this UID now.")
        sandbox.decode(original, folder=decoded)
        keep_copies(sha256, decoded)


def _described(display: dict[str, Any], index: int) -> dict[str, Any]:
    """What holds for one frame: the series' description, overridden by the frame's own."""
    return {**display, **display["frames"][index]}


def _array(content: bytes, frame: dict[str, Any]) -> NDArray[Any]:
    kind = "i" if frame["pixel_representation"] else "u"
    shape = [frame["rows"], frame["columns"]]
    if frame["samples_per_pixel"] > 1:
        shape.append(frame["samples_per_pixel"])
    count = math.prod(shape)
    return np.frombuffer(content, f"<{kind}{frame['bits_allocated'] // 8}", count).reshape(shape)


def _real_frames(display: dict[str, Any]) -> list[NDArray[np.float32]]:
    frames = []
    for index in range(len(display["frames"])):
        frame = _described(display, index)
        if (frame["rows"], frame["columns"]) != (display["rows"], display["columns"]):
            raise InvalidInput("The images of this series differ in size and cannot be stacked.")
        frames.append(_real(decoded_frame(display, index), frame))
    return frames


def _real(array: NDArray[Any], frame: dict[str, Any]) -> NDArray[np.float32]:
    """Rescaled; MONOCHROME1 turned round, so that higher is brighter in every image."""
    values = array.astype(np.float32)
    if array.ndim == 3:
        return values
    if frame["photometric_interpretation"] == "MONOCHROME1":
        brightest = -1 if frame["pixel_representation"] else 2 ** frame["bits_stored"] - 1
        values = brightest - values
    return values * np.float32(frame["rescale_slope"]) + np.float32(frame["rescale_intercept"])


def _affine(display: dict[str, Any]) -> NDArray[np.float64] | None:
    first, last = display["frames"][0], display["frames"][-1]
    if first["position"] is None or first["orientation"] is None or not display["pixel_spacing"]:
        return None
    rows, columns = display["pixel_spacing"]
    orientation = np.array(first["orientation"], float)
    step = geometry.normal_of(first["orientation"]) * float(display["slice_spacing"] or 1.0)
    if display["geometry"] == "volume":
        travel = np.subtract(last["position"], first["position"])
        step = travel / (len(display["frames"]) - 1)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = orientation[:3] * columns, orientation[3:] * rows
    affine[:3, 2], affine[:3, 3] = step, first["position"]
    return affine


def _draw_thumbnail(display: dict[str, Any]) -> bytes:
    middle = len(display["frames"]) // 2
    array = decoded_frame(display, middle)
    image = Image.fromarray(_eight_bits(array, _described(display, middle)))
    image.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _eight_bits(array: NDArray[Any], frame: dict[str, Any]) -> NDArray[np.uint8]:
    if array.ndim == 3:
        return np.ascontiguousarray(array, np.uint8)
    values = _real(array, frame)
    low, high = _window(values, frame)
    scaled: NDArray[np.float32] = np.clip((values - low) / max(high - low, 1e-6), 0, 1) * 255
    return scaled.astype(np.uint8)


def _window(values: NDArray[np.float32], frame: dict[str, Any]) -> tuple[float, float]:
    if frame["windows"] and frame["photometric_interpretation"] != "MONOCHROME1":
        window = frame["windows"][0]
        return window["center"] - window["width"] / 2, window["center"] + window["width"] / 2
    low, high = np.percentile(values, (_LOW, _HIGH))
    return float(low), float(high)

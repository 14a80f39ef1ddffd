"""The pixels of a series: frames as they are served, volumes for learning, thumbnails for lists."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image

from . import frame_cache
from .case_images import display_of
from .dicom import geometry
from .errors import InvalidInput, NotFound
from .models import Series

THUMBNAIL_PIXELS = 128
_LOW, _HIGH = 1.0, 99.0


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
    sources = frame_cache.sources(display_of(series))
    if not 0 <= index < len(sources):
        raise NotFound
    return frame_cache.content(sources[index])


def load_pixels(series: Series, instance: str = "") -> PixelVolume:
    """All frames (of one instance) decoded and rescaled; frames must share one size."""
    display = display_of(series, instance)
    array = np.stack(_real_frames(display))
    rows, columns = display["pixel_spacing"] or (1.0, 1.0)
    return PixelVolume(
        array=array,
        spacing=(float(display["slice_spacing"] or 1.0), float(rows), float(columns)),
        affine=_affine(display),
        modality=series.modality,
    )


def thumbnail(series: Series, instance: str = "") -> bytes:
    """A PNG of the middle frame, at most 128 pixels wide and high; made once and kept."""
    display = display_of(series, instance)
    kept: Path = _thumbnail_folder(series, display) / "thumbnail.png"
    try:
        return kept.read_bytes()
    except FileNotFoundError:
        content = _draw_thumbnail(display)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with frame_cache.scratch() as folder:
        (folder / kept.name).write_bytes(content)
        (folder / kept.name).replace(kept)
    return content


def _thumbnail_folder(series: Series, display: dict[str, Any]) -> Path:
    """As deep as the folders of frames: the sweep of the cache takes the oldest of both."""
    folder: Path = settings.FRAMES_DIR / "thumbnails"
    return folder / f"{series.pk % 100:02}" / f"{series.pk}-{display['version']}"


def decoded_frame(display: dict[str, Any], index: int) -> NDArray[Any]:
    """The stored values of one frame: row, column (, channel)."""
    frame = _described(display, index)
    source = frame_cache.sources(display)[index]
    if not source.length:
        length = math.prod(_shape(frame)) * frame["bits_allocated"] // 8
        source = source._replace(decoded=True, length=length)
    return _array(frame_cache.content(source), frame)


def real_frame(display: dict[str, Any], index: int) -> NDArray[np.float32]:
    """One frame in real-world values, higher being brighter: row, column; colours as their mean."""
    values = _real(decoded_frame(display, index), _described(display, index))
    return values if values.ndim == 2 else np.asarray(values.mean(axis=2), np.float32)


def _described(display: dict[str, Any], index: int) -> dict[str, Any]:
    """What holds for one frame: the series' description, overridden by the frame's own."""
    return {**display, **display["frames"][index]}


def _array(content: bytes, frame: dict[str, Any]) -> NDArray[Any]:
    kind = "i" if frame["pixel_representation"] else "u"
    return np.frombuffer(content, f"<{kind}{frame['bits_allocated'] // 8}").reshape(_shape(frame))


def _shape(frame: dict[str, Any]) -> tuple[int, ...]:
    samples = frame["samples_per_pixel"]
    return (frame["rows"], frame["columns"], *([samples] if samples > 1 else []))


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

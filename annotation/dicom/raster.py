"""Read PNG, JPEG and TIFF as frames of grey or RGB pixels, losing nothing without saying so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, ImageSequence

from . import limits
from .faults import Fault

_FORMATS = ("PNG", "JPEG", "TIFF")
_BITS_PER_SAMPLE, _SAMPLES_PER_PIXEL = 258, 277
_PNG_DEPTH_AT, _PNG_COLOUR_AT = 24, 25
_PNG_COLOURED = {2, 6}
_WORDS = {"I;16", "I;16L", "I;16B", "I;16N"}
_READ_ERRORS = (
    Image.DecompressionBombError,
    EOFError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
)

Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class Picture:
    """``frames``: page, row, column (, channel) of 8 or 16 bits."""

    frames: NDArray[Any]
    format: str
    lossy: bool
    note: str = ""


def read(path: Path) -> Picture:
    try:
        with Image.open(path, formats=_FORMATS) as image:
            _check(image, path)
            pages = _pages(image)
            return _picture(pages, str(image.format), lossy=_is_lossy(image))
    except _READ_ERRORS as error:
        raise Fault("unreadable", "The picture is damaged and cannot be read.") from error


def _check(image: Image.Image, path: Path) -> None:
    pages = getattr(image, "n_frames", 1)
    if pages > limits.MAX_FRAMES or image.width * image.height * pages > limits.MAX_PIXELS:
        raise Fault("too_large", "The picture has more pixels than can be shown.")
    if (
        max(image.size) > limits.MAX_SIDE
        or image.width * image.height * 12 > limits.MAX_FRAME_BYTES
    ):
        raise Fault(
            "too_large", f"A picture of {image.width} × {image.height} pixels is too large."
        )
    if _deep_colour(image, path):
        raise Fault(
            "colour_depth",
            "Colour of more than 8 bits per channel cannot be shown without loss. Convert it to 8 bits.",
        )


def _deep_colour(image: Image.Image, path: Path) -> bool:
    """Pillow reduces such pictures to 8 bits without a word."""
    if image.format == "PNG":
        with path.open("rb") as file:
            head = file.read(_PNG_COLOUR_AT + 1)
        return head[_PNG_DEPTH_AT] == 16 and head[_PNG_COLOUR_AT] in _PNG_COLOURED
    tags = getattr(image, "tag_v2", {})
    depths = tags.get(_BITS_PER_SAMPLE, (8,))
    deepest = max(depths) if isinstance(depths, tuple) else int(depths)
    return int(tags.get(_SAMPLES_PER_PIXEL, 1)) >= 3 and deepest > 8


def _is_lossy(image: Image.Image) -> bool:
    return image.format in ("JPEG", "MPO") or image.info.get("compression") in ("jpeg", "tiff_jpeg")


def _pages(image: Image.Image) -> list[NDArray[Any]]:
    if image.format != "TIFF":
        return [_pixels(image)]
    pages = [_pixels(page) for page in ImageSequence.Iterator(image)]
    if len({(page.shape, page.dtype) for page in pages}) > 1:
        raise Fault(
            "mixed_depth", "The pages of the TIFF differ in size or depth. Import them one by one."
        )
    return pages


def _pixels(page: Image.Image) -> NDArray[Any]:
    if page.mode in _WORDS or page.mode == "I":
        return _words(np.asarray(page))
    if page.mode == "F":
        raise Fault(
            "pixel_depth",
            "Pictures of floating-point pixels cannot be shown. Convert them to 16 bits.",
        )
    upright = ImageOps.exif_transpose(page) or page
    if upright.mode in ("1", "L"):
        return np.asarray(upright.convert("L"))
    return np.asarray(_opaque(upright))


def _words(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.size and (pixels.min() < 0 or pixels.max() > 65_535):
        raise Fault(
            "pixel_depth", "Pixel values need more than 16 bits and cannot be shown without loss."
        )
    return pixels.astype(np.uint16)


def _opaque(page: Image.Image) -> Image.Image:
    """RGB; what is transparent lies on black."""
    if page.mode in ("RGBA", "LA", "PA") or "transparency" in page.info:
        layered = page.convert("RGBA")
        ground = Image.new("RGBA", layered.size, (0, 0, 0, 255))
        return Image.alpha_composite(ground, layered).convert("RGB")
    return page.convert("RGB")


def _picture(pages: list[NDArray[Any]], kind: str, *, lossy: bool) -> Picture:
    frames = np.stack(pages)
    if frames.ndim == 4 and (frames[..., :1] == frames).all():
        note = "All colours are shades of grey; stored as grey."
        return Picture(frames[..., 0], kind, lossy, note)
    return Picture(frames, kind, lossy)

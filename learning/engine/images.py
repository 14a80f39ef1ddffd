"""From a file to what a network reads: checked, normalised, and brought to size.

A file that cannot be used raises ``Unusable`` with the sentence that goes beside the case.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from learning.engine.errors import EngineError
from learning.engine.spec import Recipe, Sample

Array = NDArray[np.float32]


class Unusable(EngineError):
    """This sample cannot be used; the others can."""


def read_image(sample: Sample, recipe: Recipe) -> Tensor:
    """[channels, …] in the image's own grid, normalised to about -3 … 3."""
    pixels = read_raw(sample, recipe)
    if not np.isfinite(pixels).all():
        raise Unusable("The image contains values that are not numbers (NaN or infinite).")
    return torch.from_numpy(_normalised(pixels, recipe))


def read_raw(sample: Sample, recipe: Recipe) -> NDArray[Any]:
    """[channels, …] in the image's own grid and values."""
    return _with_channels(_read(sample.image, "image"), recipe)


def at_spacing(
    image: Tensor, have: tuple[float, ...], want: tuple[float, ...], *, classes: bool = False
) -> Tensor:
    """[…, axes] on a grid whose voxels are ``want`` mm, if it is known that they are ``have`` mm.

    ``classes``: whole numbers, of which the nearest is taken; else values in between are made.
    """
    if not have or not want or have == want:
        return image
    sides = image.shape[-len(want) :]
    shape = tuple(max(1, round(s * a / b)) for s, a, b in zip(sides, have, want, strict=True))
    return to_grid(image, shape, classes=classes)


def to_grid(image: Tensor, shape: tuple[int, ...], *, classes: bool = False) -> Tensor:
    """[…, axes] stretched or squeezed to ``shape``."""
    if tuple(image.shape[-len(shape) :]) == shape:
        return image
    leading = image.shape[: image.ndim - len(shape)]
    parts = image.reshape(1, -1, *image.shape[-len(shape) :])
    if classes:
        moved = functional.interpolate(parts.float(), size=shape, mode="nearest-exact")
        return moved.to(image.dtype).reshape(*leading, *shape)
    mode = "trilinear" if len(shape) == 3 else "bilinear"
    moved = functional.interpolate(parts, size=shape, mode=mode, align_corners=False)
    return moved.reshape(*leading, *shape)


def read_mask(sample: Sample, recipe: Recipe, shape: tuple[int, ...]) -> Tensor:
    """Class values on the image's grid, as bytes."""
    mask = _mask(sample)
    if mask.dtype.kind == "f" and mask.shape == (len(recipe.classes), *shape):
        return torch.from_numpy(_likeliest(mask))
    if mask.shape != shape:
        raise Unusable(f"The mask is {_by(mask.shape)} voxels, the image {_by(shape)}.")
    if mask.dtype.kind not in "uib":
        raise Unusable(f"The mask holds {mask.dtype} values; it must hold whole numbers.")
    highest = len(recipe.classes)
    if mask.min() < 0 or mask.max() > highest:
        wrong = int(mask.max() if mask.max() > highest else mask.min())
        raise Unusable(f"The mask has the value {wrong}, which stands for no class of the recipe.")
    return torch.from_numpy(mask.astype(np.uint8))


def read_shares(sample: Sample, recipe: Recipe, shape: tuple[int, ...]) -> Tensor:
    """[classes, …] by how many of its readers each voxel is of each class, 0 to 1."""
    mask = _mask(sample)
    if mask.dtype.kind != "f" or mask.shape != (len(recipe.classes), *shape):
        values = read_mask(sample, recipe, shape).numpy()
        return torch.from_numpy(
            np.stack([values == k for k in range(1, len(recipe.classes) + 1)]).astype(np.float32)
        )
    if not np.isfinite(mask).all() or mask.min() < 0 or mask.sum(axis=0).max() > 1 + 1e-4:
        raise Unusable("The mask's shares are not numbers from 0 to 1 that add up to at most 1.")
    return torch.from_numpy(mask.astype(np.float32))


def _mask(sample: Sample) -> NDArray[Any]:
    if not isinstance(sample.target, Path):
        raise Unusable("There is no mask for this case.")
    return _read(sample.target, "mask")


def _likeliest(shares: NDArray[Any]) -> NDArray[np.uint8]:
    """A voxel is of what most readers say, of nothing where they are even."""
    best = shares.argmax(axis=0)
    background = 1 - shares.sum(axis=0)
    return np.where(shares.max(axis=0) > background, best + 1, 0).astype(np.uint8)


def to_size(image: Tensor, size: tuple[int, ...]) -> Tensor:
    """The whole image squeezed or stretched to ``size``; details that cannot survive are smoothed."""
    if tuple(image.shape[1:]) == size:
        return image
    if len(size) == 3:
        return functional.interpolate(image[None], size=size, mode="area")[0]
    return functional.interpolate(image[None], size=size, mode="bilinear", antialias=True)[0]


def padded(image: Tensor, size: tuple[int, ...], value: float | None = None) -> Tensor:
    """At least ``size``, the image in the middle; the border repeats its lowest value or ``value``."""
    fill = float(image.min()) if value is None else value
    padding: list[int] = []
    for have, want in zip(reversed(image.shape[-len(size) :]), reversed(size), strict=True):
        missing = max(0, want - have)
        padding += [missing // 2, missing - missing // 2]
    return functional.pad(image, padding, value=fill) if any(padding) else image


def unpadded(image: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The middle part of ``shape``: undoes ``padded``."""
    for axis, want in enumerate(shape, start=image.ndim - len(shape)):
        spare = max(0, image.shape[axis] - want)
        image = image.narrow(axis, spare // 2, want)
    return image


def _read(path: Path, what: str) -> NDArray[Any]:
    try:
        array = open_memmap(path, mode="r")
    except FileNotFoundError:
        raise Unusable(f"The file of the {what} is missing: {path.name}.") from None
    except (OSError, ValueError, EOFError) as error:
        raise Unusable(f"The file of the {what} cannot be read: {path.name} ({error}).") from None
    if array.dtype.kind not in "uifb":
        raise Unusable(f"The file of the {what} does not hold numbers: {path.name}.")
    if array.size == 0:
        raise Unusable(f"The {what} has no voxels (shape {_by(array.shape)}).")
    return np.array(array)


def _with_channels(pixels: NDArray[Any], recipe: Recipe) -> NDArray[Any]:
    if pixels.ndim == recipe.dimensions:
        pixels = pixels[None]
    if pixels.ndim != recipe.dimensions + 1 or pixels.shape[0] not in (1, 3):
        raise Unusable(
            f"The image is {_by(pixels.shape)}; the recipe reads {recipe.dimensions}-dimensional"
            " images of one or three channels."
        )
    with np.errstate(over="ignore"):
        pixels = pixels.astype(np.float32)
    if recipe.channels < pixels.shape[0]:
        pixels = pixels.mean(axis=0, keepdims=True)
    return np.repeat(pixels, recipe.channels // pixels.shape[0], axis=0)


def _normalised(pixels: NDArray[Any], recipe: Recipe) -> Array:
    lowest, highest = float(pixels.min()), float(pixels.max())
    if lowest == highest:
        raise Unusable(f"The image has the same value ({lowest:g}) everywhere.")
    if recipe.window is not None:
        low, high = recipe.window
        scaled = (np.clip(pixels, low, high) - low) * (2 / (high - low)) - 1
        return np.asarray(scaled, np.float32)
    low, high = (float(value) for value in np.percentile(pixels, [0.5, 99.5]))
    if low == high:
        low, high = lowest, highest
    clipped = np.clip(pixels, low, high).astype(np.float64)
    return np.asarray((clipped - clipped.mean()) / clipped.std(), np.float32)


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "a single number"

"""A prior from the pixels alone: what is as bright as what was prompted is likely to belong to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .asked import Image, Mask
from .random_walk import Chances
from .seeds import INSIDE, OUTSIDE, Seeds

BINS = 64
BLUR_BINS = 2.0
DOUBT = 0.02
"""Share of each histogram that is spread evenly: brightness that was not seen says nothing."""
TOUCH_PIXELS = 2


def scaled(image: Image) -> Image:
    """Most of the pixels within 0 to 1; an image of one value becomes 0."""
    low, high = np.percentile(image, (0.5, 99.5))
    if high <= low:
        low, high = float(image.min()), float(image.max())
    if high <= low:
        return np.zeros_like(image)
    return np.asarray(np.clip((image - low) / (high - low), 0, 1), np.float32)


def prior(image: Image, seeds: Seeds, core: Mask | None = None) -> Chances:
    """``image``: scaled. ``core``: taken to be of what is sought where no prompt says what is. 0.5 where
    nothing can be told.
    """
    inside, outside = samples(seeds, core)
    return compared(image, inside, outside)


def samples(seeds: Seeds, core: Mask | None) -> tuple[Mask, Mask]:
    """Voxels to learn both kinds of brightness from."""
    inside = seeds == INSIDE
    if inside.any():
        near = np.zeros((1, 2 * TOUCH_PIXELS + 1, 2 * TOUCH_PIXELS + 1), np.bool_)
        near[0] = _disc(TOUCH_PIXELS)
        inside = ndimage.binary_dilation(inside, near) & (seeds != OUTSIDE)
    elif core is not None:
        inside = core & (seeds != OUTSIDE)
    outside = seeds == OUTSIDE
    outside[:, [0, -1]] = outside[:, :, [0, -1]] = True
    return inside, outside & ~inside


def compared(image: Image, inside: Mask, outside: Mask) -> Chances:
    """For each voxel, how much more often its brightness is found inside than outside."""
    if not inside.any() or not outside.any():
        return np.full(image.shape, 0.5, np.float32)
    there, elsewhere = _histogram(image[inside]), _histogram(image[outside])
    chance = there / (there + elsewhere)
    return np.asarray(chance[_bins(image)], np.float32)


def _bins(image: NDArray[np.float32]) -> NDArray[np.intp]:
    return np.minimum((image * BINS).astype(np.intp), BINS - 1)


def _histogram(values: NDArray[np.float32]) -> NDArray[np.float64]:
    counts = np.bincount(_bins(values), minlength=BINS).astype(float)
    smooth = ndimage.gaussian_filter1d(counts / counts.sum(), BLUR_BINS, mode="nearest")
    return np.asarray((1 - DOUBT) * smooth + DOUBT / BINS)


def _disc(radius: int) -> Mask:
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(rows**2 + columns**2 <= (radius + 0.5) ** 2)

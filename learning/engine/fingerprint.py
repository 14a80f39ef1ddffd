"""How large a window, how many at a time and on which grid: chosen from the data, as nnU-Net does.

Isensee et al., Nature Methods 2021: the target spacing is the median one, finer on an axis that is
much coarser than the others; the window is as much of a typical image as the memory holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from learning.engine import images
from learning.engine.errors import NotEnoughData
from learning.engine.nets import build
from learning.engine.spec import MULTIPLE_OF, Recipe, Sample

LOOKED_AT = 100
"""Cases, at even steps, from which a larger data set is judged."""
COARSE = 3.0
"""An axis is coarse if its voxels are so many times as long as the shortest ones."""
SMALLEST, LARGEST = 16, 512
"""Voxels of a window's side."""
FEWEST_AT_ONCE, MOST_AT_ONCE = 2, 16
TENSORS = 3
"""What a training keeps of each activation: its value, its gradient, room to work."""


@dataclass(frozen=True)
class Fingerprint:
    """What is typical of a data set; axes in the order of its arrays, mm and voxels."""

    cases: int
    shape: tuple[int, ...]
    """Median, on the images' own grids."""
    smallest: tuple[int, ...]
    largest: tuple[int, ...]
    spacing: tuple[float, ...]
    """Median; empty where no image says it."""
    coarse: tuple[float, ...]
    """The tenth percentile, for an axis that is coarse."""
    foreground: float
    """Median share of voxels that are of any class."""
    intensities: tuple[float, float]
    """0.5 and 99.5 % of the foreground's values."""


@dataclass(frozen=True)
class Plan:
    """What the networks will see, and why in words."""

    input_size: tuple[int, ...]
    batch_size: int
    spacing: tuple[float, ...]
    said: str
    fingerprint: Fingerprint

    def document(self) -> dict[str, Any]:
        return asdict(self)


def fingerprint(recipe: Recipe, samples: Sequence[Sample]) -> Fingerprint:
    """Raises NotEnoughData if no sample can be read. ``recipe``: with as many axes as the images."""
    found = []
    for sample in samples[:: max(1, len(samples) // LOOKED_AT)]:
        try:
            found.append(_one(recipe, sample))
        except images.Unusable:
            continue
    if not found:
        raise NotEnoughData("No image can be read, so nothing says how large a window is.")
    shapes, spacings, shares, values = zip(*found, strict=True)
    sides = np.array(shapes)
    known = np.array([spacing for spacing in spacings if spacing])
    inside = np.concatenate([part for part in values if len(part)] or [np.zeros(1)])
    low, high = (float(value) for value in np.percentile(inside, [0.5, 99.5]))
    return Fingerprint(
        cases=len(found),
        shape=_whole(np.median(sides, axis=0)),
        smallest=_whole(sides.min(axis=0)),
        largest=_whole(sides.max(axis=0)),
        spacing=tuple(np.median(known, axis=0).tolist()) if len(known) else (),
        coarse=tuple(np.percentile(known, 10, axis=0).tolist()) if len(known) else (),
        foreground=float(np.median(shares)),
        intensities=(low, high),
    )


def plan(found: Fingerprint, recipe: Recipe, memory: int) -> Plan:
    """The window and batch with the most voxels that ``memory`` bytes hold during training."""
    spacing = _target(found)
    sides = np.array(found.shape, float)
    if spacing:
        sides = sides * np.array(found.spacing) / np.array(spacing)
    size = [_multiple(min(side, LARGEST)) for side in sides]
    while _bytes(recipe, size, spacing) * FEWEST_AT_ONCE > memory and max(size) > SMALLEST:
        widest = max(
            range(len(size)), key=lambda axis: (size[axis] > SMALLEST, size[axis] / sides[axis])
        )
        size[widest] = max(SMALLEST, size[widest] - MULTIPLE_OF)
    each = _bytes(recipe, size, spacing)
    batch = int(min(max(FEWEST_AT_ONCE, memory // each), MOST_AT_ONCE))
    return Plan(tuple(size), batch, spacing, _said(found, size, batch, spacing, each), found)


def budget(gibibytes: float = 0.0) -> int:
    """Bytes for the activations of a step: what an operator allows, else a share of what is there."""
    if gibibytes:
        return int(gibibytes * 2**30)
    if torch.cuda.is_available():
        return int(0.6 * torch.cuda.get_device_properties(0).total_memory)
    return 2**30


def _one(
    recipe: Recipe, sample: Sample
) -> tuple[tuple[int, ...], tuple[float, ...], float, NDArray[Any]]:
    image = images.read_raw(sample, recipe)
    shape = image.shape[1:]
    mask = np.zeros(shape, bool)
    if sample.target is not None:
        mask = images.read_mask(sample, recipe, shape).numpy() > 0
    inside = image[0][mask]
    return shape, sample.spacing, float(mask.mean()), inside[:: max(1, len(inside) // 10_000)]


def _target(found: Fingerprint) -> tuple[float, ...]:
    """Median spacing; of a coarse axis the tenth percentile, but not finer than the finest axis."""
    if not found.spacing:
        return ()
    finest = min(found.spacing)
    return tuple(
        max(finest, low) if side > COARSE * finest else side
        for side, low in zip(found.spacing, found.coarse, strict=True)
    )


def _bytes(recipe: Recipe, size: Sequence[int], spacing: tuple[float, ...]) -> int:
    """Of one window in training, in the hungriest network of the recipe: counted without computing."""
    asked = replace(recipe, input_size=tuple(size), spacing=spacing)
    return max(_activations(name, asked) for name in recipe.networks) * 4 * TENSORS


def _activations(name: str, recipe: Recipe) -> int:
    total = [0]

    def count(_: nn.Module, __: object, said: object) -> None:
        if isinstance(said, Tensor):
            total[0] += said.numel()

    with torch.device("meta"), torch.no_grad():
        network = build(name, recipe)
        for module in network.modules():
            if not list(module.children()):
                module.register_forward_hook(count)
        network(torch.empty(1, recipe.channels, *recipe.input_size))
    return total[0]


def _multiple(side: float) -> int:
    return max(SMALLEST, math.ceil(side / MULTIPLE_OF) * MULTIPLE_OF)


def _whole(sides: NDArray[Any]) -> tuple[int, ...]:
    return tuple(int(side) for side in np.rint(sides))


def _said(
    found: Fingerprint, size: Sequence[int], batch: int, spacing: tuple[float, ...], each: int
) -> str:
    shape, share = _by(found.shape, "d"), f"{100 * found.foreground:.2g}"
    windows, needed = _by(size, "d"), f"{batch * each / 2**30:.2g}"
    if not spacing:
        return (
            f"{found.cases} cases have a median of {shape} voxels, {share} % of them foreground. The"
            f" networks see windows of {windows} voxels as the images have them, {batch} at a time,"
            f" which needs about {needed} GiB."
        )
    typical, target = _by(found.spacing, ".3g"), _by(spacing, ".3g")
    return (
        f"{found.cases} cases have a median of {shape} voxels of {typical} mm, {share} % of them"
        f" foreground. The networks see windows of {windows} voxels of {target} mm, {batch} at a time,"
        f" which needs about {needed} GiB."
    )


def _by(values: Sequence[float], form: str) -> str:
    return " × ".join(format(value, form) for value in values)

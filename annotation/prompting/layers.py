"""From the section in a box's plane to the layers before and behind it, one after the other.

Each layer is a random walk of its own, whose prior is how bright the section was, and where the layer before
it ended: a structure goes on much as it was, may drift, and ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from . import brightness, nearness, random_walk
from .asked import Check, Image, Mask, Spacing
from .boxes import Framed, levels
from .random_walk import Chances, Strength
from .seeds import INSIDE, OUTSIDE, Seeds

PULL = 0.08
"""Of brightness alone, in the plane of the box."""
PULL_THROUGH = 0.2
"""Of brightness and place together, off it."""
RING_MM = 10.0
"""What is around a structure, to tell its brightness from."""
ENDS = 0.6
"""Of the section's radius: so deep a structure is taken to reach before it fades."""
SHRINKS, FADES = 0.2, 2.0
"""Of the distance between layers: how much narrower each is than the one before, and from the end on."""


@dataclass(frozen=True)
class Stack:
    """All that is known of layers: [layers, down, across]. ``spacing``: mm between and within them."""

    image: Image
    known: Seeds
    near: Chances | None
    core: Mask
    spacing: Spacing
    sharpness: float
    check: Check

    def walk(self, layer: int, prior: Chances, pull: float) -> Chances:
        one = slice(layer, layer + 1)
        if self.near is not None:
            prior = nearness.joined(prior, self.near[layer])
        found = random_walk.chances(
            self.image[one],
            (1.0, *self.spacing[1:]),
            self.known[one],
            prior[None],
            Strength(self.sharpness, pull),
            self.check,
        )
        return np.asarray(found[0])


def chances(
    box: Framed, image: Image, known: Seeds, near: Chances | None, *, sharpness: float, check: Check
) -> Chances:
    """[frames, rows, columns]: how likely each voxel is inside, as the box tells."""
    turned = levels(box)
    stack = Stack(
        image=turned.level(image),
        known=np.where(turned.valid, turned.level(known), OUTSIDE).astype(np.uint8),
        near=None if near is None else turned.level(near),
        core=turned.level(box.core),
        spacing=turned.spacing,
        sharpness=sharpness,
        check=check,
    )
    found = np.zeros(stack.image.shape, np.float32)
    found[turned.at] = _section(stack, turned.at)
    section = found[turned.at] > 0.5
    bright = _brightness(stack, turned.at, section)
    for way in (1, -1):
        for layer, chance in _through(stack, turned.at, way, section, bright):
            found[layer] = chance
    return turned.back(found)


def _section(stack: Stack, at: int) -> Chances:
    one = slice(at, at + 1)
    prior = brightness.prior(stack.image[one], stack.known[one], stack.core[one])
    return stack.walk(at, prior[0], PULL)


def _brightness(stack: Stack, at: int, section: Mask) -> Chances:
    """Of all layers, against what is close around the section."""
    reach = max(1, round(RING_MM / min(stack.spacing[1:])))
    inside, outside = np.zeros((2, *stack.image.shape), np.bool_)
    inside[at] = section
    outside[at] = ndimage.binary_dilation(section, iterations=reach) & ~section
    return brightness.compared(stack.image, inside, outside)


def _through(
    stack: Stack, at: int, way: int, section: Mask, bright: Chances
) -> Iterator[tuple[int, Chances]]:
    before = section
    apart, down, across = stack.spacing
    ends = ENDS * np.sqrt(section.sum() * down * across / np.pi)
    for layer in range(at + way, len(stack.image) if way > 0 else -1, way):
        if not before.any():
            return
        fading = min(apart, max(0.0, abs(layer - at) * apart - ends))
        away = _distance(before, stack.spacing) + SHRINKS * apart + FADES * fading
        place = 1 / (1 + np.exp(np.clip(away / max(apart, down, across), -30, 30)))
        odds = _logit(bright[layer]) + _logit(place)
        prior = np.asarray(1 / (1 + np.exp(-odds)), np.float32)
        chance = stack.walk(layer, prior, PULL_THROUGH)
        before = _touching(chance > 0.5, before, stack.known[layer])
        yield layer, np.where(before, chance, np.minimum(chance, 0.5))


def _distance(mask: Mask, spacing: Spacing) -> NDArray[np.float64]:
    """mm to its border: negative inside."""
    outer = ndimage.distance_transform_edt(~mask, sampling=spacing[1:])
    inner = ndimage.distance_transform_edt(mask, sampling=spacing[1:])
    return np.asarray(outer - inner)


def _touching(mask: Mask, before: Mask, known: Seeds) -> Mask:
    """The parts that lie upon what was found in the layer before, or were prompted."""
    parts, _ = ndimage.label(mask)
    kept = np.unique(parts[mask & (before | (known == INSIDE))])
    return np.asarray(np.isin(parts, kept[kept > 0]))


def _logit(chance: NDArray[Any]) -> NDArray[np.float64]:
    sure = np.clip(chance, 0.02, 0.98).astype(np.float64)
    return np.asarray(np.log(sure / (1 - sure)))

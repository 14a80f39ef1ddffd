"""Two pictures of one case that a network should take for the same: harsher than ``augment``.

Whole batches at once, in two or three dimensions, on the images' device, from torch's generator.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SMALLEST_CROP, CONTRAST, BRIGHTNESS, NOISE = 0.75, 0.2, 0.2, 0.05
ERASED = 0.2
"""Side of the box that is blotted out, as a share of the image's."""


def view(images: Tensor, *, mirror: bool) -> Tensor:
    """[B, C, …]: a part of each image, enlarged to the whole, in other light, with a blot."""
    moved = _cropped(images, mirror)
    gain = 1 + CONTRAST * _uniform(images, 1)
    blurred = torch.rand(len(images), device=images.device) < 0.5
    pool = functional.avg_pool3d if images.ndim == 5 else functional.avg_pool2d
    smooth = pool(moved, 3, stride=1, padding=1)
    moved = torch.where(_wide(blurred, moved), smooth, moved)
    moved = moved * _wide(gain[:, 0], moved) + _wide(BRIGHTNESS * _uniform(images, 1)[:, 0], moved)
    moved = moved + NOISE * torch.randn_like(moved)
    return moved.masked_fill(_blot(moved), 0.0)


def _cropped(images: Tensor, mirror: bool) -> Tensor:
    count, axes = len(images), images.ndim - 2
    side = SMALLEST_CROP + (1 - SMALLEST_CROP) * (_uniform(images, 1) + 1) / 2
    scale = side.expand(count, axes).clone()
    if mirror:
        scale[:, 0] *= torch.where(_uniform(images, 1)[:, 0] < 0, -1.0, 1.0)
    shift = (1 - side) * _uniform(images, axes)
    theta = torch.cat([torch.diag_embed(scale), shift[:, :, None]], dim=2)
    grid = functional.affine_grid(theta, [count, 1, *images.shape[2:]], align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _blot(images: Tensor) -> Tensor:
    """[B, 1, …], true in a box somewhere in every other image."""
    covered = torch.rand(len(images), device=images.device) < 0.5
    inside = _wide(covered, images)
    for axis, length in enumerate(images.shape[2:], start=2):
        shape = [1] * images.ndim
        shape[axis] = length
        place = torch.arange(length, device=images.device).view(shape) / length
        start = (1 - ERASED) * torch.rand(len(images), device=images.device)
        gap = place - _wide(start, images)
        inside = inside & (gap >= 0) & (gap < ERASED)
    return inside


def _uniform(images: Tensor, width: int) -> Tensor:
    return torch.rand(len(images), width, device=images.device) * 2 - 1


def _wide(values: Tensor, images: Tensor) -> Tensor:
    """[B] as [B, 1, …], to meet images."""
    return values.view(-1, *[1] * (images.ndim - 1))

"""What may vary between two pictures of the same finding: pose, scale, contrast, noise.

Whole batches at once, in two or three dimensions, drawn from torch's generator only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

TURN_DEGREES, SCALE, SHIFT, CONTRAST, NOISE = 10.0, 0.1, 0.08, 0.2, 0.05


@dataclass(frozen=True)
class Moved:
    """How the images of a batch were moved, to do the same to what is known of them."""

    matrix: Tensor
    """[B, n, n + 1]: from a place in the moved image to the one it came from; -1 … 1, last axis first."""
    grid: Tensor
    sides: tuple[int, ...]

    def masks(self, masks: Tensor) -> Tensor:
        """[B, …] of whole numbers."""
        moved = functional.grid_sample(
            masks[:, None].float(), self.grid, mode="nearest", align_corners=False
        )
        return moved[:, 0].to(masks.dtype)

    def shares(self, shares: Tensor) -> Tensor:
        """[B, C, …] between which there is something."""
        return functional.grid_sample(shares, self.grid, align_corners=False)

    def points(self, points: Tensor) -> Tensor:
        """[B, N, n] indices, first axis first; not a number where they have left the image."""
        sides = torch.tensor(self.sides, dtype=points.dtype, device=points.device)
        placed = ((points + 0.5) * 2 / sides - 1).flip(-1)
        linear, shift = self.matrix[..., :-1], self.matrix[..., -1:]
        back = torch.linalg.solve(linear, placed.transpose(1, 2) - shift).transpose(1, 2).flip(-1)
        inside = (back.abs() <= 1).all(dim=-1, keepdim=True)
        return torch.where(inside, (back + 1) * sides / 2 - 0.5, torch.nan)

    def scale(self) -> Tensor:
        """[B] how much longer lengths became."""
        linear = self.matrix[..., :-1]
        return linear.det().abs() ** (-1 / linear.shape[-1])


def augmented(images: Tensor, *, mirror: bool) -> tuple[Tensor, Moved]:
    """Images [B, C, …] moved and changed in contrast."""
    size = [len(images), 1, *images.shape[2:]]
    matrix = sent(_poses(len(images), images.shape[2:], mirror), images.device)
    grid = functional.affine_grid(matrix, size, align_corners=False)
    images = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    gain, offset = sent(CONTRAST * _uniform(2, len(images)), images.device)
    shape = (-1,) + (1,) * (images.ndim - 1)
    noise = NOISE * torch.randn_like(images)
    images = images * (1 + gain.view(shape)) + offset.view(shape) + noise
    return images, Moved(matrix, grid, tuple(images.shape[2:]))


def sent(few: Tensor, device: torch.device) -> Tensor:
    """To the device without waiting for what it is busy with."""
    if device.type != "cuda":
        return few.to(device)
    return few.pin_memory().to(device, non_blocking=True)


def _poses(count: int, sides: Sequence[int], mirror: bool) -> Tensor:
    """[count, n, n + 1] for n axes: turn in each plane, scale, shift, mirror left and right."""
    dimensions = len(sides)
    turn = torch.eye(dimensions).expand(count, -1, -1)
    for first in range(dimensions):
        for second in range(first + 1, dimensions):
            angle = math.radians(TURN_DEGREES) * _uniform(count)
            plane = torch.eye(dimensions).repeat(count, 1, 1)
            plane[:, first, first] = plane[:, second, second] = torch.cos(angle)
            plane[:, first, second], plane[:, second, first] = -torch.sin(angle), torch.sin(angle)
            turn = turn @ plane
    lengths = torch.tensor(tuple(reversed(sides)), dtype=torch.float32)
    turn = turn * (1 + SCALE * _uniform(count, 1, 1)) * (lengths / lengths[:, None])
    if mirror:
        side = torch.randint(0, 2, (count, 1, 1)) * 2.0 - 1
        turn = torch.cat([turn[:, :1] * side, turn[:, 1:]], dim=1)
    return torch.cat([turn, 2 * SHIFT * _uniform(count, dimensions, 1)], dim=2)


def _uniform(*shape: int) -> Tensor:
    return torch.rand(shape) * 2 - 1

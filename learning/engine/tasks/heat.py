"""Maps of where something may be, on the grid that networks see: shared by points and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learning.engine.spec import Recipe
from learning.engine.whole import Shape, Whole

if TYPE_CHECKING:
    from learning.engine.outputs import FloatArray

VOXELS_AT_ONCE = 2**23
"""Of the answers of one network that are kept at the same time."""


class Heat(Whole):
    """Tasks whose answer is as large as the input."""

    def answer_shape(self, recipe: Recipe) -> Shape:
        return (recipe.outputs, *recipe.input_size)

    def at_once(self, recipe: Recipe) -> int:
        return max(1, min(super().at_once(recipe), VOXELS_AT_ONCE // _count(self, recipe)))


def _count(task: Heat, recipe: Recipe) -> int:
    return int(np.prod(task.answer_shape(recipe)))


def to_input(points: Tensor, shape: Sequence[int], size: Sequence[int]) -> Tensor:
    """[…, axes] indices in an image of ``shape``, when it is brought to ``size``."""
    ratio = torch.tensor([s / have for s, have in zip(size, shape, strict=True)])
    return (points + 0.5) * ratio - 0.5


def to_image(points: NDArray[Any], shape: Sequence[int], size: Sequence[int]) -> FloatArray:
    """The other way."""
    ratio = np.array([have / s for s, have in zip(size, shape, strict=True)])
    return np.asarray((points + 0.5) * ratio - 0.5, np.float32)


def bumps(centres: Tensor, widths: Tensor, size: Sequence[int]) -> Tensor:
    """[N, …] Gaussians that are 1 at the centres [N, axes]; ``widths`` [N, axes] deviations."""
    found = torch.ones(len(centres), *[1] * len(size), device=centres.device)
    for axis, side in enumerate(size):
        place = torch.arange(side, device=centres.device, dtype=centres.dtype)
        off = (place - centres[:, axis, None]) / widths[:, axis, None]
        shape = [len(centres)] + [side if a == axis else 1 for a in range(len(size))]
        found = found * torch.exp(-0.5 * off**2).reshape(shape)
    return found

"""Named points: for each a map of where it may be, which adds up to one over the image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor, nn

from learning.engine import images
from learning.engine.augment import Moved
from learning.engine.nets import Network
from learning.engine.outputs import FloatArray, Output
from learning.engine.spec import Recipe, Sample
from learning.engine.tasks.heat import Heat, bumps, to_image, to_input
from learning.engine.whole import Said, Seen

if TYPE_CHECKING:
    from learning.engine.data import Prepared

WIDTH = 1.5
"""Deviation, in voxels of the input, of the map that is learned: half the reach of a decoded point."""
REACH = 3
"""Voxels around the highest one over which the point is averaged, and by which it is sure."""


class Landmarks(Heat):
    calibrated = False

    def target(self, sample: Sample, recipe: Recipe, shape: tuple[int, ...]) -> Tensor:
        given = sample.target
        if not isinstance(given, tuple) or all(one is None for one in given):
            raise images.Unusable("No point of this case is placed.")
        axes = len(shape)
        rows = [(math.nan,) * axes if one is None else one for one in given]
        if len(rows) != len(recipe.classes) or any(
            not isinstance(row, tuple) or len(row) != axes for row in rows
        ):
            raise images.Unusable("The points do not fit the image or the classes of the recipe.")
        points = torch.tensor(rows, dtype=torch.float32)
        limits = torch.tensor(shape) - 0.5
        placed = ~points.isnan().any(dim=1)
        if bool(((points[placed] < -0.5) | (points[placed] > limits)).any()):
            raise images.Unusable("A point of this case lies outside its image.")
        return to_input(points, shape, recipe.input_size)

    def classes_in(self, target: Tensor, recipe: Recipe) -> list[int]:
        return [int(index) for index in (~target.isnan().any(dim=1)).nonzero()]

    def moved(self, targets: Tensor, move: Moved) -> Tensor:
        return move.points(targets)

    def loss(self, recipe: Recipe, training: Prepared) -> nn.Module:
        return PlacesLoss(recipe.input_size)

    def refusal(self, recipe: Recipe, training: Prepared) -> str:
        return ""

    def read(
        self,
        answers: Mapping[str, FloatArray],
        networks: Mapping[str, Network],
        recipe: Recipe,
        temperatures: Mapping[str, float],
        cases: Sequence[Seen],
    ) -> Said:
        size = recipe.input_size
        axes = tuple(range(2, 2 + len(size)))
        maps = {name: softmax(logits, axis=axes) for name, logits in answers.items()}
        together = np.mean(list(maps.values()), axis=0)
        shapes = [case.shape for case in cases]
        found = {name: _decoded(chances, size) for name, chances in maps.items()}
        gaps = [
            np.linalg.norm(a[0] - b[0], axis=-1) for a, b in combinations(list(found.values()), 2)
        ]
        apart = np.mean(gaps, axis=0) if gaps else np.zeros(together.shape[:2])
        return Said(
            {name: _output(maps[name], *found[name], shapes, size) for name in maps},
            _output(together, *_decoded(together, size), shapes, size),
            np.asarray((apart / (apart + REACH)).mean(axis=1), np.float32),
        )


class PlacesLoss(nn.Module):
    """Cross entropy between each map and a small bump at its point; points that are missing count nothing."""

    def __init__(self, size: Sequence[int]) -> None:
        super().__init__()
        self.size = tuple(size)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """[B, K, …] and [B, K, axes] indices of the input, not a number where missing."""
        known = ~targets.isnan().any(dim=2)
        logs = logits.flatten(2).log_softmax(dim=2)[known]
        if not len(logs):
            return logits.sum() * 0
        centres = targets[known]
        wanted = bumps(centres, torch.full_like(centres, WIDTH), self.size).flatten(1)
        wanted = wanted / wanted.sum(dim=1, keepdim=True).clamp_min(1e-6)
        return -(wanted * logs).sum(dim=1).mean()


def _decoded(maps: FloatArray, size: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """[N, K, axes] points of the input to a part of a voxel, and [N, K] how much of the map is there."""
    points = np.zeros((*maps.shape[:2], len(size)))
    sure = np.zeros(maps.shape[:2])
    for case, structure in np.ndindex(*maps.shape[:2]):
        one = maps[case, structure]
        best = np.unravel_index(int(one.argmax()), one.shape)
        low = [max(0, int(at) - REACH) for at in best]
        part = one[tuple(slice(a, int(at) + REACH + 1) for a, at in zip(low, best, strict=True))]
        sure[case, structure] = total = float(part.sum())
        for axis, start in enumerate(low):
            others = tuple(a for a in range(part.ndim) if a != axis)
            place = np.arange(part.shape[axis]) + start
            points[case, structure, axis] = (part.sum(axis=others) * place).sum() / total
    return points, np.minimum(sure, 1.0)


def _unsure(maps: FloatArray, size: Sequence[int]) -> FloatArray:
    """[N, K] entropy of each map, 0 where it is as narrow as what was learned, 1 where it is even."""
    chances = np.maximum(maps, 1e-12)
    spread = -(maps * np.log(chances)).sum(axis=tuple(range(2, maps.ndim)))
    most = math.log(math.prod(size))
    least = len(size) * math.log(WIDTH * math.sqrt(2 * math.pi * math.e))
    return np.asarray(np.clip((spread - least) / (most - least), 0, 1), np.float32)


def _output(
    maps: FloatArray,
    points: FloatArray,
    sure: FloatArray,
    shapes: Sequence[tuple[int, ...]],
    size: Sequence[int],
) -> Output:
    each = _unsure(maps, size)
    placed = [to_image(rows, shape, size) for rows, shape in zip(points, shapes, strict=True)]
    return Output(
        logits=np.zeros((len(maps), 0), np.float32),
        probabilities=np.asarray(sure, np.float32),
        uncertainty=each.mean(axis=1),
        class_uncertainty=each,
        points=np.array(placed, np.float32).reshape(points.shape),
    )

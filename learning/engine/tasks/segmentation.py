"""Masks: each voxel is of one structure, or of none. Networks see windows of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from monai.losses.dice import DiceCELoss
from torch import Tensor, nn

from learning.engine import images, masks
from learning.engine.augment import Moved
from learning.engine.nets import Network
from learning.engine.outputs import Predictions
from learning.engine.spec import SOFT, Recipe, Sample
from learning.engine.tasks.learner import Learner, OnBatch, OnMask, Pair, Places

if TYPE_CHECKING:
    from learning.engine.data import Prepared


MOST_PLACES = 20_000
"""Voxels of the foreground among which the middle of a window is drawn."""


class Segmentation(Learner):
    calibrated = False

    def load(self, sample: Sample, recipe: Recipe) -> Pair:
        image = images.read_image(sample, recipe)
        mask = self.target(sample, recipe, tuple(image.shape[1:]))
        image = images.at_spacing(image, sample.spacing, recipe.spacing)
        hard = not mask.is_floating_point()
        mask = images.at_spacing(mask, sample.spacing, recipe.spacing, classes=hard)
        size = recipe.input_size
        return images.padded(image, size), images.padded(mask, size, 0)

    def target(self, sample: Sample, recipe: Recipe, shape: tuple[int, ...]) -> Tensor:
        read = images.read_shares if recipe.labels == SOFT else images.read_mask
        return read(sample, recipe, shape)

    def classes_in(self, target: Tensor, recipe: Recipe) -> list[int]:
        if recipe.labels == SOFT:
            return [k for k, shares in enumerate(target) if bool(shares.any())]
        return [int(value) - 1 for value in np.unique(target.numpy()) if value]

    def places(self, target: Tensor, recipe: Recipe) -> Places:
        return foreground(target, len(recipe.input_size))

    def window(
        self, pair: Pair, recipe: Recipe, rng: np.random.Generator, places: Places | None = None
    ) -> Pair:
        return crop(pair, recipe.input_size, rng, places)

    def moved(self, targets: Tensor, move: Moved) -> Tensor:
        return move.shares(targets) if targets.is_floating_point() else move.masks(targets)

    def batch(self, targets: Tensor) -> Tensor:
        if not targets.is_floating_point():
            return targets[:, None].long()
        return torch.cat([1 - targets.sum(dim=1, keepdim=True), targets], dim=1)

    def loss(self, recipe: Recipe, training: Prepared) -> nn.Module:
        whole_numbers = recipe.labels != SOFT
        loss: nn.Module = DiceCELoss(
            softmax=True, to_onehot_y=whole_numbers, include_background=False
        )
        return loss

    def refusal(self, recipe: Recipe, training: Prepared) -> str:
        if training.counts:
            return ""
        return (
            f"None of the {len(training)} masks has any foreground; at least one is needed before a"
            " network can learn. Read more cases."
        )

    def predict(
        self,
        networks: Mapping[str, Network],
        recipe: Recipe,
        samples: Sequence[Sample],
        temperatures: Mapping[str, float],
        on_batch: OnBatch,
        on_mask: OnMask,
    ) -> Predictions:
        return masks.predict(networks, recipe, samples, temperatures, on_batch, on_mask)


def foreground(mask: Tensor, axes: int) -> Places:
    """Where it is, by numbers of voxels; of many, so many at even steps."""
    anywhere = mask.amax(dim=0) if mask.ndim > axes else mask
    found = np.flatnonzero(anywhere.numpy())
    return found[:: -(-len(found) // MOST_PLACES) or 1]


def crop(
    pair: Pair, size: tuple[int, ...], rng: np.random.Generator, places: Places | None = None
) -> Pair:
    """A window of ``size``, twice out of three times around a voxel of the foreground."""
    image, mask = pair
    lead = mask.ndim - len(size)
    if tuple(mask.shape[lead:]) == size:
        return pair
    centre = None
    if rng.random() < 2 / 3:
        voxels = foreground(mask, len(size)) if places is None else places
        if len(voxels):
            chosen = voxels[int(rng.integers(len(voxels)))]
            centre = [int(at) for at in np.unravel_index(chosen, tuple(mask.shape[lead:]))]
    for axis, want in enumerate(size):
        spare = image.shape[axis + 1] - want
        start = int(rng.integers(spare + 1)) if centre is None else centre[axis] - want // 2
        start = min(max(start, 0), spare)
        image, mask = image.narrow(axis + 1, start, want), mask.narrow(axis + lead, start, want)
    return image, mask

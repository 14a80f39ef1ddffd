"""Grades that have an order: one cumulative logit for each step up, which never rise from one to the next.

The network's first number is the logit of being above the lowest grade; each further one says how
much less likely it is to be above the next (Cao, Mirjalili, Raschka 2020 share one set of steps; here
they may differ from case to case, and stay in order all the same).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor, nn
from torch.nn import functional

from learning.engine.calibrate import fit_temperature
from learning.engine.outputs import FloatArray, Output
from learning.engine.spec import Recipe
from learning.engine.tasks.classification import Classification, class_weights

if TYPE_CHECKING:
    from learning.engine.data import Prepared


class Ordinal(Classification):
    def loss(self, recipe: Recipe, training: Prepared) -> nn.Module:
        counts = [training.counts[index] for index in range(len(recipe.classes))]
        return StepsLoss(class_weights(counts))

    def chances(self, logits: Any, temperature: float) -> FloatArray:
        steps = np.logaddexp(0, np.asarray(logits, np.float64)[:, 1:]).cumsum(axis=1)
        first = np.asarray(logits, np.float64)[:, :1]
        above = expit(np.concatenate([first, first - steps], axis=1) / temperature)
        ends = np.ones((len(above), 1))
        edges = np.concatenate([ends, above, 0 * ends], axis=1)
        return np.asarray(edges[:, :-1] - edges[:, 1:], np.float32)

    def temperature(self, said: Output, targets: Sequence[Any], recipe: Recipe) -> float:
        return fit_temperature(said.logits, np.array(targets), self.chances)


class StepsLoss(nn.Module):
    """Whether each step is passed, each case weighing as its grade does."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.register_buffer("weights", weights)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """``targets`` [B] grades, or [B, C] shares of the readers who gave each."""
        weights = self.get_buffer("weights")
        shares = targets
        if not targets.is_floating_point():
            shares = functional.one_hot(targets, len(weights)).to(logits.dtype)
        above = 1 - shares.cumsum(dim=1)[:, :-1]
        each = functional.binary_cross_entropy_with_logits(
            cumulative(logits), above.clamp(0, 1), reduction="none"
        ).mean(dim=1)
        weight = shares @ weights
        return (each * weight).sum() / weight.sum().clamp_min(1e-6)


def cumulative(logits: Tensor) -> Tensor:
    """[B, C - 1] logits of being above each grade but the last."""
    falling = functional.softplus(logits[:, 1:]).cumsum(dim=1)
    return torch.cat([logits[:, :1], logits[:, :1] - falling], dim=1)

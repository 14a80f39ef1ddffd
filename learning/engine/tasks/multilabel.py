"""Several findings of one case, each there or not, some of them not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import expit, logit
from torch import Tensor, nn
from torch.nn import functional

from learning.engine import images
from learning.engine.calibrate import fit_temperature
from learning.engine.nets import Network
from learning.engine.outputs import SMALLEST, FloatArray, Output, binary_entropy, divergence
from learning.engine.spec import Recipe, Sample
from learning.engine.tasks.classification import LARGEST_CLASS_WEIGHT
from learning.engine.whole import Said, Seen, Whole

if TYPE_CHECKING:
    from learning.engine.data import Prepared

SAID = 0.5
"""Share of the readers from which a finding counts as there."""


class Multilabel(Whole):
    def target(self, sample: Sample, recipe: Recipe, shape: tuple[int, ...]) -> Tensor:
        given = sample.target
        if not isinstance(given, tuple) or all(one is None for one in given):
            raise images.Unusable("There is no answer for this case.")
        known = [one for one in given if one is not None]
        numbers = [float(one) for one in known if isinstance(one, int | float)]
        if len(given) != len(recipe.classes) or len(numbers) != len(known):
            raise images.Unusable("The answer does not say of each class whether it is there.")
        if not all(0 <= one <= 1 for one in numbers):
            raise images.Unusable("The answer holds shares that are not numbers from 0 to 1.")
        return torch.tensor([torch.nan if one is None else float(one) for one in given])  # type: ignore[arg-type]

    def classes_in(self, target: Tensor, recipe: Recipe) -> list[int]:
        return [int(index) for index in (target >= SAID).nonzero()]

    def loss(self, recipe: Recipe, training: Prepared) -> nn.Module:
        return FindingsLoss(positive_weights(_all(training)))

    def refusal(self, recipe: Recipe, training: Prepared) -> str:
        said = _all(training)
        there, absent = (said >= SAID).any(dim=0), (said < SAID).any(dim=0)
        if bool((there & absent).any()):
            return ""
        return (
            f"All {len(training)} labels say the same of every finding; at least two different"
            " answers are needed before a network can learn. Read more cases."
        )

    def read(
        self,
        answers: Mapping[str, FloatArray],
        networks: Mapping[str, Network],
        recipe: Recipe,
        temperatures: Mapping[str, float],
        cases: Sequence[Seen],
    ) -> Said:
        said = {
            name: _output(logits, expit(logits / temperatures.get(name, 1.0)))
            for name, logits in answers.items()
        }
        members = [output.probabilities for output in said.values()]
        mean = np.asarray(np.mean(members, axis=0), np.float32)
        kept = np.clip(mean, SMALLEST, 1 - 1e-7)
        apart = [divergence([np.stack([1 - m[:, k], m[:, k]], 1) for m in members])
                 for k in range(mean.shape[1])]  # fmt: skip
        return Said(said, _output(logit(kept), mean), np.asarray(np.mean(apart, axis=0)))

    def temperature(self, said: Output, targets: Sequence[Any], recipe: Recipe) -> float:
        truth = np.array(targets, np.float64).reshape(said.logits.shape)
        known = np.isfinite(truth)
        logits = said.logits[known]
        return fit_temperature(np.stack([0 * logits, logits], axis=1), truth[known] >= SAID)


class FindingsLoss(nn.Module):
    """Binary cross entropy over what is known; rare findings weigh more."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.register_buffer("weights", weights)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        known = ~targets.isnan()
        each = functional.binary_cross_entropy_with_logits(
            logits,
            torch.where(known, targets, 0.0),
            pos_weight=self.get_buffer("weights"),
            reduction="none",
        )
        return torch.where(known, each, 0.0).sum() / known.sum().clamp_min(1)


def positive_weights(said: Tensor) -> Tensor:
    """[C] how many times as often a finding is absent, from 1 to a limit; 1 where it is never there."""
    there, absent = (said >= SAID).sum(dim=0), (said < SAID).sum(dim=0)
    ratio = (absent / there.clamp_min(1)).clamp(1.0, LARGEST_CLASS_WEIGHT)
    return torch.where(there > 0, ratio, 1.0)


def _all(training: Prepared) -> Tensor:
    """[N, C]"""
    return torch.stack([training.pair(index)[1] for index in range(len(training))])


def _output(logits: FloatArray, chances: FloatArray) -> Output:
    each = binary_entropy(chances)
    return Output(
        np.asarray(logits, np.float32), np.asarray(chances, np.float32), each.mean(axis=1), each
    )

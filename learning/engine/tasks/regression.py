"""One number for a case, and how far off it may be.

Networks learn numbers of mean 0 and deviation 1; they remember the training's own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from learning.engine import images
from learning.engine.calibrate import FEWEST, HIGHEST, LOWEST
from learning.engine.nets import Network
from learning.engine.outputs import FloatArray, Output
from learning.engine.spec import Recipe, Sample
from learning.engine.whole import Said, Seen, Whole

if TYPE_CHECKING:
    from learning.engine.data import Prepared

MOST_LOG = 6.0
"""Of a variance: beyond, a network is as good as certain or knows nothing."""
BETA = 0.5
"""Power of the variance by which a case weighs, so that hard ones are learned too (Seitzer 2022)."""


class Regression(Whole):
    def target(self, sample: Sample, recipe: Recipe, shape: tuple[int, ...]) -> Tensor:
        given = sample.target
        if given is None:
            raise images.Unusable("There is no answer for this case.")
        number = isinstance(given, int | float) and not isinstance(given, bool)
        if not number or not math.isfinite(given):  # type: ignore[arg-type]
            raise images.Unusable(f"The answer is {given}, which is not a number.")
        return torch.tensor(float(given))  # type: ignore[arg-type]

    def classes_in(self, target: Tensor, recipe: Recipe) -> list[int]:
        return []

    def measured(self, training: Prepared) -> dict[str, Tensor]:
        numbers = _all(training).double()
        return {"scale": torch.stack([numbers.mean(), numbers.std(correction=0)]).float()}

    def loss(self, recipe: Recipe, training: Prepared) -> nn.Module:
        return NumberLoss(self.measured(training)["scale"])

    def refusal(self, recipe: Recipe, training: Prepared) -> str:
        numbers = _all(training)
        if float(numbers.min()) != float(numbers.max()):
            return ""
        return (
            f"All {len(training)} labels are {float(numbers[0]):g}; at least two different numbers"
            " are needed before a network can learn. Read more cases."
        )

    def read(
        self,
        answers: Mapping[str, FloatArray],
        networks: Mapping[str, Network],
        recipe: Recipe,
        temperatures: Mapping[str, float],
        cases: Sequence[Seen],
    ) -> Said:
        scales = {name: networks[name].get_buffer("scale").tolist() for name in answers}
        unit = float(np.mean([deviation for _, deviation in scales.values()]))
        said = {}
        for name, numbers in answers.items():
            middle, deviation = scales[name]
            spread = deviation * np.exp(np.clip(numbers[:, 1], -MOST_LOG, MOST_LOG) / 2)
            plain = np.stack([middle + deviation * numbers[:, 0], spread], axis=1)
            said[name] = _output(plain, temperatures.get(name, 1.0), unit)
        members = np.stack([output.probabilities for output in said.values()])
        mean = members[..., 0].mean(axis=0)
        spread = np.sqrt((members[..., 1] ** 2).mean(axis=0) + members[..., 0].var(axis=0))
        together = _output(np.stack([mean, spread], axis=1), 1.0, unit)
        gaps = [np.abs(a - b) for a, b in combinations(members[..., 0], 2)]
        apart = np.mean(gaps, axis=0) if gaps else np.zeros(len(mean))
        return Said(said, together, np.asarray(_share(apart, unit), np.float32))

    def temperature(self, said: Output, targets: Sequence[Any], recipe: Recipe) -> float:
        """By how much the errors are larger than the network says."""
        if len(targets) < FEWEST:
            return 1.0
        off = (np.array(targets, np.float64) - said.logits[:, 0]) / said.logits[:, 1]
        return float(np.clip(np.sqrt(np.mean(off**2)), LOWEST, HIGHEST))


class NumberLoss(nn.Module):
    """Minus the log likelihood of the number where it is spread normally."""

    def __init__(self, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale)

    def forward(self, answers: Tensor, targets: Tensor) -> Tensor:
        middle, deviation = self.get_buffer("scale")
        log = answers[:, 1].clamp(-MOST_LOG, MOST_LOG)
        off = (targets - middle) / deviation - answers[:, 0]
        each = 0.5 * (log + off**2 / log.exp())
        loss: Tensor = (each * (BETA * log.detach()).exp()).mean()
        return loss


def _all(training: Prepared) -> Tensor:
    return torch.stack([training.pair(index)[1] for index in range(len(training))])


def _share(lengths: NDArray[Any], unit: float) -> FloatArray:
    """0 where there is no length, one half where it is the unit, towards 1."""
    return np.asarray(lengths / (lengths + max(unit, 1e-12)))


def _output(numbers: FloatArray, temperature: float, unit: float) -> Output:
    said = np.asarray(numbers * np.array([1.0, temperature]), np.float32)
    unsure = np.asarray(_share(said[:, 1], unit), np.float32)
    return Output(np.asarray(numbers, np.float32), said, unsure, unsure[:, None])

"""One answer out of several that exclude one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from learning.engine import images
from learning.engine.calibrate import fit_temperature, softmax
from learning.engine.nets import Network
from learning.engine.outputs import SMALLEST, FloatArray, Output, divergence, entropy
from learning.engine.spec import SOFT, Recipe, Sample
from learning.engine.whole import Said, Seen, Whole

if TYPE_CHECKING:
    from learning.engine.data import Prepared

LARGEST_CLASS_WEIGHT = 10.0


class Classification(Whole):
    def target(self, sample: Sample, recipe: Recipe, shape: tuple[int, ...]) -> Tensor:
        if recipe.labels == SOFT:
            return torch.tensor(_shares(sample, recipe))
        return torch.tensor(_answer(sample, recipe))

    def classes_in(self, target: Tensor, recipe: Recipe) -> list[int]:
        return [_likeliest(target)]

    def loss(self, recipe: Recipe, training: Prepared) -> nn.Module:
        counts = [training.counts[index] for index in range(len(recipe.classes))]
        return nn.CrossEntropyLoss(weight=class_weights(counts))

    def refusal(self, recipe: Recipe, training: Prepared) -> str:
        if len(training.counts) > 1:
            return ""
        only = recipe.classes[next(iter(training.counts))]
        return (
            f"All {len(training)} labels say “{only}”; at least two different answers are needed"
            " before a network can learn. Read more cases."
        )

    def is_known(self, target: Tensor, training: Prepared) -> bool:
        return bool(training.counts[_likeliest(target)])

    def read(
        self,
        answers: Mapping[str, FloatArray],
        networks: Mapping[str, Network],
        recipe: Recipe,
        temperatures: Mapping[str, float],
        cases: Sequence[Seen],
    ) -> Said:
        outputs = {
            name: _output(logits, self.chances(logits, temperatures.get(name, 1.0)))
            for name, logits in answers.items()
        }
        members = [output.probabilities for output in outputs.values()]
        mean = np.mean(members, axis=0)
        together = Output(np.log(np.maximum(mean, SMALLEST)), mean, entropy(mean))
        return Said(outputs, together, divergence(members))

    def chances(self, logits: Any, temperature: float) -> FloatArray:
        """[N, classes] that sum to one."""
        return softmax(logits, temperature).astype(np.float32)

    def temperature(self, said: Output, targets: Sequence[Any], recipe: Recipe) -> float:
        return fit_temperature(said.logits, np.array(targets))


def class_weights(counts: Sequence[int]) -> Tensor:
    """Rare classes weigh more, but not without limit; those without a case nothing."""
    seen = [count for count in counts if count]
    average = sum(seen) / len(seen)
    return torch.tensor([min(average / n, LARGEST_CLASS_WEIGHT) if n else 0.0 for n in counts])


def _answer(sample: Sample, recipe: Recipe) -> int:
    if not isinstance(sample.target, int) or isinstance(sample.target, bool):
        raise images.Unusable("There is no answer for this case.")
    if not 0 <= sample.target < len(recipe.classes):
        raise images.Unusable(
            f"The answer has the number {sample.target}, which stands for no class of the recipe."
        )
    return sample.target


def _shares(sample: Sample, recipe: Recipe) -> list[float]:
    if not isinstance(sample.target, tuple):
        answer = _answer(sample, recipe)
        return [float(index == answer) for index in range(len(recipe.classes))]
    shares = [float(share) if isinstance(share, int | float) else -1.0 for share in sample.target]
    if len(shares) != len(recipe.classes) or min(shares) < 0 or not 0.999 < sum(shares) < 1.001:
        raise images.Unusable(
            "The readers' answers are not shares of the classes that add up to 1."
        )
    return shares


def _likeliest(target: Tensor) -> int:
    return int(target.argmax()) if target.ndim else int(target)


def _output(logits: FloatArray, probabilities: FloatArray) -> Output:
    return Output(logits, probabilities, entropy(probabilities))

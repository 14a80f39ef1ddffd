"""What the training loop and prediction ask of a task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from learning.engine import images
from learning.engine.augment import Moved
from learning.engine.outputs import FloatArray, Output, Predictions
from learning.engine.spec import Recipe, Sample

if TYPE_CHECKING:
    from learning.engine.data import Prepared
    from learning.engine.nets import Network

Pair = tuple[Tensor, Tensor]
OnBatch = Callable[[int, int], object]
OnMask = Callable[[int, NDArray[np.uint8]], object]


class Learner(ABC):
    """One task. Without state: the same object serves every recipe."""

    calibrated = True
    """Whether ``temperature`` may be other than 1."""

    def load(self, sample: Sample, recipe: Recipe) -> Pair:
        """Image [C, …] and target as they are kept. Raises ``images.Unusable`` with the reason."""
        image = images.read_image(sample, recipe)
        target = self.target(sample, recipe, tuple(image.shape[1:]))
        return images.to_size(image, recipe.input_size), target

    @abstractmethod
    def target(self, sample: Sample, recipe: Recipe, shape: tuple[int, ...]) -> Tensor:
        """What is known of the sample, whose image has this ``shape``; Unusable where that is nothing."""

    @abstractmethod
    def classes_in(self, target: Tensor, recipe: Recipe) -> list[int]:
        """The classes that a target teaches, for their counts."""

    @abstractmethod
    def loss(self, recipe: Recipe, training: Prepared) -> nn.Module:
        """Of (the network's answers, a batch of targets), the mean over the batch."""

    @abstractmethod
    def refusal(self, recipe: Recipe, training: Prepared) -> str:
        """Why nothing can be learned from so many usable samples, in a sentence; '' if something can."""

    @abstractmethod
    def predict(
        self,
        networks: Mapping[str, Network],
        recipe: Recipe,
        samples: Sequence[Sample],
        temperatures: Mapping[str, float],
        on_batch: OnBatch,
        on_mask: OnMask,
    ) -> Predictions:
        """See ``learning.engine.predict``."""

    def measured(self, training: Prepared) -> dict[str, Tensor]:
        """What the network is to remember (``Task.remembers``) of the training's targets."""
        return {}

    def window(self, pair: Pair, recipe: Recipe, rng: np.random.Generator) -> Pair:
        """The part of a kept pair that one step sees."""
        return pair

    def moved(self, targets: Tensor, move: Moved) -> Tensor:
        """A batch of targets after their images were moved; unchanged where places do not matter."""
        return targets

    def batch(self, targets: Tensor) -> Tensor:
        """A batch of targets in the form that the loss takes."""
        return targets

    def is_known(self, target: Tensor, training: Prepared) -> bool:
        """Whether a network trained on these samples can know the answer."""
        return True

    def notes(self, recipe: Recipe, training: Prepared) -> list[str]:
        """What a person should know of the training: classes without a label yet."""
        missing = [name for i, name in enumerate(recipe.classes) if not training.counts[i]]
        if not missing:
            return []
        return [f"No label of {', '.join(missing)} yet: the network cannot know it."]

    def chances(self, logits: Any, temperature: float) -> FloatArray:
        """[N, classes] that sum to one, where one class excludes the others (``Task.excludes``)."""
        raise NotImplementedError

    def temperature(self, said: Output, targets: Sequence[Any], recipe: Recipe) -> float:
        """What makes a network's stated confidence fit these cases; 1 changes nothing."""
        return 1.0

"""What trained networks say of cases, one by one and together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from learning.engine.errors import EngineError
from learning.engine.nets import Network
from learning.engine.outputs import Output, Predictions
from learning.engine.spec import Recipe, Sample, ignore
from learning.engine.tasks.learners import learner_of
from learning.engine.whole import BATCH

__all__ = ["BATCH", "Output", "Predictions", "predict"]


def predict(
    networks: Mapping[str, Network],
    recipe: Recipe,
    samples: Sequence[Sample],
    *,
    temperatures: Mapping[str, float] | None = None,
    on_batch: Callable[[int, int], object] = ignore,
    on_mask: Callable[[int, NDArray[np.uint8]], object] = ignore,
) -> Predictions:
    """What each network and their ensemble (the mean of what they say) say of each sample.

    ``on_batch(done, total)`` may raise to stop. ``on_mask(id, mask)`` receives the ensemble's mask
    on the image's own grid. For segmentation, samples with a mask are compared with it.
    """
    if not networks:
        raise EngineError("There is no network to predict with; train one first.")
    learner = learner_of(recipe)
    return learner.predict(networks, recipe, samples, temperatures or {}, on_batch, on_mask)

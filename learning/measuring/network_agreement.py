"""How far the networks of an ensemble say the same: kappa of their answers, Dice of their masks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from learning.engine.metrics import Measured, bootstrap
from learning.engine.metrics.arrays import Array
from learning.engine.metrics.ordinal import kappa
from learning.engine.outputs import Predictions
from learning.engine.spec import Recipe


def measured(
    recipe: Recipe, said: Predictions, patients: Sequence[str], *, seed: int
) -> list[Measured]:
    """One row, with its interval over patients; none of a single network."""
    if len(said.networks) < 2:
        return []
    if recipe.task == "segmentation":
        same = bootstrap(_mean, [1 - said.disagreement], patients, seed=seed)
        return [Measured("network_dice", same)]
    if recipe.task != "classification":
        return []
    classes = len(recipe.classes)
    answers = [output.probabilities.argmax(axis=1) for output in said.networks.values()]

    def mean_kappa(*of: Array) -> float:
        return float(np.mean([kappa(one, other, classes) for one, other in combinations(of, 2)]))

    return [Measured("network_kappa", bootstrap(mean_kappa, answers, patients, seed=seed))]


def _mean(values: Array) -> float:
    return float(values.mean())

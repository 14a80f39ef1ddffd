"""The other half of the table of tasks: who knows how. It loads torch."""

from __future__ import annotations

from learning.engine.spec import Recipe
from learning.engine.tasks.classification import Classification
from learning.engine.tasks.learner import Learner
from learning.engine.tasks.segmentation import Segmentation

LEARNERS: dict[str, Learner] = {
    "classification": Classification(),
    "segmentation": Segmentation(),
}


def learner_of(recipe: Recipe) -> Learner:
    return LEARNERS[recipe.task]

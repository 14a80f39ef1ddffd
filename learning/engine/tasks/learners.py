"""The other half of the table of tasks: who knows how. It loads torch."""

from __future__ import annotations

from learning.engine.spec import Recipe
from learning.engine.tasks.classification import Classification
from learning.engine.tasks.detection import Detection
from learning.engine.tasks.landmarks import Landmarks
from learning.engine.tasks.learner import Learner
from learning.engine.tasks.multilabel import Multilabel
from learning.engine.tasks.ordinal import Ordinal
from learning.engine.tasks.regression import Regression
from learning.engine.tasks.segmentation import Segmentation

LEARNERS: dict[str, Learner] = {
    "classification": Classification(),
    "segmentation": Segmentation(),
    "multilabel": Multilabel(),
    "ordinal": Ordinal(),
    "regression": Regression(),
    "landmarks": Landmarks(),
    "detection": Detection(),
}


def learner_of(recipe: Recipe) -> Learner:
    return LEARNERS[recipe.task]

"""What a model said of each case of the hold-out when it was measured last, kept for comparisons.

Without torch: the web process reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from annotation.models import Stream
from learning.engine import spec
from learning.engine.spec import Recipe
from learning.models import Evaluation, TrainedModel

BY_CASE = "by_case"


@dataclass(frozen=True)
class CaseSaid:
    """What a model said of one case, and what it is held against: see ``measures``."""

    reference: int
    values: Any
    truth: Any = None


def by_case(model: TrainedModel) -> dict[int, CaseSaid]:
    """Empty for a model that was not measured, or when the truth was not kept beside what it said."""
    row = (
        model.evaluations.filter(
            stream=Stream.HOLDOUT, metric=recipe_of(model).metric, subgroup="", grouping=""
        )
        .only("detail")
        .first()
    )
    said = row.detail.get(BY_CASE, []) if row else []
    return {
        each["case"]: CaseSaid(each["reference"], each["values"], each["truth"])
        for each in said
        if "truth" in each
    }


def main_of(model: TrainedModel) -> Evaluation:
    """The row of the metric that the model's recipe goes by."""
    metric = recipe_of(model).metric
    return model.evaluations.get(stream=Stream.HOLDOUT, metric=metric, subgroup="", grouping="")


def recipe_of(model: TrainedModel) -> Recipe:
    return spec.parse(model.config["recipe"])

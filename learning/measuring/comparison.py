"""Two models on the hold-out cases that both were measured on: paired differences, with chance told.

Nothing is predicted here: each model keeps what it said of each case (evaluation.by_case), so any two
of a project that answer the same question can be compared in a request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotation.models import Case
from learning import registry
from learning.engine.metrics import by_name, higher_is_better
from learning.engine.metrics.compare import Difference, delong, mcnemar, paired_bootstrap
from learning.engine.spec import Recipe
from learning.errors import NotComparable
from learning.measuring import said_of_cases, subgroups
from learning.measuring.measures import measure_of
from learning.models import TrainedModel

SEED = 0
RESAMPLES = 500
"""Few enough for a request; p cannot be told below some 0.004."""
METRICS = {"classification": ("auroc", "auprc", "balanced_accuracy", "f1", "brier", "ece")}


@dataclass(frozen=True)
class Row:
    """First less second, as a whole or in a group."""

    metric: str
    grouping: str
    group: str
    difference: Difference


@dataclass(frozen=True)
class Comparison:
    first: TrainedModel
    second: TrainedModel
    metric: str
    higher_is_better: bool
    cases: int
    rows: tuple[Row, ...]
    mcnemar: float | None
    """p that both call equally many cases right, at each one's operating point; classes only."""


@dataclass(frozen=True)
class _Shared:
    cases: list[int]
    patients: list[str]
    truths: list[Any]
    first: list[Any]
    second: list[Any]


def of(first: TrainedModel, second: TrainedModel) -> Comparison:
    """Raises NotComparable, with what to do, where the two do not answer the same on the same cases."""
    recipe = _same_question(first, second)
    shared = _shared(first, second, recipe)
    rows = [
        Row(metric, "", "", _difference(metric, recipe, shared, range(len(shared.cases))))
        for metric in METRICS.get(recipe.task, (recipe.metric,))
    ]
    rows.sort(key=lambda row: row.metric != recipe.metric)
    groups = subgroups.members(shared.cases, subgroups.of_cases(shared.cases))
    rows += [
        Row(recipe.metric, grouping, group, _in_group(recipe, shared, members))
        for (grouping, group), members in groups.items()
    ]
    return Comparison(
        first,
        second,
        recipe.metric,
        higher_is_better(recipe.metric),
        len(shared.cases),
        tuple(rows),
        _mcnemar(first, second, recipe, shared),
    )


def _same_question(first: TrainedModel, second: TrainedModel) -> Recipe:
    one, other = (said_of_cases.recipe_of(model) for model in (first, second))
    if first.pk == second.pk:
        raise NotComparable("A model compared with itself differs in nothing. Choose another one.")
    if (one.task, one.question, one.classes) != (other.task, other.question, other.classes):
        raise NotComparable("The two models answer different questions. Choose another one.")
    return one


def _shared(first: TrainedModel, second: TrainedModel, recipe: Recipe) -> _Shared:
    new, old = said_of_cases.by_case(first), said_of_cases.by_case(second)
    cases = [
        case for case, said in new.items() if case in old and old[case].reference == said.reference
    ]
    if not cases:
        raise NotComparable(
            "No case of the hold-out was used to measure both models with the same reference. Run a "
            "new round: it measures the model in use again."
        )
    patients = dict(Case.objects.filter(pk__in=cases).values_list("pk", "patient_id"))
    cases = [case for case in cases if case in patients]
    return _Shared(
        cases,
        [str(patients[case]) for case in cases],
        [new[case].truth for case in cases],
        [new[case].values for case in cases],
        [old[case].values for case in cases],
    )


def _in_group(recipe: Recipe, shared: _Shared, members: Sequence[int]) -> Difference:
    patients = len({shared.patients[row] for row in members})
    if said := subgroups.too_few(patients):
        return Difference(None, None, None, None, patients, "", said)
    return _difference(recipe.metric, recipe, shared, members)


def _difference(metric: str, recipe: Recipe, shared: _Shared, members: Sequence[int]) -> Difference:
    patients = [shared.patients[row] for row in members]
    task, truths = measure_of(recipe), [shared.truths[row] for row in members]
    truth, first = task.arrays(metric, truths, [shared.first[row] for row in members])
    _, second = task.arrays(metric, truths, [shared.second[row] for row in members])
    if metric == "auroc" and len(recipe.classes) == 2:
        return delong(truth[0] == 1, first[:, 1], second[:, 1], patients)
    return paired_bootstrap(by_name(metric), truth, first, second, patients, seed=SEED, n=RESAMPLES)


def _mcnemar(
    first: TrainedModel, second: TrainedModel, recipe: Recipe, shared: _Shared
) -> float | None:
    if recipe.task != "classification":
        return None
    right, truth = [], np.array(shared.truths)
    for model, values in ((first, np.array(shared.first)), (second, np.array(shared.second))):
        called = values.argmax(axis=1)
        if len(recipe.classes) == 2:
            called = (values[:, 1] >= registry.point_of(model).threshold).astype(int)
        right.append(called == truth)
    return mcnemar(*right)

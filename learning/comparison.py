"""Two models on the hold-out cases that both were measured on: paired differences, with chance told.

Nothing is predicted here: each model keeps what it said of each case (evaluation.by_case), so any two
of a project that answer the same question can be compared in a request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotation.models import Reference

from . import registry, said_of_cases, subgroups
from .engine.metrics import by_name, higher_is_better
from .engine.metrics.arrays import Array
from .engine.metrics.compare import Difference, delong, mcnemar, paired_bootstrap
from .engine.spec import Recipe
from .errors import NotComparable
from .measures import measure_of
from .models import TrainedModel

SEED = 0
RESAMPLES = 1000
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
    truth: list[Array]
    first: Array
    second: Array


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
    references = {new[case].reference: case for case in cases}
    patients = {
        references[pk]: str(patient)
        for pk, patient in Reference.objects.filter(pk__in=references).values_list(
            "pk", "case__patient_id"
        )
    }
    cases = [case for case in cases if case in patients]
    task, truths = measure_of(recipe), [new[case].truth for case in cases]
    known, one = task.arrays(recipe.metric, truths, [new[case].values for case in cases])
    _, other = task.arrays(recipe.metric, truths, [old[case].values for case in cases])
    return _Shared(cases, [patients[case] for case in cases], known, one, other)


def _in_group(recipe: Recipe, shared: _Shared, members: Sequence[int]) -> Difference:
    patients = len({shared.patients[row] for row in members})
    if said := subgroups.too_few(patients):
        return Difference(None, None, None, None, patients, "", said)
    return _difference(recipe.metric, recipe, shared, members)


def _difference(metric: str, recipe: Recipe, shared: _Shared, members: Sequence[int]) -> Difference:
    rows = np.array(list(members))
    patients = [shared.patients[row] for row in members]
    truth = [array[rows] for array in shared.truth]
    first, second = shared.first[rows], shared.second[rows]
    if metric == "auroc" and len(recipe.classes) == 2:
        return delong(truth[0] == 1, first[:, 1], second[:, 1], patients)
    return paired_bootstrap(by_name(metric), truth, first, second, patients, seed=SEED, n=RESAMPLES)


def _mcnemar(
    first: TrainedModel, second: TrainedModel, recipe: Recipe, shared: _Shared
) -> float | None:
    if recipe.task != "classification":
        return None
    right = []
    for model, values in ((first, shared.first), (second, shared.second)):
        called = values.argmax(axis=1)
        if len(recipe.classes) == 2:
            called = (values[:, 1] >= registry.point_of(model).threshold).astype(int)
        right.append(called == shared.truth[0])
    return mcnemar(*right)

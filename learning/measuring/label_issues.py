"""Labels that may be wrong: confident learning on what models said of cases they never learnt from.

A label is doubtful when another class is confidently likelier: its probability reaches the mean that
cases labelled so get (Northcutt et al. 2021). For those who judge labels, never for a blinded reader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef
from numpy.typing import NDArray

from annotation.models import Project, Read, Reference, SnapshotItem, Suggestion
from learning import recipes, registry
from learning.engine.spec import Recipe
from learning.errors import NoLabelSignals
from learning.measuring import said_of_cases
from learning.models import Arm, Score, TrainedModel

FEWEST = 20
"""Labelled cases with an out-of-sample answer below which the classes' means would be noise."""
SCORED_BEFORE, HELD_OUT = "scored_before", "held_out"

Array = NDArray[Any]


@dataclass(frozen=True)
class Issue:
    """One case. ``doubtful``: by confident learning; ``suggestion``: what was suggested for it, if
    that is not what was read.
    """

    case: int
    given: str
    likelier: str
    probability: float
    """Of the label that was given: the lower, the more doubtful."""
    likelier_probability: float
    doubtful: bool
    basis: str
    model: int
    suggestion: str
    reads: int


@dataclass(frozen=True)
class Issues:
    """``compared``: labelled cases with an answer of a model that had not learnt from them."""

    question: str
    classes: tuple[str, ...]
    compared: int
    found: tuple[Issue, ...]


@dataclass(frozen=True)
class _Answer:
    case: int
    label: str
    probabilities: Sequence[float]
    source: str
    model: int


def of(project: Project) -> Issues:
    """The doubtful labels first, each kind with the least probable ones first.

    Also cases whose reading differs from the suggestion that was made for it. Raises NoLabelSignals.
    """
    recipe = recipes.parsed(recipes.current(project))
    if recipe.task != "classification":
        raise NoLabelSignals("Label signals need a recipe that learns the answer to a question.")
    labels = _labels(project, recipe)
    answers = _answers(project, recipe, labels)
    if len(answers) < FEWEST:
        raise NoLabelSignals(
            f"{len(answers)} of at least {FEWEST} labelled cases have an answer of a model that did not "
            "learn from them. Run a round, then read more."
        )
    stated = np.array([answer.probabilities for answer in answers])
    given = np.array([recipe.classes.index(answer.label) for answer in answers])
    likelier = confident(given, stated)
    suggested = _suggested(project, recipe, labels)
    reads = _reads(labels)
    issues = [
        _issue(answer, row, other, recipe, suggested.get(answer.case, ""), reads)
        for answer, row, other in zip(answers, stated, likelier.tolist(), strict=True)
        if other >= 0 or suggested.get(answer.case, answer.label) != answer.label
    ]
    issues.sort(key=lambda issue: (not issue.doubtful, issue.probability, issue.case))
    return Issues(recipe.question, recipe.classes, len(answers), tuple(issues))


def confident(labels: Array, probabilities: Array) -> Array:
    """[N] the class that each label should confidently be instead, or -1.

    ``labels`` [N] in 0…C-1, ``probabilities`` [N, C] out of sample. A class's threshold is the mean
    probability of it among the cases labelled so; a class without labels has none.
    """
    classes = probabilities.shape[1]
    thresholds = np.array(
        [
            probabilities[labels == c, c].mean() if (labels == c).any() else np.inf
            for c in range(classes)
        ]
    )
    reached = np.where(probabilities >= thresholds - 1e-6, probabilities, -1.0)
    best = reached.argmax(axis=1)
    differs = (reached.max(axis=1) > 0) & (best != labels)
    return np.where(differs, best, -1)


def _issue(
    answer: _Answer,
    stated: Array,
    other: int,
    recipe: Recipe,
    suggestion: str,
    reads: Mapping[int, int],
) -> Issue:
    shown = other if other >= 0 else int(stated.argmax())
    return Issue(
        answer.case,
        answer.label,
        recipe.classes[shown],
        float(stated[recipe.classes.index(answer.label)]),
        float(stated[shown]),
        other >= 0,
        answer.source,
        answer.model,
        suggestion if suggestion != answer.label else "",
        reads.get(answer.case, 0),
    )


def _labels(project: Project, recipe: Recipe) -> dict[int, str]:
    rows = Reference.objects.filter(
        case__project=project, current=True, **{f"answers__{recipe.question}__in": recipe.classes}
    ).values_list("case_id", f"answers__{recipe.question}")
    return {case: str(label) for case, label in rows}


def _answers(project: Project, recipe: Recipe, labels: Mapping[int, str]) -> list[_Answer]:
    """The newest out-of-sample answer of each labelled case."""
    found: dict[int, _Answer] = {}
    ensembles = project.trained_models.filter(network=registry.ENSEMBLE, arm=Arm.ALL)
    for model in ensembles.order_by("round__number"):
        if not _learns_the_same(model, recipe):
            continue
        for case, said in said_of_cases.by_case(model).items():
            if case in labels:
                found[case] = _Answer(case, labels[case], said.values, HELD_OUT, model.pk)
        for case, probabilities in _scored_before(model, labels):
            found[case] = _Answer(case, labels[case], probabilities, SCORED_BEFORE, model.pk)
    return [found[case] for case in sorted(found)]


def _scored_before(
    model: TrainedModel, labels: Mapping[int, str]
) -> list[tuple[int, Sequence[float]]]:
    """Scores of cases that were not among the labels that the model learnt from."""
    learnt = SnapshotItem.objects.filter(snapshot=model.round.snapshot_id, case=OuterRef("case"))
    rows = Score.objects.filter(model=model, case__in=list(labels)).exclude(Exists(learnt))
    return [
        (case, said[registry.ENSEMBLE])
        for case, said in rows.values_list("case_id", "probabilities")
    ]


def _learns_the_same(model: TrainedModel, recipe: Recipe) -> bool:
    learnt = model.config["recipe"]
    return bool(
        learnt["task"] == recipe.task
        and learnt.get("question") == recipe.question
        and tuple(learnt["classes"]) == recipe.classes
    )


def _suggested(project: Project, recipe: Recipe, labels: Mapping[int, str]) -> dict[int, str]:
    """What was suggested last, whether shown or hidden, for each labelled case."""
    rows = Suggestion.objects.filter(project=project, case__in=list(labels)).order_by("pk")
    return {
        case: str(item["value"])
        for case, items in rows.values_list("case_id", "items")
        for item in items
        if item.get("kind") == "answer" and item.get("question") == recipe.question
    }


def _reads(labels: Mapping[int, str]) -> dict[int, int]:
    counts: dict[int, int] = {}
    rows = Read.objects.filter(case__in=list(labels), superseded_by=None, late=False)
    for case in rows.values_list("case_id", flat=True):
        counts[case] = counts.get(case, 0) + 1
    return counts

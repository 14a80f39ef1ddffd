"""The pool in the order of what each case would teach. The only writer of Ranking.

Ranking is data, not a call: priorities go to the slots through ``annotation.queue.rerank``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation import queue
from annotation.models import Project

from . import acquisition, registry, scoring
from .acquisition import PoolScores, Selection
from .engine.spec import Recipe
from .models import Embedding, Ranking, Round, Score, TrainedModel

UNCERTAINTY = "uncertainty"
ROWS_AT_ONCE = 5000
END = np.iinfo(np.int64).max

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Choice:
    acquisition: str
    reason: str
    """Why this function."""
    selection: Selection


@dataclass(frozen=True)
class Pool:
    """The cases that wait, in one order for all arrays."""

    cases: list[int]
    scores: PoolScores


def load(project: Project, model: TrainedModel) -> Pool:
    """Scored cases that still want a reading, of the pool alone."""
    rows = (
        Score.objects.filter(model=model, case__in=scoring.pool(project))
        .order_by("case")
        .values_list("case_id", "uncertainty", "probabilities")
        .iterator(ROWS_AT_ONCE)
    )
    parts: dict[str, list[Floats]] = {}
    cases: list[int] = []
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        cases += [case for case, _, _ in chunk]
        parts.setdefault(UNCERTAINTY, []).append(np.array([one for _, one, _ in chunk], np.float32))
        for name in chunk[0][2]:
            said = np.array([probabilities[name] for _, _, probabilities in chunk], np.float32)
            parts.setdefault(name, []).append(said)
    arrays = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    return Pool(
        cases,
        PoolScores(
            ids=np.array(cases, np.int64),
            uncertainty=arrays.pop(UNCERTAINTY, np.zeros(0, np.float32)),
            ensemble=arrays.pop(registry.ENSEMBLE, np.zeros((0, 0), np.float32)),
            class_uncertainty=arrays.pop(scoring.CLASS_UNCERTAINTY, None),
            probabilities=arrays,
        ),
    )


def choose(recipe: Recipe, pool: Pool, *, labelled: int) -> tuple[str, str]:
    """The acquisition function and why: the recipe's, or the one that suits the regime."""
    if recipe.acquisition != acquisition.AUTO:
        return recipe.acquisition, "The recipe asks for it."
    return acquisition.choose(
        recipe.task,
        labelled=labelled,
        pool=len(pool.cases),
        networks=len(pool.scores.probabilities),
        classes=len(recipe.classes),
    )


def pick(
    model: TrainedModel, recipe: Recipe, pool: Pool, *, labelled: list[int], seed: int
) -> Choice:
    """The order of the pool; ``labelled``: cases learnt from. May take minutes, and writes nothing."""
    name, reason = choose(recipe, pool, labelled=len(labelled))
    scores = pool.scores
    if name in acquisition.BY_EMBEDDING:
        known = _embeddings(model, sorted(labelled))
        scores = replace(scores, embeddings=_embeddings(model, pool.cases), labelled=known)
    selection = acquisition.select(name, scores, recipe.batch, seed=seed)
    return Choice(name, reason, selection)


def store(round_: Round, model: TrainedModel, pool: Pool, choice: Choice) -> Ranking:
    """The round's ranking as a row. Made again after a crash, it keeps its generation."""
    said = {
        "model": model,
        "acquisition": choice.acquisition,
        "reason": choice.reason,
        "size": len(pool.cases),
        "batch": list(_explained(pool, choice.selection)),
    }
    others = Ranking.objects.filter(project=round_.project_id).exclude(round=round_)
    latest = others.order_by("-generation").first()
    generation = 1 if latest is None else latest.generation + 1
    ranking, _ = Ranking.objects.update_or_create(
        round=round_,
        defaults=said,
        create_defaults={**said, "project_id": round_.project_id, "generation": generation},
    )
    return ranking


def apply(ranking: Ranking, pool: Pool, selection: Selection) -> None:
    """Hands the order to the readers' queue; to the same end when repeated."""
    queue.rerank(ranking.project, ranking.generation, _priorities(pool, selection))


def _priorities(pool: Pool, selection: Selection) -> Iterator[tuple[int, float]]:
    """Evenly spread over (0, 1), the first pick highest."""
    order = selection.order()
    for place, row in enumerate(order):
        yield pool.cases[row], 1 - (place + 1) / (len(order) + 1)


def _explained(pool: Pool, selection: Selection) -> Iterator[dict[str, Any]]:
    for rank, row in enumerate(selection.indices, start=1):
        yield {
            "case": pool.cases[row],
            "rank": rank,
            "score": _number(selection.scores[row]),
            "components": {
                name: _number(values[row]) for name, values in selection.components.items()
            },
        }


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def _embeddings(model: TrainedModel, cases: list[int]) -> Floats | None:
    """One row for each of the ascending ``cases`` that has one; None if there is none."""
    wanted = np.array([*cases, END], np.int64)
    rows = (
        Embedding.objects.filter(model=model)
        .order_by("case")
        .values_list("case_id", "vector")
        .iterator(ROWS_AT_ONCE)
    )
    found: list[Floats] = []
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        ids = np.array([case for case, _ in chunk])
        asked = wanted[np.searchsorted(wanted, ids)] == ids
        if asked.any():
            vectors = [vector for (_, vector), one in zip(chunk, asked, strict=True) if one]
            found.append(np.array(vectors, np.float32))
    return np.concatenate(found) if found else None

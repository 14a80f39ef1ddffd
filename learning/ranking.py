"""The pool in the order of what each case would teach. The only writer of Ranking.

Ranking is data, not a call: priorities go to the slots through ``annotation.queue.rerank``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation import queue
from annotation.models import Project

from . import acquisition, registry, scoring
from .acquisition import PoolScores, Selection
from .engine.spec import Recipe
from .models import Embedding, Ranking, Round, Score, TrainedModel

AUTO = "auto"
ROWS_AT_ONCE = 5000

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Pool:
    """The cases that wait, in one order for all arrays."""

    cases: list[int]
    scores: PoolScores


def load(project: Project, model: TrainedModel, *, labelled: list[int]) -> Pool:
    """Scored cases that still want a reading, of the pool alone; ``labelled``: cases learnt from."""
    rows = list(
        Score.objects.filter(model=model, case__in=scoring.pool(project))
        .order_by("case")
        .values_list("case_id", "probabilities", "uncertainty")
        .iterator(ROWS_AT_ONCE)
    )
    cases = [case for case, _, _ in rows]
    said = [probabilities for _, probabilities, _ in rows]
    fields = dict.fromkeys(said[0] if said else [])
    arrays = {name: np.array([one[name] for one in said], np.float32) for name in fields}
    ensemble = arrays.pop(registry.ENSEMBLE, np.zeros((0, 0), np.float32))
    class_uncertainty = arrays.pop(scoring.CLASS_UNCERTAINTY, None)
    return Pool(
        cases,
        PoolScores(
            ensemble=ensemble,
            ids=np.array(cases),
            probabilities=arrays,
            embeddings=_embeddings(model, cases),
            labelled=_embeddings(model, labelled),
            uncertainty=np.array([uncertainty for _, _, uncertainty in rows], np.float32),
            class_uncertainty=class_uncertainty,
        ),
    )


def choose(recipe: Recipe, pool: Pool, *, labelled: int) -> tuple[str, str]:
    """The acquisition function and why: the recipe's, or the one that suits the regime."""
    if recipe.acquisition != AUTO:
        return recipe.acquisition, "The recipe asks for it."
    return acquisition.choose(
        recipe.task,
        labelled=labelled,
        pool=len(pool.cases),
        networks=len(pool.scores.probabilities),
        classes=len(recipe.classes),
    )


def explain(
    round_: Round, model: TrainedModel, recipe: Recipe, pool: Pool, *, labelled: int
) -> tuple[Ranking, Selection]:
    """The round's ranking as a row. Made again after a crash, it keeps its generation."""
    name, reason = choose(recipe, pool, labelled=labelled)
    selection = acquisition.select(name, pool.scores, recipe.batch, seed=round_.seed)
    said = {
        "model": model,
        "acquisition": name,
        "reason": reason,
        "size": len(pool.cases),
        "batch": list(_explained(pool, selection)),
    }
    others = Ranking.objects.filter(project=round_.project_id).exclude(round=round_)
    latest = others.order_by("-generation").first()
    generation = 1 if latest is None else latest.generation + 1
    ranking, _ = Ranking.objects.update_or_create(
        round=round_,
        defaults=said,
        create_defaults={**said, "project_id": round_.project_id, "generation": generation},
    )
    return ranking, selection


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
    """Rows in the order of ``cases``; None when any is missing."""
    rows = Embedding.objects.filter(model=model, case__in=cases).values_list("case_id", "vector")
    found = dict(rows.iterator(ROWS_AT_ONCE))
    if not cases or len(found) < len(cases):
        return None
    return np.stack([np.asarray(found[case], np.float32) for case in cases])

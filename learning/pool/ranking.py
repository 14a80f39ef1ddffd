"""The pool in the order of what each case would teach. The only writer of Ranking.

Ranking is data, not a call: priorities go to the slots through ``annotation.queue.rerank``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models.functions import Now
from numpy.typing import NDArray

from annotation import queue
from annotation.models import Project
from learning import acquisition, registry
from learning.acquisition import Constraints, Detections, Features, Need, PoolScores, Selection
from learning.engine.spec import Recipe
from learning.engine.tasks import TASKS
from learning.models import Embedding, Ranking, Round, Score, TrainedModel
from learning.pool import costs, scoring

UNCERTAINTY, DISAGREEMENT = "uncertainty", "disagreement"
ROWS_AT_ONCE = 5000
END = np.iinfo(np.int64).max
KEPT = 500
"""Rankings between rounds whose first cases stay explained."""
FEW = 20_000
"""Cases that are looked up by number rather than found among all."""
MANY = 50_000
"""Cases from which it pays to move the embeddings to a GPU."""

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


def load(
    project: Project,
    model: TrainedModel,
    *,
    rounds: int | None = None,
    only: Sequence[int] | None = None,
) -> Pool:
    """Scored cases that still want a reading, of the pool alone; ``rounds`` went before."""
    wanted = scoring.pool(project)
    if only is not None:
        wanted = wanted.filter(pk__in=only)
    rows = (
        Score.objects.filter(model=model, case__in=wanted)
        .order_by("case")
        .values_list("case_id", "uncertainty", "disagreement", "probabilities", "boxes")
        .iterator(ROWS_AT_ONCE)
    )
    parts: dict[str, list[Floats]] = {}
    cases: list[int] = []
    found: list[dict[str, Any]] = []
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        ids, doubts, apart, said, boxes = zip(*chunk, strict=True)
        cases += ids
        parts.setdefault(UNCERTAINTY, []).append(np.array(doubts, np.float32))
        parts.setdefault(DISAGREEMENT, []).append(np.array(apart, np.float32))
        found += boxes
        for name in said[0]:
            parts.setdefault(name, []).append(np.array([one[name] for one in said], np.float32))
    arrays = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    passes = arrays.pop(scoring.PASSES, None)
    by_class = arrays.pop(scoring.CLASS_UNCERTAINTY, None)
    apart_as_measured = arrays.pop(DISAGREEMENT, None)
    unsure = arrays.pop(UNCERTAINTY, np.zeros(0, np.float32))
    ensemble = arrays.pop(registry.ENSEMBLE, np.zeros((0, 0), np.float32))
    if not _is_one_answer(model):
        nothing = np.zeros((len(cases), 0), np.float32)
        ensemble, arrays, passes = nothing, dict.fromkeys(arrays, nothing), None
    return Pool(
        cases,
        PoolScores(
            ids=np.array(cases, np.int64),
            uncertainty=unsure,
            ensemble=ensemble,
            class_uncertainty=by_class,
            contradiction=None if by_class is None else apart_as_measured,
            detections=_detections(found, model),
            probabilities=arrays,
            samples=passes,
            round=rounds,
        ),
    )


def _is_one_answer(model: TrainedModel) -> bool:
    """Whether what networks say of a case are the probabilities of answers that exclude one another, or
    of the structures in a mask."""
    regime = TASKS[model.config["recipe"]["task"]].regime
    return regime in ("classification", "segmentation")


def _detections(found: list[dict[str, Any]], model: TrainedModel) -> dict[str, Detections]:
    """By network, where the task is to find boxes."""
    classes = len(model.config["recipe"]["classes"])
    names = sorted({name for boxes in found for name in boxes})
    parts: dict[str, Detections] = {}
    for name in names:
        rows = [(case, box) for case, boxes in enumerate(found) for box in boxes.get(name, [])]
        table = np.array([box for _, box in rows] or np.zeros((0, 6)), np.float32)
        chances = np.zeros((len(rows), classes), np.float32)
        chances[np.arange(len(rows)), table[:, 0].astype(int)] = table[:, 1]
        cases = np.array([case for case, _ in rows], np.int64)
        parts[name] = Detections(cases, table[:, 2:], chances)
    return parts


def in_circumstances(
    project: Project, recipe: Recipe, pool: Pool, took: costs.Times | None
) -> Pool:
    """With each case's site, patient and expected reading time, as far as the recipe looks at them."""
    facts: dict[str, Any] = {}
    if recipe.balance_sites or recipe.acquisition == "stratified_random":
        facts["strata"] = _of_cases(project, pool.cases, "site_id")
    if recipe.one_per_patient:
        facts["patients"] = _of_cases(project, pool.cases, "patient_id")
    timed = recipe.per_minute and took is not None
    cost = costs.expected(project, pool.cases, took) if timed and took else None
    if cost is not None and np.ptp(cost) > 0:
        facts["cost"] = cost
    return replace(pool, scores=replace(pool.scores, **facts)) if facts else pool


def constraints(recipe: Recipe) -> Constraints:
    return Constraints(
        distinct=recipe.distinct,
        one_per_patient=recipe.one_per_patient,
        balance=recipe.balance_sites,
        rare=recipe.classes.index(recipe.rare_class) if recipe.rare_class else None,
        rare_share=recipe.rare_share,
    )


def choose(model: TrainedModel, recipe: Recipe, pool: Pool, *, labelled: int) -> tuple[str, str]:
    """The acquisition function and why: the recipe's, or the one that suits the regime."""
    if recipe.acquisition != acquisition.AUTO:
        return recipe.acquisition, "The recipe asks for it."
    return acquisition.choose(
        TASKS[recipe.task].regime,
        labelled=labelled,
        pool=len(pool.cases),
        networks=len(pool.scores.probabilities),
        classes=len(recipe.classes),
        embeddings=Embedding.objects.filter(model=model).exists(),
    )


def pick(
    model: TrainedModel,
    recipe: Recipe,
    pool: Pool,
    *,
    labelled: list[int],
    seed: int,
    device: str = "cpu",
) -> Choice:
    """The order of the pool; ``labelled``: cases learnt from. May take minutes, and writes nothing."""
    name, reason = choose(model, recipe, pool, labelled=len(labelled))
    asked, scores = constraints(recipe), pool.scores
    if Need.EMBEDDINGS in acquisition.ACQUISITIONS[name].needs or asked.distinct is not None:
        known = _embeddings(model, sorted(labelled))
        scores = replace(scores, embeddings=_placed(model, pool, device), labelled=known)
    selection = acquisition.select(name, scores, recipe.batch, seed=seed, constraints=asked)
    reason = " ".join(filter(None, [reason, _held_to(asked, scores)]))
    return Choice(name, reason, named(selection, recipe))


def named(selection: Selection, recipe: Recipe) -> Selection:
    """With the structures' own names for what the function knows by number."""
    names = {f"class_{i}": name for i, name in enumerate(recipe.classes, start=1)}
    parts = {names.get(part, part): values for part, values in selection.components.items()}
    return replace(selection, components=parts)


def _placed(model: TrainedModel, pool: Pool, device: str) -> Floats | Features | None:
    """The pool's embeddings, on the device if they are many."""
    found = _embeddings(model, pool.cases)
    if found is None or device == "cpu" or len(found) < MANY:
        return found
    return acquisition.features(found, device)


def _held_to(asked: Constraints, scores: PoolScores) -> str:
    """What else than the function decided, in sentences."""
    cost = "Worth is counted for each minute of reading." if scores.cost is not None else ""
    return " ".join(filter(None, [asked.said(), cost]))


@transaction.atomic
def store(round_: Round, model: TrainedModel | None, pool: Pool, choice: Choice) -> Ranking:
    """The round's ranking as a row. Made again after a crash, it keeps its generation."""
    said = {
        "model": model,
        "acquisition": choice.acquisition,
        "reason": choice.reason,
        "size": len(pool.cases),
        "batch": list(_explained(pool, choice.selection)),
    }
    generation = next_generation(round_.project, but=round_)
    ranking, _ = Ranking.objects.update_or_create(
        round=round_,
        defaults=said,
        create_defaults={**said, "project_id": round_.project_id, "generation": generation},
    )
    return ranking


def latest(project: Project) -> Ranking | None:
    return Ranking.objects.filter(project=project).order_by("-generation").first()


def of_last_round(project: Project) -> Ranking | None:
    rankings = Ranking.objects.filter(project=project, fast=False).select_related("round")
    return rankings.order_by("-generation").first()


def next_generation(project: Project, *, but: Round | None = None) -> int:
    """Until the caller's transaction ends nobody else gets it."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    others = Ranking.objects.filter(project=project)
    if but is not None:
        others = others.exclude(round=but)
    last = others.order_by("-generation").values_list("generation", flat=True).first()
    return 1 if last is None else last + 1


def store_fast(
    based_on: Ranking, pool: Pool, selection: Selection, *, changed: int, said: Mapping[str, Any]
) -> Ranking | None:
    """A ranking between rounds as a row; None if a round ranked the pool meanwhile. One that a killed
    worker left without effect is taken up again. Batches of long ago are let go.
    """
    project = based_on.project
    with transaction.atomic():
        generation = next_generation(project)
        if of_last_round(project) != based_on:
            return None
        row = latest(project)
        if row is None or not row.fast or row.applied_at is not None:
            row = Ranking(project=project, generation=generation, fast=True)
        row.acquisition, row.size = based_on.acquisition, len(pool.cases)
        row.batch, row.changed = list(_explained(pool, selection)), changed
        for name, value in said.items():
            setattr(row, name, value)
        row.save()
        old = Ranking.objects.filter(project=project, fast=True, generation=generation - KEPT)
        old.update(batch=[])
        return row


def close_fast(row: Ranking, took_ms: int) -> None:
    """The slots have it."""
    Ranking.objects.filter(pk=row.pk).update(applied_at=Now(), took_ms=took_ms)


def apply(ranking: Ranking, pool: Pool, selection: Selection) -> None:
    """Hands the order to the readers' queue; to the same end when repeated."""
    queue.rerank(ranking.project, ranking.generation, _priorities(pool, selection))


def _priorities(pool: Pool, selection: Selection) -> Iterator[tuple[int, float]]:
    """Evenly spread over (0, 1), the first pick highest."""
    order = selection.order()
    for place, row in enumerate(order):
        yield pool.cases[row], 1 - (place + 1) / (len(order) + 1)


def _explained(pool: Pool, selection: Selection) -> Iterator[dict[str, Any]]:
    for place, row in enumerate(selection.indices):
        yield {
            "case": pool.cases[row],
            "rank": place + 1,
            "score": _number(selection.scores[row]),
            "components": {
                name: _number(values[place]) for name, values in selection.components.items()
            },
        }


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def _of_cases(project: Project, cases: list[int], column: str) -> NDArray[np.int64]:
    """A number for each of the ascending ``cases``; -1 where there is none."""
    wanted = np.array([*cases, END], np.int64)
    found = np.full(len(cases), -1, np.int64)
    pool = scoring.pool(project)
    if len(cases) <= FEW:
        pool = pool.filter(pk__in=cases)
    rows = pool.order_by("pk").values_list("pk", column).iterator(ROWS_AT_ONCE)
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        ids = np.array([case for case, _ in chunk])
        values = np.array([-1 if value is None else value for _, value in chunk])
        place = np.searchsorted(wanted, ids)
        asked = wanted[place] == ids
        found[place[asked]] = values[asked]
    return found


def _embeddings(model: TrainedModel, cases: list[int]) -> Floats | None:
    """One row for each of the ascending ``cases`` that has one; None if there is none."""
    from learning.pool import pools

    stored = pools.open_(model)
    if stored is None:
        return None
    rows = stored.at(np.array(cases, np.int64))
    rows = rows[rows >= 0]
    return np.asarray(stored.rows.exact[rows]) if len(rows) else None

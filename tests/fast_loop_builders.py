"""A project as a round leaves it: scored, embedded and ranked, with a model in use, but nothing trained."""

from __future__ import annotations

from typing import Any

import builders
import learning_builders as lessons
import numpy as np

from annotation import queue, reading
from annotation.models import Case, Project, Read, User
from learning import recipes
from learning.models import Embedding, Ranking, Round, Score, TrainedModel

WIDTH = 8
RECIPE = {**lessons.RECIPE, "batch": 4}


def ranked(
    *, pool: int = 40, labelled: int = 12, rule: str = "margin", **recipe: Any
) -> tuple[Project, list[Case], np.ndarray]:
    """(project, the cases that wait, their embeddings). The first axis says “yes”; ``labelled`` more
    have an answer, from which the round learnt. Other streams have a case each.
    """
    project = lessons.project({**RECIPE, **recipe}, evaluation_first=False, reading_mix={"pool": 1})
    waiting = [builders.case(project, stream="pool") for _ in range(pool)]
    taught = [builders.case(project, stream="pool") for _ in range(labelled)]
    for stream in ("control", "calibration", "holdout"):
        builders.case(project, stream=stream)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(pool + labelled, WIDTH)).astype(np.float32)
    for number, case in enumerate(taught):
        sick = number % 2
        vectors[pool + number, 0] = 3 * sick - 1.5
        lessons.answer(case, "yes" if sick else "no")
    model = in_use(project)
    embed(model, [*waiting, *taught], vectors)
    Score.objects.bulk_create(
        Score(
            case=case,
            model=model,
            probabilities={"vit": [0.5, 0.5], "ensemble": [0.5, 0.5]},
            uncertainty=0.5,
            disagreement=0.1,
        )
        for case in waiting
    )
    rank(project, model, waiting, rule)
    return project, waiting, vectors[:pool]


def in_use(project: Project) -> TrainedModel:
    """Another model, put in use instead of the one that is."""
    TrainedModel.objects.filter(project=project, state="in_use").update(state="retired")
    number = project.rounds.count() + 1
    round_ = Round.objects.create(
        project=project,
        number=number,
        recipe=recipes.current(project),
        seed=1,
        trigger="api",
        state="done",
    )
    return TrainedModel.objects.create(
        project=project,
        round=round_,
        arm="all",
        network="ensemble",
        weights_sha256="0" * 64,
        code_sha256="0" * 64,
        config={"recipe": recipes.parsed(round_.recipe).document(), "environment": {}},
        state="in_use",
    )


def embed(model: TrainedModel, cases: list[Case], vectors: np.ndarray) -> None:
    Embedding.objects.bulk_create(
        Embedding(case=case, model=model, vector=vector)
        for case, vector in zip(cases, vectors, strict=True)
    )


def rank(project: Project, model: TrainedModel, cases: list[Case], rule: str) -> Ranking:
    """As a round does: all of them, evenly, the first highest."""
    last = Ranking.objects.filter(project=project).order_by("-generation").first()
    made = Ranking.objects.create(
        project=project,
        generation=1 if last is None else last.generation + 1,
        round=model.round,
        model=model,
        acquisition=rule,
        reason="The recipe asks for it.",
        size=len(cases),
    )
    places = ((case.pk, 1 - (at + 1) / (len(cases) + 1)) for at, case in enumerate(cases))
    queue.rerank(project, made.generation, places)
    return made


def submit(case: Case, value: str, by: User | None = None) -> Read:
    """Through the public door: claimed, and submitted."""
    reader = by or builders.reader(case.project)
    slot = case.slots.get()
    type(slot).objects.filter(pk=slot.pk).update(priority=0.99999)
    held = queue.claim(case.project, reader)
    assert held.case_id == case.pk
    return reading.submit(
        held.pk,
        reader,
        token=held.token,
        idempotency_key=builders.key(),
        content=builders.content(value),
        active_seconds=5,
    )


def order(project: Project) -> list[int]:
    """Case ids as readers would get them."""
    return queue.next_in_order(project, 10_000)

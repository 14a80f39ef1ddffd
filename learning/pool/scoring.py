"""What an ensemble says of cases without a label. The only writer of Score, Embedding and ScoringFailure.

Each (case, model) is scored once: unique in the database, and left out of what still waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation.models import Case, Project, Purpose, Slot, Stream
from learning import registry
from learning.engine.spec import Box
from learning.models import Embedding, Score, ScoringFailure, TrainedModel, TriageDecision

if TYPE_CHECKING:
    from learning.engine.predict import Predictions

CLASS_UNCERTAINTY = "class_uncertainty"
PASSES = "passes"


def pool(project: Project) -> QuerySet[Case]:
    """Cases of the pool that still want a reading. Never another stream: acquisition sees only these."""
    wanted = Slot.objects.filter(
        case=OuterRef("pk"), state__in=[Slot.State.OPEN, Slot.State.CLAIMED]
    ).exclude(purpose=Purpose.AUDIT)
    return project.cases.filter(Exists(wanted), stream=Stream.POOL, state=Case.State.READY)


def waiting(project: Project, model: TrainedModel) -> QuerySet[Case]:
    """What of the pool, and of what an earlier model accepted, the model has neither scored nor given
    up on: a new model decides anew.
    """
    accepted = TriageDecision.objects.filter(
        case=OuterRef("pk"), state=TriageDecision.State.ACCEPTED
    )
    ready = project.cases.filter(Exists(accepted), stream=Stream.POOL, state=Case.State.READY)
    asked = project.cases.filter(Q(pk__in=pool(project)) | Q(pk__in=ready))
    return asked.filter(~_done(Score, model), ~_done(ScoringFailure, model))


def without_embedding(cases: QuerySet[Case], model: TrainedModel) -> QuerySet[Case]:
    return cases.filter(~_done(Embedding, model), ~_done(ScoringFailure, model))


def store(model: TrainedModel, said: Predictions, left_out: Sequence[tuple[int, str]]) -> None:
    """Scores, embeddings and failures of one shard; what is there already stays as it is."""
    Score.objects.bulk_create(
        (_score(model, said, row) for row in range(len(said.ids))), ignore_conflicts=True
    )
    store_embeddings(model, said, left_out)


def store_embeddings(
    model: TrainedModel, said: Predictions, left_out: Sequence[tuple[int, str]]
) -> None:
    Embedding.objects.bulk_create(
        (
            Embedding(case_id=case, model=model, vector=vector)
            for case, vector in zip(said.ids, said.embeddings, strict=True)
        ),
        ignore_conflicts=True,
    )
    ScoringFailure.objects.bulk_create(
        (
            ScoringFailure(case_id=case, model=model, reason=reason)
            for case, reason in chain(left_out, said.left_out)
        ),
        ignore_conflicts=True,
    )


def _done(rows: type[Score | Embedding | ScoringFailure], model: TrainedModel) -> Exists:
    return Exists(rows.objects.filter(case=OuterRef("pk"), model=model))


def _score(model: TrainedModel, said: Predictions, row: int) -> Score:
    outputs = {**said.networks, registry.ENSEMBLE: said.ensemble}
    probabilities: dict[str, Any] = {
        name: rounded(output.probabilities[row]) for name, output in outputs.items()
    }
    if said.ensemble.class_uncertainty is not None:
        probabilities[CLASS_UNCERTAINTY] = rounded(said.ensemble.class_uncertainty[row])
    if said.samples is not None:
        probabilities[PASSES] = [rounded(one) for one in said.samples[row]]
    return Score(
        case_id=said.ids[row],
        model=model,
        probabilities=probabilities,
        uncertainty=float(said.ensemble.uncertainty[row]),
        disagreement=float(said.disagreement[row]),
        boxes={
            name: [_box(box) for box in output.boxes[row]]
            for name, output in said.networks.items()
            if output.boxes is not None
        },
    )


def _box(box: Box) -> list[float]:
    return [box.label, *rounded(np.array([box.score, *box.low, *box.high]))]


def rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 6) for value in values]

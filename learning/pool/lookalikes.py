"""Cases of different patients that look like one image. The only writer of Lookalike.

The same image under two patients is a leak when the two lie in different splits: what was learnt from
one is then measured on the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.db.models import QuerySet

from annotation.models import Case, Project, Stream
from learning import registry
from learning.models import Lookalike, TrainedModel

SIMILAR = 0.995
MOST = 200
EVALUATING = (Stream.HOLDOUT, Stream.CALIBRATION)


@dataclass(frozen=True)
class Pair:
    first: int
    second: int
    similarity: float
    across: bool


def search(model: TrainedModel) -> list[Pair]:
    """The pairs that are most alike, those in different splits first. Writes nothing."""
    from learning.acquisition.duplicates import near_pairs
    from learning.pool import pools

    ids, vectors = pools.vectors(model)
    if not len(ids):
        return []
    pairs, cosines = near_pairs(vectors, SIMILAR)
    involved = np.unique(ids[pairs]).tolist()
    facts = {
        case: (patient, stream in EVALUATING)
        for case, patient, stream in Case.objects.filter(pk__in=involved).values_list(
            "pk", "patient", "stream"
        )
    }
    found = [
        Pair(first, second, float(cosine), facts[first][1] != facts[second][1])
        for (first, second), cosine in zip(ids[pairs].tolist(), cosines, strict=True)
        if facts[first][0] != facts[second][0]
    ]
    return sorted(found, key=lambda pair: not pair.across)[:MOST]


def store(model: TrainedModel, pairs: list[Pair]) -> int:
    """Instead of what was found before; how many lie in different splits."""
    with transaction.atomic():
        model.lookalikes.all().delete()
        Lookalike.objects.bulk_create(
            Lookalike(
                model=model,
                first_id=pair.first,
                second_id=pair.second,
                similarity=pair.similarity,
            )
            for pair in pairs
        )
    return sum(pair.across for pair in pairs)


def of(project: Project) -> QuerySet[Lookalike]:
    """By the model in use, those in different splits first."""
    model = registry.in_use(project)
    rows = Lookalike.objects.filter(model=model) if model else Lookalike.objects.none()
    return rows.exclude(first__state=Case.State.WITHDRAWN).exclude(
        second__state=Case.State.WITHDRAWN
    )


def is_across(row: Lookalike) -> bool:
    return (row.first.stream in EVALUATING) != (row.second.stream in EVALUATING)

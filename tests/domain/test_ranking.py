"""From stored scores to the order of the pool: all of them, in small parts, under no lock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import learning_builders as lessons
import numpy as np
import pytest
from django.db import connection

from learning import acquisition, recipes, registry
from learning.models import Arm, Embedding, Ranking, Round, Score
from learning.pool import ranking

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("artifacts_folder"),
]


def done(**recipe: Any) -> Round:
    return lessons.finish(lessons.start(lessons.quickly_taught(unread=5, **recipe)))


def test_the_pool_is_the_same_whatever_the_parts_it_is_read_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    round_ = done()
    model = registry.find(round_, Arm.ALL)
    whole = ranking.load(round_.project, model)
    monkeypatch.setattr(ranking, "ROWS_AT_ONCE", 2)
    parts = ranking.load(round_.project, model)
    assert whole.cases == parts.cases == sorted(whole.cases)
    assert len(parts.cases) == 5
    said = {score.case_id: score.probabilities for score in Score.objects.filter(model=model)}
    for pool in (whole, parts):
        for row, case in enumerate(pool.cases):
            assert pool.scores.ensemble[row] == pytest.approx(said[case]["ensemble"])
            assert pool.scores.probabilities["vit"][row] == pytest.approx(said[case]["vit"])
        assert set(pool.scores.probabilities) == {"vit"}


def test_the_choice_is_made_before_the_round_is_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its worker could not keep the lease, and nobody could cancel it, for as long as that takes."""
    select, locked = acquisition.select, []

    def watched(*given: Any, **named: Any) -> acquisition.Selection:
        locked.append(connection.in_atomic_block)
        return select(*given, **named)

    monkeypatch.setattr(acquisition, "select", watched)
    assert Ranking.objects.filter(round=done()).exists()
    assert locked == [False]


def test_one_labelled_case_without_features_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    round_ = done(acquisition="kcenter")
    model = registry.find(round_, Arm.ALL)
    pool = ranking.load(round_.project, model)
    trained = Embedding.objects.filter(model=model, case__stream__in=["pool", "control"])
    learnt = trained.exclude(case__in=pool.cases)
    labelled = list(learnt.values_list("case_id", flat=True))
    learnt.order_by("case")[0].delete()
    seen: list[Mapping[str, Any]] = []
    select = acquisition.select

    def watched(name: str, scores: acquisition.PoolScores, *rest: Any, **named: Any) -> Any:
        seen.append({"pool": scores.embeddings, "labelled": scores.labelled})
        return select(name, scores, *rest, **named)

    monkeypatch.setattr(acquisition, "select", watched)
    monkeypatch.setattr(ranking, "ROWS_AT_ONCE", 3)
    recipe = recipes.parsed(round_.recipe)
    choice = ranking.pick(model, recipe, pool, labelled=labelled[::-1], seed=1)
    assert choice.acquisition == "kcenter"
    [given] = seen
    assert len(given["labelled"]) == len(labelled) - 1
    for vector, case in zip(given["pool"], pool.cases, strict=True):
        stored = Embedding.objects.get(model=model, case=case).vector
        assert vector == pytest.approx(np.asarray(stored, np.float32))

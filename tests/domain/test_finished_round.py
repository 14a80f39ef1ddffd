"""What a round that ran to its end leaves behind, and what it never touched. One round serves all tests."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import learning_builders as lessons
import numpy as np
import pytest
from django.core.management import call_command
from django.utils import timezone

from annotation import ledger
from annotation.models import Event, Slot, Snapshot, Stream
from learning import artifacts, labels, overview, recipes, registry, stages
from learning.curve import curves
from learning.measuring import cards
from learning.models import (
    Arm,
    CurvePoint,
    Embedding,
    Evaluation,
    Ranking,
    Round,
    Score,
    ScoringFailure,
    TrainedModel,
)
from learning.pool import pools

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimpleNamespace]:
    """A project with labels in all streams, three bad cases among them, and its first round, done."""
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        lessons.artifacts_in(patch, tmp_path_factory.mktemp("artifacts"))
        project = lessons.taught(lessons.RECIPE, pool=16, control=12, unread=6)
        made = SimpleNamespace(project=project)
        made.unread_holdout = lessons.case(project, "holdout", 500)
        made.not_a_number = lessons.case(project, "pool", 77, value="yes")
        lessons.store_image(made.not_a_number, np.full((32, 32), np.nan, np.float32))
        made.without_images = lessons.case(project, "control", 79, value="no", image=False)
        made.without_images.series.update(deleted_at=timezone.now())
        made.blank = lessons.case(project, "pool", 78)
        lessons.store_image(made.blank, np.zeros((32, 32), np.float32))
        made.priorities = _priorities_outside_the_pool()
        made.round = lessons.finish(lessons.start(project))
        yield made
        call_command("flush", interactive=False)


def _priorities_outside_the_pool() -> dict[int, float]:
    return dict(Slot.objects.exclude(stream=Stream.POOL).values_list("pk", "priority"))


def test_it_ends_well_and_made_every_network_and_ensemble(world: SimpleNamespace) -> None:
    done = world.round
    assert (done.state, done.error, done.progress) == (Round.State.DONE, "", 1)
    assert done.snapshot == Snapshot.objects.get(project=world.project)
    models = TrainedModel.objects.filter(round=done)
    assert {(model.arm, model.network) for model in models} == {
        (arm, network) for arm in Arm.values for network in ("densenet", "vit", "ensemble")
    }
    for model in models.exclude(network="ensemble"):
        assert artifacts.weights_path(model.weights_sha256).exists()
    assert [step["state"] for step in stages.listed(done)] == ["done"] * 8


def test_its_checkpoints_are_cleared_away(world: SimpleNamespace) -> None:
    assert not list((artifacts.weights_dir().parent / "rounds").iterdir())


def test_the_first_model_is_taken_into_use(world: SimpleNamespace) -> None:
    assert registry.in_use(world.project) == registry.find(world.round, Arm.ALL)
    assert "first model" in registry.in_use(world.project).state_reason


def test_each_act_is_in_the_ledger_once_and_the_chain_holds(world: SimpleNamespace) -> None:
    verbs = list(Event.objects.filter(project=world.project).values_list("verb", flat=True))
    for verb in ("round.start", "snapshot.freeze", "queue.rerank", "model.promote", "round.finish"):
        assert verbs.count(verb) == 1
    assert ledger.verify(ledger.chain_of(world.project)).ok


def test_each_arm_learnt_from_its_own_labels(world: SimpleNamespace) -> None:
    assert dict(world.round.trainings.values_list("arm", "labels")) == {
        Arm.ALL: 30,
        Arm.ACTIVE: 17,
        Arm.CONTROL: 13,
    }


def test_active_and_control_have_one_point_of_the_curve_each(world: SimpleNamespace) -> None:
    points = {point.arm: point for point in CurvePoint.objects.filter(round=world.round)}
    assert set(points) == {Arm.ACTIVE, Arm.CONTROL}
    assert (points[Arm.ACTIVE].labels, points[Arm.ACTIVE].reader_seconds) == (17, 17 * 30)
    assert (points[Arm.CONTROL].labels, points[Arm.CONTROL].reader_seconds) == (13, 13 * 30)
    assert all(point.metric == "auroc" and point.patients == 12 for point in points.values())
    curve = curves.of(world.project)
    assert (curve.metric, curve.holdout_patients, len(curve.points)) == ("auroc", 12, 2)


def test_only_the_pool_is_scored(world: SimpleNamespace) -> None:
    scored = Score.objects.filter(model__round=world.round)
    assert scored.count() == 6
    assert set(scored.values_list("case__stream", flat=True)) == {Stream.POOL}
    assert not scored.filter(case__reads__isnull=False).exists()


def test_what_measures_has_embeddings_to_be_compared_by_and_is_in_no_file_that_ranks(
    world: SimpleNamespace,
) -> None:
    embedded = Embedding.objects.filter(model__round=world.round)
    assert set(embedded.values_list("case__stream", flat=True)) == set(Stream)
    stored = pools.open_(registry.ensemble(world.round))
    assert stored is not None
    ranked = world.project.cases.filter(pk__in=stored.ids.tolist())
    assert set(ranked.values_list("stream", flat=True)) == {Stream.POOL, Stream.CONTROL}


def test_neither_holdout_nor_calibration_is_trained_on(world: SimpleNamespace) -> None:
    recipe = recipes.parsed(world.round.recipe)
    for arm, streams in labels.ARM_STREAMS.items():
        items = labels.items(world.round.snapshot, recipe, *streams)
        assert not items.filter(stream__in=[Stream.HOLDOUT, Stream.CALIBRATION]).exists(), arm


def test_no_slot_outside_the_pool_changes_its_place(world: SimpleNamespace) -> None:
    assert _priorities_outside_the_pool() == world.priorities
    ranked = {pick["case"] for pick in Ranking.objects.get(round=world.round).batch}
    pool = world.project.cases.filter(stream=Stream.POOL)
    assert ranked <= set(pool.values_list("pk", flat=True))


def test_the_pool_is_asked_for_in_the_order_of_the_ranking(world: SimpleNamespace) -> None:
    ranking = Ranking.objects.get(round=world.round)
    assert (ranking.generation, ranking.size, len(ranking.batch)) == (1, 6, 4)
    assert ranking.reason
    waiting = Slot.objects.filter(project=world.project, generation=1, state=Slot.State.OPEN)
    assert waiting.count() == 6
    first = list(waiting.order_by("-priority").values_list("case", flat=True))[:4]
    assert first == [pick["case"] for pick in ranking.batch]
    assert all(pick["components"] for pick in ranking.batch)


def test_a_bad_case_is_left_out_and_named(world: SimpleNamespace) -> None:
    left_out = world.round.trainings.get(arm=Arm.ALL, network="vit").left_out
    assert {entry["case"] for entry in left_out} == {world.not_a_number.pk, world.without_images.pk}
    assert all(entry["reason"].endswith(".") for entry in left_out)


def test_a_case_that_cannot_be_scored_keeps_its_place_and_is_named(world: SimpleNamespace) -> None:
    failure = ScoringFailure.objects.get(model__round=world.round, case=world.blank)
    assert "same value" in failure.reason
    assert world.blank.slots.get().generation == 0
    warnings = world.round.log.filter(level="warning")
    assert warnings.filter(text__contains=f"{world.blank.pk} (").exists()


def test_every_metric_has_an_interval_or_says_why_not(world: SimpleNamespace) -> None:
    rows = Evaluation.objects.filter(model=registry.find(world.round, Arm.ALL))
    names = {row.metric for row in rows}
    assert {"auroc", "sensitivity", "specificity", "brier", "ece"} <= names
    for row in rows:
        assert row.stream == Stream.HOLDOUT
        assert row.note or row.low <= row.value <= row.high


def test_temperatures_are_fitted_on_the_calibration_stream(world: SimpleNamespace) -> None:
    networks = TrainedModel.objects.filter(round=world.round).exclude(network="ensemble")
    assert all(0.25 <= model.temperature <= 8 for model in networks)
    assert any(model.temperature != 1 for model in networks)


def test_the_card_says_what_the_model_is_worth_and_what_it_came_from(
    world: SimpleNamespace,
) -> None:
    model = registry.find(world.round, Arm.ALL)
    text = cards.card(model)
    assert "Research use only" in text
    assert world.round.snapshot.content_sha256 in text
    main = model.evaluations.get(metric="auroc")
    assert f"| auroc | {main.value:.3f} | {main.low:.3f} to {main.high:.3f} | 12 |" in text
    assert "| Hold-out | test | 12 |" in text


def test_the_overview_shows_the_model_in_use_and_asks_for_more_labels(
    world: SimpleNamespace,
) -> None:
    shown = overview.of(world.project)
    assert shown.can_start
    assert shown.running_round is None
    assert shown.model_in_use == registry.in_use(world.project)
    assert shown.labels == {
        "all": 30,
        "active": 17,
        "control": 13,
        "holdout": 12,
        "calibration": 10,
    }
    assert shown.next_step is None

"""Rounds: what must be there to start one, and the odd shapes that must not stop it."""

from __future__ import annotations

from typing import Any

import builders
import learning_builders as lessons
import pytest
from click.testing import CliRunner

from annotation.errors import InvalidInput
from deploy.cli import rounds as cli_rounds
from deploy.cli import running
from learning import overview, registry, rounds
from learning.engine import loop
from learning.engine.errors import EngineError
from learning.errors import RoundNotPossible
from learning.models import Arm, CurvePoint, Evaluation, Ranking, Round, Score

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("artifacts_folder"),
]


def test_a_round_says_what_is_missing_before_it_starts() -> None:
    project = lessons.project()
    with pytest.raises(RoundNotPossible, match="0 of at least 8 training labels"):
        lessons.start(project)
    for index in range(8):
        lessons.case(project, "pool", index, value="no")
    with pytest.raises(RoundNotPossible, match="say “yes”"):
        lessons.start(project)
    for index in range(4):
        lessons.case(project, "control", index, value="yes")
    with pytest.raises(RoundNotPossible, match="hold-out"):
        lessons.start(project)
    assert not project.rounds.exists()


def test_without_a_recipe_no_round_starts() -> None:
    with pytest.raises(RoundNotPossible, match="recipe"):
        lessons.start(builders.project())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"acquisition": "magic"}, "no acquisition function “magic”"),
        ({"acquisition": "foreground_entropy"}, "only a segmentation"),
        ({"acquisition": "disagreement", "networks": ["vit"]}, "at least two networks"),
    ],
)
def test_a_recipe_whose_pool_could_not_be_ranked_is_refused(change: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        lessons.project({**lessons.RECIPE, **change})


def test_the_largest_seed_has_rounds_too() -> None:
    started = lessons.start(lessons.quickly_taught(seed=2**53 - 1))
    assert Round.objects.get(pk=started.pk).seed == 0


def test_a_recipe_of_other_times_is_named_as_what_stops_the_next_round() -> None:
    project = lessons.quickly_taught()
    recipe = project.recipes.get()
    recipe.document["channels"] = 2
    recipe.save()
    assert "channels is 2; it must be 1 or 3. Store it again." in rounds.why_not(project)
    assert not overview.of(project).can_start


def test_labels_of_withdrawn_cases_do_not_count() -> None:
    project = lessons.taught(unread=0)
    assert rounds.why_not(project) == ""
    project.cases.update(state="withdrawn")
    assert "0 of at least 8" in rounds.why_not(project)


def test_one_round_at_a_time() -> None:
    project = lessons.taught(unread=0)
    first = lessons.start(project)
    with pytest.raises(RoundNotPossible, match=f"Round {first.number} is still running"):
        lessons.start(project)


def test_the_next_step_is_to_start_and_then_to_wait() -> None:
    project = lessons.taught(unread=0)
    assert overview.of(project).next_step.code == "start_round"
    running = lessons.start(project)
    step = overview.of(project).next_step
    assert (step.code, step.page) == ("round_running", f"rounds/{running.pk}")


def test_an_arm_with_too_few_labels_is_left_out_with_a_line_in_the_log() -> None:
    project = lessons.taught(lessons.SHORT_RECIPE, pool=10, control=2)
    done = lessons.finish(lessons.start(project))
    assert done.state == Round.State.DONE
    assert set(done.trainings.values_list("arm", flat=True)) == {Arm.ALL, Arm.ACTIVE}
    assert not CurvePoint.objects.filter(round=done, arm=Arm.CONTROL).exists()
    assert done.log.filter(level="warning", text__contains="Control").exists()


def test_the_labels_that_let_a_round_start_are_enough_to_train() -> None:
    project = lessons.taught(lessons.SHORT_RECIPE, pool=4, control=4, unread=1)
    assert rounds.why_not(project) == ""
    done = lessons.finish(lessons.start(project))
    assert (done.state, done.error) == (Round.State.DONE, "")
    splits = set(done.snapshot.items.filter(stream__in=["pool", "control"]).values_list("split"))
    assert splits == {("train",), ("validation",)}


def test_an_arm_of_which_one_network_cannot_be_trained_is_left_out_whole_and_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train = loop.train

    def without_active_densenet(recipe: Any, network: str, samples: Any, **rest: Any) -> Any:
        if network == "densenet" and len(samples) < 16:
            raise EngineError("densenet is not made of numbers any more.")
        return train(recipe, network, samples, **rest)

    monkeypatch.setattr(loop, "train", without_active_densenet)
    project = lessons.taught(pool=14, control=7, unread=1)
    done = lessons.finish(lessons.start(project))
    assert done.state == Round.State.DONE
    assert set(done.trainings.values_list("arm", flat=True)) == {Arm.ALL}
    assert done.log.filter(level="warning", text__contains="made of numbers").count() == 1
    assert not done.log.filter(text__contains="again").exists()


def test_a_pool_with_nothing_left_to_read_is_no_failure() -> None:
    done = lessons.finish(lessons.start(lessons.quickly_taught(unread=0)))
    assert done.state == Round.State.DONE
    assert not Ranking.objects.filter(round=done).exists()


def test_a_second_round_scores_with_its_own_model_and_ranks_as_the_next_generation() -> None:
    project = lessons.quickly_taught(unread=4)
    lessons.finish(lessons.start(project))
    again = lessons.finish(lessons.start(project))
    assert (again.number, again.state) == (2, Round.State.DONE)
    assert Ranking.objects.get(round=again).generation == 2
    assert Score.objects.filter(model=registry.find(again, Arm.ALL)).count() == 4


def test_volumes_are_segmented_measured_and_ranked() -> None:
    project = lessons.project(lessons.MASK_RECIPE, task="segmentation")
    for stream, amount in {"pool": 6, "control": 4, "calibration": 1, "holdout": 4}.items():
        for index in range(amount):
            lessons.volume_case(project, stream, index)
    waiting = [lessons.volume_case(project, "pool", 50 + index, masked=False) for index in range(3)]
    done = lessons.finish(lessons.start(project))
    assert (done.state, done.error) == (Round.State.DONE, "")
    main = Evaluation.objects.get(model=registry.find(done, Arm.ALL), metric="dice", subgroup="")
    assert main.value is not None
    assert 0 <= main.value <= 1
    assert Ranking.objects.get(round=done).size == len(waiting)
    assert set(CurvePoint.objects.filter(round=done).values_list("metric", flat=True)) == {"dice"}


def test_the_command_says_whether_a_round_was_cancelled_or_will_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "configure", lambda: None)
    started = lessons.start(lessons.quickly_taught())

    def cancel() -> str:
        user = str(started.started_by)
        given = ["cancel", started.project.slug, "--user", user]
        return CliRunner().invoke(cli_rounds.round_, given, catch_exceptions=False).output

    lease = lessons.hold(started)
    assert cancel() == "Round 1 will stop at its next step.\n"
    lease.give_back()
    assert cancel() == "Round 1 was cancelled.\n"

"""Who works on a round, and what happens when a worker dies, fails, is cancelled or told to wait."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import chain, islice
from typing import Any

import builders
import learning_builders as lessons
import pytest
from django.db import InterfaceError, connection
from django.utils import timezone

from annotation.errors import ImageStoreUnavailable, StorageFull
from annotation.models import Event, Project
from learning import actors, artifacts, datasets, due, leases, recipes, registry, rounds, steps
from learning.acquisition import AcquisitionError
from learning.engine.errors import NotEnoughData
from learning.errors import RoundNotPossible, StaleLease
from learning.leases import Lease
from learning.models import Arm, Round, RoundLog, Score, TrainedModel, Training
from learning.pool import scoring
from learning.steps import score

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("artifacts_folder"),
]


@pytest.fixture
def started() -> Round:
    return lessons.start(lessons.quickly_taught())


@pytest.fixture
def one_unit_per_slice(settings: Any) -> None:
    settings.TRAINING_SLICE_SECONDS = 0.01


def step_that(monkeypatch: pytest.MonkeyPatch, step: str, does: Any) -> None:
    monkeypatch.setitem(steps.RUN, step, does)


def now(round_: Round) -> Round:
    return Round.objects.get(pk=round_.pk)


def lose(round_: Round) -> None:
    """As if the worker that holds the round had been killed a while ago."""
    past = timezone.now() - timedelta(seconds=1)
    Round.objects.filter(pk=round_.pk).update(lease_expires_at=past)


def end_back_off(round_: Round) -> None:
    Round.objects.filter(pk=round_.pk).update(not_before=None)


# --- the lease


def test_two_workers_on_one_round_exactly_one_does_it(
    started: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, release = threading.Event(), threading.Event()
    calls = []

    def freeze(lease: Lease, round_: Round) -> bool:
        calls.append(lease.token)
        entered.set()
        assert release.wait(20)
        raise StaleLease

    step_that(monkeypatch, "freeze", freeze)
    results = []

    def work() -> None:
        try:
            results.append(rounds.advance(started.pk))
        finally:
            connection.close()

    first = threading.Thread(target=work)
    first.start()
    assert entered.wait(20)
    results.append(rounds.advance(started.pk))
    release.set()
    first.join()
    assert results == [False, True]
    assert calls == [1]


def test_many_workers_at_once_take_the_round_once(started: Round) -> None:
    barrier, taken = threading.Barrier(8), []

    def take() -> None:
        barrier.wait()
        try:
            taken.append(leases.take(started.pk, seconds=60))
        finally:
            connection.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([lease for lease in taken if lease is not None]) == 1


def test_a_worker_that_lost_its_lease_can_write_nothing(started: Round) -> None:
    old = lessons.hold(started)
    lose(started)
    new = lessons.hold(started)
    assert new.token == old.token + 1
    with pytest.raises(StaleLease), old.fenced():
        pytest.fail("a stale lease opened a transaction")
    with pytest.raises(StaleLease):
        old.progress(0.5)
    with pytest.raises(StaleLease):
        old.log("I am still here.")
    old.give_back()
    assert now(started).lease_expires_at is not None
    assert not started.log.filter(text__startswith="I am still").exists()
    new.progress(0.1)


def test_a_lease_is_kept_while_the_worker_is_busy_in_one_long_step(
    started: Round, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TRAINING_LEASE_SECONDS = 1
    busy = threading.Event()

    def freeze(lease: Lease, round_: Round) -> bool:
        busy.wait(2.5)
        lease.progress(0.5)
        return False

    settings.TRAINING_SLICE_SECONDS = 2
    step_that(monkeypatch, "freeze", freeze)
    assert rounds.advance(started.pk)
    assert now(started).progress == 0.5
    assert now(started).lease_expires_at is None


def test_a_lease_is_kept_after_the_connection_broke_once(
    started: Round, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TRAINING_LEASE_SECONDS = 1
    lease, expiry, broken = lessons.hold(started), leases._expiry, threading.Event()

    def breaking() -> object:
        if not broken.is_set():
            broken.set()
            raise InterfaceError("the connection is closed")
        return expiry()

    monkeypatch.setattr(leases, "_expiry", breaking)
    with lease.beating():
        threading.Event().wait(1.5)
        assert broken.is_set()
        assert leases.take(started.pk, seconds=1) is None


def test_a_vanished_worker_is_noted_and_its_round_goes_on(started: Round) -> None:
    lessons.hold(started)
    assert not rounds.advance(started.pk)
    lose(started)
    done = lessons.finish(started)
    assert done.state == Round.State.DONE
    assert done.log.filter(level="warning", text__contains="without a word").exists()


def test_a_round_that_kills_its_workers_again_and_again_is_failed(started: Round) -> None:
    for _ in range(rounds.LOSSES_ALLOWED):
        lessons.hold(started)
        lose(started)
    assert rounds.advance(started.pk)
    failed = now(started)
    assert failed.state == Round.State.FAILED
    assert "out of memory" in failed.error


# --- slices


@pytest.mark.usefixtures("one_unit_per_slice")
def test_slices_that_end_after_each_unit_give_the_same_weights(settings: Any) -> None:
    sliced = lessons.finish(lessons.start(lessons.quickly_taught(epochs=2)), slices=2000)
    assert sliced.state == Round.State.DONE
    assert sliced.lease_token > 5
    settings.TRAINING_SLICE_SECONDS = 600
    whole = lessons.finish(lessons.start(lessons.quickly_taught(epochs=2)))
    assert whole.lease_token <= 2
    lessons.assert_same_weights(sliced, whole)
    assert [entry["epoch"] for entry in sliced.trainings.get(arm=Arm.ALL).history] == [1, 2]


@pytest.mark.usefixtures("one_unit_per_slice")
def test_a_lost_checkpoint_means_training_again_not_failing() -> None:
    started = lessons.start(lessons.quickly_taught(epochs=2))
    lessons.until(started, lambda one: one.trainings.exclude(checkpoint="").exists())
    for file in (artifacts.weights_dir().parent / "rounds").rglob("*.safetensors"):
        file.unlink()
    done = lessons.finish(started, slices=2000)
    assert (done.state, done.error) == (Round.State.DONE, "")
    assert done.log.filter(level="warning", text__contains="starts again").exists()


# --- failing


def test_a_failure_is_tried_again_after_a_while_and_then_given_up(
    started: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(lease: Lease, round_: Round) -> bool:
        raise OSError("the cable is loose")

    step_that(monkeypatch, "train", broken)
    rounds.advance(started.pk)
    waiting = now(started)
    assert (waiting.state, waiting.attempts) == (Round.State.RUNNING, 1)
    assert "the cable is loose" in waiting.error
    assert not rounds.advance(started.pk), "the back-off was not kept"
    for _ in range(rounds.FAILURES_ALLOWED - 1):
        end_back_off(started)
        rounds.advance(started.pk)
    failed = now(started)
    assert failed.state == Round.State.FAILED
    assert failed.finished_at is not None
    assert "failed 5 times" in failed.error
    assert "Train the networks" in failed.error
    assert Event.objects.filter(verb="round.fail", object_id=str(started.pk)).count() == 1


def test_each_wait_is_longer_than_the_one_before(
    started: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(lease: Lease, round_: Round) -> bool:
        raise OSError("no")

    step_that(monkeypatch, "freeze", broken)
    waits = []
    for _ in range(3):
        rounds.advance(started.pk)
        waits.append((now(started).not_before - timezone.now()).total_seconds())
        end_back_off(started)
    assert waits == sorted(waits)
    assert waits[2] > 3 * waits[0]


def test_progress_makes_up_for_earlier_failures(
    started: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = steps.RUN["train"], iter([OSError("once")])

    def flaky(lease: Lease, round_: Round) -> bool:
        for failure in failures:
            raise failure
        return real(lease, round_)

    step_that(monkeypatch, "train", flaky)
    rounds.advance(started.pk)
    end_back_off(started)
    done = lessons.finish(started)
    assert (done.state, done.attempts, done.error) == (Round.State.DONE, 0, "")


@pytest.mark.parametrize("kind", [NotEnoughData, AcquisitionError])
def test_what_trying_again_cannot_cure_fails_at_once(
    started: Round, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def broken(lease: Lease, round_: Round) -> bool:
        raise kind("Only one class is left. Read more cases.")

    step_that(monkeypatch, "train", broken)
    rounds.advance(started.pk)
    assert now(started).state == Round.State.FAILED
    assert "Read more cases." in now(started).error


@pytest.mark.parametrize(
    "problem", [ImageStoreUnavailable("Orthanc is away."), StorageFull("The disk is full.")]
)
def test_what_passes_by_itself_pauses_the_round_however_long_it_takes(
    started: Round, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    real = steps.RUN["freeze"]

    def away(lease: Lease, round_: Round) -> bool:
        raise problem

    step_that(monkeypatch, "freeze", away)
    for _ in range(rounds.FAILURES_ALLOWED + 2):
        rounds.advance(started.pk)
        assert (now(started).state, now(started).attempts) == (Round.State.RUNNING, 0)
        assert "paused" in now(started).error
        end_back_off(started)
    assert started.log.filter(level="warning").count() == 1
    step_that(monkeypatch, "freeze", real)
    assert lessons.finish(started).state == Round.State.DONE


def test_a_full_disk_pauses_the_round_before_it_is_full(started: Round, settings: Any) -> None:
    settings.FREE_SPACE_FLOOR = 1.0
    rounds.advance(started.pk)
    assert "Free some space" in now(started).error
    assert now(started).state == Round.State.RUNNING


# --- cancelling and trying again


def test_a_pool_larger_than_the_disk_is_scored_all_the_same(
    started: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "space_is_short", lambda: True)
    waiting = scoring.pool(started.project)
    recipe = recipes.parsed(started.recipe)
    pool = list(datasets.arrays_of(waiting, recipe))
    others = list(datasets.arrays_of(started.project.cases.exclude(pk__in=waiting), recipe))
    assert all(path.exists() for path in [*pool, *others])
    done = lessons.finish(started)
    assert (done.state, Score.objects.filter(model__round=done).count()) == ("done", 3)
    assert not any(path.exists() for path in pool)
    assert all(path.exists() for path in others)


def test_a_round_that_nobody_holds_is_cancelled_at_once(started: Round) -> None:
    by = lessons.lead(started.project)
    Round.objects.filter(pk=started.pk).update(error="“Train” is paused. The store is away.")
    cancelled = rounds.cancel(started, user=by)
    assert (cancelled.state, cancelled.error) == (Round.State.CANCELLED, "")
    assert not rounds.advance(started.pk)
    asked = Event.objects.get(verb="round.ask_to_cancel", object_id=str(started.pk))
    assert asked.actor == by


@pytest.mark.usefixtures("one_unit_per_slice")
def test_a_round_that_a_worker_holds_is_cancelled_by_the_worker(started: Round) -> None:
    lessons.until(started, lambda one: one.step == Round.Step.PREPARE)
    lease = lessons.hold(started)
    assert rounds.cancel(started, user=None).state == Round.State.RUNNING
    lease.give_back()
    rounds.advance(started.pk)
    assert now(started).state == Round.State.CANCELLED


def test_cancelling_stops_a_training_within_a_step(
    started: Round, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TRAINING_LEASE_SECONDS = 1
    settings.TRAINING_SLICE_SECONDS = 600

    def endless(lease: Lease, round_: Round) -> bool:
        if round_.cancel_requested_at is None:
            rounds.cancel(round_, user=None)
        while not lease.should_stop():
            threading.Event().wait(0.02)
        return False

    step_that(monkeypatch, "freeze", endless)
    begun = timezone.now()
    rounds.advance(started.pk)
    assert now(started).state == Round.State.CANCELLED
    assert timezone.now() - begun < timedelta(seconds=10)


def test_a_dead_workers_round_can_be_cancelled(started: Round) -> None:
    lessons.hold(started)
    lose(started)
    assert rounds.cancel(started, user=None).state == Round.State.CANCELLED


def test_a_round_that_is_over_cannot_be_cancelled(started: Round) -> None:
    rounds.cancel(started, user=None)
    with pytest.raises(RoundNotPossible, match="cancelled"):
        rounds.cancel(started, user=None)


@pytest.mark.usefixtures("one_unit_per_slice")
def test_a_cancelled_round_goes_on_where_it_stopped(started: Round) -> None:
    lessons.until(started, lambda one: one.trained_models.exists())
    kept = set(started.trained_models.values_list("pk", "weights_sha256"))
    rounds.cancel(started, user=None)
    retried = rounds.retry(now(started), user=None)
    assert (retried.state, retried.error, retried.cancel_requested_at) == ("running", "", None)
    done = lessons.finish(started, slices=2000)
    assert done.state == Round.State.DONE
    assert kept <= set(started.trained_models.values_list("pk", "weights_sha256"))
    assert done.snapshot_id == started.project.snapshots.get().pk


def test_only_the_latest_round_can_be_tried_again(started: Round) -> None:
    rounds.cancel(started, user=None)
    rounds.cancel(lessons.start(started.project), user=None)
    with pytest.raises(RoundNotPossible, match="later round"):
        rounds.retry(started, user=None)


def test_a_round_that_is_started_during_a_retry_wins(
    started: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds.cancel(started, user=None)
    check = rounds._require_retriable

    def slowly(round_: Round) -> None:
        check(round_)
        other = threading.Thread(target=start_elsewhere, args=(started.project,))
        other.start()
        other.join()

    monkeypatch.setattr(rounds, "_require_retriable", slowly)
    with pytest.raises(RoundNotPossible, match="a moment ago"):
        rounds.retry(now(started), user=None)
    assert now(started).state == Round.State.CANCELLED
    assert Round.objects.get(state=Round.State.RUNNING).number == 2


def start_elsewhere(project: Project) -> None:
    try:
        rounds.start(project, user=None, trigger="api")
    finally:
        connection.close()


def test_a_running_round_cannot_be_tried_again(started: Round) -> None:
    with pytest.raises(RoundNotPossible, match="running"):
        rounds.retry(started, user=None)


# --- scoring once


@pytest.mark.usefixtures("one_unit_per_slice")
def test_each_case_is_scored_once_whatever_interrupts(
    started: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("learning.steps.score.SHARD", 1)
    lessons.until(started, lambda one: Score.objects.filter(model__round=one).count() == 2)
    before = list(Score.objects.order_by("pk").values_list("pk", "created_at"))
    lessons.finish(started, slices=2000)
    assert list(Score.objects.order_by("pk").values_list("pk", "created_at"))[:2] == before
    assert Score.objects.filter(model=registry.find(started, Arm.ALL)).count() == 3


def test_a_slice_passes_over_the_pool_once(started: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many cases are scored already, and even if one of them never stops waiting."""
    monkeypatch.setattr("learning.steps.score.SHARD", 4)
    cases = started.project.cases
    shards = list(islice(score.shards(cases.all()), cases.count()))
    assert [len(shard) for shard in shards[:-1]] == [4] * (cases.count() // 4)
    assert list(chain(*shards)) == list(cases.order_by("pk").values_list("pk", flat=True))


def test_repeating_every_step_changes_nothing(started: Round) -> None:
    """A worker that dies after a step's work but before saying so leaves it to be done again."""

    def rows() -> list[int]:
        tables = (Training, TrainedModel, Score)
        return [table.objects.count() for table in tables] + [started.project.snapshots.count()]

    done = lessons.finish(started)
    counted = rows()
    weights = list(TrainedModel.objects.order_by("pk").values_list("weights_sha256", "state"))
    Round.objects.filter(pk=done.pk).update(state=Round.State.RUNNING, step=Round.Step.FREEZE)
    assert lessons.finish(done).state == Round.State.DONE
    assert rows() == counted
    again = TrainedModel.objects.order_by("pk").values_list("weights_sha256", "state")
    assert list(again) == weights


# --- the doorbell


@pytest.mark.usefixtures("one_unit_per_slice")
def test_starting_rings_and_the_actor_rings_for_the_next_slice(
    broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = lessons.start(lessons.quickly_taught(unread=0))
    assert broker.queues["training"].qsize() == 1
    step_that(monkeypatch, "freeze", lambda lease, round_: lease.pause())
    actors.advance_round.fn(started.pk)
    assert broker.queues["training"].qsize() == 2
    rounds.cancel(started, user=None)
    actors.advance_round.fn(started.pk)
    assert broker.queues["training"].qsize() == 2


def test_a_broker_that_lost_everything_costs_nothing_but_a_tick(
    broker: Any, started: Round
) -> None:
    broker.flush_all()
    ring = ("advance_round", started.pk)
    assert ring in set(due.due())
    lease = lessons.hold(started)
    assert ring not in set(due.due())
    lose(started)
    assert ring in set(due.due())
    lease.give_back()
    rounds.cancel(started, user=None)
    assert ring not in set(due.due())


def test_a_round_that_backs_off_is_not_due(started: Round) -> None:
    later = timezone.now() + timedelta(minutes=1)
    Round.objects.filter(pk=started.pk).update(not_before=later)
    assert ("advance_round", started.pk) not in set(due.due())


def test_a_round_starts_by_rule_after_so_many_submissions() -> None:
    project = lessons.quickly_taught(unread=0)
    ring = ("start_round_by_rule", project.pk)
    assert ring not in set(due.due())
    project.round_every = 20
    project.save()
    assert ring in set(due.due())
    actors.start_round_by_rule.fn(project.pk)
    actors.start_round_by_rule.fn(project.pk)
    only = project.rounds.get()
    assert (only.trigger, only.started_by) == ("rule", None)
    assert ring not in set(due.due())
    assert lessons.finish(only).state == Round.State.DONE
    assert ring not in set(due.due()), "the reads of the first round counted again"
    for index in range(20):
        lessons.case(project, "control", 100 + index, value="yes" if index % 2 else "no")
    assert ring in set(due.due())


def test_a_rule_waits_for_the_labels_that_are_missing() -> None:
    project = lessons.project(round_every=2)
    for index in range(4):
        lessons.case(project, "pool", index, value="yes")
    assert list(due.due()) == []
    assert rounds.start_by_rule(project) is None


def test_reads_of_other_projects_do_not_count_for_the_rule() -> None:
    project = lessons.quickly_taught(unread=0)
    lessons.finish(lessons.start(project))
    project.round_every = 3
    project.save()
    other = builders.project()
    for case in builders.cases(other, 5):
        builders.reference(case)
    assert not rounds.due_by_rule(project)


def test_the_log_says_what_happened_in_order(started: Round) -> None:
    lessons.finish(started)
    lines = list(
        RoundLog.objects.filter(round=started).order_by("pk").values_list("text", flat=True)
    )
    assert lines[0].startswith("Round 1 was started")
    assert lines[-1] == "The round is finished."
    assert any("freezes 36 labelled cases" in line for line in lines)
    assert any("is trained on 14 labels" in line for line in lines)

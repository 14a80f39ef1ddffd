"""A trainer is killed at random moments of a round; the round ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import learning_builders as lessons
import pytest
from django.db import connection

from annotation import ledger
from annotation.models import Event, Project
from learning import registry
from learning.models import Arm, CurvePoint, Evaluation, Ranking, Round, Score, TrainedModel

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("CHAOS_KILLS", "12"))
SEED = 20261123
PATIENCE_SECONDS = 400

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1200)]


class Trainers:
    """Worker processes, one after the other, that share nothing but the database and the disk."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.answers: IO[str] = process.stdout
        assert self.answers.readline() == "ready\n"

    def begin(self, round_: Round) -> int:
        self.process.stdin.write(f"{round_.pk}\n")
        self.process.stdin.flush()
        return int(self.answers.readline())


@pytest.fixture
def trainers(artifacts_folder: Path) -> Iterator[Trainers]:
    database = connection.settings_dict
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "deploy.settings",
        "DATABASE_URL": (
            f"postgresql://{database['USER']}:{database['PASSWORD']}@/{database['NAME']}"
            f"?host={database['HOST']}&port={database['PORT']}"
        ),
        "CONSILIUM_VAR": str(artifacts_folder.parent),
        "TRAINING_SLICE_SECONDS": "1",
        "TRAINING_LEASE_SECONDS": "1",
        "TRAINING_THREADS": "1",
    }
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("training_worker.py"))],
        env=environment,
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        yield Trainers(process)
        process.kill()


def wait_until_over(round_: Round) -> float:
    begun = time.monotonic()
    while Round.objects.get(pk=round_.pk).state == Round.State.RUNNING:
        assert time.monotonic() - begun < PATIENCE_SECONDS, "the round does not end"
        time.sleep(0.05)
    return time.monotonic() - begun


def wait_for_next_lease(round_: Round, token: int) -> bool:
    """Until a worker holds the round under a later token; False if the round is over before."""
    begun = time.monotonic()
    while True:
        now = Round.objects.get(pk=round_.pk)
        if now.state != Round.State.RUNNING:
            return False
        if now.lease_token > token:
            return True
        assert time.monotonic() - begun < PATIENCE_SECONDS, "no worker takes the round"
        time.sleep(0.01)


def kill_again_and_again(trainers: Trainers, round_: Round, longest: float) -> int:
    """How many workers were killed while they held the lease."""
    chance, killed = random.Random(SEED), 0
    while killed < KILLS:
        token = Round.objects.get(pk=round_.pk).lease_token
        worker = trainers.begin(round_)
        if not wait_for_next_lease(round_, token):
            break
        time.sleep(chance.uniform(0, longest))
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
        killed += Round.objects.filter(pk=round_.pk, lease_expires_at__isnull=False).exists()
    return killed


def made_by(round_: Round) -> dict[str, int]:
    return {
        "models": TrainedModel.objects.filter(round=round_).count(),
        "evaluations": Evaluation.objects.filter(model__round=round_).count(),
        "points": CurvePoint.objects.filter(round=round_).count(),
        "scores": Score.objects.filter(model__round=round_).count(),
        "rankings": Ranking.objects.filter(round=round_).count(),
        "snapshots": round_.project.snapshots.count(),
        "trainings": round_.trainings.count(),
    }


def said_of(project: Project, round_: Round) -> list[dict[str, list[float]]]:
    """The scores in the order in which the cases were made, which is the same in both projects."""
    model = registry.find(round_, Arm.ALL)
    return list(
        Score.objects.filter(model=model).order_by("case").values_list("probabilities", flat=True)
    )


def test_a_round_whose_trainers_are_killed_ends_as_if_undisturbed(trainers: Trainers) -> None:
    recipe = {**lessons.RECIPE, "epochs": 3}
    calm, stormy = (lessons.start(lessons.taught(recipe)) for _ in range(2))
    trainers.begin(calm)
    undisturbed = wait_until_over(calm)
    killed = kill_again_and_again(trainers, stormy, longest=max(0.5, 2 * undisturbed / KILLS))
    trainers.begin(stormy)
    wait_until_over(stormy)

    calm, stormy = Round.objects.get(pk=calm.pk), Round.objects.get(pk=stormy.pk)
    assert (calm.state, calm.error) == (Round.State.DONE, "")
    assert (stormy.state, stormy.error) == (Round.State.DONE, "")
    assert killed >= 10
    assert stormy.log.filter(text__contains="without a word").count() >= 10
    lessons.assert_same_weights(stormy, calm)
    assert made_by(stormy) == made_by(calm)
    assert said_of(stormy.project, stormy) == said_of(calm.project, calm)
    arms = CurvePoint.objects.filter(round=stormy).values_list("arm", flat=True)
    assert sorted(arms) == [Arm.ACTIVE, Arm.CONTROL]
    for verb in ("round.start", "snapshot.freeze", "model.promote", "round.finish"):
        assert Event.objects.filter(project=stormy.project, verb=verb).count() == 1
    assert ledger.verify(ledger.chain_of(stormy.project)).ok

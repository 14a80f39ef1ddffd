"""A round in the running product, whose trainer is killed and whose broker forgets everything."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import redis as redis_client

from deploy.stack import Stack

PATIENCE_SECONDS = 420
PREPARE = """
import sys, time
from pathlib import Path
sys.path.insert(0, "tests")
import builders
import learning_builders as lessons
from annotation import imports

images = sorted(Path("deploy/demo/tuberculosis/images").iterdir())[:30]
project = lessons.project({**lessons.SHORT_RECIPE, "epochs": 60}, case_unit="study")
imports.import_paths(project, images, None)
while project.cases.filter(state="ready").count() < len(images):
    time.sleep(0.2)
for index, case in enumerate(project.cases.order_by("pk")):
    stream = "holdout" if index % 3 == 0 else "pool"
    type(case.patient).objects.filter(pk=case.patient_id).update(stream=stream)
    type(case).objects.filter(pk=case.pk).update(stream=stream)
    case.slots.update(stream=stream)
    if index < 26:
        lessons.answer(case, "yes" if index % 2 else "no")
print(lessons.start(project).pk)
"""

pytestmark = pytest.mark.timeout(900)


class Watched:
    """What the database says of one round."""

    def __init__(self, stack: Stack, pk: int) -> None:
        self.url = stack.settings["DATABASE_URL"]
        self.pk = pk

    def ask(self, query: str) -> Any:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(query, {"round": self.pk}).fetchone()
            return None if row is None else row[0]

    def state(self) -> str:
        return str(self.ask("SELECT state FROM learning_round WHERE id = %(round)s"))

    def epochs(self) -> int:
        return int(
            self.ask("SELECT sum(epoch) FROM learning_training WHERE round_id = %(round)s") or 0
        )

    def holder(self) -> bool:
        query = "SELECT lease_expires_at IS NOT NULL FROM learning_round WHERE id = %(round)s"
        return bool(self.ask(query))

    def lines_with(self, words: str) -> int:
        query = "SELECT text FROM learning_roundlog WHERE round_id = %(round)s"
        with psycopg.connect(self.url) as connection:
            lines = connection.execute(query, {"round": self.pk}).fetchall()
        return sum(words in line for (line,) in lines)

    def wait(self, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not reached():
            assert self.state() in {"running", "done"}, self.ask(
                "SELECT error FROM learning_round WHERE id = %(round)s"
            )
            assert time.monotonic() < deadline, "the round does not get there"
            time.sleep(0.2)


def test_a_round_survives_its_trainer_and_the_broker(
    live_stack: Stack, in_live_stack: Callable[[str], str]
) -> None:
    watched = Watched(live_stack, int(in_live_stack(PREPARE).split()[-1]))
    watched.wait(lambda: watched.epochs() >= 1)
    assert watched.holder()
    done_before = watched.epochs()
    live_stack.kill("trainer")
    broker = redis_client.Redis.from_url(live_stack.settings["REDIS_URL"])
    broker.flushall()
    broker.close()
    watched.wait(lambda: watched.state() == "done")
    assert watched.lines_with("without a word") == 1
    assert watched.lines_with("starts again") == 0, "what was trained before was thrown away"
    assert watched.epochs() == 60 * 2 > done_before
    assert watched.ask("SELECT count(*) FROM learning_ranking WHERE round_id = %(round)s") == 1

"""Web processes and PostgreSQL killed while readers submit: nothing acknowledged is lost, nothing doubled."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from deploy.stack import ROOT, Ports, Stack
from deploy.stack.database import migrate

READERS = 8
WEB_KILLS = int(os.environ.get("CONSILIUM_KILLS", "20"))
WHOLE_GROUP_EVERY = 5
DATABASE_KILLS = 3
GIVE_UP_SECONDS = 120.0
WORLD = str(Path(__file__).with_name("reading_world.py"))


@dataclass
class Seen:
    """What clients were told, and what they saw on the way."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    drafts: dict[str, int] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    unannounced: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Reader(threading.Thread):
    """Reads case after case as the page does, and asks again with the same key until it is told."""

    def __init__(self, url: str, slug: str, token: str, seen: Seen, stop: threading.Event) -> None:
        super().__init__()
        self.slug, self.seen, self.stop = slug, seen, stop
        self.client = httpx.Client(
            base_url=f"{url}/api/", headers={"Authorization": f"Bearer {token}"}, timeout=30
        )
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stop.is_set() and self.read_one():
                pass
        except BaseException as failure:
            self.failure = failure
        finally:
            self.client.close()

    def read_one(self) -> bool:
        claimed = self.ask("POST", f"projects/{self.slug}/claims", json={})
        if claimed.status_code == 404:
            return False
        assignment = claimed.json()
        slot, token = assignment["slot"], assignment["token"]
        content = {
            "answers": [{"question": "finding", "target": "", "value": "yes"}],
            "marks": [],
        }
        version = (assignment["draft"] or {"version": 0})["version"]
        draft = {"token": token, "version": version, "content": content, "active_seconds": 1}
        saved = self.ask("PUT", f"slots/{slot}/draft", json=draft)
        with self.seen.lock:
            self.seen.drafts[str(slot)] = saved.json()["version"]
        key = str(uuid.uuid4())
        body = {"token": token, "content": content, "active_seconds": 2}
        headers = {"Idempotency-Key": key}
        done = self.ask("POST", f"slots/{slot}/submit", json=body, headers=headers)
        assert done.status_code == 201, done.text
        with self.seen.lock:
            self.seen.acknowledged[key] = done.json()["read"]
            del self.seen.drafts[str(slot)]
        return True

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Until there is an answer that is not “try again”."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = self.client.request(method, path, **options)
            except httpx.TransportError:
                with self.seen.lock:
                    self.seen.broken += 1
                time.sleep(0.05)
                continue
            self.note(answer)
            if answer.status_code not in (502, 503):
                return answer
            time.sleep(0.2)
        raise TimeoutError(f"no answer to {method} {path}")

    def note(self, answer: httpx.Response) -> None:
        with self.seen.lock:
            self.seen.statuses[answer.status_code] += 1
            if answer.status_code == 503 and "Retry-After" not in answer.headers:
                self.seen.unannounced.append(answer.text)


@contextmanager
def reading(url: str, world: dict[str, Any]) -> Iterator[Seen]:
    """All readers at work until the block ends."""
    seen, stop = Seen(), threading.Event()
    readers = [Reader(url, world["slug"], token, seen, stop) for token in world["tokens"]]
    for reader in readers:
        reader.start()
    try:
        yield seen
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not [reader.failure for reader in readers if reader.failure]


def run_world(stack: Stack, *words: object) -> Any:
    command = [sys.executable, WORLD, *map(str, words)]
    done = subprocess.run(command, env=stack.env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def stack(test_var: Path) -> Iterator[Stack]:
    """PostgreSQL as durable as in use, on an empty folder."""
    folder = test_var / "submit-kill"
    shutil.rmtree(folder, ignore_errors=True)
    made = Stack(folder, Ports.free(), ["postgres", "web"])
    made.start(["postgres"])
    migrate(made.env)
    yield made
    made.stop()
    shutil.rmtree(folder)


class Gunicorn:
    """The web server, started by the test so that it may be killed faster than a supervisor allows."""

    def __init__(self, stack: Stack) -> None:
        self.port, self.env = stack.ports.web, stack.env
        self.url = stack.url
        self.log = (stack.var / "log" / "gunicorn.log").open("ab")
        self.start()

    def start(self) -> None:
        options = ["--workers", "2", "--threads", "8", "--worker-class", "gthread"]
        command = [sys.executable, "-m", "gunicorn", *options, "--bind", f"127.0.0.1:{self.port}"]
        self.process = psutil.Popen(
            [*command, "--no-control-socket", "--log-level", "warning", "deploy.wsgi"],
            cwd=ROOT,
            env=self.env,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self.wait()

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise TimeoutError("gunicorn does not answer")

    def kill_all(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.start()

    def kill_a_worker(self, chance: random.Random) -> None:
        workers = self.process.children()
        if workers:
            chance.choice(workers).send_signal(signal.SIGKILL)

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()


def assert_nothing_lost_or_doubled(stack: Stack, seen: Seen) -> None:
    found = run_world(stack, "look")
    assert len(seen.acknowledged) >= READERS
    assert found["reads"] == seen.acknowledged
    amount = len(seen.acknowledged)
    names = ("done", "references", "answers", "submitted")
    assert {name: found[name] for name in names} == dict.fromkeys(names, amount)
    assert found["late"] == 0
    assert found["claimed"] == found["tokens"]
    assert found["drafts"] == seen.drafts
    assert found["ledger"] == [True, ""]


def test_web_processes_killed_while_readers_submit(stack: Stack) -> None:
    world = run_world(stack, "build", 4000, READERS)
    chance = random.Random(1)
    gunicorn = Gunicorn(stack)
    try:
        with reading(gunicorn.url, world) as seen:
            for kill in range(1, WEB_KILLS + 1):
                time.sleep(chance.uniform(0.2, 0.8))
                if kill % WHOLE_GROUP_EVERY:
                    gunicorn.kill_a_worker(chance)
                else:
                    gunicorn.kill_all()
            gunicorn.wait()
            time.sleep(1)
    finally:
        gunicorn.stop()
    assert seen.broken > 0, "no kill hit a request"
    assert not {status for status in seen.statuses if status >= 500}
    assert_nothing_lost_or_doubled(stack, seen)


def test_database_killed_while_readers_submit(stack: Stack) -> None:
    """503 with Retry-After, never 500; and PostgreSQL keeps what was acknowledged."""
    world = run_world(stack, "build", 4000, READERS)
    gunicorn = Gunicorn(stack)
    recovered = []
    try:
        with reading(gunicorn.url, world) as seen:
            for _ in range(DATABASE_KILLS):
                time.sleep(1.5)
                stack.kill("postgres")
                assert stack.wait_ready("postgres", 60)
                begun = time.monotonic()
                gunicorn.wait()
                recovered.append(time.monotonic() - begun)
            time.sleep(1.5)
    finally:
        gunicorn.stop()
    assert seen.statuses[503] > 0, "no kill hit a request"
    assert {status for status in seen.statuses if status >= 500} == {503}
    assert not seen.unannounced
    assert max(recovered) <= 5
    assert_nothing_lost_or_doubled(stack, seen)

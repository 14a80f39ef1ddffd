"""Real servers for the tests: started when a test first asks, on free ports, ended with the session.

CONSILIUM_TEST_ID keeps parallel runs apart; the database cluster of an id is reused, its contents not.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dramatiq
import pytest
from chromium import CHROMIUM, CHROMIUM_ARGUMENTS
from django.conf import settings
from django.db.backends.postgresql.operations import DatabaseOperations
from django_dramatiq.utils import load_middleware
from dramatiq.brokers.stub import StubBroker

from deploy.settings import _database
from deploy.stack import BACKING, ROOT, Ports, Stack, migrate


def _stub_broker() -> StubBroker:
    """Actors are bound to the broker that is set when their module is imported: set it before any is."""
    assert not dramatiq.get_broker().actors, "an actors module was imported before the tests began"
    broker = StubBroker(
        middleware=[load_middleware(p) for p in settings.DRAMATIQ_BROKER["MIDDLEWARE"]]
    )
    broker.emit_after("process_boot")
    dramatiq.set_broker(broker)
    return broker


BROKER = _stub_broker()


@pytest.fixture(autouse=True)
def broker() -> Iterator[StubBroker]:
    """The in-memory broker: what was rung during a test lies in its queues."""
    yield BROKER
    BROKER.flush_all()


@pytest.fixture(scope="session")
def test_var() -> Iterator[Path]:
    """A folder of this run alone: var/test/<id>, or <id>-2 while another run holds that one."""
    name = os.environ.get("CONSILIUM_TEST_ID", "default")
    base = ROOT / "var" / "test"
    for number in range(1, 100):
        folder = base / (name if number == 1 else f"{name}-{number}")
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "run.lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        yield folder
        lock.close()
        return
    raise RuntimeError(f"Ninety-nine test runs of “{name}” at once; end some of them.")


@pytest.fixture(scope="session")
def postgres(test_var: Path) -> Iterator[str]:
    """The URL of a PostgreSQL server, embedded unless DATABASE_URL names one."""
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    stack = Stack(test_var, Ports.free(), ["postgres"], durable=False)
    stack.start()
    yield stack.settings["DATABASE_URL"]
    stack.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres: str) -> None:
    """Point Django at the test server, one connection per thread: threads of a test may all need one."""
    database: Any = settings.DATABASES["default"]
    database.update(_database(postgres))
    database["OPTIONS"] = {}


@pytest.fixture(scope="session", autouse=True)
def emptying_between_tests_may_erase() -> Iterator[None]:
    """The database refuses to empty append-only tables; tests with real transactions must, after each."""
    flush = DatabaseOperations.sql_flush

    def permitted_flush(*args: Any, **kwargs: Any) -> list[str]:
        return ["SET LOCAL consilium.allow_erase = 'on'", *flush(*args, **kwargs)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", permitted_flush)
        yield


@pytest.fixture(scope="session")
def orthanc_stack(test_var: Path) -> Iterator[Stack]:
    """A supervised Orthanc that tests may kill: ``orthanc_stack.kill("orthanc")``."""
    folder = test_var / "orthanc-only"
    shutil.rmtree(folder, ignore_errors=True)
    stack = Stack(folder, Ports.free(), ["orthanc"])
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def orthanc(orthanc_stack: Stack) -> str:
    """The URL of a real, empty Orthanc; the settings name it too."""
    settings.ORTHANC_URL = orthanc_stack.settings["ORTHANC_URL"]
    settings.ORTHANC_PASSWORD = orthanc_stack.settings["ORTHANC_PASSWORD"]
    return str(settings.ORTHANC_URL)


@pytest.fixture
def empty_store(orthanc: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real Orthanc, holding nothing, and folders of this test alone for what goes with it."""
    from annotation import orthanc as image_store

    monkeypatch.setattr(settings, "FRAMES_DIR", tmp_path / "frames")
    monkeypatch.setattr(settings, "UPLOADS_DIR", tmp_path / "uploads")
    for store_id in image_store.all_instances():
        image_store.delete_instance(store_id)


@pytest.fixture(scope="session")
def redis(test_var: Path) -> Iterator[str]:
    """The URL of a real Redis."""
    stack = Stack(test_var / "redis-only", Ports.free(), ["redis"])
    stack.start()
    yield stack.settings["REDIS_URL"]
    stack.stop()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium, drawing in software, silent on the network."""
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": CHROMIUM_ARGUMENTS}


@pytest.fixture(scope="session")
def live_stack(test_var: Path) -> Iterator[Stack]:
    """The complete running product with a built front end and a database of its own, at ``.url``."""
    if not (ROOT / "frontend" / "dist" / "index.html").is_file():
        build = "source deploy/setup.sh; build_frontend"
        subprocess.run(["bash", "-euc", build], cwd=ROOT, check=True)
    folder = test_var / "live"
    shutil.rmtree(folder, ignore_errors=True)
    stack = Stack(folder, Ports.free(), durable=False)
    stack.start(BACKING)
    migrate(stack.env)
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def in_live_stack(live_stack: Stack) -> Callable[[str], str]:
    """Runs Python in the running product's Django, and returns what it printed."""

    def run(code: str) -> str:
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        done = subprocess.run(
            command, cwd=ROOT, env=live_stack.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def artifacts_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Weights and arrays of this test alone, however full the disk is."""
    folder = tmp_path / "artifacts"
    monkeypatch.setattr(settings, "ARTIFACTS_DIR", folder)
    monkeypatch.setattr(settings, "FREE_SPACE_FLOOR", 0.0)
    return folder

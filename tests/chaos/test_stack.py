"""The supervisor keeps the product running, and leaves nothing behind when it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from deploy.stack import ALL, ROOT, Ports, Record, Stack, StackError
from deploy.stack.processes import TOKEN_VARIABLE

CONSILIUM = str(Path(sys.executable).with_name("consilium"))


def eventually(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition becomes true within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def health(stack: Stack) -> int:
    """The status of the health page; 0 when nothing answers at all."""
    try:
        return httpx.get(f"{stack.url}/healthz", timeout=15).status_code
    except httpx.TransportError:
        return 0


def marked(token: str) -> list[psutil.Process]:
    """Every process, of whatever parent, that was started by the stack with this token."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(TOKEN_VARIABLE) == token:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def folder(test_var: Path) -> Iterator[Path]:
    """An empty folder for one stack."""
    path = test_var / "one-stack"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.mark.parametrize("service", ALL)
def test_a_killed_service_is_started_again_and_the_product_is_healthy(
    live_stack: Stack, service: str
) -> None:
    before = live_stack.pid(service)
    killed = live_stack.kill(service)
    assert killed == before
    assert live_stack.wait_ready(service, 60), f"{service} did not come back"
    assert live_stack.pid(service) not in {None, before}
    assert eventually(lambda: health(live_stack) == 200, 10)


def test_without_the_database_the_web_answers_503_and_recovers_within_five_seconds(
    live_stack: Stack,
) -> None:
    assert eventually(lambda: health(live_stack) == 200, 10)
    seen = set()
    for _ in range(3):
        live_stack.kill("postgres")
        while not live_stack.is_ready("postgres"):
            seen.add(health(live_stack))
        assert eventually(lambda: health(live_stack) == 200, 5)
    assert seen <= {200, 503}


def test_the_ticker_takes_up_again_after_the_database_was_lost(live_stack: Stack) -> None:
    ticker = live_stack.pid("ticker")
    live_stack.kill("postgres")
    assert live_stack.wait_ready("postgres", 60)
    alive = live_stack.var / "ticker.alive"
    before = alive.stat().st_mtime
    assert eventually(lambda: alive.stat().st_mtime > before, 10)
    assert live_stack.pid("ticker") == ticker, "it should wait for the database, not crash"


def test_delays_between_restarts_double(folder: Path) -> None:
    heard: list[str] = []
    stack = Stack(folder, Ports.free(), ["redis"], listener=lambda _, text: heard.append(text))
    stack.start()
    try:
        for _ in range(3):
            stack.kill("redis")
            assert stack.wait_ready("redis", 15)
    finally:
        stack.stop()
    ends = [text for text in heard if text.startswith("ended")]
    assert [text.split("again in ")[1] for text in ends] == ["0.5 s", "1 s", "2 s"]


def test_stopping_leaves_no_process_and_frees_the_folder(folder: Path) -> None:
    stack = Stack(folder, Ports.free(), ["postgres", "orthanc", "redis"], durable=False)
    stack.start()
    pids = [stack.pid(name) for name in stack.names]
    stack.stop()
    assert not [pid for pid in pids if pid and psutil.pid_exists(pid)]
    assert not marked(stack.token)
    again = Stack(folder, stack.ports, ["redis"])
    again.start()
    again.stop()


def test_a_second_stack_on_the_same_folder_is_refused(folder: Path) -> None:
    first = Stack(folder, Ports.free(), ["redis"])
    first.start()
    try:
        with pytest.raises(StackError, match=rf"already runs on .* \(process {os.getpid()}"):
            Stack(folder, Ports.free(), ["redis"]).start()
        assert first.is_ready("redis")
    finally:
        first.stop()


def test_a_taken_port_is_named_with_a_remedy_before_anything_starts(folder: Path) -> None:
    ports = Ports.free()
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports.web))
        other.listen()
        stack = Stack(folder, ports)
        with pytest.raises(StackError, match=f"Port {ports.web} .* taken .* --port"):
            stack.start()
    assert Record.read(folder) is None, "nothing may have been started"


def test_too_little_disk_is_said_before_anything_starts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.stack.checks.LEAST_FREE_BYTES", 10**18)
    with pytest.raises(StackError, match="MB are free"):
        Stack(folder, Ports.free(), ["redis"]).start()
    assert Record.read(folder) is None


def test_a_missing_program_is_named_with_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StackError, match="apt install redis-server"):
        Stack(folder, Ports.free(), ["redis"]).start()


def test_a_service_that_cannot_start_is_reported_with_its_last_words(folder: Path) -> None:
    (folder / "orthanc").mkdir()
    (folder / "orthanc" / "modalities.json").write_text('{"scanner": "not a list"}')
    stack = Stack(folder, Ports.free(), ["orthanc"])
    with pytest.raises(StackError, match=r"orthanc did not start.*last words.*orthanc\.log"):
        stack.start()
    assert not marked(stack.token)


def _listen_to_ctrl_c() -> None:
    """Which the children of a shell's background job do not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def up(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`consilium up` as a person runs it, once it says that it is ready; ended in any case."""
    Ports.free().keep(folder)
    said = folder / "up.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            [CONSILIUM, "up"],
            cwd=ROOT,
            env=os.environ | {"CONSILIUM_VAR": str(folder)},
            stdout=log,
            stderr=log,
            preexec_fn=_listen_to_ctrl_c,
        )
    try:
        assert eventually(
            lambda: "is ready: http" in said.read_text() or process.poll() is not None, 120
        )
        assert process.poll() is None, said.read_text()
        yield process
    finally:
        process.terminate()
        process.wait(40)


def record_of(folder: Path) -> Record:
    record = Record.read(folder)
    assert record is not None
    return record


def test_up_runs_until_ctrl_c_and_leaves_nothing_behind(folder: Path) -> None:
    with up(folder) as process:
        record = record_of(folder)
        assert set(record.processes) == set(ALL)
        assert httpx.get(f"{record.url}/healthz").is_success
        refused = subprocess.run(
            [CONSILIUM, "up"],
            env=os.environ | {"CONSILIUM_VAR": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode == 1
        assert "already runs" in refused.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
    assert not marked(record.token)
    assert not [pid for pid, _ in record.processes.values() if psutil.pid_exists(pid)]


def test_children_of_a_killed_supervisor_end_and_the_next_start_works(folder: Path) -> None:
    with up(folder) as process:
        record = record_of(folder)
        process.kill()
    stack = Stack(folder, Ports.kept(folder), ["postgres", "orthanc", "redis"], durable=False)
    stack.start()
    try:
        assert not marked(record.token), "the next start must find the folder to itself"
        assert stack.is_ready("postgres")
    finally:
        stack.stop()


def test_a_process_that_survives_its_dead_supervisor_is_ended_at_the_next_start(
    folder: Path,
) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
    stubborn = subprocess.Popen([sys.executable, "-c", code], process_group=0)
    innocent = subprocess.Popen(["sleep", "300"], process_group=0)
    started = psutil.Process(stubborn.pid).create_time()
    Record(
        pid=2**22 - 1,
        created=1.0,
        token="of-a-dead-one",
        url="http://127.0.0.1:1",
        environment={},
        processes={"worker": (stubborn.pid, started), "web": (innocent.pid, started - 500)},
    ).write(folder)
    heard: list[tuple[str, str]] = []
    stack = Stack(folder, Ports.free(), ["redis"], listener=lambda *said: heard.append(said))
    try:
        stack.start()
        assert not psutil.pid_exists(stubborn.pid)
        assert innocent.poll() is None, "an id that was given again is not ours to end"
        assert heard[0][0] == "worker"
    finally:
        stack.stop()
        innocent.kill()
        innocent.wait()
        stubborn.kill()
        stubborn.wait()

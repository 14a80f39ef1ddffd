"""One child process: started in its own group, watched, and ended by its own id.

The kernel is asked to end a child when the supervisor dies (setpriv --pdeathsig); what survives
even that is found at the next start by its recorded id and start time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from .places import SAME_START

TOKEN_VARIABLE = "CONSILIUM_RUN"  # noqa: S105 - names an environment variable, holds no secret
LOG_LIMIT = 32 * 1024 * 1024


@dataclass(frozen=True)
class Launch:
    """How to start a process."""

    name: str
    command: Sequence[str]
    log: Path
    cwd: Path
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0


class Process:
    """A started child and everything in its process group."""

    def __init__(self, launch: Launch, environment: Mapping[str, str]) -> None:
        self.launch = launch
        self.log_start = _rotate(launch.log)
        with launch.log.open("ab") as log:
            self.popen = subprocess.Popen(
                _guarded(launch),
                cwd=launch.cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        self.pid = self.popen.pid
        self.created = _created(self.pid)
        self.started = time.monotonic()

    def exit_code(self) -> int | None:
        return self.popen.poll()

    def said(self) -> str:
        """What the process has written to its log since it was started."""
        with self.launch.log.open("rb") as log:
            log.seek(self.log_start)
            return log.read().decode("utf-8", "replace")

    def interrupt(self) -> None:
        if self.exit_code() is None:
            signal_group(self.pid, self.launch.stop_signal)

    def kill(self) -> None:
        """End the process and its group at once, and leave nothing to reap."""
        signal_group(self.pid, signal.SIGKILL)
        self.popen.wait()

    def finish(self, deadline: float) -> None:
        """Wait until ``deadline`` (monotonic) for the end, then kill what is left of the group."""
        with suppress(subprocess.TimeoutExpired):
            self.popen.wait(max(0.0, deadline - time.monotonic()))
        self.kill()


def signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def end_orphans(recorded: Mapping[str, tuple[int, float]], token: str) -> list[str]:
    """End what an earlier supervisor left behind; return the names of what was still running."""
    left = {name: list(_survivors(*seen, token)) for name, seen in recorded.items()}
    processes = [process for group in left.values() for process in group]
    for process in processes:
        process.terminate()
    _, stubborn = psutil.wait_procs(processes, timeout=10)
    for process in stubborn:
        process.kill()
    psutil.wait_procs(stubborn, timeout=5)
    return [name for name, group in left.items() if group]


def _survivors(pid: int, created: float, token: str) -> Iterator[psutil.Process]:
    """The recorded process if it is still the same one, and members of its group that carry our mark."""
    for process in psutil.process_iter():
        try:
            same = process.pid == pid and abs(process.create_time() - created) < SAME_START
            if same or (
                os.getpgid(process.pid) == pid and process.environ().get(TOKEN_VARIABLE) == token
            ):
                yield process
        except (psutil.Error, ProcessLookupError):
            continue


def _guarded(launch: Launch) -> list[str]:
    """The command, with the death of the supervisor turned into the service's own stop signal."""
    guard = ["setpriv", "--pdeathsig", launch.stop_signal.name.removeprefix("SIG")]
    if launch.user:
        guard += ["--reuid", launch.user, "--regid", launch.user, "--clear-groups"]
    return [*guard, "--", *launch.command]


def _created(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0


def _rotate(log: Path) -> int:
    """Keep one older log once the current one is large; return where new output will begin."""
    size = log.stat().st_size if log.exists() else 0
    if size < LOG_LIMIT:
        return size
    log.replace(log.with_suffix(".old.log"))
    return 0

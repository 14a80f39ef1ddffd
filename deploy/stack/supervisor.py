"""Starts the services in order, restarts what dies, and ends everything it started.

One thread starts and watches all children: the kernel ends a child when the *thread* that
started it ends, so no other thread may start one.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import psutil

from . import broker, checks
from .errors import StackError
from .places import ROOT, Ports, Record, secrets_of
from .postgres import Postgres
from .processes import TOKEN_VARIABLE, Launch, Process, end_orphans, signal_group
from .services import ALL, BACKING, EXTERNAL, OURS, Service, services

POLL_SECONDS = 0.1
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
CALM_SECONDS = 60.0
PATIENCE_SECONDS = 90.0
Listener = Callable[[str, str], None]


class _Watched:
    """A service that is wanted, its process if there is one, and when to try again."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.process: Process | None = None
        self.ready = threading.Event()
        self.failure: StackError | None = None
        self.restarts = 0
        self.delay = FIRST_DELAY
        self.retry_at = 0.0


class Stack:
    """The running product on one ``var`` folder. ``listener(service, text)`` hears what happens."""

    def __init__(
        self,
        var: Path,
        ports: Ports,
        services: Sequence[str] = ALL,
        *,
        durable: bool = True,
        listener: Listener = lambda _service, _text: None,
    ) -> None:
        self.var = var.resolve()
        self.ports = ports
        self.names = [name for name in ALL if name in services]
        self.listener = listener
        self.database = Postgres(self.var / "postgres", durable=durable)
        self.token = secrets.token_hex(8)
        self._watched: dict[str, _Watched] = {}
        self._known: dict[str, Service] = {}
        self._changes = threading.RLock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports.web}"

    @property
    def env(self) -> dict[str, str]:
        """What a child process needs in order to speak to the services."""
        return os.environ | self.settings | {TOKEN_VARIABLE: self.token}

    @property
    def settings(self) -> dict[str, str]:
        """Own servers and secrets, save those that the environment names."""
        own = {
            "CONSILIUM_VAR": str(self.var),
            "DJANGO_SETTINGS_MODULE": "deploy.settings",
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": self.database.url(),
            "REDIS_URL": broker.url(self.var / "redis"),
            "ORTHANC_URL": f"http://127.0.0.1:{self.ports.orthanc}",
            **secrets_of(self.var),
        }
        foreign = [variable for name, variable in EXTERNAL.items() if name not in self.names]
        if "ORTHANC_URL" in foreign:
            foreign += ["ORTHANC_USER", "ORTHANC_PASSWORD"]
        return own | {name: os.environ[name] for name in foreign if name in os.environ}

    def start(self, names: Sequence[str] | None = None) -> None:
        """Start the named services (default: all) and return when each is ready.

        Raises StackError, with everything stopped again, when one does not come up.
        """
        if self._thread is None:
            self._take_folder()
        wanted = [name for name in self.names if names is None or name in names]
        try:
            for group in (BACKING, OURS):
                self._bring_up([name for name in wanted if name in group])
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every service, ours first and the database last; each has its grace, then is killed."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def kill(self, name: str) -> int:
        """SIGKILL the service's process group, as a crash would, and return its id once it is buried.

        It is restarted: ``wait_ready`` says when.
        """
        process = self._watched[name].process
        if process is None:
            raise StackError(f"{name} is not running.", "Wait until it has been restarted.")
        signal_group(process.pid, signal.SIGKILL)
        while self._watched[name].process is process and not self._stopping.is_set():
            time.sleep(POLL_SECONDS)
        return process.pid

    def pid(self, name: str) -> int | None:
        process = self._watched[name].process
        return process.pid if process else None

    def restarts(self, name: str) -> int:
        return self._watched[name].restarts

    def is_ready(self, name: str) -> bool:
        return name in self._watched and self._watched[name].ready.is_set()

    def wait_ready(self, name: str, timeout: float = 60.0) -> bool:
        return self._watched[name].ready.wait(timeout)

    def _take_folder(self) -> None:
        """Become the only supervisor of this folder, end orphans, check, and begin to watch."""
        self.var.mkdir(parents=True, exist_ok=True)
        (self.var / "log").mkdir(exist_ok=True)
        self._lock = _exclusive(self.var)
        try:
            if record := Record.read(self.var):
                for name in end_orphans(record.processes, record.token):
                    self.listener(name, "was left over from an earlier run and has been stopped")
            checks.before_start(self.var, self.ports, self.names)
            self.ports.keep(self.var)
        except StackError:
            self._lock.close()
            self._lock = None
            raise
        self._known = services(self.var, self.ports, self.settings, self.database)
        self._stopping.clear()
        self._watched = {}
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def _bring_up(self, names: Sequence[str]) -> None:
        """Want these services, and wait until each is ready; they start side by side."""
        with self._changes:
            for name in names:
                self._watched.setdefault(name, _Watched(self._known[name]))
        for name in names:
            self._await(name)
        if "postgres" in names:
            self.database.create_database()

    def _await(self, name: str) -> None:
        watched = self._watched[name]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not watched.ready.wait(POLL_SECONDS):
            if watched.failure is not None:
                raise watched.failure
            if watched.restarts > 2 or time.monotonic() > deadline:
                raise self._did_not_start(name)

    def _did_not_start(self, name: str) -> StackError:
        log = self.var / "log" / f"{name}.log"
        said = log.read_text("utf-8", "replace").strip().splitlines()[-3:] if log.exists() else []
        last = f" Its last words: {' / '.join(said)}" if said else ""
        return StackError(f"{name} did not start.{last}", f"Read {log}, then try again.")

    def _watch(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            with self._changes:
                watched = list(self._watched.values())
            for one in watched:
                self._look_after(one)
        self._end_all()

    def _look_after(self, one: _Watched) -> None:
        now = time.monotonic()
        if one.process is not None and one.process.exit_code() is not None:
            self._bury(one, one.process, now)
        if one.process is None:
            if now >= one.retry_at and one.failure is None:
                self._spawn(one)
            return
        if not one.ready.is_set() and one.service.ready(one.process):
            one.ready.set()
            self.listener(one.service.name, "is ready")
        if one.ready.is_set() and now - one.process.started > CALM_SECONDS:
            one.delay = FIRST_DELAY

    def _bury(self, one: _Watched, process: Process, now: float) -> None:
        process.kill()
        code = process.exit_code()
        one.process = None
        one.ready.clear()
        one.retry_at = now + one.delay
        self.listener(
            one.service.name, f"ended ({_meaning(code)}); starts again in {one.delay:g} s"
        )
        one.delay = min(LONGEST_DELAY, one.delay * 2)
        one.restarts += 1

    def _spawn(self, one: _Watched) -> None:
        service = one.service
        try:
            launch = Launch(
                name=service.name,
                command=service.command(),
                log=self.var / "log" / f"{service.name}.log",
                cwd=ROOT,
                user=service.user(),
                stop_signal=service.stop_signal,
            )
            one.process = Process(launch, self.env | dict(service.environment))
        except StackError as failure:
            one.failure = failure
        except OSError as failure:
            one.failure = StackError(
                f"{service.name} cannot be started: {failure}.", "Mend this first."
            )
        else:
            self._record()

    def _record(self) -> None:
        running = [one.process for one in self._watched.values() if one.process]
        Record(
            pid=os.getpid(),
            created=psutil.Process().create_time(),
            token=self.token,
            url=self.url,
            environment=self.settings,
            processes={process.launch.name: (process.pid, process.created) for process in running},
        ).write(self.var)

    def _end_all(self) -> None:
        for group in (OURS, BACKING):
            running = [self._watched[n].process for n in group if n in self._watched]
            processes = [process for process in running if process]
            for process in processes:
                process.interrupt()
            for process in processes:
                process.finish(time.monotonic() + process.launch.grace)
        (self.var / "stack.json").unlink(missing_ok=True)


def _exclusive(var: Path) -> IO[str]:
    """The lock that one supervisor holds; the kernel gives it back however that process ends."""
    lock = (var / "stack.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        record = Record.read(var)
        where = f" (process {record.pid}, {record.url})" if record else ""
        raise StackError(
            f"Consilium already runs on {var}{where}.",
            "Use that one, or stop it there with Ctrl-C.",
        ) from None
    return lock


def _meaning(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"

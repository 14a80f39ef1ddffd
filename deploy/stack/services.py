"""The nine processes of the product: how each is started and when it counts as ready."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from . import broker, image_store
from .places import ROOT, Ports
from .postgres import Postgres
from .processes import Process

BACKING = ("postgres", "orthanc", "redis")
OURS = ("web", "ticker", "intake", "worker", "prompter", "ranker", "trainer")
ALL = BACKING + OURS
EXTERNAL = {"postgres": "DATABASE_URL", "orthanc": "ORTHANC_URL", "redis": "REDIS_URL"}
INTAKE_ACTORS = ("annotation.actors",)
ACTORS = (*INTAKE_ACTORS, "learning.actors")
TICKER_IS_LATE = 15.0


@dataclass(frozen=True)
class Service:
    """``command`` is asked for at every start, so that it may prepare folders and files first."""

    name: str
    command: Callable[[], list[str]]
    ready: Callable[[Process], bool]
    user: Callable[[], str | None] = lambda: None
    stop_signal: signal.Signals = signal.SIGTERM
    environment: Mapping[str, str] = field(default_factory=dict)


def wanted(environment: Mapping[str, str]) -> list[str]:
    """What to start: all, save the servers that the environment names."""
    return [name for name in ALL if EXTERNAL.get(name, "") not in environment]


def services(
    var: Path, ports: Ports, environment: Mapping[str, str], database: Postgres
) -> dict[str, Service]:
    """Every service of one installation, in the order in which they are started."""
    threads = str(max(1, (os.cpu_count() or 1) - 1))
    limits = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TRAINING_THREADS")
    found = [
        _postgres(database),
        _orthanc(var, ports, environment),
        Service(
            "redis",
            lambda: broker.command(var / "redis"),
            lambda _: broker.answers(environment["REDIS_URL"]),
        ),
        Service("web", lambda: _gunicorn(ports), lambda _: healthy(ports.web)),
        Service("ticker", lambda: _ticker(var), lambda process: _ticks(var, process)),
        Service("intake", lambda: _dramatiq("intake", INTAKE_ACTORS, threads=1), _dramatiq_ready),
        Service("worker", lambda: _dramatiq("default", threads=4), _dramatiq_ready),
        Service(
            "prompter",
            lambda: _dramatiq("prompts", threads=2),
            _dramatiq_ready,
            environment={"OPENBLAS_NUM_THREADS": "1"},
        ),
        Service(
            "ranker",
            lambda: _dramatiq("ranking", threads=1),
            _dramatiq_ready,
            environment={"OPENBLAS_NUM_THREADS": "1"},
        ),
        Service(
            "trainer",
            lambda: ["nice", "-n", "10", *_dramatiq("training", threads=1)],
            _dramatiq_ready,
            environment=dict.fromkeys(limits, threads),
        ),
    ]
    return {service.name: service for service in found}


def healthy(port: int) -> bool:
    try:
        response = httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=3)
    except httpx.HTTPError:
        return False
    return response.status_code == httpx.codes.OK


def heartbeat(var: Path) -> Path:
    """The file that the ticker touches in every pass."""
    return var / "ticker.alive"


def _postgres(database: Postgres) -> Service:
    def command() -> list[str]:
        database.prepare()
        return database.command()

    return Service(
        "postgres",
        command,
        lambda _: database.answers(),
        user=lambda: database.user,
        stop_signal=signal.SIGINT,
    )


def _orthanc(var: Path, ports: Ports, environment: Mapping[str, str]) -> Service:
    password = environment["ORTHANC_PASSWORD"]

    def command() -> list[str]:
        path = image_store.write_configuration(
            var / "orthanc", http_port=ports.orthanc, dicom_port=ports.dicom, password=password
        )
        return [image_store.binary(), str(path)]

    url = environment["ORTHANC_URL"]
    return Service("orthanc", command, lambda _: image_store.answers(url, password))


def _gunicorn(ports: Ports) -> list[str]:
    options = {
        "--bind": f"127.0.0.1:{ports.web}",
        "--worker-class": "gthread",
        "--workers": "2",
        "--threads": "8",
        "--timeout": "120",
        "--graceful-timeout": "8",
        "--keep-alive": "15",
        "--log-level": "warning",
    }
    if Path("/dev/shm").is_dir():  # noqa: S108 - memory-backed, for gunicorn's own heartbeat files
        options["--worker-tmp-dir"] = "/dev/shm"  # noqa: S108
    words = [word for pair in options.items() for word in pair]
    return [sys.executable, "-m", "gunicorn", *words, "--no-control-socket", "deploy.wsgi"]


def _ticker(var: Path) -> list[str]:
    heartbeat(var).unlink(missing_ok=True)
    return [sys.executable, "-m", "deploy.ticker"]


def _ticks(var: Path, process: Process) -> bool:
    alive = heartbeat(var)
    return alive.exists() and time.time() - alive.stat().st_mtime < TICKER_IS_LATE


def _dramatiq(queue: str, actors: tuple[str, ...] = ACTORS, *, threads: int) -> list[str]:
    """One process: the supervisor restarts it as a whole, as dramatiq itself would not."""
    command = [sys.executable, "-m", "dramatiq", "--processes", "1", "--threads", str(threads)]
    limits = ["--worker-shutdown-timeout", "8000", "--path", str(ROOT), "--queues", queue, "--"]
    return [*command, *limits, "django_dramatiq.setup", *actors]


def _dramatiq_ready(process: Process) -> bool:
    return "ready for action" in process.said()

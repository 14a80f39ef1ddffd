"""What works, what does not, and what to do about it. Each check gives one or more findings."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import httpx
import psutil
import psycopg
import redis

from deploy.stack import (
    EXTERNAL,
    ROOT,
    Ports,
    Record,
    StackError,
    broker,
    image_store,
    places,
    wanted,
)
from deploy.stack.services import TICKER_IS_LATE, healthy, heartbeat

LEAST_PYTHON = (3, 11)
SAFE_ORTHANC = (1, 12, 11)
DISK_FLOOR = 0.05
LEAST_MEMORY_GB = 8
QUEUES = ("default", "intake", "prompts", "ranking", "training")
LONG_QUEUE = 1000

PROGRAMS: tuple[tuple[str, Callable[[], str | Path]], ...] = (
    ("orthanc", image_store.binary),
    ("orthanc", image_store.plugin),
    ("redis", broker.binary),
)


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    level: Level
    title: str
    text: str
    remedy: str = ""


Check = Callable[["Installation"], Iterator[Finding]]


@dataclass(frozen=True)
class Installation:
    """The installation that is examined: its folder, its environment, and the stack that runs on it."""

    var: Path
    environment: Mapping[str, str]
    record: Record | None

    @classmethod
    def here(cls, var: Path) -> Installation:
        record = Record.read(var)
        record = record if record and record.is_alive() else None
        return cls(var, {**(record.environment if record else {}), **os.environ}, record)

    def address(self, service: str) -> str | None:
        """The URL of a backing service, if it is running here or named in the environment."""
        return self.environment.get(EXTERNAL[service])


def examine(var: Path) -> Iterator[Finding]:
    """Every finding, in the order in which a person would want to mend things."""
    here = Installation.here(var)
    for check in CHECKS:
        yield from check(here)


def versions(_: Installation) -> Iterator[Finding]:
    number = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < LEAST_PYTHON:
        yield Finding(Level.FAIL, "Python", f"{number} is too old", "Install Python 3.11 or newer.")
    else:
        yield Finding(Level.OK, "Python", number)
    for package, needed in (("Django", True), ("torch", False), ("monai", False)):
        try:
            yield Finding(Level.OK, package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            level = Level.FAIL if needed else Level.WARN
            effect = "" if needed else "; no rounds can be trained on this machine"
            yield Finding(
                level, package, f"is not installed{effect}", "Run deploy/quickstart to install it."
            )


def machine(here: Installation) -> Iterator[Finding]:
    folder = here.var if here.var.exists() else ROOT
    usage = shutil.disk_usage(folder)
    text = f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.0f} GB free at {folder}"
    full = usage.free < usage.total * DISK_FLOOR
    remedy = "Below 5 % uploads are refused and rounds pause: free some space, or move var/."
    yield Finding(Level.FAIL if full else Level.OK, "Disk", text, remedy if full else "")
    memory = psutil.virtual_memory().total / 1e9
    small = memory < LEAST_MEMORY_GB
    remedy = "Training may be ended by the system: keep input sizes small." if small else ""
    yield Finding(Level.WARN if small else Level.OK, "Memory", f"{memory:.0f} GB", remedy)
    yield _gpu()


def _gpu() -> Finding:
    tool = shutil.which("nvidia-smi")
    listed = (
        subprocess.run([tool, "-L"], capture_output=True, text=True, check=False) if tool else None
    )
    if listed is None or listed.returncode or not listed.stdout.strip():
        return Finding(Level.OK, "GPU", "none; rounds train on the processor")
    name = listed.stdout.splitlines()[0].partition(" (UUID")[0]
    if "+cpu" in _version_of("torch"):
        remedy = "Install the other one: .venv/bin/pip install --force-reinstall torch==2.13.0"
        return Finding(Level.WARN, "GPU", f"{name}, but PyTorch is the build without GPU", remedy)
    return Finding(Level.OK, "GPU", name)


def _version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def installed(here: Installation) -> Iterator[Finding]:
    """What must be on the disk before anything can start."""
    for name, find in PROGRAMS:
        if here.record is None and name in wanted(here.environment):
            try:
                found = find()
            except StackError as missing:
                yield Finding(Level.FAIL, name.capitalize(), missing.problem, missing.remedy)
            else:
                yield Finding(Level.OK, name.capitalize(), f"{found} is installed")
    if (ROOT / "frontend" / "dist" / "index.html").is_file():
        yield Finding(Level.OK, "Front end", "is built")
    else:
        remedy = "In frontend/: npm ci && npm run build"
        yield Finding(Level.FAIL, "Front end", "is not built", remedy)
    kept = here.var / "secrets.env"
    if kept.exists() and kept.stat().st_mode & 0o077:
        yield Finding(Level.FAIL, "Secrets", "can be read by others", f"chmod 600 {kept}")


def ports(here: Installation) -> Iterator[Finding]:
    """Only asked while nothing runs: a running stack has its ports."""
    if here.record is not None:
        return
    for purpose, port in vars(Ports.kept(here.var)).items():
        if places.is_free(port):
            yield Finding(Level.OK, "Port", f"{port} (for {purpose}) is free")
        else:
            remedy = f"See who has it: ss -ltnp 'sport = :{port}'. Then: consilium up --port NUMBER"
            yield Finding(Level.FAIL, "Port", f"{port} (for {purpose}) is taken", remedy)


def processes(here: Installation) -> Iterator[Finding]:
    record = here.record
    if record is None:
        remedy = "Start it: consilium up"
        yield Finding(Level.WARN, "Processes", f"nothing runs on {here.var}", remedy)
        return
    dead = [name for name, (pid, _) in record.processes.items() if not psutil.pid_exists(pid)]
    if dead:
        remedy = "They are started again by themselves; if not, read var/log/."
        yield Finding(Level.WARN, "Processes", f"{', '.join(dead)} ended just now", remedy)
    else:
        yield Finding(
            Level.OK, "Processes", f"{', '.join(record.processes)} run (supervisor {record.pid})"
        )
    port = int(record.url.rpartition(":")[2])
    if healthy(port):
        yield Finding(Level.OK, "Web server", record.url)
    else:
        remedy = f"Read {here.var}/log/web.log."
        yield Finding(Level.FAIL, "Web server", f"{record.url} does not answer as healthy", remedy)
    yield _ticker(here)


def _ticker(here: Installation) -> Finding:
    alive = heartbeat(here.var)
    age = time.time() - alive.stat().st_mtime if alive.exists() else float("inf")
    if age < TICKER_IS_LATE:
        return Finding(Level.OK, "Ticker", f"ticked {age:.0f} s ago")
    remedy = f"Work is not handed out until it ticks again. Read {here.var}/log/ticker.log."
    return Finding(Level.FAIL, "Ticker", "does not tick", remedy)


def image_store_answers(here: Installation) -> Iterator[Finding]:
    url = here.address("orthanc")
    if url is None:
        return
    user = here.environment.get("ORTHANC_USER", image_store.USER)
    credentials = (user, here.environment.get("ORTHANC_PASSWORD", ""))
    try:
        with httpx.Client(base_url=url, auth=credentials, timeout=5) as client:
            system = client.get("/system").raise_for_status().json()
            plugins = client.get("/plugins").raise_for_status().json()
    except httpx.HTTPError as failure:
        remedy = f"Read {here.var}/log/orthanc.log; check ORTHANC_URL and ORTHANC_PASSWORD."
        yield Finding(Level.FAIL, "Orthanc", f"{url} does not answer: {failure}", remedy)
        return
    yield from _exposure(url)
    yield Finding(Level.OK, "Same UID", "sent twice by modalities: the first is kept, unsaid")
    if "gdcm" in plugins:
        remedy = "Remove it: it crashes the process on some images."
        yield Finding(Level.FAIL, "Orthanc", "has the GDCM plugin loaded", remedy)
    if "dicom-web" not in plugins:
        yield Finding(
            Level.FAIL, "Orthanc", "lacks the DICOMweb plugin", "apt install orthanc-dicomweb"
        )
    number = str(system["Version"])
    old = tuple(int(part) for part in number.split(".") if part.isdigit()) < SAFE_ORTHANC
    remedy = "Good for trying out. Older than 1.12.11 has known flaws: not for production."
    yield Finding(
        Level.WARN if old else Level.OK, "Orthanc", f"{number} answers", remedy if old else ""
    )


def _exposure(url: str) -> Iterator[Finding]:
    port = httpx.URL(url).port or 80
    if image_store.is_reachable_from_outside(port):
        text = f"listens on every address at port {port} and turns away who is not on this machine"
        remedy = f"Keep others out: iptables -I INPUT ! -i lo -p tcp --dport {port} -j DROP"
        yield Finding(Level.WARN, "Orthanc’s port", text, remedy)


def database_answers(here: Installation) -> Iterator[Finding]:
    url = here.address("postgres")
    if url is None:
        return
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            number = connection.info.server_version // 10000
            row = connection.execute(
                "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
            ).fetchone()
            tables = connection.execute("SELECT to_regclass('django_migrations')").fetchone()
    except psycopg.OperationalError as failure:
        remedy = f"Read {here.var}/log/postgres.log; check DATABASE_URL."
        yield Finding(Level.FAIL, "Database", f"does not answer: {str(failure).strip()}", remedy)
        return
    yield Finding(Level.OK, "Database", f"PostgreSQL {number} answers")
    if tables is None or tables[0] is None:
        remedy = "consilium up brings it up to date."
        yield Finding(Level.FAIL, "Database", "has no tables yet", remedy)
    elif row is None:
        remedy = "Install pgvector on that server, then: CREATE EXTENSION vector"
        yield Finding(Level.FAIL, "pgvector", "is not there", remedy)
    else:
        yield Finding(Level.OK, "pgvector", str(row[0]))


def broker_answers(here: Installation) -> Iterator[Finding]:
    url = here.address("redis")
    if url is None:
        return
    client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
    try:
        waiting = sum(int(client.llen(f"dramatiq:{queue}")) for queue in QUEUES)
    except redis.RedisError as failure:
        remedy = f"Nothing is lost; work waits. Read {here.var}/log/redis.log."
        yield Finding(Level.FAIL, "Broker", f"does not answer: {failure}", remedy)
        return
    finally:
        client.close()
    long = waiting > LONG_QUEUE
    remedy = "The workers do not keep up: look at var/log/worker.log." if long else ""
    yield Finding(Level.WARN if long else Level.OK, "Broker", f"{waiting} messages wait", remedy)


CHECKS: tuple[Check, ...] = (
    versions,
    machine,
    installed,
    ports,
    processes,
    database_answers,
    image_store_answers,
    broker_answers,
)

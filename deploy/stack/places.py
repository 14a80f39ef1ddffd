"""Where everything lies: folders under var/, ports, secrets, and the record of what is running."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
SAME_START = 0.05
PREFERRED = {"web": 8000, "orthanc": 18042, "dicom": 14242}


@dataclass(frozen=True)
class Ports:
    """All on 127.0.0.1."""

    web: int
    orthanc: int
    dicom: int

    @classmethod
    def free(cls) -> Ports:
        """Three ports that nothing listens on right now."""
        sockets = [socket.socket() for _ in PREFERRED]
        try:
            for one in sockets:
                one.bind(("127.0.0.1", 0))
            return cls(*(one.getsockname()[1] for one in sockets))
        finally:
            for one in sockets:
                one.close()

    @classmethod
    def kept(cls, var: Path, *, web: int | None = None) -> Ports:
        """The ports this folder was first used with, so that scanners can keep sending; ``web`` wins."""
        path = var / "ports.json"
        if path.exists():
            numbers = json.loads(path.read_text(encoding="utf-8"))
        else:
            spare = asdict(cls.free())
            numbers = {name: p if is_free(p) else spare[name] for name, p in PREFERRED.items()}
            numbers["web"] = PREFERRED["web"]
        return cls(**numbers | ({"web": web} if web else {}))

    def keep(self, var: Path) -> None:
        write_private(var / "ports.json", json.dumps(asdict(self)))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def write_private(path: Path, text: str) -> None:
    """Replace the file in one step; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.touch(mode=0o600)
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def secrets_of(var: Path) -> dict[str, str]:
    """SECRET_KEY and ORTHANC_PASSWORD of this installation, made at its first start."""
    path = var / "secrets.env"
    kept = dict(_pairs(path.read_text(encoding="utf-8"))) if path.exists() else {}
    wanted = {
        "SECRET_KEY": kept.get("SECRET_KEY") or secrets.token_urlsafe(48),
        "ORTHANC_PASSWORD": kept.get("ORTHANC_PASSWORD") or secrets.token_urlsafe(24),
    }
    if wanted != kept:
        write_private(path, "".join(f"{name}={value}\n" for name, value in (kept | wanted).items()))
    return kept | wanted


def _pairs(text: str) -> list[tuple[str, str]]:
    lines = [line.strip() for line in text.splitlines()]
    return [
        (n, v) for n, _, v in (line.partition("=") for line in lines) if n and not n.startswith("#")
    ]


@dataclass(frozen=True)
class Record:
    """What var/stack.json says of the stack that runs, or ran, on this folder."""

    pid: int
    created: float
    token: str
    url: str
    environment: Mapping[str, str]
    processes: Mapping[str, tuple[int, float]]

    @classmethod
    def read(cls, var: Path) -> Record | None:
        path = var / "stack.json"
        if not path.exists():
            return None
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        fields["processes"] = {n: (int(p), float(c)) for n, (p, c) in fields["processes"].items()}
        return cls(**fields)

    def is_alive(self) -> bool:
        """Whether the supervisor that wrote this still runs; ids are given again, start times not."""
        try:
            return abs(psutil.Process(self.pid).create_time() - self.created) < SAME_START
        except psutil.NoSuchProcess:
            return False

    def write(self, var: Path) -> None:
        write_private(var / "stack.json", json.dumps(asdict(self), indent=2))

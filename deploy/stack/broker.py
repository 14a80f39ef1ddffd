"""The private Redis behind dramatiq: a doorbell that may lose everything, on a Unix socket."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

import redis

from .errors import StackError
from .postgres import LONGEST_SOCKET_PATH


def binary() -> str:
    found = shutil.which("redis-server")
    if found is None:
        raise StackError("Redis is not installed.", "Install it: apt install redis-server")
    return found


def socket_path(folder: Path) -> Path:
    path = folder / "redis.sock"
    if len(str(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"consilium-{os.getuid()}-{digest}.redis"


def url(folder: Path) -> str:
    return f"unix://{quote(str(socket_path(folder)))}"


def command(folder: Path) -> list[str]:
    """No port, no persistence: PostgreSQL knows what is due, the ticker rings again."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket_path(folder)),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "appendonly": "no",
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [binary(), *(word for name, value in options.items() for word in (f"--{name}", value))]


def answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()

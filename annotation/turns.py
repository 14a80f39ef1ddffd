"""Who may go ahead: one process of all (``turn``), or a few threads of this one (``FewAtOnce``)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def turn(name: str) -> Iterator[bool]:
    """Hold the advisory lock of that name, if nobody else does; waits for nobody. It ends with the
    connection, too.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        row = cursor.fetchone()
        mine = bool(row and row[0])
        try:
            yield mine
        finally:
            if mine:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


class FewAtOnce:
    """Lets so many threads in at a time, the others in the order in which they came."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self._guard:
            if self._free:
                self._free -= 1
                return
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        gate.acquire()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1

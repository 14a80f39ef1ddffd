"""Who may go ahead: one process of all (``turn``), or one thread of this one, for all (``Together``)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.db import connection

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")


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


class Together(Generic[Ask, Answer]):
    """Threads of this process that ask while an answer is under way are answered together, by the
    one among them that came first, in the order in which they came.
    """

    def __init__(self, answer: Callable[[list[Ask]], list[Answer]], at_most: int) -> None:
        self._answer = answer
        self._at_most = at_most
        self._guard = threading.Lock()
        self._led = False
        self._waiting: deque[_Waiting[Ask, Answer]] = deque()

    def __call__(self, ask: Ask) -> Answer:
        mine = _Waiting[Ask, Answer](ask)
        with self._guard:
            self._waiting.append(mine)
            if not self._led:
                self._led = True
                mine.go.set()
        mine.go.wait()
        if not mine.future.done():
            self._lead()
        return mine.future.result()

    def _lead(self) -> None:
        with self._guard:
            number = min(self._at_most, len(self._waiting))
            group = [self._waiting.popleft() for _ in range(number)]
        try:
            answers = self._answer([one.ask for one in group])
            for one, answer in zip(group, answers, strict=True):
                one.future.set_result(answer)
        except BaseException as error:
            for one in group:
                if not one.future.done():
                    one.future.set_exception(error)
            raise
        finally:
            self._hand_over(group)

    def _hand_over(self, group: list[_Waiting[Ask, Answer]]) -> None:
        with self._guard:
            self._led = bool(self._waiting)
            if self._led:
                self._waiting[0].go.set()
        for one in group:
            one.go.set()


@dataclass
class _Waiting(Generic[Ask, Answer]):
    ask: Ask
    go: threading.Event = field(default_factory=threading.Event)
    future: Future[Answer] = field(default_factory=Future)

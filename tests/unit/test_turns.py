"""Threads that ask at once are answered together, in the order in which they came."""

from __future__ import annotations

import threading
import time

import pytest

from annotation.turns import Together


class Server:
    """Answers with the double of each number; waits in its first group until told to go on."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.go = threading.Event()

    def __call__(self, asks: list[int]) -> list[int]:
        self.groups.append(asks)
        if len(self.groups) == 1:
            assert self.go.wait(5)
        if -1 in asks:
            raise ValueError("no")
        return [2 * ask for ask in asks]


def ask_while_busy(server: Server, asks: list[int], at_most: int) -> dict[int, int | Exception]:
    """What each of ``asks`` got, having come in this order while another ask was under way."""
    together = Together(server, at_most)
    got: dict[int, int | Exception] = {}

    def run(ask: int) -> None:
        try:
            got[ask] = together(ask)
        except ValueError as error:
            got[ask] = error

    threads = [threading.Thread(target=run, args=[ask]) for ask in (100, *asks)]
    for number, thread in enumerate(threads):
        thread.start()
        until = time.monotonic() + 5
        while not (server.groups if number == 0 else len(together._waiting) == number):
            assert time.monotonic() < until
            time.sleep(0.001)
    server.go.set()
    for thread in threads:
        thread.join(5)
    assert not together._led
    return got


def test_those_who_wait_are_answered_in_groups_in_their_order() -> None:
    server = Server()
    got = ask_while_busy(server, list(range(10)), at_most=4)
    assert server.groups == [[100], [0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert got == {ask: 2 * ask for ask in (100, *range(10))}


def test_a_failure_reaches_its_group_and_ends_nothing() -> None:
    server = Server()
    got = ask_while_busy(server, [0, -1, 2, 3], at_most=2)
    assert {ask for ask, answer in got.items() if isinstance(answer, ValueError)} == {0, -1}
    assert (got[2], got[3]) == (4, 6)


def test_one_alone_is_answered_at_once_and_again() -> None:
    def following(asks: list[int]) -> list[int]:
        return [ask + 1 for ask in asks]

    together = Together(following, 3)
    assert [together(number) for number in range(3)] == [1, 2, 3]


def test_a_failure_is_raised_to_the_one_who_asked() -> None:
    def fail(_: list[int]) -> list[int]:
        raise ZeroDivisionError

    together = Together(fail, 3)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            together(1)

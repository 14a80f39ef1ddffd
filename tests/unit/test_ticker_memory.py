"""What is due is rung at once, then only now and again while it stays due."""

from __future__ import annotations

from datetime import date

import pytest

from deploy.ticker import SECONDS_BETWEEN_RINGS, OncePerDay, Rung


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_row_that_stays_due_is_rung_again_only_after_a_while() -> None:
    clock = Clock()
    rung = Rung(clock)
    assert rung.is_new(("advance_round", 1))
    clock.now += SECONDS_BETWEEN_RINGS - 0.1
    assert not rung.is_new(("advance_round", 1))
    clock.now += 0.2
    assert rung.is_new(("advance_round", 1))


def test_two_actors_of_one_id_are_two_rows() -> None:
    rung = Rung(Clock())
    assert rung.is_new(("advance_round", 1))
    assert rung.is_new(("process_item", 1))


def test_a_row_that_was_not_due_in_between_is_rung_at_once() -> None:
    rung = Rung(Clock())
    assert rung.is_new(("advance_round", 1))
    rung.keep_only(set())
    assert rung.is_new(("advance_round", 1))


def test_memory_holds_no_more_than_what_is_due() -> None:
    rung = Rung(Clock())
    for number in range(1000):
        rung.is_new(("process_item", number))
    rung.keep_only({("process_item", 7)})
    assert set(rung.times) == {("process_item", 7)}


def test_a_daily_chore_is_done_once_a_day_and_again_after_a_failure() -> None:
    today = [date(2026, 1, 1)]
    done: list[date] = []

    def chore() -> None:
        if not done and not failed:
            failed.append(True)
            raise RuntimeError("at the first try")
        done.append(today[0])

    failed: list[bool] = []
    daily = OncePerDay(chore, lambda: today[0])
    with pytest.raises(RuntimeError):
        daily()
    daily()
    daily()
    today[0] = date(2026, 1, 2)
    daily()
    assert done == [date(2026, 1, 1), date(2026, 1, 2)]

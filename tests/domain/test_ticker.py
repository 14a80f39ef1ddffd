"""The ticker rings for what is due, one at a time, through faults and lost databases."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from deploy.ticker import LOCK_KEY, Ticker

SESSION_END_SECONDS = 10.0

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rung() -> list[tuple[str, int]]:
    return []


@pytest.fixture
def ticker(rung: list[tuple[str, int]]) -> Iterator[Ticker]:
    def due() -> Iterator[tuple[str, int]]:
        yield "advance_round", 7

    yield Ticker([due], lambda *row: rung.append(row), [])
    connection.close()


def another_session() -> psycopg.Connection:
    parameters = connection.get_connection_params()
    known = {
        name: parameters[name] for name in ("dbname", "user", "host", "port") if name in parameters
    }
    return psycopg.connect(**known, autocommit=True)


def wait_until_ended(pid: int) -> None:
    """A client's goodbye is not waited for: the server ends the session, and its locks, a moment later."""
    deadline = time.monotonic() + SESSION_END_SECONDS
    with another_session() as observer:
        while observer.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone():
            assert time.monotonic() < deadline, "the other session did not end"
            time.sleep(0.01)


def test_it_rings_once_for_a_row_that_stays_due(
    ticker: Ticker, rung: list[tuple[str, int]]
) -> None:
    assert ticker.tick() == 1
    assert ticker.tick() == 0
    assert rung == [("advance_round", 7)]


def test_only_one_of_two_tickers_acts_and_the_other_takes_over(
    ticker: Ticker, rung: list[tuple[str, int]]
) -> None:
    with another_session() as leader:
        assert leader.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone() == (True,)
        assert ticker.tick() == 0
        assert not ticker.leads
        pid = leader.info.backend_pid
    wait_until_ended(pid)
    assert ticker.tick() == 1
    assert ticker.leads


def test_a_lost_session_is_a_lost_lead_and_is_won_again(
    ticker: Ticker, rung: list[tuple[str, int]], caplog: pytest.LogCaptureFixture
) -> None:
    def touch() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    ticker.chores = [touch]
    assert ticker.tick() == 1
    with another_session() as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s",
            [LOCK_KEY],
        )
    with caplog.at_level(logging.WARNING):
        assert ticker.tick() == 0
    assert "database does not answer" in caplog.text
    assert not ticker.leads
    ticker.rung.keep_only(set())
    assert ticker.tick() == 1
    assert ticker.leads


def test_a_fault_in_one_source_does_not_silence_the_others(
    ticker: Ticker, rung: list[tuple[str, int]], caplog: pytest.LogCaptureFixture
) -> None:
    def faulty() -> Iterator[tuple[str, int]]:
        raise ValueError("a slip")
        yield

    ticker.sources.insert(0, faulty)
    ticker.chores = [lambda: 1 / 0]
    assert ticker.tick() == 1
    assert rung == [("advance_round", 7)]
    assert "ZeroDivisionError" in caplog.text
    assert "a slip" in caplog.text


def test_the_product_ticks_on_an_empty_database() -> None:
    from deploy.ticker import product

    ticker = product()
    ticker.tick()
    assert ticker.leads
    connection.close()

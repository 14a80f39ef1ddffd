"""Statements that PostgreSQL plans once per connection: planning them costs more than running them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection


class _Prepared(psycopg.Cursor[tuple[Any, ...]]):
    """Django's own cursors put the values into the text, so that no two statements are the same."""

    def execute(self, query: Any, params: Any = None, **_: Any) -> _Prepared:
        return super().execute(query, params, prepare=True)


def fetch_one(query: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first row, by column name. Runs in Django's connection and transaction."""
    return fetch_each(query, [parameters])[0]


def fetch_each(query: str, several: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | None]:
    """The first row for each of several parameters, sent at once: the server does not wait for us
    in between. They are one transaction, or part of the one that is open.
    """
    connection.ensure_connection()
    raw = connection.connection
    raw.prepare_threshold = 0  # Django's default forbids prepared statements
    if len(several) == 1:
        return [_first_row(_execute(raw, query, several[0]))]
    with connection.wrap_database_errors, raw.pipeline():
        cursors = [_Prepared(raw).execute(query, parameters) for parameters in several]
    return [_first_row(cursor) for cursor in cursors]


def _execute(raw: Any, query: str, parameters: Mapping[str, Any]) -> Any:
    prepared: Any = _Prepared(raw)
    cursor = connection.make_cursor(prepared)
    cursor.execute(query, parameters)
    return cursor


def _first_row(cursor: Any) -> dict[str, Any] | None:
    with cursor:
        row = cursor.fetchone()
        names = [column.name for column in cursor.description]
    return None if row is None else dict(zip(names, row, strict=True))

"""Statements that PostgreSQL plans once per connection: planning them costs more than running them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection


class _Prepared(psycopg.Cursor[tuple[Any, ...]]):
    """Django's own cursors put the values into the text, so that no two statements are the same."""

    def execute(self, query: Any, params: Any = None, **_: Any) -> _Prepared:
        return super().execute(query, params, prepare=True)


def fetch_one(query: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first row, by column name. Runs in Django's connection and transaction."""
    connection.ensure_connection()
    connection.connection.prepare_threshold = 0  # Django's default forbids prepared statements
    prepared: Any = _Prepared(connection.connection)
    with connection.make_cursor(prepared) as cursor:
        cursor.execute(query, parameters)
        row = cursor.fetchone()
        names = [column.name for column in cursor.description]
    return None if row is None else dict(zip(names, row, strict=True))

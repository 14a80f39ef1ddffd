"""The rows of this app that want work now, as (actor name, id). PostgreSQL is asked, never the broker."""

from __future__ import annotations

from collections.abc import Iterator


def due() -> Iterator[tuple[str, int]]:
    yield from ()

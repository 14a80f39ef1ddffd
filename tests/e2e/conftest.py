"""A reader and an open reading room for each test, in the project that the module prepares as ``place``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from reading_room import Place, Room


@pytest.fixture(scope="module")
def readers(place: Place) -> Iterator[str]:
    """A reader for each test: nobody finds the claims of another test."""
    return iter(place.sessions)


@pytest.fixture
def reader(readers: Iterator[str]) -> str:
    return next(readers)


@pytest.fixture
def room(browser: Browser, place: Place, reader: str) -> Iterator[Room]:
    """Open on a case; whatever breaks in the page on the way fails the test."""
    context = place.enter(browser, reader)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.stack or str(error)))
    yield Room(page, place).open()
    context.close()
    assert errors == []

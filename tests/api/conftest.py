"""One world for all tests of a module; what a test changes in it is rolled back with the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from learning_builders import artifacts_in
from world import World, make_world


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _artifacts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    artifacts_in(monkeypatch, tmp_path)

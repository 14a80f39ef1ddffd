"""The OpenAPI document: complete, without warnings, and the committed copy is the one in force."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema
from endpoints import METHODS, TABLE

COMMITTED: Path = settings.BASE_DIR / "frontend" / "openapi.yaml"
AGAIN = "Write it again: python manage.py spectacular --file frontend/openapi.yaml"


@pytest.fixture(scope="module")
def document() -> Any:
    with GENERATOR_STATS.silence():
        return SchemaGenerator().get_schema(request=None, public=True)


def test_it_is_generated_without_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    GENERATOR_STATS.reset()
    SchemaGenerator().get_schema(request=None, public=True)
    assert not GENERATOR_STATS, capsys.readouterr().err


def test_it_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    validate_schema(document)


def test_the_committed_copy_is_the_one_in_force(document: Any) -> None:
    written = OpenApiYamlRenderer().render(document, renderer_context={}).decode()
    assert COMMITTED.read_text(encoding="utf-8") == written, AGAIN


def test_every_operation_is_described_and_says_how_it_fails(document: Any) -> None:
    described = {
        (method, path): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in METHODS
    }
    assert len(described) == len(TABLE) - 1  # all but the document itself
    for where, operation in described.items():
        assert operation.get("description"), where
        assert {"4XX", "503"} <= operation["responses"].keys(), where
        assert operation["security"], where


def test_the_committed_copy_is_yaml_that_others_can_read() -> None:
    assert yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))["info"]["title"] == "Consilium"

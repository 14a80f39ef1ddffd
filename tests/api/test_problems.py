"""Every failure is a problem document with a sentence; no input makes the server fail."""

from __future__ import annotations

import json
import logging
from typing import Any

import builders
import pytest
from django.db import OperationalError, connection
from django.test import Client
from rest_framework.test import APIClient

from annotation.api import me, projects
from annotation.models import Project, Role

pytestmark = pytest.mark.django_db

KEYS = {"type", "code", "status", "title", "detail"}


@pytest.fixture
def project() -> Project:
    return builders.project()


@pytest.fixture
def lead(project: Project) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(builders.user(Role.LEAD, project=project))
    return client


def is_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body.keys() >= KEYS
    assert (body["status"], body["code"]) == (status, code)
    return body


def members(project: Project) -> str:
    return f"/api/projects/{project.slug}/members"


def test_nobody_signed_in(client: Client) -> None:
    answer = client.get("/api/me")
    is_problem(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", "/api/projects/-", "/pixels/x"])
def test_unknown_addresses(lead: Client, path: str) -> None:
    assert is_problem(lead.get(path), 404, "not_found")["detail"]


def test_a_method_that_does_not_exist(lead: Client) -> None:
    is_problem(lead.delete("/api/me"), 405, "method_not_allowed")


BODIES = {
    "no JSON": b"{",
    "not UTF-8": b'"\xff"',
    "NaN": b'{"username": NaN}',
    "NUL": b'{"username": "a\\u0000b", "role": "reader"}',
    "NUL in a name": b'{"a\\u0000": 1}',
    "half a pair": b'{"username": "\\ud800", "role": "reader"}',
    "huge integer": b'{"username": ' + b"9" * 30 + b"}",
    "monstrous integer": b'{"username": ' + b"9" * 5000 + b"}",
    "too large a float": b'{"username": 1e999}',
    "deep": b"[" * 60 + b"]" * 60,
    "deeper than the parser goes": b"[" * 200_000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_malformed_json(lead: Client, project: Project, body: bytes) -> None:
    answer = lead.post(members(project), body, content_type="application/json")
    is_problem(answer, 400, "parse_error")


@pytest.mark.parametrize("body", [[], "x", 1, None, {"username": {}}, {"username": [1], "role": 5}])
def test_json_of_the_wrong_shape(lead: Client, project: Project, body: Any) -> None:
    answer = lead.post(members(project), json.dumps(body), content_type="application/json")
    found = is_problem(answer, 422, "invalid_input")
    assert found["errors"][0].keys() == {"where", "message"}


def test_a_wrong_field_is_named(lead: Client, project: Project) -> None:
    answer = lead.post(members(project), {"username": "x", "role": "boss"}, "application/json")
    body = is_problem(answer, 422, "invalid_input")
    assert [error["where"] for error in body["errors"]] == ["role"]


def test_another_content_type(lead: Client, project: Project) -> None:
    answer = lead.post(members(project), b"<a/>", content_type="text/xml")
    is_problem(answer, 415, "unsupported_media_type")


def test_too_much_json(lead: Client, project: Project) -> None:
    answer = lead.post(members(project), b" " * (5 * 2**20), content_type="application/json")
    is_problem(answer, 413, "too_large")


@pytest.mark.parametrize(
    "cursor", ["x", "%00", "cD0x", "cD1hYmM=", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "cj0xJnA9LTE="]
)
def test_a_cursor_of_ones_own_making(lead: Client, project: Project, cursor: str) -> None:
    answer = lead.get(members(project) + f"?cursor={cursor}")
    assert answer.status_code in (200, 404, 422)
    if answer.status_code != 200:
        assert answer["Content-Type"] == "application/problem+json"


def test_an_id_beyond_64_bits(lead: Client, project: Project) -> None:
    is_problem(lead.get(f"/api/snapshots/{10**30}"), 404, "not_found")
    is_problem(lead.delete(f"{members(project)}/{10**30}"), 404, "not_found")


def test_without_the_csrf_token(project: Project) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(builders.user(Role.LEAD, project=project))
    answer = client.post(members(project), {}, content_type="application/json")
    is_problem(answer, 403, "permission_denied")


def fail_with(error: Exception) -> Any:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    return fail


def test_a_lost_database_is_503_and_says_when_to_return(
    lead: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projects.progress, "counts", fail_with(OperationalError("gone")))
    answer = lead.get("/api/projects")
    is_problem(answer, 503, "database_unavailable")
    assert answer["Retry-After"] == "2"


def test_a_database_lost_before_the_view_is_503_too(
    lead: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "cursor", fail_with(OperationalError("gone")))
    is_problem(lead.get("/api/me"), 503, "database_unavailable")
    page = lead.get("/")
    assert page.status_code == 503
    assert "Try again" in page.content.decode()


def test_a_defect_gets_a_number_that_the_log_repeats(
    lead: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(me, "signed_in", fail_with(RuntimeError("a private detail")))
    with caplog.at_level(logging.ERROR):
        body = is_problem(lead.get("/api/me"), 500, "internal_error")
    assert body["incident"] in caplog.text
    assert "a private detail" in caplog.text
    assert "private" not in json.dumps(body)
    assert "Traceback" not in json.dumps(body)


def test_a_bad_token_is_401(project: Project) -> None:
    client = APIClient()
    for value in ("Bearer", "Bearer ", "Bearer x", "Bearer cns_x", "Bearer \xff", "bearer cns_ x"):
        client.credentials(HTTP_AUTHORIZATION=value)
        is_problem(client.get("/api/me"), 401, "authentication_failed")

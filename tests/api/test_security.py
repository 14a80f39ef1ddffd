"""What every answer says to the browser, and what the logs say of a request."""

from __future__ import annotations

import json
import logging

import builders
import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from annotation import api_tokens
from annotation.models import Role
from deploy.logging import configuration

pytestmark = pytest.mark.django_db

PAGES = [
    "/accounts/login/",
    "/api/me",
    "/api/nothing",
    "/p/x",
    "/static/consilium.css",
    "/nothing/",
]


@pytest.mark.parametrize("path", PAGES)
def test_headers_of_every_answer(client: Client, path: str) -> None:
    answer = client.get(path)
    b"".join(answer.streaming_content if answer.streaming else [])
    headers = answer.headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["style-src"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_what_a_view_answers_cannot_be_framed(client: Client) -> None:
    assert client.get("/accounts/login/")["X-Frame-Options"] == "DENY"


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(client: Client) -> None:
    cache.clear()
    user = builders.user()
    user.set_password(builders.PASSWORD)
    user.save()
    client.post("/accounts/login/", {"login": user.username, "password": builders.PASSWORD})
    session = client.cookies["session"]
    assert session["httponly"]
    assert session["samesite"] == "Lax"
    assert client.cookies["csrftoken"]["samesite"] == "Strict"


def test_case_data_is_not_kept_by_shared_caches(client: Client) -> None:
    project = builders.project()
    client.force_login(builders.user(Role.LEAD, project=project))
    answer = client.get(f"/api/projects/{project.slug}")
    assert "no-store" in answer["Cache-Control"]


def test_no_debugging_in_any_setting() -> None:
    assert settings.DEBUG is False
    assert settings.PASSWORD_HASHERS == ["django.contrib.auth.hashers.Argon2PasswordHasher"]


def test_a_request_is_logged_by_numbers(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    user = builders.user()
    client.force_login(user)
    with caplog.at_level(logging.INFO, "deploy.access"):
        answer = client.get("/api/me?secret=thing")
    [line] = [record for record in caplog.records if record.name == "deploy.access"]
    assert (line.path, line.status, line.user) == ("/api/me", 200, user.pk)
    assert len(answer["X-Request-ID"]) == 32


def test_a_tokens_owner_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    project = builders.project()
    user = builders.user(Role.LEAD, project=project)
    made = api_tokens.create(project, user=user, name="x", actions=["project.view"], days=1)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {made.secret}")
    with caplog.at_level(logging.INFO, "deploy.access"):
        client.get("/api/me")
    assert caplog.records[-1].user == user.pk


def test_log_lines_are_json_and_cannot_be_forged() -> None:
    formatter = logging.config.DictConfigurator(configuration("INFO")).configure_formatter(
        configuration("INFO")["formatters"]["json"]
    )
    record = logging.LogRecord("x", logging.WARNING, "x.py", 1, "first\nsecond", (), None)
    line = formatter.format(record)
    assert "\n" not in line
    assert json.loads(line)["event"] == "first\nsecond"
    assert json.loads(line)["level"] == "warning"

"""Signing in: throttled, silent about who exists, argon2, and a one-time password is replaced first."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import builders
import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from annotation import members
from annotation.models import Role, User
from deploy import session_limits

pytestmark = pytest.mark.django_db

LOGIN, CHANGE = "/accounts/login/", "/accounts/password/change/"
OWN = "a password of my own"
BEGUN = timezone.now()


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def sign_in(client: Client, username: str, password: str) -> Any:
    return client.post(LOGIN, {"login": username, "password": password})


def person() -> tuple[User, str]:
    account = members.new_account(f"ada{builders.number()}")
    return account.user, account.password


def settled() -> User:
    user = builders.user()
    user.set_password(OWN)
    user.save()
    return user


def test_a_stranger_is_sent_to_the_sign_in_page(client: Client) -> None:
    answer = client.get("/p/chest/read")
    assert answer.status_code == 302
    assert answer["Location"] == f"{LOGIN}?next=/p/chest/read"


def test_passwords_are_hashed_with_argon2() -> None:
    assert settled().password.startswith("argon2$argon2id$")


def test_the_right_password_opens_a_session(client: Client) -> None:
    user = settled()
    answer = sign_in(client, user.username, OWN)
    assert answer.status_code == 302
    assert client.get("/api/me").json()["username"] == user.username


def test_a_one_time_password_opens_nothing_until_it_is_replaced(client: Client) -> None:
    user, password = person()
    builders.project().memberships.create(user=user, role=Role.READER)
    sign_in(client, user.username, password)
    refused = client.get("/api/projects")
    assert refused.status_code == 403
    assert refused.json()["code"] == "password_change_required"
    assert refused["Content-Type"] == "application/problem+json"
    assert client.get("/")["Location"] == CHANGE
    assert "Choose your own password" in client.get(CHANGE).content.decode()
    answer = client.post(CHANGE, {"oldpassword": password, "password1": OWN, "password2": OWN})
    assert answer["Location"] == "/"
    user.refresh_from_db()
    assert not user.must_change_password
    assert user.check_password(OWN)
    assert len(client.get("/api/projects").json()["results"]) == 1


@pytest.mark.parametrize("weak", ["short", "password1234", "123456789012"])
def test_a_weak_password_is_refused(client: Client, weak: str) -> None:
    user, password = person()
    sign_in(client, user.username, password)
    client.post(CHANGE, {"oldpassword": password, "password1": weak, "password2": weak})
    user.refresh_from_db()
    assert user.must_change_password


def test_guessing_is_throttled_even_with_the_right_password_at_the_end(client: Client) -> None:
    user = settled()
    for _ in range(5):
        sign_in(client, user.username, "a wrong guess")
    answer = sign_in(client, user.username, OWN)
    assert answer.status_code in (200, 429)
    assert "Too many" in answer.content.decode()
    assert client.get("/api/me").status_code in (401, 403)


def test_behind_a_proxy_one_guesser_does_not_lock_out_the_others(
    client: Client, settings: Any
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "3/m/ip"}
    guesser = Client(headers={"X-Forwarded-For": "192.0.2.7"})
    for _ in range(4):
        sign_in(guesser, f"name{builders.number()}", "a wrong guess")
    assert "Too many" in sign_in(guesser, "name", "a wrong guess").content.decode()
    colleague = Client(headers={"X-Forwarded-For": "192.0.2.8"})
    assert sign_in(colleague, settled().username, OWN).status_code == 302


def test_a_session_ends_after_half_an_hour_without_a_request(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, settled().username, OWN)
    for minutes in (20, 40, 60):  # each within half an hour of the one before
        let_time_pass(monkeypatch, minutes)
        assert client.get("/api/me").status_code == 200
    let_time_pass(monkeypatch, 60 + 31)
    assert client.get("/api/me").status_code == 401


def test_a_session_ends_after_twelve_hours_whatever_is_done(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, settled().username, OWN)
    for minutes in range(0, 12 * 60 + 1, 20):
        let_time_pass(monkeypatch, minutes)
        assert client.get("/api/me").status_code == 200
    let_time_pass(monkeypatch, 12 * 60 + 19)
    assert client.get("/api/me").status_code == 401


def let_time_pass(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    """So many minutes after the test began, for what ends sessions."""
    now = BEGUN + timedelta(minutes=minutes)
    monkeypatch.setattr(timezone, "now", lambda: now)
    monkeypatch.setattr(session_limits.time, "time", now.timestamp)


def test_failures_do_not_tell_whether_somebody_exists(client: Client) -> None:
    user = settled()

    def page(username: str) -> str:
        text = sign_in(client, username, "a wrong guess").content.decode()
        return re.sub(r'csrfmiddlewaretoken" value="\w+"', "", text).replace(username, "")

    assert page(user.username) == page("nobody-at-all")


def test_an_inactive_person_cannot_sign_in(client: Client) -> None:
    user = settled()
    User.objects.filter(pk=user.pk).update(is_active=False)
    sign_in(client, user.username, OWN)
    assert client.get("/api/me").status_code in (401, 403)


def test_signing_out_ends_the_session(client: Client) -> None:
    sign_in(client, settled().username, OWN)
    assert client.post("/accounts/logout/")["Location"] == LOGIN
    assert client.get("/api/me").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "signup/",
        "email/",
        "password/reset/",
        "password/set/",
        "confirm-email/",
        "login/code/confirm/",
    ],
)
def test_nobody_registers_or_resets_by_mail(client: Client, path: str) -> None:
    assert client.get(f"/accounts/{path}").status_code == 404
    assert client.post(f"/accounts/{path}", {"email": "a@b.example"}).status_code == 404


def test_the_admin_site_uses_the_same_throttled_sign_in(client: Client) -> None:
    answer = client.get("/admin/login/?next=/admin/")
    assert answer["Location"].startswith(LOGIN)


def test_two_factor_can_be_set_up(client: Client) -> None:
    sign_in(client, settled().username, OWN)
    assert "Authenticator App" in client.get("/accounts/mfa/").content.decode()
    assert client.get("/accounts/mfa/totp/activate/").status_code in (200, 302)


@pytest.mark.parametrize("path", [LOGIN, CHANGE, "/accounts/mfa/", "/accounts/logout/"])
def test_pages_obey_the_policy_and_say_what_they_are_for(client: Client, path: str) -> None:
    if path != LOGIN:
        sign_in(client, settled().username, OWN)
    text = client.get(path).content.decode()
    assert "Research use only. Not for diagnosis." in text
    assert "<style" not in text
    assert "style=" not in text
    assert not re.search(r"<script(?![^>]*src=)", text)
    assert not re.search(r"\son\w+=", text)
    assert '<html lang="en">' in text
    assert text.count("<h1") == 1


def test_each_input_has_a_label(client: Client) -> None:
    text = client.get(LOGIN).content.decode()
    labelled = set(re.findall(r'<label for="([^"]+)"', text))
    inputs = set(re.findall(r'<input[^>]*\bid="([^"]+)"', text))
    assert {"id_login", "id_password"} <= inputs <= labelled

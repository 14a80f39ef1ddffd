"""A person's own keys: stored, bounded, and nobody else's."""

from __future__ import annotations

from typing import Any

import builders
import pytest
from rest_framework.test import APIClient

from annotation.keyboard import MOST_ACTIONS, MOST_KEYS
from annotation.models import Role, User

pytestmark = pytest.mark.django_db
PATH = "/api/me/keyboard"


@pytest.fixture
def reader() -> User:
    return builders.user(Role.READER, project=builders.project())


def signed_in(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def put(user: User, profile: Any = "default", changes: Any = None) -> Any:
    body = {"profile": profile, "changes": {} if changes is None else changes}
    return signed_in(user).put(PATH, body, format="json")


def test_a_person_begins_with_the_default_keys(reader: User) -> None:
    assert signed_in(reader).get(PATH).json() == {"profile": "default", "changes": {}}


def test_what_is_chosen_comes_back_and_is_ones_own(reader: User) -> None:
    chosen = {
        "profile": "slicer",
        "changes": {
            "default": {"tool.brush": ["x"], "image.next": ["ArrowRight", "Shift+Digit1"]},
            "slicer": {"view.zoomIn": ["+"], "edit.undo": ["Control+Alt+Shift+z"]},
        },
    }
    assert put(reader, **chosen).json() == chosen
    assert signed_in(reader).get(PATH).json() == chosen
    other = builders.user(Role.READER, project=builders.project())
    assert signed_in(other).get(PATH).json()["profile"] == "default"


@pytest.mark.parametrize(
    ("profile", "changes"),
    [
        ("vim", {}),
        (None, {}),
        ("default", []),
        ("default", {"default": ["x"]}),
        ("default", {"default": {"tool.brush": "x"}}),
        ("default", {"default": {"tool.brush": ["two words"]}}),
        ("default", {"default": {"tool.brush": ["Shift+Control+x"]}}),
        ("default", {"default": {"tool.brush": ["A" * 80]}}),
        ("default", {"default": {"<script>": ["x"]}}),
        ("default", {"default": {"a": [str(n) for n in range(MOST_KEYS + 1)]}}),
        ("default", {"default": {f"a{n}": [] for n in range(MOST_ACTIONS + 1)}}),
        ("default", {"default": {"a": ["x"], "b": ["x"]}}),
    ],
)
def test_what_no_front_end_would_send_is_refused_and_changes_nothing(
    reader: User, profile: Any, changes: Any
) -> None:
    put(reader, "ohif")
    answer = put(reader, profile, changes)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "invalid_input"
    assert problem["errors"]
    assert signed_in(reader).get(PATH).json() == {"profile": "ohif", "changes": {}}


def test_a_key_that_is_given_twice_is_named(reader: User) -> None:
    answer = put(reader, changes={"slicer": {"tool.brush": ["x"], "tool.box": ["x"]}})
    assert answer.json()["errors"] == [
        {"where": "changes.slicer", "message": "The key x is given to more than one action."}
    ]


def test_nobody_is_asked_who_is_not_signed_in() -> None:
    assert APIClient().get(PATH).status_code == 403
    assert APIClient().put(PATH, {}, format="json").status_code == 403

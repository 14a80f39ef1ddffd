"""Who may do what, asked of every operation: each role, tokens, strangers and nobody at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import builders
import pytest
from django.db import transaction
from endpoints import PROJECT, TABLE, Operation, routed
from rest_framework.test import APIClient
from world import World, make_world

from annotation import api_tokens
from annotation.access import ALLOWED, Action
from annotation.models import Project, Role, User

pytestmark = pytest.mark.django_db

HIDDEN = {403, 404}
REFUSED = {401, 403, 404, 405, 500}
HANDLER = APIClient().handler


@contextmanager
def undone() -> Iterator[None]:
    """What the request changed is taken back, so that one world serves all who ask."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def ask(client: APIClient, operation: Operation, path: str) -> Any:
    with undone():
        call = partial(getattr(client, operation.method), HTTP_IDEMPOTENCY_KEY=str(uuid4()))
        if operation.method == "get":
            answer = call(path)
        elif path.split("?")[0].endswith(("/content", "/masks")):
            answer = call(path, b"x", content_type="application/octet-stream")
        else:
            answer = call(path, operation.body, format="json")
        if answer.streaming:
            b"".join(answer.streaming_content)
    return answer


def nobody() -> APIClient:
    """A new client; all share one handler, since building its middleware takes longer than a request."""
    client = APIClient()
    client.handler = HANDLER
    return client


def as_user(user: User) -> APIClient:
    client = nobody()
    client.force_login(user)
    return client


def as_token(user: User, project: Project, *actions: Action) -> APIClient:
    token = api_tokens.create(project, user=user, name="x", actions=actions, days=1)
    client = nobody()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token.secret}")
    return client


IN_PROJECTS = [operation for operation in TABLE if operation.needs]
IN_HAND = [operation for operation in TABLE if operation.in_hand]


def test_every_operation_is_in_the_table_and_only_those() -> None:
    listed = {(operation.method, operation.route) for operation in TABLE}
    assert listed == routed()


@pytest.mark.parametrize("operation", TABLE, ids=str)
def test_nobody_signed_in_gets_nothing(world: World, operation: Operation) -> None:
    world.objects["tokens"] = world.project
    answer = ask(nobody(), operation, world.path(operation))
    assert answer.status_code in (401, 403)


@pytest.mark.parametrize("operation", IN_PROJECTS, ids=str)
def test_a_stranger_finds_nothing(world: World, operation: Operation) -> None:
    elsewhere = builders.project()
    lead_elsewhere = builders.user(Role.LEAD, project=elsewhere, is_staff=True, is_superuser=True)
    for client in (as_user(builders.user()), as_user(lead_elsewhere)):
        assert ask(client, operation, world.path(operation)).status_code == 404
    token = as_token(lead_elsewhere, elsewhere, *Action)
    assert ask(token, operation, world.path(operation)).status_code == 404


@pytest.mark.parametrize("operation", IN_PROJECTS, ids=str)
def test_each_role_may_what_the_table_of_rights_says(world: World, operation: Operation) -> None:
    path = world.path(operation)
    for role in Role:
        user = builders.user(role, project=world.project)
        if operation.in_hand:
            world.hand_to(user)
        answer = ask(as_user(user), operation, path)
        if ALLOWED[role] & set(operation.needs):
            assert answer.status_code not in REFUSED, (role, answer.content)
        else:
            assert answer.status_code in HIDDEN, (role, answer.status_code)


@pytest.mark.parametrize("operation", IN_PROJECTS, ids=str)
def test_a_token_may_only_what_it_was_made_for(world: World, operation: Operation) -> None:
    lead = builders.user(Role.LEAD, project=world.project)
    if operation.in_hand:
        world.hand_to(lead)
    path = world.path(operation)
    others = [action for action in Action if action not in operation.needs]
    assert ask(as_token(lead, world.project, *others), operation, path).status_code in HIDDEN
    every = ask(as_token(lead, world.project, *Action), operation, path)
    assert every.status_code not in REFUSED, every.content


@pytest.mark.parametrize("operation", IN_HAND, ids=str)
def test_what_another_reader_has_in_hand_is_theirs_alone(
    world: World, operation: Operation
) -> None:
    world.hand_to(builders.reader(world.project))
    for role in (Role.READER, Role.LEAD):
        other = builders.user(role, project=world.project)
        answer = ask(as_user(other), operation, world.path(operation))
        assert answer.status_code in {403, 404, 409}, answer.content


def test_a_reader_sees_the_images_in_hand_and_no_others(world: World) -> None:
    reader = builders.reader(world.project)
    path = f"/api/series/{world.objects['series'].pk}"
    assert as_user(reader).get(path).status_code == 404
    assert as_user(world.hand_to(reader)).get(path).status_code == 200


@pytest.mark.parametrize(
    "operation", [operation for operation in TABLE if operation.session_only], ids=str
)
def test_tokens_are_managed_by_people_alone(world: World, operation: Operation) -> None:
    lead = builders.user(Role.LEAD, project=world.project)
    made = api_tokens.create(
        world.project, user=lead, name="x", actions=[Action.VIEW_PROJECT], days=1
    )
    world.objects["tokens"] = made.token
    client = as_token(lead, world.project, *Action)
    assert ask(client, operation, world.path(operation)).status_code in (401, 403)
    assert ask(as_user(lead), operation, world.path(operation)).status_code not in {401, 403, 404}


def test_lists_hold_nothing_of_other_projects(world: World) -> None:
    elsewhere = make_world()
    foreign = {kind: one.pk for kind, one in elsewhere.objects.items() if kind != "members"} | {
        "claims": elsewhere.objects["slots"].pk,
        "quarantine": elsewhere.objects["import-items"].pk,
    }
    client = as_user(builders.user(Role.LEAD, project=world.project))
    seen = 0
    for operation in IN_PROJECTS:
        kind = operation.route.rsplit("/", 1)[-1]
        if operation.method == "get" and operation.route == f"{PROJECT}/{kind}" and kind in foreign:
            rows = client.get(world.path(operation)).json()["results"]
            assert foreign[kind] not in [row["id"] for row in rows if "id" in row]
            seen += len(rows)
    assert seen >= 5
    projects = client.get("/api/projects").json()["results"]
    assert [one["slug"] for one in projects] == [world.project.slug]

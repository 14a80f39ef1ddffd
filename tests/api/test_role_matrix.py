"""Who may do what, asked of every operation: each role, tokens, strangers and nobody at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import builders
import pytest
from django.db import models, transaction
from django.utils import timezone
from endpoints import PROJECT, TABLE, Operation, routed
from learning_builders import RECIPE, artifacts_in
from rest_framework.test import APIClient

from annotation import api_tokens, snapshots
from annotation.access import ALLOWED, Action
from annotation.models import Comment, Import, ImportItem, Mask, Project, Role, Slot, User
from learning import recipes
from learning.models import Ranking, Round, TrainedModel

pytestmark = pytest.mark.django_db

HIDDEN = {403, 404}
REFUSED = {401, 403, 404, 405, 500}
MASK = "ab" * 32
HANDLER = APIClient().handler


@dataclass
class World:
    """A project with one of everything that an address may name."""

    project: Project
    objects: dict[str, models.Model]

    def path(self, operation: Operation) -> str:
        route = operation.route.replace("<slug:slug>", self.project.slug)
        route = route.replace("<str:sha256>", MASK)
        if "<int:pk>" in route:
            kind = route.split("/<int:pk>")[0].rsplit("/", 1)[-1]
            route = route.replace("<int:pk>", str(self.objects[kind].pk))
        query = operation.query.format(series=self.objects["series"].pk)
        return f"/api/{route}{query}"

    def hand_to(self, user: User) -> User:
        """The user now has the case in hand."""
        until = timezone.now() + timedelta(minutes=30)
        claimed = {"state": "claimed", "reader": user, "token": 1, "lease_expires_at": until}
        Slot.objects.filter(pk=self.objects["slots"].pk).update(**claimed)
        return user


def make_world() -> World:
    project = builders.project()
    recipe = recipes.store(project, RECIPE)
    read, unread, _ = builders.cases(project, 3)
    builders.reference(read)
    lead = builders.user(Role.LEAD, project=project)
    series = unread.series.get()
    Mask.objects.create(
        project=project, series=series, sha256=MASK, shape=[1, 8, 10], labels=[1], gzip=b""
    )
    snapshot = snapshots.freeze(project, user=None, title="", query={})
    batch = Import.objects.create(project=project)
    round_ = Round.objects.create(
        project=project, number=1, recipe=recipe, seed=1, trigger="api", state="failed",
        snapshot=snapshot,
    )  # fmt: skip
    model = TrainedModel.objects.create(
        project=project, round=round_, arm="all", network="ensemble", weights_sha256="0" * 64,
        code_sha256="0" * 64, config={"recipe": RECIPE, "environment": {"torch": "2"}},
    )  # fmt: skip
    Ranking.objects.create(
        project=project, generation=1, round=round_, model=model, acquisition="margin", reason="",
        size=1,
    )  # fmt: skip
    return World(
        project,
        {
            "members": builders.reader(project).memberships.get(),
            "cases": unread,
            "slots": unread.slots.get(),
            "comments": Comment.objects.create(case=unread, author=lead, text="Look here."),
            "imports": batch,
            "import-items": ImportItem.objects.create(
                batch=batch, name="x.dcm", size=1, state="quarantined"
            ),
            "rounds": round_,
            "models": model,
            "series": series,
            "snapshots": snapshot,
        },
    )


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """One world for all tests of this module; what a test changes in it is rolled back with the test."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _artifacts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    artifacts_in(monkeypatch, tmp_path)


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

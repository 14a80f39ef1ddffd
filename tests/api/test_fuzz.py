"""The whole API under generated input: no failure of the server, and answers as the document says.

Each request sees the same world: what it changes is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import builders
import pytest
import schemathesis
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase
from hypothesis import settings as how
from schemathesis import checks
from world import World

from annotation.models import Role

pytestmark = pytest.mark.django_db

EXAMPLES = 15
OBJECTS = {
    "cases": "cases", "comments": "comments", "import-items": "import-items", "imports": "imports",
    "models": "models", "rounds": "rounds", "series": "series", "slots": "slots",
    "snapshots": "snapshots", "members": "members",
}  # fmt: skip
CHECKS = [
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
]

application = get_wsgi_application()
signed_in: dict[str, str] = {}


def undone(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """The application as the lead sees it, without lasting effect."""
    environ.pop("HTTP_AUTHORIZATION", None)
    environ.update(signed_in)
    with transaction.atomic():
        answer = application(environ, start_response)
        body = list(answer)
        answer.close()
        transaction.set_rollback(True)
    return body


api = schemathesis.openapi.from_path(settings.BASE_DIR / "frontend" / "openapi.yaml")
api.app = undone


@pytest.fixture(autouse=True, scope="module")
def _connections_stay_open() -> Iterator[None]:
    """In production they are given back after each request; here the test's transaction is in one."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(autouse=True)
def _lead(world: World) -> None:
    """Everything is asked by somebody who may do everything and has the case in hand."""
    client, secret = Client(), "c" * 32
    client.force_login(world.hand_to(builders.user(Role.LEAD, project=world.project)))
    session = client.cookies["session"].value
    signed_in.update(HTTP_COOKIE=f"session={session}; csrftoken={secret}", HTTP_X_CSRFTOKEN=secret)


@api.parametrize()
@how(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_any_input_is_answered_as_documented(case: Any, world: World) -> None:
    name_what_exists(case, world)
    answer = case.call_and_validate(checks=CHECKS)
    assert answer.status_code != 401
    assert answer.status_code < 500 or answer.json()["code"] == "image_store_unavailable"


def name_what_exists(case: Any, world: World) -> None:
    """Most generated addresses name nothing; three of four requests are about the world's objects."""
    if len(repr(case.path_parameters)) % 4 == 0:
        return
    kind = case.operation.path.split("/{")[-2].rsplit("/", 1)[-1] if "{" in case.path else ""
    for name in case.path_parameters:
        if name == "slug":
            case.path_parameters[name] = world.project.slug
        elif name == "id" and kind in world.objects:
            case.path_parameters[name] = world.objects[kind].pk

"""Tokens for programs: one project, some actions, an end; only the hash is kept."""

from __future__ import annotations

from datetime import timedelta

import builders
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from annotation import api_tokens
from annotation.models import ApiToken, Event, Project, Role, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return builders.project()


@pytest.fixture
def lead(project: Project) -> User:
    return builders.user(Role.LEAD, project=project)


def bearer(secret: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def signed_in(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def make(project: Project, user: User, *actions: str) -> api_tokens.NewToken:
    return api_tokens.create(project, user=user, name="script", actions=actions, days=7)


def test_the_secret_is_shown_once_and_only_its_hash_is_kept(project: Project, lead: User) -> None:
    asked = {"project": project.slug, "name": "script", "actions": ["project.view"], "days": 7}
    answer = signed_in(lead).post("/api/tokens", asked, format="json")
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    secret = answer.json()["secret"]
    assert secret.startswith("cns_")
    stored = ApiToken.objects.get()
    assert stored.digest == api_tokens.digest_of(secret)
    assert secret not in str(ApiToken.objects.values()) + str(Event.objects.values())
    [listed] = signed_in(lead).get("/api/tokens").json()["results"]
    assert "secret" not in listed
    assert bearer(secret).get("/api/me").json()["username"] == lead.username


def test_a_token_does_what_it_may_and_nothing_more(project: Project, lead: User) -> None:
    client = bearer(make(project, lead, "project.view", "ledger.view").secret)
    path = f"/api/projects/{project.slug}"
    assert client.get(path).json()["actions"] == ["ledger.view", "project.view"]
    assert client.get(f"{path}/ledger").status_code == 200
    assert client.get(f"{path}/members").status_code == 403
    assert client.patch(path, {"title": "x"}, format="json").status_code == 403


def test_a_token_knows_no_other_project(project: Project, lead: User) -> None:
    other = builders.project()
    other.memberships.create(user=lead, role=Role.LEAD)
    client = bearer(make(project, lead, "project.view").secret)
    assert [one["slug"] for one in client.get("/api/projects").json()["results"]] == [project.slug]
    assert client.get(f"/api/projects/{other.slug}").status_code == 404


def test_a_token_dies_with_the_rights_of_its_owner(project: Project, lead: User) -> None:
    client = bearer(make(project, lead, "project.view").secret)
    lead.memberships.all().delete()
    assert client.get(f"/api/projects/{project.slug}").status_code == 404


def test_a_token_ends(project: Project, lead: User) -> None:
    made = make(project, lead, "project.view")
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert bearer(made.secret).get("/api/me").status_code == 401


def test_a_token_of_somebody_inactive_is_worthless(project: Project, lead: User) -> None:
    made = make(project, lead, "project.view")
    User.objects.filter(pk=lead.pk).update(is_active=False)
    assert bearer(made.secret).get("/api/me").status_code == 401


def test_revoking_is_at_once_and_for_good(project: Project, lead: User) -> None:
    made = make(project, lead, "project.view")
    path = f"/api/tokens/{made.token.pk}"
    for _ in range(2):
        assert signed_in(lead).delete(path).status_code == 204
    assert bearer(made.secret).get("/api/me").status_code == 401
    verbs = list(Event.objects.order_by("seq").values_list("verb", flat=True))
    assert verbs == ["token.create", "token.revoke"]


def test_nobody_revokes_what_is_not_theirs(project: Project, lead: User) -> None:
    made = make(project, lead, "project.view")
    other = builders.user(Role.LEAD, project=project)
    assert signed_in(other).delete(f"/api/tokens/{made.token.pk}").status_code == 404
    assert signed_in(other).get("/api/tokens").json()["results"] == []


def test_a_token_makes_no_tokens(project: Project, lead: User) -> None:
    client = bearer(make(project, lead, "project.view").secret)
    asked = {"project": project.slug, "name": "x", "actions": ["project.view"], "days": 7}
    assert client.post("/api/tokens", asked, format="json").status_code in (401, 403)
    assert client.get("/api/tokens").status_code in (401, 403)


@pytest.mark.parametrize(
    "wrong",
    [
        {"actions": []},
        {"actions": ["everything"]},
        {"days": 0},
        {"days": 367},
        {"name": ""},
        {"name": "x" * 101},
    ],
)
def test_what_a_token_cannot_be(project: Project, lead: User, wrong: dict[str, object]) -> None:
    asked = {"project": project.slug, "name": "x", "actions": ["project.view"], "days": 7}
    answer = signed_in(lead).post("/api/tokens", asked | wrong, format="json")
    assert answer.status_code == 422


def test_nobody_gives_a_token_more_than_they_have(project: Project) -> None:
    reader = builders.reader(project)
    asked = {
        "project": project.slug,
        "name": "x",
        "actions": ["cases.read", "ledger.view"],
        "days": 7,
    }
    answer = signed_in(reader).post("/api/tokens", asked, format="json")
    assert answer.status_code == 422
    assert "ledger.view" in answer.json()["detail"]


def test_use_is_noted_but_not_each_time(project: Project, lead: User) -> None:
    made = make(project, lead, "project.view")
    assert api_tokens.find(made.secret) is not None
    noted = ApiToken.objects.get().last_used_at
    assert noted is not None
    api_tokens.find(made.secret)
    assert ApiToken.objects.get().last_used_at == noted

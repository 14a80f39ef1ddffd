"""Suggestions over HTTP: shown to whom they are for, and to nobody else by any address."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import builders
import numpy as np
import pytest
import suggestion_builders as hints
from rest_framework.test import APIClient

from annotation.models import Case, FirstReading, Project, Role, Showing, Slot, Suggestion, User

pytestmark = pytest.mark.django_db


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def claim(client: APIClient, project: Project) -> dict[str, Any]:
    answer = client.post(f"/api/projects/{project.slug}/claims", {}, format="json")
    assert answer.status_code in (200, 201), answer.content
    return answer.json()  # type: ignore[no-any-return]


def show(client: APIClient, slot: int) -> Any:
    return client.post(f"/api/slots/{slot}/suggestion", {}, format="json")


def said(assignment: dict[str, Any], value: str, **content: Any) -> dict[str, Any]:
    return {
        "token": assignment["token"],
        "content": {**builders.content(value), **content},
        "active_seconds": 9,
    }


def masked(case: Case) -> Suggestion:
    return hints.with_mask(case, np.ones((1, 8, 10), np.uint8))


FORBIDDEN: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"suggestions": "off"}, {}, {}),
    ({"blind_to_model": True}, {}, {}),
    ({"blind_to_model": True, "suggestions": "reader_first"}, {}, {}),
    ({}, {"stream": "holdout"}, {}),
    ({}, {"stream": "calibration"}, {}),
    ({"suggestions": "reader_first"}, {"stream": "holdout"}, {}),
    ({}, {"reads_wanted": 2}, {}),
    ({}, {}, {"purpose": "second"}),
    ({}, {}, {"purpose": "repeat"}),
]


@pytest.mark.parametrize(("of_project", "of_case", "of_slot"), FORBIDDEN)
def test_where_none_may_be_no_address_tells_of_one(
    of_project: dict[str, Any], of_case: dict[str, Any], of_slot: dict[str, Any]
) -> None:
    project = hints.project(**of_project)
    case = builders.case(project, **of_case)
    made = masked(case)
    Slot.objects.filter(case=case).update(**of_slot)
    reader = builders.reader(project)
    client = client_of(reader)
    [listed] = client.get(f"/api/projects/{project.slug}/cases").json()["results"]
    assert listed["ai_ready"] is False
    assignment = claim(client, project)
    assert assignment["assistance"] == {"mode": "off", "ready": False, "committed_at": None}
    slot = assignment["slot"]
    assert show(client, slot).status_code == 404
    assert client.get(f"/api/slots/{slot}/masks/{made.mask.sha256}").status_code == 404
    answer = client.post(f"/api/slots/{slot}/commit", said(assignment, "no"), format="json")
    assert answer.status_code == 409
    assert not FirstReading.objects.exists()
    [listed] = client.get(f"/api/projects/{project.slug}/cases").json()["results"]
    assert listed["ai_ready"] is False
    for path in (f"slots/{slot}", f"projects/{project.slug}/claims", "projects"):
        text = client.get(f"/api/{path}").content.decode()
        assert made.mask.sha256 not in text
        assert "confidence" not in text
    assert not Showing.objects.exists()
    assert client.get(f"/api/projects/{project.slug}/suggestions").status_code == 403


class TestAtOnce:
    @pytest.fixture
    def project(self) -> Project:
        return hints.project()

    @pytest.fixture
    def client(self, project: Project) -> APIClient:
        return client_of(builders.reader(project))

    def test_a_suggestion_is_shown_with_its_mask(self, project: Project, client: APIClient) -> None:
        made = masked(builders.case(project))
        assignment = claim(client, project)
        assert assignment["assistance"] == {
            "mode": "at_once", "ready": True, "committed_at": None,
        }  # fmt: skip
        path = f"/api/slots/{assignment['slot']}/masks/{made.mask.sha256}"
        assert client.get(path).status_code == 404, "the mask came before the suggestion"
        answer = show(client, assignment["slot"])
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        body = answer.json()
        assert (body["id"], body["round"], body["items"]) == (made.pk, 3, made.items)
        assert client.get(path).content == bytes(made.mask.gzip)

    def test_one_that_becomes_ready_in_the_reader_s_hands_is_told_with_the_lease(
        self, project: Project, client: APIClient
    ) -> None:
        case = builders.case(project)
        assignment = claim(client, project)
        assert not assignment["assistance"]["ready"]
        path = f"/api/slots/{assignment['slot']}/heartbeat"
        held = {"token": assignment["token"]}
        assert not client.post(path, held, format="json").json()["assistance"]["ready"]
        hints.suggested(case)
        assert client.post(path, held, format="json").json()["assistance"]["ready"]

    def test_the_list_says_for_which_cases_one_waits(
        self, project: Project, client: APIClient
    ) -> None:
        with_one, without = builders.cases(project, 2)
        hints.suggested(with_one)
        path = f"/api/projects/{project.slug}/cases"
        flags = {row["id"]: row["ai_ready"] for row in client.get(path).json()["results"]}
        assert flags == {with_one.pk: True, without.pk: False}
        claim(client, project)
        other = client_of(builders.reader(project))
        rows = other.get(path).json()["results"]
        assert not any(row["ai_ready"] for row in rows), "another reader has that case"

    def test_a_correction_is_made_without_new_suggestions(
        self, project: Project, client: APIClient
    ) -> None:
        hints.suggested(builders.case(project))
        assignment = claim(client, project)
        slot = assignment["slot"]
        body = said(assignment, "yes")
        headers = {"Idempotency-Key": str(uuid4())}
        answer = client.post(f"/api/slots/{slot}/submit", body, format="json", headers=headers)
        assert answer.status_code == 201
        assert client.get(f"/api/slots/{slot}").json()["assistance"]["mode"] == "off"
        assert show(client, slot).status_code == 404

    def test_somebody_else_s_case_has_none(self, project: Project, client: APIClient) -> None:
        hints.suggested(builders.case(project))
        slot = claim(client, project)["slot"]
        assert show(client_of(builders.reader(project)), slot).status_code == 404

    def test_a_decision_of_the_wrong_form_is_refused_in_words(
        self, project: Project, client: APIClient
    ) -> None:
        builders.case(project)
        assignment = claim(client, project)
        wrong = [{"suggestion": 1, "item": "x", "decision": "perhaps"}]
        body = {**said(assignment, "yes", suggestions=wrong), "version": 0}
        answer = client.put(f"/api/slots/{assignment['slot']}/draft", body, format="json")
        assert answer.status_code == 422
        assert "suggestions.0.decision" in answer.json()["detail"]


class TestReaderFirst:
    def test_the_own_reading_comes_first_and_stays(self) -> None:
        project = hints.project("reader_first")
        hints.suggested(builders.case(project))
        client = client_of(builders.reader(project))
        assignment = claim(client, project)
        slot = assignment["slot"]
        assert assignment["assistance"]["ready"]
        refused = show(client, slot)
        assert refused.status_code == 409
        assert "yes" not in refused.content.decode()
        path = f"/api/slots/{slot}/commit"
        first = client.post(path, said(assignment, "no"), format="json")
        assert first.status_code == 201
        again = client.post(path, said(assignment, "no"), format="json")
        assert again.json() == first.json()
        other = client.post(path, said(assignment, "yes"), format="json")
        assert (other.status_code, other.json()["code"]) == (409, "conflict")
        assert show(client, slot).json()["items"] == [hints.ANSWER]
        opened = client.get(f"/api/slots/{slot}").json()
        assert opened["assistance"]["committed_at"] == first.json()["committed_at"]


class TestUse:
    def test_the_engineer_sees_what_became_of_suggestions(self) -> None:
        project = hints.project()
        engineer = client_of(builders.user(Role.ML_ENGINEER, project=project))
        answer = engineer.get(f"/api/projects/{project.slug}/suggestions")
        assert answer.json() == {"mode": "at_once", "results": []}

    def test_the_lead_chooses_when_they_are_shown(self) -> None:
        project = builders.project()
        lead = client_of(builders.user(Role.LEAD, project=project))
        path = f"/api/projects/{project.slug}"
        refused = lead.patch(path, {"suggestions": "at_once"}, format="json")
        assert refused.status_code == 422
        assert "blind" in refused.json()["detail"]
        both = {"suggestions": "reader_first", "blind_to_model": False}
        assert lead.patch(path, both, format="json").json()["suggestions"] == "reader_first"
        assert lead.patch(path, {"suggestions": "never"}, format="json").status_code == 422

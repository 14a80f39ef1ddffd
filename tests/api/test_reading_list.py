"""The reading list's filters, and the case that waits for its reader, through the API."""

from __future__ import annotations

from datetime import timedelta

import builders
import pytest
from django.utils import timezone
from rest_framework.test import APIClient
from test_reading_api import client_of, problem, submit

from annotation import queue, reading, reservations
from annotation.models import Case, Project, Role, Slot, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return builders.project(blind_to_model=True)


@pytest.fixture
def reader(project: Project) -> User:
    return builders.reader(project)


@pytest.fixture
def client(reader: User) -> APIClient:
    return client_of(reader)


@pytest.fixture
def lead(project: Project) -> APIClient:
    return client_of(builders.user(Role.LEAD, project=project))


class TestFilters:
    """Of the list, for a reader and for who oversees the cases."""

    @pytest.fixture
    def mixed(self, project: Project) -> dict[str, Case]:
        kinds = (("CT", "CHEST"), ("CT", "HEAD"), ("MR", "HEAD"))
        return {
            f"{modality} {body_part}": builders.case(
                project, modality=modality, body_part=body_part
            )
            for modality, body_part in kinds
        }

    def names(self, client: APIClient, project: Project, query: str) -> list[str]:
        answer = client.get(f"/api/projects/{project.slug}/cases?{query}")
        assert answer.status_code == 200, answer.json()
        return sorted(f"{row['modality']} {row['body_part']}" for row in answer.json()["results"])

    def test_by_modality_and_body_part(
        self, client: APIClient, lead: APIClient, project: Project, mixed: dict[str, Case]
    ) -> None:
        for who in (client, lead):
            assert self.names(who, project, "modality=CT") == ["CT CHEST", "CT HEAD"]
            assert self.names(who, project, "body_part=HEAD") == ["CT HEAD", "MR HEAD"]
            assert self.names(who, project, "modality=CT&body_part=HEAD") == ["CT HEAD"]
            assert self.names(who, project, "modality=CT&search=head") == ["CT HEAD"]
            assert self.names(who, project, "modality=US") == []

    def test_by_due_date(
        self, client: APIClient, lead: APIClient, project: Project, mixed: dict[str, Case]
    ) -> None:
        now = timezone.now()
        for name, days in (("CT CHEST", -1), ("CT HEAD", 3), ("MR HEAD", 30)):
            mixed[name].slots.update(due_at=now + timedelta(days=days))
        for who in (client, lead):
            assert self.names(who, project, "due=overdue") == ["CT CHEST"]
            assert self.names(who, project, "due=week") == ["CT CHEST", "CT HEAD"]

    def test_by_flag(
        self, client: APIClient, reader: User, lead: APIClient, project: Project,
        mixed: dict[str, Case],
    ) -> None:  # fmt: skip
        slot = queue.claim(project, reader)
        reading.save_draft(
            slot.pk, reader, token=1, version=0, content=builders.content(), active_seconds=1
        )
        other = builders.reader(project)
        theirs = queue.claim(project, other)
        queue.raise_issue(theirs.pk, other, theirs.token, issue="other", text="?")
        name = f"{slot.case.modality} {slot.case.body_part}"
        assert self.names(client, project, "flag=draft") == [name]
        assert self.names(lead, project, "flag=draft") == [name]
        assert self.names(client, project, "flag=issue") == []
        assert self.names(lead, project, "flag=issue") == [
            f"{theirs.case.modality} {theirs.case.body_part}"
        ]
        rows = client.get(f"/api/projects/{project.slug}/cases").json()["results"]
        assert {row["id"]: row["has_draft"] for row in rows}[slot.case_id]
        assert not any(row["has_issue"] for row in rows)

    def test_a_case_to_be_adjudicated_says_so_to_who_oversees(
        self, lead: APIClient, project: Project, mixed: dict[str, Case]
    ) -> None:
        case = mixed["MR HEAD"]
        builders.slot(case, number=2, purpose="adjudication")
        assert self.names(lead, project, "state=adjudication") == ["MR HEAD"]

    @pytest.mark.parametrize("query", ["state=odd", "due=someday", "flag=red"])
    def test_what_does_not_exist_is_refused(
        self, client: APIClient, project: Project, query: str
    ) -> None:
        answer = client.get(f"/api/projects/{project.slug}/cases?{query}")
        assert "Possible are" in problem(answer, 422, "invalid_input")["detail"]

    def test_an_overseer_finds_a_uid_and_a_patient_by_their_beginning(
        self, client: APIClient, lead: APIClient, project: Project, mixed: dict[str, Case]
    ) -> None:
        case = mixed["CT HEAD"]
        for text in (case.uid, case.patient.pseudonym[:12]):
            assert self.names(lead, project, f"search={text}") == ["CT HEAD"]
            assert self.names(client, project, f"search={text}") == []

    def test_kinds_are_listed(
        self, client: APIClient, project: Project, mixed: dict[str, Case]
    ) -> None:
        kinds = client.get(f"/api/projects/{project.slug}/kinds").json()
        assert [f"{kind['modality']} {kind['body_part']}" for kind in kinds] == sorted(mixed)

    def test_are_kept_by_name_for_this_person_in_this_project(
        self, client: APIClient, lead: APIClient, project: Project
    ) -> None:
        path = f"/api/projects/{project.slug}/filters"
        assert client.get(path).json() == {"filters": []}
        mine = {"filters": [{"name": "Heads", "query": {"body_part": "HEAD", "state": "draft"}}]}
        assert client.put(path, mine, format="json").json() == mine
        assert client.get(path).json() == mine
        assert lead.get(path).json() == {"filters": []}
        assert client.put(path, {"filters": []}, format="json").status_code == 200
        assert client.get(path).json() == {"filters": []}

    def test_that_cannot_be_kept_are_refused(self, client: APIClient, project: Project) -> None:
        path = f"/api/projects/{project.slug}/filters"
        one = {"name": "Heads", "query": {}}
        twice = client.put(path, {"filters": [one, one]}, format="json")
        assert "another name" in problem(twice, 422, "invalid_input")["detail"]
        many = [{"name": str(number), "query": {}} for number in range(21)]
        problem(client.put(path, {"filters": many}, format="json"), 422, "invalid_input")
        odd = {"filters": [{"name": "Odd", "query": {"state": "odd"}}]}
        assert client.put(path, odd, format="json").status_code in (400, 422)


class TestNextCase:
    """The case that waits while another one is read."""

    def path(self, project: Project) -> str:
        return f"/api/projects/{project.slug}/claims"

    def test_comes_with_all_that_reading_it_needs(
        self, client: APIClient, project: Project
    ) -> None:
        second = builders.cases(project, 2)[1]
        client.post(self.path(project))
        answer = client.post(f"{self.path(project)}/next")
        assert answer.status_code == 200
        ahead = answer.json()["assignment"]
        assert ahead["case"]["id"] == second.pk
        assert ahead["label_schema"]["document"]["questions"]
        assert ahead["lease_expires_at"] is None
        series = ahead["case"]["series"][0]["id"]
        assert client.get(f"/api/series/{series}?case={second.pk}").status_code == 200
        assert client.get(f"/api/series/{series}").status_code == 200

    def test_is_what_is_claimed_next(self, client: APIClient, project: Project) -> None:
        builders.cases(project, 3)
        held = client.post(self.path(project)).json()
        ahead = client.post(f"{self.path(project)}/next").json()["assignment"]
        submit(client, held)
        claimed = client.post(self.path(project))
        assert claimed.status_code == 201
        assert claimed.json()["slot"] == ahead["slot"]
        assert claimed.json()["token"] == ahead["token"] + 1

    def test_is_nobody_else_s_to_see(
        self, client: APIClient, project: Project, reader: User
    ) -> None:
        case = builders.case(project)
        client.post(f"{self.path(project)}/next")
        stranger = client_of(builders.reader(project))
        series = case.series.get().pk
        assert stranger.get(f"/api/series/{series}?case={case.pk}").status_code == 404
        assert client.get(f"/api/series/{series}?case={case.pk}").status_code == 200
        reservations.let_go(project, reader)
        assert client.get(f"/api/series/{series}?case={case.pk}").status_code == 404

    def test_once_its_time_is_over_its_images_are_closed_again(
        self, client: APIClient, project: Project
    ) -> None:
        case = builders.case(project)
        client.post(f"{self.path(project)}/next")
        Slot.objects.update(reserved_until=timezone.now() - timedelta(seconds=1))
        series = case.series.get().pk
        assert client.get(f"/api/series/{series}?case={case.pk}").status_code == 404

    def test_cannot_be_written_to_before_it_is_claimed(
        self, client: APIClient, project: Project
    ) -> None:
        builders.case(project)
        ahead = client.post(f"{self.path(project)}/next").json()["assignment"]
        problem(submit(client, ahead), 404, "not_found")
        problem(client.get(f"/api/slots/{ahead['slot']}"), 404, "not_found")

    def test_is_let_go(self, client: APIClient, project: Project) -> None:
        case = builders.case(project)
        client.post(f"{self.path(project)}/next")
        assert client.delete(f"{self.path(project)}/next").status_code == 204
        assert case.slots.get().reserved_for is None

    def test_that_is_not_there_is_said(self, client: APIClient, project: Project) -> None:
        assert client.post(f"{self.path(project)}/next").status_code == 204

    def test_keeps_to_a_filter_and_so_does_the_claim(
        self, client: APIClient, project: Project
    ) -> None:
        builders.cases(project, 2, modality="CT")
        one, two = builders.cases(project, 2, modality="MR")
        within = {"modality": "MR"}
        held = client.post(self.path(project), within, format="json").json()
        ahead = client.post(f"{self.path(project)}/next", within, format="json").json()
        assert held["case"]["id"] == one.pk
        assert ahead["assignment"]["case"]["id"] == two.pk
        submit(client, held)
        client.delete(f"{self.path(project)}/next")
        answer = client.post(self.path(project), {"modality": "US"}, format="json")
        assert "filter" in problem(answer, 404, "nothing_to_read")["detail"]

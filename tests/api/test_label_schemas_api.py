"""Label schemas over the API: versions, the check before storing, and who may do what."""

from __future__ import annotations

from typing import Any

import builders
import pytest
from rest_framework.test import APIClient

from annotation import label_schemas, projects
from annotation.models import Project, Role, User

pytestmark = pytest.mark.django_db


def client(user: User) -> APIClient:
    made = APIClient()
    made.force_login(user)
    return made


def path(project: Project, more: str = "") -> str:
    return f"/api/projects/{project.slug}/label-schemas{more}"


def test_a_steward_writes_a_version_and_a_reader_reads_it() -> None:
    project = builders.project()
    steward = builders.user(Role.STEWARD, project=project)
    reader = builders.reader(project)
    wanted = {"document": builders.label_document(guideline="Twice."), "base": 1}
    assert client(reader).post(path(project), wanted, "json").status_code == 403
    stored = client(steward).post(path(project), wanted, "json")
    assert (stored.status_code, stored.json()["version"]) == (201, 2)
    assert stored.json()["created_by"] == steward.username
    listed = client(steward).get(path(project)).json()["results"]
    assert [(one["version"], one["created_by"]) for one in listed] == [
        (2, steward.username),
        (1, None),
    ]
    assert "document" not in listed[0]
    one = client(reader).get(path(project, "/2")).json()
    assert one["document"]["guideline"] == "Twice."
    assert one["created_by"] is None
    assert client(reader).get(path(project, "/3")).status_code == 404
    assert client(reader).get(path(project, "/99999999999")).status_code == 404
    assert client(builders.user()).get(path(project)).status_code == 404


def test_a_version_that_came_in_between_is_a_conflict_and_no_loss() -> None:
    project = builders.project()
    steward = client(builders.user(Role.STEWARD, project=project))
    first = {"document": builders.label_document(guideline="A"), "base": 1}
    second = {"document": builders.label_document(guideline="B"), "base": 1}
    assert steward.post(path(project), first, "json").status_code == 201
    refused = steward.post(path(project), second, "json")
    assert refused.status_code == 409
    assert "version 2 meanwhile" in refused.json()["detail"]
    assert steward.post(path(project), {**second, "base": 2}, "json").json()["version"] == 3


def test_the_check_says_what_is_wrong_or_what_it_would_mean() -> None:
    project = builders.project()
    steward = client(builders.user(Role.STEWARD, project=project))

    def checked(document: Any) -> Any:
        return steward.post(path(project, "/check"), {"document": document}, "json").json()

    circle = [
        {**builders.QUESTION, "show_if": {"question": "b", "answered": True}},
        {**builders.QUESTION, "code": "b", "show_if": {"question": "finding", "answered": True}},
    ]
    found = checked(builders.label_document(questions=circle))
    assert found["effects"] is None
    assert found["problems"][0]["where"] == "questions.0.show_if"
    assert "circle" in found["problems"][0]["message"]
    assert checked([])["problems"] == [
        {"where": "", "message": "This must be a mapping of names to values."}
    ]
    fine = checked(builders.label_document(classes=builders.CLASSES[:1]))
    assert fine["problems"] == []
    assert [one["code"] for one in fine["effects"]["gone"] if one["what"] == "class"] == ["node"]
    assert label_schemas.current(project.pk).version == 1


def test_a_project_without_a_schema_tells_its_reader_why_there_is_nothing_to_read() -> None:
    owner = builders.user()
    project = projects.create(
        {"slug": "bare", "title": "Bare", "task": "classification", "case_unit": "study"},
        owner=owner,
    )
    builders.case(project)
    reader = client(builders.reader(project))
    for address in ("claims", "claims/reserve"):
        answer = reader.post(f"/api/projects/bare/{address}", {}, "json")
        if answer.status_code == 404:
            continue
        assert answer.status_code == 409
        assert "asks nothing yet" in answer.json()["detail"]
    step = client(owner).get("/api/projects/bare/progress").json()["next_step"]
    assert step["page"] == "schema"

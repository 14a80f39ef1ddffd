"""The form over HTTP: levels, rules, coded terms and guideline pictures, from upload to export."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any
from uuid import uuid4

import builders
import pytest
from PIL import Image
from rest_framework.test import APIClient

from annotation import export, snapshots
from annotation.conditions import frame_target
from annotation.models import Answer, Case, Project, Role, User

pytestmark = pytest.mark.django_db

TERM = {"system": "SCT", "code": "39607008", "display": "Lung structure"}
QUALITY = {"code": "quality", "text": "Good?", "type": "text", "level": "frame", "required": True}
PHASE = {
    "code": "phase",
    "text": "Which phase?",
    "type": "choice",
    "level": "series",
    "required": True,
    "term": {"system": "LN", "code": "24627-2", "display": "CT of the chest"},
    "options": [
        {"value": "art", "label": "Arterial", "term": TERM},
        {"value": "ven", "label": "Venous"},
    ],
}
RULES = [
    {
        "code": "drawn",
        "if": {"question": "finding", "equals": "yes"},
        "then": {"some": "mark", "class": "lesion"},
        "message": "You found something: mark the lesion.",
    }
]


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


@pytest.fixture
def project() -> Project:
    document = builders.label_document(questions=[builders.QUESTION, PHASE, QUALITY], rules=RULES)
    return builders.project(label_schema=document)


@pytest.fixture
def case(project: Project) -> Case:
    return builders.case(project, frames=2)


@pytest.fixture
def reader(project: Project, case: Case) -> APIClient:
    return client_of(builders.reader(project))


def claim(client: APIClient, project: Project) -> Any:
    return client.post(f"/api/projects/{project.slug}/claims", {}, format="json").json()


def submit(
    client: APIClient, assignment: Any, *answers: tuple[str, str, Any], marks: Any = ()
) -> Any:
    said = [{"question": code, "target": target, "value": value} for code, target, value in answers]
    content = {"answers": said, "marks": list(marks)}
    body = {"token": assignment["token"], "content": content, "active_seconds": 1}
    path = f"/api/slots/{assignment['slot']}/submit"
    return client.post(path, body, format="json", HTTP_IDEMPOTENCY_KEY=str(uuid4()))


def frames_of(case: Case) -> list[str]:
    shown = case.series.get().display
    assert shown is not None
    return [frame_target(one["sop_instance_uid"], one["frame"]) for one in shown["frames"]]


def test_series_and_frames_are_named_where_an_answer_is_missing_or_belongs_elsewhere(
    project: Project, case: Case, reader: APIClient
) -> None:
    assignment = claim(reader, project)
    uid = assignment["case"]["series"][0]["series_uid"]
    first, second = frames_of(case)
    refused = submit(reader, assignment, ("finding", "", "no"), ("quality", first, "x"))
    assert refused.status_code == 422
    assert [one["message"] for one in refused.json()["errors"]] == [
        "Which phase? Please answer for series 1.",
        "Good? Please answer for image 2.",
    ]
    all_said = [("finding", "", "no"), ("phase", uid, "art"), ("quality", first, "x")]
    foreign = submit(reader, assignment, *all_said, ("quality", "1.2.3#1", "x"))
    assert "answered for no frame of this case" in foreign.json()["detail"]
    taken = submit(reader, assignment, *all_said, ("quality", second, "y"))
    assert taken.status_code in (200, 201), taken.content
    stored = Answer.objects.filter(read=taken.json()["read"]).values_list("question", "target")
    assert set(stored) == {
        ("finding", ""), ("phase", uid), ("quality", first), ("quality", second),
    }  # fmt: skip


def test_a_rule_about_marks_is_told_and_kept(
    project: Project, case: Case, reader: APIClient
) -> None:
    assignment = claim(reader, project)
    uid = assignment["case"]["series"][0]["series_uid"]
    answers = [
        ("finding", "", "yes"),
        ("phase", uid, "art"),
        *(("quality", frame, "x") for frame in frames_of(case)),
    ]
    refused = submit(reader, assignment, *answers)
    assert refused.json()["errors"] == [
        {"where": "rules.drawn", "message": "You found something: mark the lesion."}
    ]
    assert submit(reader, assignment, *answers, marks=[builders.box(case)]).status_code in (
        200,
        201,
    )


def test_exported_answers_carry_the_coded_terms_of_the_version_that_was_read(
    project: Project, case: Case, reader: APIClient
) -> None:
    assignment = claim(reader, project)
    uid = assignment["case"]["series"][0]["series_uid"]
    answers = [("quality", frame, "x") for frame in frames_of(case)]
    submit(reader, assignment, ("finding", "", "no"), ("phase", uid, "art"), *answers)
    snapshot = snapshots.freeze(project, user=None, title="", query={})
    file = io.BytesIO()
    export.write_zip(snapshot, file, images=False)
    archive = zipfile.ZipFile(file)
    [read] = [json.loads(line) for line in archive.read("reads.jsonl").splitlines()]
    [phase] = [answer for answer in read["answers"] if answer["question"] == "phase"]
    assert phase == {
        "question": "phase", "target": uid, "value": "art",
        "concept": PHASE["term"], "meanings": [TERM],
    }  # fmt: skip
    assert "concept" not in next(one for one in read["answers"] if one["question"] == "finding")
    codebook = archive.read("codebook.csv").decode()
    assert "option,phase=art,Arterial,SCT,39607008,Lung structure\n" in codebook
    assert "option,phase=ven,Venous,,,\n" in codebook


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (6, 4)).save(file, "PNG")
    return file.getvalue()


def upload(client: APIClient, project: Project, body: bytes) -> Any:
    path = f"/api/projects/{project.slug}/guideline-pictures"
    return client.post(path, body, content_type="application/octet-stream")


def test_a_picture_goes_from_the_lead_to_the_readers_and_to_nobody_else(
    project: Project, case: Case, reader: APIClient
) -> None:
    lead = client_of(builders.user(Role.LEAD, project=project))
    made = upload(lead, project, png())
    assert made.status_code == 201, made.content
    path = f"/api/projects/{project.slug}/guideline-pictures/{made.json()['sha256']}"
    shown = reader.get(path)
    assert shown.status_code == 200
    assert shown["Content-Type"] == "image/png"
    assert "private" in shown["Cache-Control"]
    assert Image.open(io.BytesIO(shown.content)).size == (6, 4)
    assert upload(reader, project, png()).status_code == 403
    assert (
        client_of(builders.user(Role.LEAD, project=builders.project())).get(path).status_code == 404
    )
    assert lead.delete(path).status_code == 204
    assert reader.get(path).status_code == 404


def test_an_upload_that_is_no_picture_is_answered_with_what_to_do(project: Project) -> None:
    lead = client_of(builders.user(Role.LEAD, project=project))
    assert upload(lead, project, b"no picture").status_code == 422
    assert upload(lead, project, b"").status_code == 422
    assert upload(lead, project, b"x" * (4 * 2**20 + 1)).status_code == 413


def test_a_bad_condition_is_a_422_that_says_where_and_what(project: Project) -> None:
    lead = client_of(builders.user(Role.LEAD, project=project))
    question = {**QUALITY, "show_if": {"question": "gone", "equals": 1}}
    document = builders.label_document(questions=[question])
    path = f"/api/projects/{project.slug}/label-schemas"
    answer = lead.post(path, {"document": document}, format="json")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "where": "questions.0.show_if.question",
            "message": "There is no question “gone”. There are quality.",
        }
    ]

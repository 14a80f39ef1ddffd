"""Hanging protocols over the API, and that it tells nobody when a study was made."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import builders
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from annotation.models import Case, Project, Role, Slot, User

pytestmark = pytest.mark.django_db

PROTOCOL = {
    "code": "pair",
    "name": "With the prior",
    "when": {"prior": True},
    "layout": {"rows": 1, "columns": 2},
    "panes": [{}, {"from": "prior"}],
}


def client(user: User) -> APIClient:
    made = APIClient()
    made.force_login(user)
    return made


def two_studies(project: Project) -> tuple[Case, Case]:
    patient = builders.patient(project)
    made = []
    for day in (date(2031, 7, 1), date(2031, 7, 24)):
        series = builders.series(study_uid=builders.uid(), study_date=day)
        made.append(builders.case(project, patient=patient, series=[series]))
    return made[0], made[1]


def hand(case: Case, user: User) -> Slot:
    slot = case.slots.get()
    until = timezone.now() + timedelta(minutes=30)
    Slot.objects.filter(pk=slot.pk).update(
        state="claimed", reader=user, token=1, lease_expires_at=until
    )
    return slot


def post(user: User, project: Project, protocols: list[Any], base: int = 0) -> Any:
    body = {"base": base, "document": {"protocols": protocols}}
    return client(user).post(f"/api/projects/{project.slug}/hanging-protocols", body, "json")


def test_the_lead_writes_them_and_a_reader_reads_them() -> None:
    project = builders.project()
    reader = builders.reader(project)
    assert post(reader, project, [PROTOCOL]).status_code == 403
    lead = builders.user(Role.LEAD, project=project)
    assert post(lead, project, [PROTOCOL]).status_code == 201
    assert post(lead, project, [], base=0).status_code == 409
    got = client(reader).get(f"/api/projects/{project.slug}/hanging-protocols").json()
    assert got == {"version": 1, "document": {"protocols": [PROTOCOL]}}


def test_what_is_wrong_is_said_where_it_is() -> None:
    project = builders.project()
    lead = builders.user(Role.LEAD, project=project)
    answer = post(lead, project, [{**PROTOCOL, "layout": {"rows": 9, "columns": 1}}])
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"where": "protocols.0.layout.rows", "message": "This must be at most 3."}
    ]


def test_a_case_opens_with_its_prior_without_a_date_or_another_case_in_sight() -> None:
    project = builders.project(comparison="days")
    reader = builders.reader(project)
    prior, now = two_studies(project)
    post(builders.user(Role.LEAD, project=project), project, [PROTOCOL])
    slot = hand(now, reader)
    answer = client(reader).get(f"/api/slots/{slot.pk}/hanging").json()
    first = answer["protocols"][0]
    assert (first["code"], first["why"]) == ("pair", "an earlier study")
    assert [pane["series"] for pane in first["panes"]] == [
        now.series.get().pk,
        prior.series.get().pk,
    ]
    [beside] = answer["beside"]
    assert (beside["origin"], beside["study"], beside["days_before"]) == ("prior", 1, 23)
    shown = client(reader).get(f"/api/slots/{slot.pk}/series?series={beside['id']}")
    assert shown.status_code == 200
    text = json.dumps(answer) + shown.content.decode()
    assert "2031" not in text
    assert prior.patient.pseudonym not in text


def test_the_case_that_waits_for_a_reader_is_hung_for_nobody_else() -> None:
    project = builders.project()
    reader, other = builders.reader(project), builders.reader(project)
    slot = builders.case(project).slots.get()
    path = f"/api/slots/{slot.pk}/hanging"
    assert client(reader).get(path).status_code == 404
    minute = timedelta(minutes=1)
    kept = Slot.objects.filter(pk=slot.pk)
    kept.update(reserved_for=reader, reserved_until=timezone.now() + minute)
    assert client(reader).get(path).status_code == 200
    assert client(other).get(path).status_code == 404
    kept.update(reserved_until=timezone.now() - minute)
    assert client(reader).get(path).status_code == 404


def test_without_leave_of_the_project_the_prior_does_not_exist() -> None:
    project = builders.project()
    reader = builders.reader(project)
    prior, now = two_studies(project)
    slot = hand(now, reader)
    answer = client(reader).get(f"/api/slots/{slot.pk}/hanging").json()
    assert answer["beside"] == []
    path = f"/api/slots/{slot.pk}/series?series={prior.series.get().pk}"
    assert client(reader).get(path).status_code == 404
    assert client(reader).get(f"/api/series/{prior.series.get().pk}").status_code == 404


def test_the_prior_of_another_patient_or_project_is_never_shown() -> None:
    project = builders.project(comparison="days")
    reader = builders.reader(project)
    _, now = two_studies(project)
    stranger = builders.case(project).series.get()
    slot = hand(now, reader)
    for series in (stranger, two_studies(builders.project(comparison="days"))[0].series.get()):
        path = f"/api/slots/{slot.pk}/series?series={series.pk}"
        assert client(reader).get(path).status_code == 404
    assert client(reader).get(f"/api/slots/{slot.pk}/series?series=x").status_code == 422


def test_the_lead_decides_what_is_seen_beside_a_case() -> None:
    project = builders.project()
    lead = builders.user(Role.LEAD, project=project)
    path = f"/api/projects/{project.slug}"
    assert client(lead).patch(path, {"comparison": "dates"}, "json").status_code == 422
    changed = client(lead).patch(path, {"comparison": "images"}, "json")
    assert changed.json()["comparison"] == "images"

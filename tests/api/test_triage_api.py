"""Triage over the API: who signs, who sees, and that nothing tells an audit from another reading."""

from __future__ import annotations

from typing import Any

import builders
import pytest
import triage_builders as triages
from rest_framework.test import APIClient

from annotation.models import Role, Slot
from learning.models import TriageDecision, TriageLane, TriagePolicy

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def settings_sent() -> dict[str, Any]:
    return {**triages.POLICY, "reason": "Agreed by the board", "base": 0}


def _as(user: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def _url(world: triages.World, rest: str = "") -> str:
    return f"/api/projects/{world.project.slug}/triage{rest}"


def test_the_lead_signs_and_sees_the_lanes(settings_sent: dict[str, Any]) -> None:
    world = triages.world()
    lead = _as(world.lead)
    assert lead.get(_url(world)).json()["policy"] is None
    signed = lead.post(_url(world), settings_sent, format="json")
    assert (signed.status_code, signed.json()["version"]) == (201, 1)
    triages.follow(world.project)
    said = lead.get(_url(world)).json()
    [lane] = said["lanes"]
    assert (lane["state"], lane["name"], lane["level"]) == ("open", "auto_negative", 0.05)
    assert lane["bound"] <= 0.05
    assert lane["accepted"] == TriageDecision.objects.count() > 0
    assert lane["audit"]["audited"] == 0
    assert said["certificate"]["round"] == 1
    assert len(said["history"]) == 1


def test_the_preview_stores_nothing_and_says_what_is_missing() -> None:
    world = triages.world(positives=60, negatives=400)
    mild = {**triages.POLICY, "miss_level": 0.1}
    answer = _as(world.lead).post(_url(world, "/preview"), mild, format="json")
    [lane] = answer.json()["lanes"]
    assert lane["threshold"] is not None
    strict = {**triages.POLICY, "miss_level": 0.01}
    [lane] = _as(world.lead).post(_url(world, "/preview"), strict, format="json").json()["lanes"]
    assert lane["threshold"] is None
    assert lane["needs_cases"] > lane["needs_positives"] > 0
    assert len(answer.json()["histogram"]) == 40
    assert not TriagePolicy.objects.exists()


def test_an_engineer_sees_and_may_not_sign(settings_sent: dict[str, Any]) -> None:
    world = triages.world()
    engineer = _as(builders.user(Role.ML_ENGINEER, project=world.project))
    assert engineer.get(_url(world)).status_code == 200
    assert engineer.post(_url(world, "/preview"), {}, format="json").status_code == 200
    assert engineer.post(_url(world), settings_sent, format="json").status_code == 403
    triages.sign(world)
    triages.follow(world.project)
    lane, one = TriageLane.objects.get(), TriageDecision.objects.all()[0]
    why = {"reason": "I doubt it"}
    assert (
        engineer.post(f"/api/triage-lanes/{lane.pk}/close", why, format="json").status_code == 403
    )
    assert engineer.post(f"/api/triage-cases/{one.pk}/send", why, format="json").status_code == 403


def test_a_reader_sees_nothing_of_it_and_cannot_tell_an_audit() -> None:
    world = triages.world()
    triages.sign(world)
    triages.follow(world.project)
    reader = _as(world.reader)
    assert reader.get(_url(world)).status_code == 403
    assert reader.get(_url(world, "/cases")).status_code == 403
    lane = TriageLane.objects.get()
    assert (
        reader.post(
            f"/api/triage-lanes/{lane.pk}/close", {"reason": "x"}, format="json"
        ).status_code
        == 404
    )
    said = {}
    for purpose in ("audit", "primary"):
        client = _as(builders.reader(world.project))
        Slot.objects.filter(state="open", purpose=purpose).update(priority=0.9995)
        answer = client.post(f"/api/projects/{world.project.slug}/claims", format="json")
        slot = answer.json()
        assert Slot.objects.get(pk=slot["slot"]).purpose == purpose
        assert "audit" not in str(slot)
        said[purpose] = {name: type(value) for name, value in slot.items()}
        Slot.objects.filter(state="open", purpose=purpose).update(priority=0.001)
    assert said["audit"] == said["primary"]


def test_a_lead_closes_a_lane_and_sends_a_case(settings_sent: dict[str, Any]) -> None:
    world = triages.world()
    triages.sign(world)
    triages.follow(world.project)
    lead = _as(world.lead)
    listed = lead.get(_url(world, "/cases?state=accepted&limit=5")).json()["results"]
    assert "audit" not in listed[0]
    sent = lead.post(
        f"/api/triage-cases/{listed[0]['id']}/send", {"reason": "Odd film"}, format="json"
    )
    assert sent.status_code == 204
    again = lead.post(
        f"/api/triage-cases/{listed[0]['id']}/send", {"reason": "Odd film"}, format="json"
    )
    assert (again.status_code, again.json()["code"]) == (409, "lane_not_open")
    lane = TriageLane.objects.get()
    assert lead.post(f"/api/triage-lanes/{lane.pk}/close", {}, format="json").status_code in (
        400,
        422,
    )
    closed = lead.post(
        f"/api/triage-lanes/{lane.pk}/close", {"reason": "A new scanner"}, format="json"
    )
    assert closed.status_code == 204
    assert lead.get(_url(world)).json()["lanes"][0]["closed_because"] == "A new scanner"
    assert lead.get(_url(world, "/cases?state=accepted")).json()["results"] == []


def test_another_project_does_not_exist() -> None:
    world, other = triages.world(positives=10, negatives=10), builders.project()
    stranger = _as(builders.user(Role.LEAD, project=other))
    assert stranger.get(_url(world)).status_code == 404


@pytest.mark.parametrize(
    "wrong", [{"miss_level": 5}, {"lanes": []}, {"confidence": "much"}, {"base": -1}]
)
def test_a_policy_that_means_nothing_is_refused(
    settings_sent: dict[str, Any], wrong: dict[str, Any]
) -> None:
    world = triages.world(positives=10, negatives=10)
    answer = _as(world.lead).post(_url(world), {**settings_sent, **wrong}, format="json")
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]

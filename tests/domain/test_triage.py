"""The life of a triage: signed, certified, accepted, audited, broken, withdrawn. The calibration stream is
scored as a round would; nothing here trains a network.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import builders
import pytest
import triage_builders as triages
from django.db import connection, transaction
from django.utils import timezone

from annotation import export, provisional, queue, set_aside, snapshots
from annotation.errors import InvalidInput, NothingToRead
from annotation.models import Event, ProvisionalLabel, Purpose, Reference, Slot
from learning.errors import LaneNotOpen
from learning.models import (
    CalibrationScore,
    Score,
    TriageCertificate,
    TriageDecision,
    TriageLane,
)
from learning.pool import picked, scoring
from learning.triage import NEGATIVE, POSITIVE
from learning.triaging import certificates, lanes, policies, watch

pytestmark = pytest.mark.django_db
State = TriageDecision.State


@pytest.fixture
def world() -> triages.World:
    return triages.world()


def _lane(world: triages.World, name: str = NEGATIVE) -> TriageLane:
    return TriageLane.objects.get(certificate__ended_at=None, name=name)


def _standing(world: triages.World) -> list[TriageDecision]:
    return list(TriageDecision.objects.filter(case__project=world.project, state=State.ACCEPTED))


def test_triage_is_off_until_a_lead_signs(world: triages.World) -> None:
    triages.follow(world.project)
    assert not TriageCertificate.objects.exists()
    assert world.project.pk not in list(watch.due())


def test_a_signed_policy_is_certified_and_accepts_what_it_may(world: triages.World) -> None:
    triages.sign(world, lanes=[NEGATIVE])
    assert list(watch.due()) == [world.project.pk]
    triages.follow(world.project)
    lane = _lane(world)
    assert (lane.state, lane.closed_because) == (TriageLane.State.OPEN, "")
    assert lane.n >= 300
    assert lane.bound <= lane.level == 0.05
    accepted = _standing(world)
    assert accepted
    assert {one.label for one in accepted} == {"no"}
    assert all(one.score <= lane.threshold and one.gap <= 0.3 for one in accepted)
    assert world.project.pk not in list(watch.due())
    verbs = set(Event.objects.filter(project=world.project).values_list("verb", flat=True))
    assert {"triage.sign", "triage.certify", "cases.put_aside"} <= verbs


def test_it_is_the_same_when_done_twice(world: triages.World) -> None:
    triages.sign(world)
    triages.follow(world.project)
    before = sorted(one.pk for one in _standing(world))
    certificate = certificates.in_force(world.project)
    assert certificates.renew(world.project, world.model) == certificate
    TriageCertificate.objects.update(filled_at=None)
    triages.follow(world.project)
    assert sorted(one.pk for one in _standing(world)) == before


def test_accepted_cases_leave_the_list_and_audits_stay(world: triages.World) -> None:
    triages.sign(world, miss_level=0.2)
    triages.follow(world.project)
    for one in _standing(world):
        slot = Slot.objects.get(case=one.case)
        if one.audit:
            assert (slot.state, slot.purpose) == (Slot.State.OPEN, Purpose.AUDIT)
            assert picked.picked(slot) is None
        else:
            assert slot.state == Slot.State.CANCELLED
    assert {one.audit for one in _standing(world)} == {True, False}
    ranked = set(scoring.pool(world.project).values_list("pk", flat=True))
    assert not ranked & {one.case_id for one in _standing(world)}


def test_a_ranking_does_not_move_audits(world: triages.World) -> None:
    triages.sign(world, least_audit=1.0)
    triages.follow(world.project)
    audits = [one.case_id for one in _standing(world)]
    before = dict(Slot.objects.filter(case__in=audits).values_list("pk", "priority"))
    queue.rerank(world.project, 5, [(case, 0.5) for case in audits])
    assert dict(Slot.objects.filter(case__in=audits).values_list("pk", "priority")) == before


def test_no_other_stream_and_no_begun_case_is_ever_accepted(world: triages.World) -> None:
    low = {one.case_id for one in triages.confident(world)}
    begun = triages.claim_one_of(world, low)
    triages.sign(world)
    triages.follow(world.project)
    streams = {one.case.stream for one in TriageDecision.objects.select_related("case")}
    assert streams == {"pool"}
    assert begun not in {one.case_id for one in _standing(world)}


def test_a_gap_between_the_networks_vetoes(world: triages.World) -> None:
    torn = triages.pool_case(world, [0.001, 0.9])
    triages.sign(world, gap=0.2)
    triages.follow(world.project)
    assert torn.pk not in {one.case_id for one in _standing(world)}


def test_too_few_positives_open_nothing_and_say_what_is_missing() -> None:
    world = triages.world(positives=60, negatives=500)
    triages.sign(world, miss_level=0.02)
    triages.follow(world.project)
    lane = _lane(world)
    assert (lane.state, lane.threshold) == (TriageLane.State.WANTING, None)
    assert lane.needs_positives > 0
    assert lane.needs_cases > lane.needs_positives
    assert not _standing(world)


def test_provisional_labels_are_no_references_and_no_training_truth(world: triages.World) -> None:
    triages.sign(world)
    triages.follow(world.project)
    triages.read_case(world)
    cases = [one.case_id for one in _standing(world)]
    assert ProvisionalLabel.objects.filter(case__in=cases, withdrawn_at=None).count() == len(cases)
    assert not Reference.objects.filter(case__in=cases).exists()
    plain = snapshots.freeze(world.project, user=world.lead, title="", query={})
    assert not plain.items.filter(case__in=cases).exists()
    assert (plain.provisional, plain.provisional_sha256) == ([], "")


def test_a_dataset_has_them_only_if_asked_and_flagged(world: triages.World) -> None:
    triages.sign(world)
    triages.follow(world.project)
    triages.read_case(world)
    frozen = snapshots.freeze(world.project, user=world.lead, title="", query={"provisional": True})
    assert len(frozen.provisional) == len(_standing(world))
    assert all(line["provisional"] is True for line in frozen.provisional)
    assert {line["value"] for line in frozen.provisional} == {"no"}
    assert snapshots.verify(frozen).ok
    members = dict(export._members(frozen, False, [], export.Contents()))
    assert b'"provisional":true' in b"".join(members["provisional.jsonl"])
    frozen.provisional[0]["value"] = "yes"
    frozen.save()
    assert not snapshots.verify(frozen).ok
    assert provisional.standing(builders.project()) == []


def test_a_right_audit_becomes_a_reference_and_counts(world: triages.World) -> None:
    triages.sign(world, least_audit=1.0)
    triages.follow(world.project)
    one = _standing(world)[0]
    triages.read(one.case, "no")
    assert list(watch.due()) == [world.project.pk]
    triages.follow(world.project)
    one.refresh_from_db()
    assert (one.state, one.is_wrong) == (State.READ, False)
    assert lanes.audited(_lane(world)) == (1, 0)
    assert not ProvisionalLabel.objects.filter(case=one.case, withdrawn_at=None).exists()


def test_a_broken_audit_closes_the_lane_and_all_comes_back(world: triages.World) -> None:
    triages.sign(world, least_audit=0.5)
    triages.follow(world.project)
    lane = _lane(world)
    audits = [one for one in _standing(world) if one.audit]
    wrong = 0
    for one in audits:
        triages.read(one.case, "yes")
        wrong += 1
        triages.follow(world.project)
        lane.refresh_from_db()
        if lane.state != TriageLane.State.OPEN:
            break
    assert lane.closed_for == TriageLane.Closed.AUDIT
    assert f"{wrong} wrong labels among {wrong}" in lane.closed_because
    assert wrong < 12
    assert _standing(world) == []
    assert not ProvisionalLabel.objects.filter(withdrawn_at=None).exists()
    waiting = TriageDecision.objects.filter(state=State.WITHDRAWN)
    slots = Slot.objects.filter(case__in=waiting.values("case"))
    assert {(slot.state, slot.purpose) for slot in slots} == {("open", "primary")}
    event = Event.objects.get(project=world.project, verb="triage.close")
    assert event.data["for"] == "audit"
    assert event.data["withdrawn"] == waiting.count()


def test_what_the_audit_closed_stays_closed_under_the_same_model(world: triages.World) -> None:
    triages.sign(world, least_audit=1.0)
    triages.follow(world.project)
    for one in _standing(world)[:12]:
        triages.read(one.case, "yes")
    triages.follow(world.project)
    triages.sign(world, least_audit=1.0)
    triages.follow(world.project)
    lane = _lane(world)
    assert (lane.state, lane.closed_for) == (TriageLane.State.CLOSED, "audit")
    assert not _standing(world)
    triages.another_model(world)
    certificates.renew(world.project, world.model)
    triages.follow(world.project)
    assert _lane(world).state == TriageLane.State.OPEN
    assert _standing(world)


def test_a_lead_closes_a_lane_and_opens_it_again_by_signing(world: triages.World) -> None:
    triages.sign(world)
    triages.follow(world.project)
    lane = _lane(world)
    certificates.close(lane, user=world.lead, reason="A new scanner")
    lane.refresh_from_db()
    assert (lane.state, lane.closed_by, lane.closed_because) == (
        "closed",
        world.lead,
        "A new scanner",
    )
    assert not _standing(world)
    with pytest.raises(LaneNotOpen):
        certificates.close(lane, user=world.lead, reason="again")
    triages.sign(world)
    triages.follow(world.project)
    assert _lane(world).state == TriageLane.State.OPEN
    assert _standing(world)


def test_a_certificate_expires(world: triages.World) -> None:
    triages.sign(world)
    triages.follow(world.project)
    TriageCertificate.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert list(watch.due()) == [world.project.pk]
    triages.follow(world.project)
    assert certificates.in_force(world.project) is None
    assert not _standing(world)
    assert TriageLane.objects.get(name=NEGATIVE).closed_for == "expiry"
    assert world.project.pk not in list(watch.due())


def test_switching_off_takes_everything_back(world: triages.World) -> None:
    triages.sign(world)
    triages.follow(world.project)
    triages.sign(world, is_on=False)
    triages.follow(world.project)
    assert certificates.in_force(world.project) is None
    assert not _standing(world)


def test_new_scanners_close_the_lane(world: triages.World) -> None:
    triages.sign(world)
    triages.follow(world.project)
    for _ in range(60):
        builders.case(
            world.project,
            series=[builders.series(attributes={"Manufacturer": "Other"})],
        )
    assert list(watch.due()) == [world.project.pk]
    triages.follow(world.project)
    lane = _lane(world)
    assert lane.closed_for == "drift"
    assert "scanners" in lane.closed_because
    assert not _standing(world)


def test_one_case_goes_to_a_reader(world: triages.World) -> None:
    triages.sign(world)
    triages.follow(world.project)
    one = _standing(world)[0]
    lanes.send_to_reader(one, user=world.lead, reason="Odd film")
    one.refresh_from_db()
    assert (one.state, one.reason) == (State.WITHDRAWN, "Odd film")
    assert Slot.objects.get(case=one.case).state == Slot.State.OPEN
    with pytest.raises(LaneNotOpen):
        lanes.send_to_reader(one, user=world.lead, reason="Odd film")


def test_a_case_whose_images_changed_is_read_again(world: triages.World) -> None:
    triages.sign(world, miss_level=0.2)
    triages.follow(world.project)
    one = next(each for each in _standing(world) if not each.audit)
    queue.open_slots(one.case)
    assert list(watch.due()) == [world.project.pk]
    triages.follow(world.project)
    one.refresh_from_db()
    assert one.state == State.WITHDRAWN


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"miss_level": 0.9}, "miss_level"),
        ({"lanes": []}, "lanes"),
        ({"lanes": ["nonsense"]}, "lanes"),
        ({"confidence": True}, "confidence"),
        ({"group_by": "moon"}, "group_by"),
    ],
)
def test_a_policy_that_means_nothing_is_refused(
    world: triages.World, wrong: dict[str, Any], where: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        triages.sign(world, **wrong)
    assert [one["where"] for one in refused.value.extra["errors"]] == [where]


def test_two_leads_do_not_sign_past_each_other(world: triages.World) -> None:
    triages.sign(world)
    with pytest.raises(InvalidInput, match="another version"):
        policies.sign(world.project, user=world.lead, reason="x", wanted={}, base=0)


def test_sites_are_certified_apart_and_small_ones_stay_with_people() -> None:
    world = triages.world(sites={"Large": 1.0})
    small = builders.site("Small")
    for _ in range(5):
        triages.calibration_case(world, positive=False, site=small)
    at_small = triages.pool_case(world, [0.001, 0.001], site=small)
    triages.sign(world, group_by="site")
    triages.follow(world.project)
    states = dict(TriageLane.objects.values_list("group", "state"))
    assert states == {"Large": "open", "Small": "wanting"}
    assert at_small.pk not in {one.case_id for one in _standing(world)}


def test_scores_of_the_calibration_stream_are_no_scores_of_the_pool(world: triages.World) -> None:
    scored = CalibrationScore.objects.values("case")
    assert not Score.objects.filter(case__in=scored).exists()


def test_the_auto_positive_lane_needs_its_own_evidence(world: triages.World) -> None:
    triages.sign(world, lanes=[NEGATIVE, POSITIVE], error_level=0.001)
    triages.follow(world.project)
    assert _lane(world, POSITIVE).state == TriageLane.State.WANTING


@pytest.mark.django_db(transaction=True)
def test_a_case_is_claimed_or_accepted_but_never_both() -> None:
    """Readers claim while the cases are put aside."""
    world = triages.world(confident=60)
    reader = [builders.reader(world.project) for _ in range(4)]
    claimed: list[int] = []
    start = threading.Barrier(5)

    def claim(place: int) -> None:
        try:
            start.wait()
            for _ in range(6):
                slot = queue.claim(world.project, reader[place])
                claimed.append(slot.case_id)
                queue.finish(slot, reader[place])
        except NothingToRead:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=claim, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    cases = list(world.project.cases.filter(stream="pool").values_list("pk", flat=True))
    start.wait()
    aside: list[int] = []
    for place in range(0, len(cases), 5):
        with transaction.atomic():
            aside += set_aside.put_aside(world.project, cases[place : place + 5], audits=[])
    for thread in threads:
        thread.join()
    assert claimed
    assert aside
    assert not set(claimed) & set(aside)
    states = dict(Slot.objects.filter(case__in=aside).values_list("case", "state"))
    assert set(states.values()) == {Slot.State.CANCELLED}

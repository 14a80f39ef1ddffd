"""Who gets which case: claims, leases, giving back, skipping, issues, ranking."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import builders
import pytest
from django.db import connection

from annotation import claims, comments, ledger, queue
from annotation.errors import Conflict, InvalidInput, LeaseLost, NotFound, NothingToRead
from annotation.models import Case, Event, Project, Read, Skip, Slot, User

pytestmark = pytest.mark.django_db


def finish(slot: Slot) -> None:
    Slot.objects.filter(pk=slot.pk).update(state=Slot.State.DONE)


def verbs(project: Project) -> list[str]:
    return list(
        Event.objects.filter(project=project).order_by("seq").values_list("verb", flat=True)
    )


def now() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def claim_all(project: Project, reader: User) -> list[int]:
    """Claim and finish until nothing is left; the cases in the order in which they came."""
    order = []
    while True:
        try:
            slot = queue.claim(project, reader)
        except NothingToRead:
            return order
        order.append(slot.case_id)
        finish(slot)


class TestClaim:
    def test_takes_the_highest_priority(self) -> None:
        project = builders.project()
        cases = builders.cases(project, 5)
        Slot.objects.filter(case=cases[3]).update(priority=0.9)
        slot = queue.claim(project, builders.reader(project))
        assert (slot.case, slot.state, slot.token) == (cases[3], Slot.State.CLAIMED, 1)
        assert queue.is_new(slot)
        assert slot.lease_expires_at is not None
        left = slot.lease_expires_at - now()
        assert timedelta(minutes=29) < left <= timedelta(minutes=30)
        assert verbs(project) == ["slot.claim"]

    def test_what_is_returned_is_what_is_stored(self) -> None:
        project = builders.project()
        builders.case(project)
        slot = queue.claim(project, builders.reader(project))
        stored = Slot.objects.get(pk=slot.pk)
        for field in Slot._meta.concrete_fields:
            assert getattr(slot, field.attname) == getattr(stored, field.attname)

    def test_a_live_claim_is_returned_again_and_renewed(self) -> None:
        project = builders.project()
        builders.cases(project, 2)
        reader = builders.reader(project)
        first = queue.claim(project, reader)
        builders.let_time_pass(first, minutes=20)
        again = queue.claim(project, reader)
        assert (again.pk, again.token, again.claimed_at) == (first.pk, 1, first.claimed_at)
        assert not queue.is_new(again)
        assert again.lease_expires_at is not None
        assert again.lease_expires_at > now() + timedelta(minutes=29)
        assert verbs(project) == ["slot.claim"]

    def test_an_expired_claim_that_nobody_took_is_still_the_reader_s(self) -> None:
        project = builders.project()
        builders.cases(project, 2)
        reader = builders.reader(project)
        first = queue.claim(project, reader)
        builders.let_time_pass(first, hours=2)
        assert queue.claim(project, reader).pk == first.pk

    def test_two_readers_never_get_the_same_slot(self) -> None:
        project = builders.project()
        builders.cases(project, 3)
        slots = [queue.claim(project, builders.reader(project)) for _ in range(3)]
        assert len({slot.pk for slot in slots}) == 3
        with pytest.raises(NothingToRead, match="free for you right now"):
            queue.claim(project, builders.reader(project))

    def test_a_case_is_never_read_twice_by_one_reader(self) -> None:
        project = builders.project(reads_per_case=2)
        builders.cases(project, 3)
        one, other = builders.reader(project), builders.reader(project)
        assert len(set(claim_all(project, one))) == 3
        assert len(set(claim_all(project, other))) == 3
        assert Slot.objects.filter(state=Slot.State.DONE).count() == 6

    def test_a_case_that_was_read_late_is_not_offered_again(self) -> None:
        project = builders.project()
        case = builders.case(project)
        reader = builders.reader(project)
        Read.objects.create(
            case=case,
            slot=case.slots.get(),
            reader=reader,
            purpose="primary",
            label_schema=project.label_schemas.get(),
            idempotency_key=builders.key(),
            late=True,
            active_seconds=1,
        )
        with pytest.raises(NothingToRead):
            queue.claim(project, reader)
        assert queue.claim(project, builders.reader(project)).case == case

    def test_only_the_project_asked_for_is_read(self) -> None:
        other = builders.project()
        builders.case(other)
        project = builders.project()
        with pytest.raises(NothingToRead):
            queue.claim(project, builders.reader(project))

    def test_claims_in_two_projects_live_side_by_side(self) -> None:
        one, other = builders.project(), builders.project()
        builders.case(one)
        builders.case(other)
        reader = builders.reader(one)
        assert queue.claim(one, reader).pk != queue.claim(other, reader).pk

    @pytest.mark.parametrize("state", ["held", "cancelled"])
    def test_a_slot_that_is_not_open_is_not_given(self, state: str) -> None:
        project = builders.project()
        builders.case(project)
        Slot.objects.update(state=state)
        with pytest.raises(NothingToRead):
            queue.claim(project, builders.reader(project))

    def test_a_refused_claim_leaves_no_event(self) -> None:
        project = builders.project()
        with pytest.raises(NothingToRead):
            queue.claim(project, builders.reader(project))
        assert verbs(project) == []


class TestStreams:
    def streams(self, project: Project) -> list[str]:
        known = dict(Case.objects.filter(project=project).values_list("pk", "stream"))
        return [known[pk] for pk in claim_all(project, builders.reader(project))]

    def build(self, amount: int, **fields: Any) -> Project:
        project = builders.project(**fields)
        for stream in ("pool", "control", "calibration", "holdout"):
            builders.cases(project, amount, stream=stream)
        return project

    def test_hold_out_and_calibration_come_first_when_the_project_says_so(self) -> None:
        order = self.streams(self.build(4, evaluation_first=True))
        assert set(order[:8]) == {"holdout", "calibration"}
        assert set(order[8:]) == {"pool", "control"}

    def test_a_stream_without_weight_is_read_last(self) -> None:
        mix = {"pool": 0, "control": 1, "calibration": 1, "holdout": 1}
        order = self.streams(self.build(3, evaluation_first=False, reading_mix=mix))
        assert order[9:] == ["pool"] * 3

    def test_streams_are_drawn_by_weight(self) -> None:
        project = builders.project(evaluation_first=False, reading_mix={"pool": 3, "control": 1})
        drawn = Counter(claims.streams_in_turn(project)[0] for _ in range(4000))
        assert set(drawn) == {"pool", "control"}
        assert 0.70 < drawn["pool"] / 4000 < 0.80

    def test_all_streams_are_tried(self) -> None:
        project = builders.project(evaluation_first=True)
        assert sorted(claims.streams_in_turn(project)) == [
            "calibration",
            "control",
            "holdout",
            "pool",
        ]


class TestLease:
    @pytest.fixture
    def held(self) -> Slot:
        project = builders.project()
        builders.case(project)
        return queue.claim(project, builders.reader(project))

    def test_renewing_extends_it(self, held: Slot) -> None:
        builders.let_time_pass(held, minutes=25)
        slot = queue.renew(held.pk, held.reader, held.token)
        assert slot.lease_expires_at > now() + timedelta(minutes=29)

    def test_of_a_reader_who_is_gone_ends_by_itself(self, held: Slot) -> None:
        assert queue.expire_leases() == 0
        builders.let_time_pass(held, minutes=31)
        assert queue.expire_leases() == 1
        assert queue.expire_leases() == 0
        other = queue.claim(held.project, builders.reader(held.project))
        assert (other.pk, other.token) == (held.pk, held.token + 1)
        assert verbs(held.project) == ["slot.claim", "slot.expire", "slot.claim"]

    def test_a_lost_lease_says_that_nothing_is_lost(self, held: Slot) -> None:
        builders.let_time_pass(held, minutes=31)
        queue.expire_leases()
        for act in (queue.renew, queue.release):
            with pytest.raises(LeaseLost, match="What you drew is kept"):
                act(held.pk, held.reader, held.token)

    def test_a_token_from_before_has_no_power(self, held: Slot) -> None:
        queue.release(held.pk, held.reader, held.token)
        again = queue.claim(held.project, held.reader)
        assert (again.pk, again.token) == (held.pk, held.token + 1)
        with pytest.raises(LeaseLost):
            queue.release(held.pk, held.reader, held.token)
        assert Slot.objects.get().state == Slot.State.CLAIMED

    def test_another_s_slot_does_not_exist(self, held: Slot) -> None:
        stranger = builders.reader(held.project)
        for act in (queue.renew, queue.release):
            with pytest.raises(NotFound):
                act(held.pk, stranger, held.token)
        with pytest.raises(NotFound):
            queue.renew(10**9, stranger, 1)

    def test_releasing_gives_the_case_back_to_all(self, held: Slot) -> None:
        queue.release(held.pk, held.reader, held.token)
        slot = Slot.objects.get()
        assert (slot.state, slot.reader, slot.lease_expires_at) == (Slot.State.OPEN, None, None)
        assert queue.claim(held.project, builders.reader(held.project)).pk == held.pk

    def test_skipping_gives_it_to_all_others(self, held: Slot) -> None:
        queue.skip(held.pk, held.reader, held.token, reason="I know this patient")
        assert Skip.objects.get().reason == "I know this patient"
        with pytest.raises(NothingToRead):
            queue.claim(held.project, held.reader)
        assert queue.claim(held.project, builders.reader(held.project)).pk == held.pk
        assert verbs(held.project) == ["slot.claim", "slot.skip", "slot.claim"]

    def test_skipping_wants_a_reason(self, held: Slot) -> None:
        with pytest.raises(InvalidInput, match="Say why"):
            queue.skip(held.pk, held.reader, held.token, reason=" ")
        assert Slot.objects.get().state == Slot.State.CLAIMED


class TestIssue:
    @pytest.fixture
    def project(self) -> Project:
        return builders.project(reads_per_case=3)

    def test_takes_the_case_off_the_list_until_it_is_answered(self, project: Project) -> None:
        case = builders.case(project)
        reader, lead = builders.reader(project), builders.user()
        slot = queue.claim(project, reader)
        comment = queue.raise_issue(slot.pk, reader, slot.token, issue="bad_image", text="Cut off.")
        case.refresh_from_db()
        assert case.state == Case.State.ISSUE
        assert set(case.slots.values_list("state", flat=True)) == {Slot.State.HELD}
        with pytest.raises(NothingToRead):
            queue.claim(project, builders.reader(project))
        queue.resolve_issue(case, lead)
        comment.refresh_from_db()
        assert (comment.resolved_by, comment.resolved_at is not None) == (lead, True)
        assert set(case.slots.values_list("state", flat=True)) == {Slot.State.OPEN}
        assert queue.claim(project, reader).case == case
        assert verbs(project) == ["slot.claim", "issue.raise", "issue.resolve", "slot.claim"]

    def test_others_who_have_the_case_in_hand_go_on(self, project: Project) -> None:
        case = builders.case(project)
        one, other = (queue.claim(project, builders.reader(project)) for _ in range(2))
        queue.raise_issue(one.pk, one.reader, one.token, issue="bad_image", text="Cut off.")
        queue.renew(other.pk, other.reader, other.token)
        queue.release(other.pk, other.reader, other.token)
        assert set(case.slots.values_list("state", flat=True)) == {Slot.State.HELD}

    def test_the_last_of_several_issues_frees_the_case(self, project: Project) -> None:
        case = builders.case(project)
        claims = [queue.claim(project, builders.reader(project)) for _ in range(2)]
        raised = [
            queue.raise_issue(slot.pk, slot.reader, slot.token, issue="other", text="Look.")
            for slot in claims
        ]
        lead = builders.user()
        queue.resolve_issue(case, lead, comment=raised[0])
        assert Case.objects.get().state == Case.State.ISSUE
        queue.resolve_issue(case, lead, comment=raised[1])
        assert Case.objects.get().state == Case.State.READY
        with pytest.raises(Conflict, match="no open issue"):
            queue.resolve_issue(case, lead)

    def test_is_not_raised_with_a_case_that_was_withdrawn_meanwhile(self, project: Project) -> None:
        builders.case(project)
        slot = queue.claim(project, builders.reader(project))
        project.cases.update(state=Case.State.WITHDRAWN)
        with pytest.raises(Conflict, match="withdrawn meanwhile"):
            queue.raise_issue(slot.pk, slot.reader, slot.token, issue="other", text="Look.")
        assert Case.objects.get().state == Case.State.WITHDRAWN

    def test_wants_words(self, project: Project) -> None:
        builders.case(project)
        slot = queue.claim(project, builders.reader(project))
        with pytest.raises(InvalidInput, match="Write something"):
            queue.raise_issue(slot.pk, slot.reader, slot.token, issue="other", text="")
        assert Case.objects.get().state == Case.State.READY


class TestSlots:
    def test_are_made_as_many_as_reads_are_wanted_and_only_once(self) -> None:
        case = builders.case(builders.project(reads_per_case=3), slots=False)
        assert queue.open_slots(case) == 3
        assert queue.open_slots(case) == 0
        made = list(case.slots.order_by("number"))
        assert [slot.number for slot in made] == [1, 2, 3]
        assert {slot.stream for slot in made} == {"pool"}
        assert all(0 < slot.priority < 1 for slot in made)
        assert verbs(case.project) == ["slots.open"]

    def test_more_reads_wanted_make_more_slots(self) -> None:
        case = builders.case(builders.project())
        Case.objects.update(reads_wanted=2)
        assert queue.open_slots(case) == 1

    @pytest.mark.parametrize(
        ("state", "expected"), [("ready", "open"), ("arriving", "held"), ("issue", "held")]
    )
    def test_are_open_only_when_the_case_is_ready(self, state: str, expected: str) -> None:
        case = builders.case(builders.project(), slots=False, state=state)
        queue.open_slots(case)
        assert case.slots.get().state == expected

    def test_a_case_that_becomes_ready_opens_what_was_held(self) -> None:
        case = builders.case(builders.project(), slots=False, state="arriving")
        queue.open_slots(case)
        Case.objects.update(state="ready")
        assert queue.open_slots(case) == 1
        assert case.slots.get().state == Slot.State.OPEN

    def test_a_withdrawn_case_is_taken_off_and_may_return(self) -> None:
        project = builders.project(reads_per_case=2)
        case = builders.case(project)
        held = queue.claim(project, builders.reader(project))
        Case.objects.update(state="withdrawn")
        assert queue.cancel_slots(case, reason="deleted in the image store") == 1
        queue.release(held.pk, held.reader, held.token)
        assert set(case.slots.values_list("state", flat=True)) == {Slot.State.CANCELLED}
        Case.objects.update(state="ready")
        assert queue.open_slots(case) == 2
        assert queue.claim(project, builders.reader(project)).case == case


class TestRanking:
    def test_orders_the_pool(self) -> None:
        project = builders.project()
        cases = builders.cases(project, 5)
        wanted = [cases[2], cases[0], cases[4], cases[1], cases[3]]
        ranked = [(case.pk, 0.9 - 0.1 * place) for place, case in enumerate(wanted)]
        assert queue.rerank(project, 7, ranked) == 5
        assert claim_all(project, builders.reader(project)) == [case.pk for case in wanted]
        assert set(Slot.objects.values_list("generation", flat=True)) == {7}
        assert verbs(project)[0] == "queue.rerank"

    @pytest.mark.parametrize("stream", ["control", "calibration", "holdout"])
    def test_refuses_every_other_stream_whole(self, stream: str) -> None:
        project = builders.project()
        pool, other = builders.case(project), builders.case(project, stream=stream)
        before = list(Slot.objects.order_by("pk").values_list("priority", flat=True))
        with pytest.raises(InvalidInput, match="Only the pool"):
            queue.rerank(project, 1, [(pool.pk, 0.9), (other.pk, 0.8)])
        assert list(Slot.objects.order_by("pk").values_list("priority", flat=True)) == before

    def test_refuses_cases_of_another_project(self) -> None:
        project, foreign = builders.project(), builders.case(builders.project())
        with pytest.raises(InvalidInput, match=f"Case {foreign.pk} is not in the pool"):
            queue.rerank(project, 1, [(foreign.pk, 0.5)])

    @pytest.mark.parametrize("priority", [0, 1, -0.1, 1.1, float("nan")])
    def test_refuses_priorities_out_of_range(self, priority: float) -> None:
        project = builders.project()
        case = builders.case(project)
        with pytest.raises(InvalidInput, match="outside"):
            queue.rerank(project, 1, [(case.pk, priority)])

    def test_refuses_a_case_named_twice(self) -> None:
        project = builders.project()
        case = builders.case(project)
        with pytest.raises(InvalidInput, match="twice"):
            queue.rerank(project, 1, [(case.pk, 0.5), (case.pk, 0.6)])

    def test_leaves_claimed_and_done_slots_alone(self) -> None:
        project = builders.project()
        cases = builders.cases(project, 3)
        held = queue.claim(project, builders.reader(project))
        done = queue.claim(project, builders.reader(project))
        finish(done)
        assert queue.rerank(project, 4, [(case.pk, 0.5) for case in cases]) == 1
        for slot in (held, done):
            assert Slot.objects.get(pk=slot.pk).priority == slot.priority

    def test_is_written_in_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(queue, "RANKED_AT_ONCE", 2)
        project = builders.project()
        cases = builders.cases(project, 5)
        assert queue.rerank(project, 1, [(case.pk, 0.5) for case in cases]) == 5

    def test_reaches_all_slots_of_a_case(self) -> None:
        project = builders.project(reads_per_case=2)
        case = builders.case(project)
        assert queue.rerank(project, 1, [(case.pk, 0.25)]) == 2

    def test_that_comes_late_undoes_no_newer_one(self) -> None:
        """A worker that lost its round may still be writing when the next round has ranked."""
        project = builders.project()
        case = builders.case(project)
        assert queue.rerank(project, 2, [(case.pk, 0.5)]) == 1
        assert queue.rerank(project, 1, [(case.pk, 0.25)]) == 0
        assert queue.rerank(project, 2, [(case.pk, 0.75)]) == 1
        slot = Slot.objects.get(case=case)
        assert (slot.generation, slot.priority) == (2, 0.75)


def test_the_ledger_of_a_busy_project_verifies() -> None:
    project = builders.project()
    case = builders.case(project)
    reader = builders.reader(project)
    slot = queue.claim(project, reader)
    comments.add(case, reader, text="Hm.")
    queue.skip(slot.pk, reader, slot.token, reason="Not mine")
    assert ledger.verify(ledger.chain_of(project)) == ledger.Verdict(ok=True, events=3)

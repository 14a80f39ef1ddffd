"""The case that waits for a reader who is still at another one."""

from __future__ import annotations

from datetime import timedelta

import builders
import pytest
from django.db import IntegrityError
from django.db.models import F

from annotation import kinds, queue, reading, reservations
from annotation.claims import Ask
from annotation.errors import NothingToRead
from annotation.kinds import Kind
from annotation.models import Case, Event, Project, Slot, User

pytestmark = pytest.mark.django_db


def reserve(project: Project, reader: User, *of: Kind) -> Slot | None:
    return reservations.reserve(Ask(project, reader, list(of) or None))


def run_out(slot: Slot) -> None:
    """PostgreSQL's clock cannot be moved forward, so the end is moved back."""
    Slot.objects.filter(pk=slot.pk).update(
        reserved_until=F("reserved_until") - timedelta(minutes=6)
    )


def submit(slot: Slot, reader: User) -> None:
    reading.submit(
        slot.pk,
        reader,
        token=slot.token,
        idempotency_key=builders.key(),
        content=builders.content(),
        active_seconds=1,
    )


@pytest.fixture
def project() -> Project:
    return builders.project()


@pytest.fixture
def reader(project: Project) -> User:
    return builders.reader(project)


class TestReserving:
    def test_holds_what_the_ranking_puts_next_for_the_reader_who_gets_it(
        self, project: Project, reader: User
    ) -> None:
        first, second, third = builders.cases(project, 3)
        held = queue.claim(project, reader)
        waiting = reserve(project, reader)
        assert (held.case, waiting and waiting.case) == (first, second)
        assert waiting is not None
        assert waiting.state == Slot.State.OPEN
        Slot.objects.filter(case=third).update(priority=0.99)
        submit(held, reader)
        taken = queue.claim(project, reader)
        assert taken.pk == waiting.pk
        assert queue.is_new(taken)
        assert (taken.reserved_for_id, taken.reserved_until) == (None, None)

    def test_is_no_claim_and_leaves_no_event(self, project: Project, reader: User) -> None:
        builders.cases(project, 2)
        held = queue.claim(project, reader)
        reserve(project, reader)
        assert [slot.pk for slot in queue.live_claims(project, reader)] == [held.pk]
        assert list(Event.objects.values_list("verb", flat=True)) == ["slot.claim"]

    def test_asked_again_it_is_the_same_and_lasts_longer(
        self, project: Project, reader: User
    ) -> None:
        builders.cases(project, 3)
        first = reserve(project, reader)
        assert first is not None
        Slot.objects.filter(pk=first.pk).update(
            reserved_until=F("reserved_until") - timedelta(minutes=4)
        )
        again = reserve(project, reader)
        assert again is not None
        assert again.pk == first.pk
        assert again.reserved_until >= first.reserved_until
        assert Slot.objects.exclude(reserved_for=None).count() == 1

    def test_is_never_of_a_case_that_the_reader_has_in_hand(self, reader: User) -> None:
        project = builders.project(reads_per_case=2)
        builders.case(project)
        queue.claim(project, reader)
        assert reserve(project, reader) is None

    def test_takes_nothing_that_waits_for_another(self, project: Project, reader: User) -> None:
        builders.case(project)
        assert reserve(project, reader) is not None
        assert reserve(project, builders.reader(project)) is None

    def test_in_two_projects_is_side_by_side(self, project: Project, reader: User) -> None:
        other = builders.project()
        builders.case(project)
        builders.case(other)
        assert reserve(project, reader) is not None
        assert reserve(other, reader) is not None

    def test_of_a_case_that_went_into_question_is_replaced(
        self, project: Project, reader: User
    ) -> None:
        builders.cases(project, 2)
        waiting = reserve(project, reader)
        assert waiting is not None
        Slot.objects.filter(pk=waiting.pk).update(state=Slot.State.HELD)
        other = reserve(project, reader)
        assert other is not None
        assert other.pk != waiting.pk
        assert Slot.objects.exclude(reserved_for=None).get().pk == other.pk

    def test_twice_for_one_reader_the_database_refuses(
        self, project: Project, reader: User
    ) -> None:
        one, other = (case.slots.get() for case in builders.cases(project, 2))
        for slot in (one, other):
            slot.reserved_for, slot.reserved_until = reader, slot.case.created_at
        one.save()
        with pytest.raises(IntegrityError, match="slot_one_reservation_per_reader"):
            other.save()

    def test_cannot_be_of_a_slot_that_is_taken(self, project: Project, reader: User) -> None:
        builders.case(project)
        slot = queue.claim(project, reader)
        slot.reserved_for, slot.reserved_until = reader, slot.claimed_at
        with pytest.raises(IntegrityError, match="slot_reservation_is_whole"):
            slot.save()


class TestOthers:
    def test_pass_it_over_while_it_lives(self, project: Project, reader: User) -> None:
        first, second = builders.cases(project, 2)
        assert reserve(project, reader) is not None
        assert queue.claim(project, builders.reader(project)).case == second
        assert queue.claim(project, reader).case == first

    def test_get_it_once_it_has_run_out(self, project: Project, reader: User) -> None:
        first, _ = builders.cases(project, 2)
        waiting = reserve(project, reader)
        assert waiting is not None
        run_out(waiting)
        assert queue.claim(project, builders.reader(project)).case == first

    def test_get_it_where_nothing_else_is_left_the_first_to_end_first(
        self, project: Project, reader: User
    ) -> None:
        builders.cases(project, 2)
        early, late = reserve(project, reader), reserve(project, builders.reader(project))
        assert early is not None
        assert late is not None
        assert queue.claim(project, builders.reader(project)).pk == early.pk
        assert queue.claim(project, builders.reader(project)).pk == late.pk
        with pytest.raises(NothingToRead):
            queue.claim(project, reader)

    def test_submit_late_into_it_all_the_same(self, project: Project, reader: User) -> None:
        builders.case(project)
        gone = builders.reader(project)
        slot = queue.claim(project, gone)
        builders.let_time_pass(slot, hours=1)
        queue.expire_leases()
        assert reserve(project, reader) is not None
        submit(slot, gone)
        done = Slot.objects.get(pk=slot.pk)
        assert (done.state, done.reader, done.reserved_for) == ("done", gone, None)


class TestLettingGo:
    def test_gives_it_to_all(self, project: Project, reader: User) -> None:
        first, _ = builders.cases(project, 2)
        reserve(project, reader)
        reservations.let_go(project, reader)
        assert queue.claim(project, builders.reader(project)).case == first

    def test_comes_with_giving_the_case_back(self, project: Project, reader: User) -> None:
        builders.cases(project, 2)
        held = queue.claim(project, reader)
        reserve(project, reader)
        queue.release(held.pk, reader, held.token)
        assert not Slot.objects.exclude(reserved_for=None).exists()

    def test_a_skipped_case_is_followed_by_the_one_that_waits(
        self, project: Project, reader: User
    ) -> None:
        builders.cases(project, 3)
        held = queue.claim(project, reader)
        waiting = reserve(project, reader)
        queue.skip(held.pk, reader, held.token, reason="Not mine")
        assert waiting is not None
        assert queue.claim(project, reader).pk == waiting.pk

    def test_a_sign_of_life_prolongs_it(self, project: Project, reader: User) -> None:
        builders.cases(project, 2)
        held = queue.claim(project, reader)
        waiting = reserve(project, reader)
        assert waiting is not None
        Slot.objects.filter(pk=waiting.pk).update(
            reserved_until=F("reserved_until") - timedelta(minutes=4)
        )
        queue.renew(held.pk, reader, held.token)
        waiting.refresh_from_db()
        left = waiting.reserved_until - held.claimed_at
        assert left > timedelta(minutes=4, seconds=30)

    def test_a_sign_of_life_brings_nothing_back(self, project: Project, reader: User) -> None:
        builders.cases(project, 3)
        queue.claim(project, reader)
        waiting = reserve(project, reader)
        assert waiting is not None
        run_out(waiting)
        held = queue.live_claims(project, reader)[0]
        queue.renew(held.pk, reader, held.token)
        assert queue.claim(project, builders.reader(project)).pk == waiting.pk


class TestKinds:
    @pytest.fixture
    def mixed(self, project: Project) -> list[Case]:
        """A chest and a head on CT, a head on MR; the first comes first."""
        return [
            builders.case(project, modality=modality, body_part=body_part)
            for modality, body_part in (("CT", "CHEST"), ("CT", "HEAD"), ("MR", "HEAD"))
        ]

    def test_are_listed_once_each(self, project: Project, mixed: list[Case]) -> None:
        builders.case(project, modality="CT", body_part="HEAD")
        builders.case(builders.project(), modality="US", body_part="NECK")
        assert kinds.of(project) == [("CT", "CHEST"), ("CT", "HEAD"), ("MR", "HEAD")]
        assert kinds.chosen(project) is None
        assert kinds.chosen(project, body_part="HEAD") == [("CT", "HEAD"), ("MR", "HEAD")]
        assert kinds.chosen(project, modality="US") == []

    def test_a_filter_narrows_what_is_claimed(
        self, project: Project, reader: User, mixed: list[Case]
    ) -> None:
        heads = kinds.chosen(project, body_part="HEAD")
        assert queue.claim(project, reader, heads).case == mixed[1]
        Slot.objects.filter(case=mixed[2]).update(priority=0.9)
        other = builders.reader(project)
        assert queue.claim(project, other, heads).case == mixed[2]
        with pytest.raises(NothingToRead, match="Take the filter off"):
            queue.claim(project, builders.reader(project), heads)

    def test_a_filter_that_fits_nothing_says_so(
        self, project: Project, reader: User, mixed: list[Case]
    ) -> None:
        with pytest.raises(NothingToRead, match="filter"):
            queue.claim(project, reader, kinds.chosen(project, modality="US"))

    def test_what_waits_and_fits_the_filter_no_more_is_let_go(
        self, project: Project, reader: User, mixed: list[Case]
    ) -> None:
        waiting = reserve(project, reader)
        assert waiting is not None
        assert waiting.case == mixed[0]
        other = reserve(project, reader, Kind("MR", "HEAD"))
        assert other is not None
        assert other.case == mixed[2]
        assert Slot.objects.exclude(reserved_for=None).get() == other

    def test_what_waits_outside_the_filter_is_not_claimed(
        self, project: Project, reader: User, mixed: list[Case]
    ) -> None:
        reserve(project, reader)
        assert queue.claim(project, reader, [Kind("MR", "HEAD")]).case == mixed[2]

    def test_streams_keep_their_order_within_a_filter(self, reader: User) -> None:
        project = builders.project(evaluation_first=True)
        builders.case(project, modality="CT")
        last = builders.case(project, stream="holdout", modality="CT")
        assert queue.claim(project, reader, [Kind("CT", "")]).case == last

    def test_a_slot_carries_the_kind_of_its_case(self, project: Project) -> None:
        case = builders.case(project, slots=False, modality="MR", body_part="KNEE")
        queue.open_slots(case)
        slot = case.slots.get()
        assert (slot.modality, slot.body_part) == ("MR", "KNEE")

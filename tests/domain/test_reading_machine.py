"""Any order of claiming, reserving, renewing, expiring, giving back, skipping, submitting, correcting and
ranking keeps the promises: nothing is read by two, nothing is lost, and the ledger adds up.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import builders
import pytest
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from annotation import ledger, queue, reading, reservations
from annotation.claims import Ask
from annotation.errors import IdempotencyMismatch, InvalidInput, LeaseLost, NothingToRead
from annotation.models import Case, Draft, Event, Project, Read, Reference, Skip, Slot, User

READERS = st.integers(0, 3)
VALUES = st.sampled_from(["yes", "no"])
STREAMS = ["pool", "pool", "control", "holdout"]


class Reading(RuleBasedStateMachine):
    """``hands``: what each reader's browser remembers of the slots it was given, live or lost."""

    @initialize(reads_per_case=st.integers(1, 3), evaluation_first=st.booleans())
    def start(self, reads_per_case: int, evaluation_first: bool) -> None:
        self.point = transaction.savepoint()
        self.project: Project = builders.project(
            reads_per_case=reads_per_case, evaluation_first=evaluation_first
        )
        self.cases = [builders.case(self.project, stream=stream) for stream in STREAMS]
        self.readers: list[User] = [builders.reader(self.project) for _ in range(4)]
        self.hands: list[dict[int, int]] = [{} for _ in self.readers]
        self.sent: list[tuple[int, int, UUID, Any, Read]] = []
        self.drafts: dict[tuple[int, int], tuple[int, Any]] = {}
        self.generation = 0

    def teardown(self) -> None:
        if not hasattr(self, "point"):
            return
        try:
            verdict = ledger.verify(ledger.chain_of(self.project))
            assert verdict.ok, verdict.reason
        finally:
            transaction.savepoint_rollback(self.point)

    def remembered(self, who: int, which: int) -> tuple[int, int] | None:
        hand = sorted(self.hands[who].items())
        return hand[which % len(hand)] if hand else None

    @rule(who=READERS)
    def claim(self, who: int) -> None:
        reader = self.readers[who]
        live = queue.live_claims(self.project, reader)
        free = self.free_for(reader)
        mine, others, nobodys = self.by_reservation(free, reader)
        try:
            slot = queue.claim(self.project, reader)
        except NothingToRead:
            assert not live
            assert not free
            return
        assert queue.is_new(slot) == (not live)
        if live:
            assert slot.pk == live[0].pk
        elif mine:
            assert slot.pk == mine[0].pk
        elif nobodys:
            self.is_first_of(nobodys, Slot.objects.get(pk=slot.pk))
        else:
            assert slot.pk == min(others, key=lambda one: one.reserved_until).pk
        self.hands[who][slot.pk] = slot.token

    def is_first_of(self, free: list[Slot], slot: Slot) -> None:
        """It is what the ranking puts first among these."""
        assert slot.pk in {one.pk for one in free}
        same_stream = [one for one in free if one.stream == slot.stream]
        assert slot.priority == max(one.priority for one in same_stream)
        if self.project.evaluation_first and slot.stream != "holdout":
            assert all(one.stream != "holdout" for one in free)

    def by_reservation(
        self, free: list[Slot], reader: User
    ) -> tuple[list[Slot], list[Slot], list[Slot]]:
        """Of what is free: what waits for this reader, for others, for nobody."""
        living = {
            one.pk for one in Slot.objects.filter(project=self.project, reserved_until__gt=Now())
        }
        reserved = [one for one in free if one.pk in living]
        mine = [one for one in reserved if one.reserved_for_id == reader.pk]
        others = [one for one in reserved if one.reserved_for_id != reader.pk]
        return mine, others, [one for one in free if one.pk not in living]

    @rule(who=READERS)
    def reserve(self, who: int) -> None:
        reader = self.readers[who]
        mine, _, nobodys = self.by_reservation(self.free_for(reader), reader)
        slot = reservations.reserve(Ask(self.project, reader))
        if slot is None:
            assert not mine
            assert not nobodys
        elif mine:
            assert slot.pk == mine[0].pk
        else:
            self.is_first_of(nobodys, Slot.objects.get(pk=slot.pk))

    @rule(who=READERS)
    def let_go(self, who: int) -> None:
        reservations.let_go(self.project, self.readers[who])
        assert not Slot.objects.filter(reserved_for=self.readers[who]).exists()

    @rule(who=READERS)
    def reservation_runs_out(self, who: int) -> None:
        mine = Slot.objects.filter(reserved_for=self.readers[who])
        mine.update(reserved_until=F("reserved_until") - timedelta(days=1))

    def free_for(self, reader: User) -> list[Slot]:
        return [
            slot
            for slot in Slot.objects.filter(project=self.project, state=Slot.State.OPEN)
            if not Slot.objects.filter(case=slot.case_id, reader=reader).exists()
            and not Read.objects.filter(case=slot.case_id, reader=reader).exists()
            and not Skip.objects.filter(case=slot.case_id, reader=reader).exists()
        ]

    @rule(
        who=READERS,
        which=st.integers(0, 9),
        act=st.sampled_from(["renew", "release", "skip", "issue"]),
    )
    def use_lease(self, who: int, which: int, act: str) -> None:
        """Works with the live token, and with no other."""
        if (known := self.remembered(who, which)) is None:
            return
        slot_id, token = known
        reader = self.readers[who]
        slot = Slot.objects.get(pk=slot_id)
        live = (slot.state, slot.reader_id, slot.token) == ("claimed", reader.pk, token)
        try:
            match act:
                case "renew":
                    queue.renew(slot_id, reader, token)
                case "release":
                    queue.release(slot_id, reader, token)
                case "skip":
                    queue.skip(slot_id, reader, token, reason="Not for me")
                case "issue":
                    queue.raise_issue(slot_id, reader, token, issue="other", text="Odd")
        except LeaseLost:
            assert not live
        else:
            assert live

    @rule(which=st.integers(0, 3))
    def answer_issues(self, which: int) -> None:
        case = Case.objects.get(pk=self.cases[which].pk)
        if case.state == Case.State.ISSUE:
            queue.resolve_issue(case, self.readers[0])

    @rule(who=READERS)
    def walk_away(self, who: int) -> None:
        """The reader's leases run out."""
        mine = Slot.objects.filter(reader=self.readers[who], state=Slot.State.CLAIMED)
        mine.update(lease_expires_at=F("lease_expires_at") - timedelta(days=1))

    @rule()
    def expire(self) -> None:
        due = Slot.objects.filter(
            state=Slot.State.CLAIMED, lease_expires_at__lt=F("claimed_at")
        ).count()
        assert queue.expire_leases() == due

    @rule(who=READERS, which=st.integers(0, 9), value=VALUES)
    def save_draft(self, who: int, which: int, value: str) -> None:
        if (known := self.remembered(who, which)) is None:
            return
        slot_id, token = known
        slot = Slot.objects.get(pk=slot_id)
        if (slot.state, slot.reader_id) == ("done", self.readers[who].pk):
            return
        version, _ = self.drafts.get((slot_id, who), (0, None))
        content = builders.content(value)
        draft = reading.save_draft(
            slot_id,
            self.readers[who],
            token=token,
            version=version,
            content=content,
            active_seconds=1,
        )
        self.drafts[slot_id, who] = (draft.version, content)

    @rule(who=READERS, which=st.integers(0, 9), value=VALUES)
    def submit(self, who: int, which: int, value: str) -> None:
        """Never refused, from whatever lease, and late only when the slot is not the reader's to fill."""
        if (known := self.remembered(who, which)) is None:
            return
        slot_id, _ = known
        reader, key, content = self.readers[who], builders.key(), builders.content(value)
        slot = Slot.objects.get(pk=slot_id)
        earlier = reading.latest_read(slot, reader)
        read = self.send(slot_id, who, key, content)
        if earlier is not None and earlier.content_sha256 == read.content_sha256:
            assert read == earlier
            return
        assert read.supersedes == earlier
        if earlier is not None:
            assert read.late == earlier.late
        elif (slot.state, slot.reader_id) == ("claimed", reader.pk):
            assert not read.late
        elif slot.state != "open":
            assert read.late
        self.drafts.pop((slot_id, who), None)
        self.sent.append((slot_id, who, key, content, read))

    def send(self, slot_id: int, who: int, key: UUID, content: Any) -> Read:
        return reading.submit(
            slot_id,
            self.readers[who],
            token=self.hands[who].get(slot_id, 0),
            idempotency_key=key,
            content=content,
            active_seconds=1,
        )

    @precondition(lambda self: self.sent)
    @rule(which=st.integers(0, 99))
    def replay(self, which: int) -> None:
        slot_id, who, key, content, read = self.sent[which % len(self.sent)]
        assert self.send(slot_id, who, key, content) == read

    @precondition(lambda self: self.sent)
    @rule(which=st.integers(0, 99))
    def replay_with_other_content(self, which: int) -> None:
        slot_id, who, key, content, _ = self.sent[which % len(self.sent)]
        other = "no" if content["answers"][0]["value"] == "yes" else "yes"
        with pytest.raises(IdempotencyMismatch):
            self.send(slot_id, who, key, builders.content(other))

    @rule(priorities=st.permutations([0.2, 0.8]))
    def rank(self, priorities: list[float]) -> None:
        self.generation += 1
        pool = [case.pk for case in self.cases if case.stream == "pool"]
        queue.rerank(self.project, self.generation, zip(pool, priorities, strict=True))

    @rule(which=st.integers(2, 3))
    def rank_what_may_not_be_ranked(self, which: int) -> None:
        with pytest.raises(InvalidInput):
            queue.rerank(self.project, 99, [(self.cases[which].pk, 0.5)])

    @invariant()
    def promises_hold(self) -> None:
        """All rows are read once, then looked at from every side."""
        self.states = dict(Case.objects.filter(project=self.project).values_list("pk", "state"))
        self.slots = list(Slot.objects.filter(project=self.project))
        self.reads = list(Read.objects.filter(case__project=self.project))
        of_project = Reference.objects.filter(case__project=self.project)
        self.references = list(of_project.prefetch_related("reads"))
        self.every_reading_wanted_has_its_slot()
        self.a_slot_is_filled_by_at_most_one_reader()
        self.no_reader_holds_a_case_twice()
        self.at_most_one_case_waits_for_a_reader()
        self.what_was_acknowledged_is_there()
        self.references_come_from_closed_slots_and_are_complete()
        self.only_the_pool_was_ranked()
        self.a_case_with_an_issue_is_given_to_nobody()
        self.the_ledger_counts_what_happened()

    def every_reading_wanted_has_its_slot(self) -> None:
        wanted = dict.fromkeys(self.states, self.project.reads_per_case)
        assert Counter(slot.case_id for slot in self.slots) == wanted

    def a_slot_is_filled_by_at_most_one_reader(self) -> None:
        for slot in self.slots:
            filled = [
                read.reader_id
                for read in self.reads
                if read.slot_id == slot.pk and not read.late and read.supersedes_id is None
            ]
            assert filled == ([slot.reader_id] if slot.state == Slot.State.DONE else [])

    def no_reader_holds_a_case_twice(self) -> None:
        held = Counter((slot.case_id, slot.reader_id) for slot in self.slots if slot.reader_id)
        assert set(held.values()) <= {1}
        claimed = Counter(slot.reader_id for slot in self.slots if slot.state == "claimed")
        assert set(claimed.values()) <= {1}

    def at_most_one_case_waits_for_a_reader(self) -> None:
        waiting = Counter(slot.reserved_for_id for slot in self.slots if slot.reserved_for_id)
        assert set(waiting.values()) <= {1}
        assert not [slot for slot in self.slots if slot.reserved_for_id and slot.reader_id]

    def what_was_acknowledged_is_there(self) -> None:
        assert {read.pk for *_, read in self.sent} == {read.pk for read in self.reads}
        drafts = Draft.objects.filter(slot__project=self.project)
        stored = {(one.slot_id, one.reader_id): (one.version, one.content) for one in drafts}
        assert stored == {
            (slot_id, self.readers[who].pk): draft for (slot_id, who), draft in self.drafts.items()
        }

    def references_come_from_closed_slots_and_are_complete(self) -> None:
        superseded = {read.supersedes_id for read in self.reads}
        closed = {slot.pk for slot in self.slots if slot.state == Slot.State.DONE}
        for case in self.states:
            standing = {
                read.pk
                for read in self.reads
                if read.case_id == case and not read.late and read.pk not in superseded
            }
            assert {read.slot_id for read in self.reads if read.pk in standing} <= closed
            current = [one for one in self.references if one.case_id == case and one.current]
            if len(standing) < self.project.reads_per_case:
                assert current == []
            else:
                assert [{read.pk for read in one.reads.all()} for one in current] == [standing]

    def only_the_pool_was_ranked(self) -> None:
        assert {slot.stream for slot in self.slots if slot.generation} <= {"pool"}

    def a_case_with_an_issue_is_given_to_nobody(self) -> None:
        for slot in self.slots:
            impossible = {"issue": "open", "ready": "held"}[self.states[slot.case_id]]
            assert slot.state != impossible

    def the_ledger_counts_what_happened(self) -> None:
        verbs = Event.objects.filter(project=self.project).values_list("verb", flat=True)
        counted = Counter(verbs)
        assert counted["read.submit"] == len(self.reads)
        assert counted["reference.resolve"] == len(self.references)
        assert counted["slot.claim"] == sum(slot.token for slot in self.slots)


@pytest.mark.django_db
def test_reading_keeps_its_promises_in_any_order() -> None:
    run_state_machine_as_test(
        Reading,
        settings=settings(
            max_examples=int(os.environ.get("CONSILIUM_EXAMPLES", "30")),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

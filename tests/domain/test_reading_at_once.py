"""Many readers, tabs and retries at the same moment, in threads with connections of their own."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import builders
import pytest
from django.db import connections

from annotation import consensus, ledger, queue, reading, reservations
from annotation.claims import Ask
from annotation.errors import LeaseLost, NothingToRead, StaleDraft
from annotation.models import Event, Project, Read, Reference, Slot, User

pytestmark = pytest.mark.django_db(transaction=True)
T = TypeVar("T")
R = TypeVar("R")


def at_once(act: Callable[[T], R], things: Sequence[T]) -> list[R | Exception]:
    """Run ``act`` for all things together, from one starting shot; exceptions are results too."""
    shot = threading.Barrier(len(things))

    def run(thing: T) -> R | Exception:
        shot.wait()
        try:
            return act(thing)
        except Exception as error:  # whatever happens in a thread is its result
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(things)) as threads:
        return list(threads.map(run, things))


def readers(project: Project, amount: int) -> list[User]:
    return [builders.reader(project) for _ in range(amount)]


def assert_sound(project: Project) -> None:
    verdict = ledger.verify(ledger.chain_of(project))
    assert verdict.ok, verdict.reason
    claims = Event.objects.filter(project=project, verb="slot.claim").values_list(
        "object_id", "data"
    )
    taken = Counter((slot, data["token"]) for slot, data in claims)
    assert all(times == 1 for times in taken.values()), "a token was given twice"


def test_64_readers_at_once_get_64_cases() -> None:
    project = builders.project()
    builders.cases(project, 80)
    slots = at_once(lambda reader: queue.claim(project, reader), readers(project, 64))
    assert len({slot.pk for slot in slots}) == 64  # type: ignore[union-attr]
    assert_sound(project)


@pytest.mark.parametrize("cases", [0, 1, 40])
def test_with_fewer_cases_than_readers_the_rest_are_told(cases: int) -> None:
    project = builders.project()
    builders.cases(project, cases)
    got = at_once(lambda reader: queue.claim(project, reader), readers(project, 64))
    assert Counter(type(one) for one in got) == Counter(
        {Slot: cases, NothingToRead: 64 - cases}
    ) - Counter({Slot: 0})
    assert_sound(project)


def test_two_tabs_of_one_reader_get_one_case() -> None:
    project = builders.project()
    builders.cases(project, 20)
    for reader in readers(project, 5):
        slots = at_once(lambda _, who=reader: queue.claim(project, who), range(6))
        assert len({slot.pk for slot in slots}) == 1, slots  # type: ignore[union-attr]
        assert sum(queue.is_new(slot) for slot in slots) == 1  # type: ignore[arg-type]
    assert_sound(project)


def test_readers_of_double_read_cases_never_meet_themselves() -> None:
    project = builders.project(reads_per_case=2)
    builders.cases(project, 8)

    def read_all(reader: User) -> list[int]:
        seen = []
        while True:
            try:
                slot = queue.claim(project, reader)
            except NothingToRead:
                return seen
            submit(slot, reader)
            seen.append(slot.case_id)

    seen = at_once(read_all, readers(project, 8))
    assert all(len(set(cases)) == len(cases) for cases in seen)  # type: ignore[arg-type]
    assert Counter(case for cases in seen for case in cases).most_common(1)[0][1] == 2  # type: ignore[union-attr]
    assert Slot.objects.filter(state=Slot.State.DONE).count() == 16
    assert Reference.objects.filter(current=True).count() == 8
    assert_sound(project)


def submit(slot: Slot, reader: User, value: str = "yes", **changes: Any) -> Read:
    given = {
        "token": slot.token,
        "idempotency_key": builders.key(),
        "content": builders.content(value),
        "active_seconds": 1.0,
        **changes,
    }
    return reading.submit(slot.pk, reader, **given)


def test_a_double_click_is_one_read() -> None:
    project = builders.project()
    builders.cases(project, 10)
    for reader in readers(project, 10):
        slot, key = queue.claim(project, reader), builders.key()
        got = at_once(lambda _, s=slot, k=key: submit(s, s.reader, idempotency_key=k), range(5))
        assert len({read.pk for read in got}) == 1, got  # type: ignore[union-attr]
    assert Read.objects.count() == 10
    assert_sound(project)


def test_two_tabs_that_submit_the_same_are_one_read() -> None:
    project = builders.project()
    builders.cases(project, 10)
    for reader in readers(project, 10):
        slot = queue.claim(project, reader)
        got = at_once(lambda _, s=slot: submit(s, s.reader), range(4))
        assert len({read.pk for read in got}) == 1, got  # type: ignore[union-attr]
    assert (Read.objects.count(), Reference.objects.count()) == (10, 10)
    assert_sound(project)


def test_two_tabs_that_submit_differently_leave_a_line_of_corrections() -> None:
    project = builders.project()
    case = builders.case(project)
    reader = builders.reader(project)
    slot = queue.claim(project, reader)
    got = at_once(lambda value: submit(slot, reader, value), ["yes", "no"])
    assert all(isinstance(read, Read) for read in got), got
    assert Read.objects.filter(supersedes=None).count() == 1
    assert Read.objects.count() == 2
    current = consensus.current(case)
    last = reading.latest_read(slot, reader)
    assert current is not None
    assert last is not None
    assert list(current.reads.all()) == [last]
    assert_sound(project)


def test_one_key_for_two_cases_at_once_has_one_effect() -> None:
    project = builders.project(reads_per_case=1)
    other_project = builders.project()
    builders.case(project)
    builders.case(other_project)
    reader, key = builders.reader(project), builders.key()
    slots = [queue.claim(project, reader), queue.claim(other_project, reader)]
    got = at_once(lambda slot: submit(slot, reader, idempotency_key=key), slots)
    assert Counter(type(one).__name__ for one in got) == {"Read": 1, "IdempotencyMismatch": 1}
    assert Read.objects.count() == 1


def test_two_readers_of_one_case_make_one_reference() -> None:
    project = builders.project(reads_per_case=4)
    case = builders.case(project)
    slots = [queue.claim(project, reader) for reader in readers(project, 4)]
    got = at_once(lambda slot: submit(slot, slot.reader), slots)
    assert all(isinstance(read, Read) for read in got), got
    assert case.references.get().reads.count() == 4
    assert_sound(project)


def test_drafts_from_two_tabs_one_wins_and_the_other_is_told() -> None:
    project = builders.project()
    builders.case(project)
    reader = builders.reader(project)
    slot = queue.claim(project, reader)

    def save(value: str) -> Any:
        return reading.save_draft(
            slot.pk,
            reader,
            token=slot.token,
            version=0,
            content=builders.content(value),
            active_seconds=1,
        )

    got = at_once(save, ["yes", "no"])
    assert Counter(type(one).__name__ for one in got) == {"Draft": 1, "StaleDraft": 1}
    [stale] = [one for one in got if isinstance(one, StaleDraft)]
    assert stale.extra["current"]["version"] == 1


def test_expiry_renewal_release_and_submission_of_one_slot_at_once() -> None:
    """Whatever comes first wins; the rest are told or wait; nothing breaks and nothing is lost."""
    project = builders.project()
    builders.cases(project, 30)
    for reader in readers(project, 12):
        slot = queue.claim(project, reader)
        builders.let_time_pass(slot, hours=1)
        acts: list[Callable[[], Any]] = [
            queue.expire_leases,
            lambda s=slot: queue.renew(s.pk, s.reader, s.token),
            lambda s=slot: queue.release(s.pk, s.reader, s.token),
            lambda s=slot: submit(s, s.reader),
            lambda: queue.claim(project, builders.reader(project)),
        ]
        got = at_once(lambda act: act(), acts)
        assert not [
            one
            for one in got
            if isinstance(one, Exception) and not isinstance(one, LeaseLost | NothingToRead)
        ]
        assert isinstance(got[3], Read)
        assert Read.objects.filter(reader=reader).count() == 1
    assert_sound(project)


def test_issues_and_ranking_while_readers_claim() -> None:
    """No deadlock, no false “nothing to read”."""
    project = builders.project(reads_per_case=2)
    cases = builders.cases(project, 30)
    people = readers(project, 20)

    def act(number: int) -> Any:
        if number < 20:
            slot = queue.claim(project, people[number])
            if number % 4 == 0:
                queue.raise_issue(slot.pk, people[number], slot.token, issue="other", text="?")
            return slot
        return queue.rerank(project, number, [(case.pk, 0.5) for case in cases])

    got = at_once(act, range(26))
    assert not [one for one in got if isinstance(one, Exception)], got
    assert_sound(project)


def test_ranking_a_small_pool_never_hides_its_last_case() -> None:
    project = builders.project()
    case = builders.case(project)
    stop = threading.Event()

    def rank() -> None:
        try:
            while not stop.is_set():
                queue.rerank(project, 1, [(case.pk, 0.5)])
        finally:
            connections.close_all()

    ranking = threading.Thread(target=rank)
    ranking.start()
    try:
        for _ in range(100):
            reader = builders.reader(project)
            slot = queue.claim(project, reader)
            queue.release(slot.pk, reader, slot.token)
    finally:
        stop.set()
        ranking.join()
    assert_sound(project)


@pytest.mark.parametrize("reads_per_case", [1, 2])
def test_readers_with_a_case_ahead_read_every_case_once_and_lose_none(reads_per_case: int) -> None:
    """Claims, reservations and changes of mind at random, until nothing is left for anybody."""
    project = builders.project(reads_per_case=reads_per_case)
    cases = builders.cases(project, 40)

    def read_all(number: int) -> list[int]:
        reader, mood = people[number], random.Random(number)
        seen: list[int] = []
        while True:
            try:
                slot = queue.claim(project, reader)
            except NothingToRead:
                return seen
            ahead = reservations.reserve(Ask(project, reader))
            assert ahead is None or ahead.case_id != slot.case_id
            act = mood.random()
            if act < 0.1:
                queue.release(slot.pk, reader, slot.token)
                continue
            if act < 0.2:
                reservations.let_go(project, reader)
            elif act < 0.3:
                queue.renew(slot.pk, reader, slot.token)
            submit(slot, reader)
            seen.append(slot.case_id)

    people = readers(project, 10)
    seen = at_once(read_all, range(10))
    assert not [one for one in seen if isinstance(one, Exception)], seen
    read = Counter(case for one in seen for case in one)  # type: ignore[union-attr]
    assert read == Counter({case.pk: reads_per_case for case in cases})
    assert set(Slot.objects.values_list("state", flat=True)) == {Slot.State.DONE}
    assert not Slot.objects.exclude(reserved_for=None).exists()
    assert Read.objects.filter(late=True).count() == 0
    assert_sound(project)


@pytest.mark.parametrize("free", [1, 5])
def test_two_tabs_that_reserve_at_once_hold_one_case_and_both_are_told(free: int) -> None:
    project = builders.project()
    for reader in readers(project, 8):
        builders.cases(project, free)
        got = at_once(lambda _, who=reader: reservations.reserve(Ask(project, who)), range(4))
        assert not [one for one in got if not isinstance(one, Slot)], got
        assert len({slot.pk for slot in got}) == 1  # type: ignore[union-attr]
        assert Slot.objects.filter(reserved_for=reader).count() == 1


def test_what_is_reserved_goes_to_one_reader_however_many_reach_for_it() -> None:
    """The one for whom it waits claims at the moment when others have nothing else left."""
    project = builders.project()
    for _ in range(15):
        builders.case(project)
        owner, *others = readers(project, 6)
        waiting = reservations.reserve(Ask(project, owner))
        assert waiting is not None
        got = at_once(lambda who: queue.claim(project, who), [owner, *others])
        slots = [one for one in got if isinstance(one, Slot)]
        assert [one.pk for one in slots] == [waiting.pk]
        assert all(isinstance(one, Slot | NothingToRead) for one in got), got
    assert_sound(project)

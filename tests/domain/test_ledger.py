"""The ledger: what is written verifies, and whatever is done to it afterwards is found."""

from __future__ import annotations

import hashlib
import threading

import builders
import pytest
from django.db import IntegrityError, connection, connections, transaction

from annotation import ledger
from annotation.models import Anchor, ChainHead, Event, Project

pytestmark = pytest.mark.django_db


def record(project: Project | None, **data: object) -> Event:
    obj = project or builders.user()
    return ledger.record("thing.do", project=project, actor=None, obj=obj, data=data)


def chain_of(length: int) -> tuple[Project, list[Event]]:
    project = builders.project()
    return project, [record(project, number=number) for number in range(length)]


def tamper(sql: str, *parameters: object) -> None:
    """As a superuser would who means to: the refusal of the database is switched off first."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL consilium.allow_erase = 'on'")
        cursor.execute(sql, parameters)


def test_an_event_is_returned_as_it_was_stored() -> None:
    project = builders.project()
    user = builders.user()
    event = ledger.record(
        "thing.do",
        project=project,
        actor=user,
        obj=project,
        data={"é": [1.5, 2, None, "ß"], "a": {}},
    )
    stored = Event.objects.get(pk=event.pk)
    assert (stored.seq, stored.previous) == (1, ledger.GENESIS)
    assert (stored.actor, stored.object_type, stored.object_id) == (
        user,
        "project",
        str(project.pk),
    )
    for field in ("seq", "at", "hash", "previous", "data"):
        assert getattr(event, field) == getattr(stored, field)


def test_the_hash_made_in_the_database_is_that_of_the_canonical_json() -> None:
    project = builders.project()
    event = record(project, text='quote " backslash \\ newline \n é 漢 🩻', number=0.1, big=10**15)
    stored = Event.objects.get(pk=event.pk)
    assert stored.hash == hashlib.sha256(ledger.canonical(stored)).hexdigest()
    assert b'"number":0.1' in ledger.canonical(stored)


def test_each_project_has_its_own_chain_and_the_rest_shares_one() -> None:
    one, _ = chain_of(3)
    other, _ = chain_of(2)
    record(None)
    assert ledger.verify(ledger.chain_of(one)) == ledger.Verdict(ok=True, events=3)
    assert ledger.verify(ledger.chain_of(other)) == ledger.Verdict(ok=True, events=2)
    assert ledger.verify(ledger.SYSTEM).events >= 1


def test_a_chain_without_events_verifies() -> None:
    assert ledger.verify(ledger.chain_of(builders.project())) == ledger.Verdict(ok=True, events=0)


def test_an_act_that_is_rolled_back_leaves_no_event() -> None:
    project, _ = chain_of(1)
    point = transaction.savepoint()
    record(project)
    transaction.savepoint_rollback(point)
    record(project)
    assert ledger.verify(ledger.chain_of(project)).events == 2


@pytest.mark.parametrize("table", ["event", "anchor", "read", "mark", "answer"])
@pytest.mark.parametrize("act", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_itself_refuses_to_change_what_was_written(table: str, act: str) -> None:
    one_row_in_each_table()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="append-only"):
            cursor.execute(act.format(f"annotation_{table}"))


def one_row_in_each_table() -> None:
    from annotation import queue, reading

    project = builders.project()
    case = builders.case(project)
    reader = builders.reader(project)
    slot = queue.claim(project, reader)
    reading.submit(
        slot.pk,
        reader,
        token=slot.token,
        idempotency_key=builders.key(),
        content=builders.content(marks=(builders.box(case),)),
        active_seconds=1,
    )
    ledger.anchor_day()


def random_event(project: Project, position: int) -> int:
    return Event.objects.get(chain=ledger.chain_of(project), seq=position).pk


FIELDS = [
    "verb = 'thing.undo'",
    "data = '{\"number\": 99}'",
    "data = data || '{\"x\": 1}'",
    "object_id = '999999'",
    "object_type = 'slot'",
    "at = at + interval '1 microsecond'",
    "previous = repeat('a', 64)",
    "hash = repeat('b', 64)",
    "project_id = NULL",
    "actor_id = (SELECT max(id) FROM annotation_user)",
]


@pytest.mark.parametrize("position", [1, 2, 7, 19, 20])
@pytest.mark.parametrize("change", FIELDS)
def test_a_changed_field_is_found_in_its_row(position: int, change: str) -> None:
    builders.user()
    project, _ = chain_of(20)
    tamper(f"UPDATE annotation_event SET {change} WHERE id = %s", random_event(project, position))
    verdict = ledger.verify(ledger.chain_of(project))
    assert not verdict.ok
    assert verdict.first_bad_seq == position
    assert str(position) in verdict.reason


@pytest.mark.parametrize("position", range(1, 51))
def test_a_removed_event_is_found_wherever_it_was(position: int) -> None:
    project, _ = chain_of(50)
    tamper("DELETE FROM annotation_event WHERE id = %s", random_event(project, position))
    verdict = ledger.verify(ledger.chain_of(project))
    assert (verdict.ok, verdict.first_bad_seq, verdict.events) == (False, position, position - 1)


@pytest.mark.parametrize("kept", range(20))
def test_a_chain_that_was_cut_off_is_found(kept: int) -> None:
    project, _ = chain_of(20)
    tamper("DELETE FROM annotation_event WHERE project_id = %s AND seq > %s", project.pk, kept)
    verdict = ledger.verify(ledger.chain_of(project))
    assert (verdict.ok, verdict.first_bad_seq) == (False, kept + 1)


@pytest.mark.parametrize(("one", "other"), [(a, b) for a in range(1, 11) for b in range(a + 1, 11)])
def test_two_events_that_changed_places_are_found(one: int, other: int) -> None:
    project, _ = chain_of(10)
    for here, there in ((one, -1), (other, one), (-1, other)):
        tamper(
            "UPDATE annotation_event SET seq = %s WHERE project_id = %s AND seq = %s",
            *(there, project.pk, here),
        )
    verdict = ledger.verify(ledger.chain_of(project))
    assert (verdict.ok, verdict.first_bad_seq) == (False, one)


@pytest.mark.parametrize("after", range(15))
def test_an_inserted_event_is_found(after: int) -> None:
    """Even one that is hashed rightly onto the event before it."""
    project, _ = chain_of(15)
    chain = ledger.chain_of(project)
    tamper(
        "UPDATE annotation_event SET seq = -(seq + 1) WHERE project_id = %s AND seq > %s",
        *(project.pk, after),
    )
    tamper("UPDATE annotation_event SET seq = -seq WHERE project_id = %s AND seq < 0", project.pk)
    before = Event.objects.filter(chain=chain, seq=after).first()
    template = Event.objects.get(chain=chain, seq=after + 2) if after < 14 else before
    assert template is not None
    forged = Event(
        project=project,
        chain=chain,
        seq=after + 1,
        at=template.at,
        verb="thing.forge",
        object_type="project",
        object_id="1",
        data={},
        previous=before.hash if before else ledger.GENESIS,
    )
    forged.hash = hashlib.sha256(ledger.canonical(forged)).hexdigest()
    forged.save(force_insert=True)
    verdict = ledger.verify(chain)
    assert not verdict.ok
    assert verdict.first_bad_seq is not None
    assert after + 1 <= verdict.first_bad_seq <= after + 2


def test_an_event_added_beyond_the_head_is_found() -> None:
    project, events = chain_of(3)
    forged = Event(
        project=project,
        chain=ledger.chain_of(project),
        seq=4,
        at=events[-1].at,
        verb="thing.forge",
        object_type="project",
        object_id="1",
        data={},
        previous=events[-1].hash,
    )
    forged.hash = hashlib.sha256(ledger.canonical(forged)).hexdigest()
    forged.save(force_insert=True)
    verdict = ledger.verify(ledger.chain_of(project))
    assert (verdict.ok, verdict.first_bad_seq) == (False, 4)


def test_a_changed_or_removed_head_is_found() -> None:
    project, _ = chain_of(3)
    ChainHead.objects.filter(chain=ledger.chain_of(project)).update(hash="c" * 64)
    assert ledger.verify(ledger.chain_of(project)).first_bad_seq == 3
    ChainHead.objects.filter(chain=ledger.chain_of(project)).delete()
    assert not ledger.verify(ledger.chain_of(project)).ok


def test_a_chain_written_anew_from_the_start_is_found_by_its_anchor() -> None:
    """Whoever rewrites every hash and the head still cannot match what was anchored."""
    project, _ = chain_of(5)
    chain = ledger.chain_of(project)
    ledger.anchor_day()
    tamper("DELETE FROM annotation_event WHERE chain = %s", chain)
    ChainHead.objects.filter(chain=chain).update(seq=0, hash=ledger.GENESIS)
    for number in range(5):
        record(project, number=number, forged=True)
    verdict = ledger.verify(chain)
    assert (verdict.ok, verdict.first_bad_seq) == (False, 5)
    assert "anchored" in verdict.reason


def test_a_chain_removed_with_its_head_is_found_by_its_anchor() -> None:
    project, _ = chain_of(5)
    chain = ledger.chain_of(project)
    ledger.anchor_day()
    tamper("DELETE FROM annotation_event WHERE chain = %s", chain)
    ChainHead.objects.filter(chain=chain).delete()
    verdict = ledger.verify(chain)
    assert (verdict.ok, verdict.first_bad_seq) == (False, 1)


def test_a_day_is_anchored_once_with_all_heads() -> None:
    project, events = chain_of(2)
    anchor = ledger.anchor_day()
    record(project)
    assert ledger.anchor_day() == anchor
    assert Anchor.objects.count() == 1
    assert anchor.heads[ledger.chain_of(project)] == {"seq": 2, "hash": events[-1].hash}
    assert anchor.sha256 == ledger.anchor_hash(anchor.day, anchor.heads)
    assert ledger.verify(ledger.chain_of(project)).ok


@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_make_one_unbroken_chain() -> None:
    project = builders.project()

    def write() -> None:
        try:
            for number in range(25):
                with transaction.atomic():
                    record(project, number=number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.verify(ledger.chain_of(project)) == ledger.Verdict(ok=True, events=200)
    times = list(Event.objects.order_by("seq").values_list("at", flat=True))
    assert times == sorted(times)

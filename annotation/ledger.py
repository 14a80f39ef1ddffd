"""The only writer of Event, ChainHead and Anchor: an append-only hash chain per project.

An event's hash covers the canonical JSON (RFC 8785) of all its fields, the previous hash among
them, so a change, removal, insertion or reordering breaks every later link. PostgreSQL stamps,
numbers and hashes in the statement that inserts: the chain is locked for as short as possible.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import rfc8785
from django.db import connection, transaction
from django.db.models import Model

from . import statements
from .models import Anchor, ChainHead, Event, Project, User

SYSTEM = "system"
GENESIS = "0" * 64
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"

# Follows a common table expression ``act`` with the columns object_id and data. The chain is free
# again before the disk has answered; FLUSH then waits for the disk, together with all others who
# do, before anybody is told that the act is done.
CHAIN = """
hurried AS MATERIALIZED (
    SELECT *, set_config('synchronous_commit', 'off', true) FROM act
), head AS (
    SELECT stored.chain, stored.seq + 1 AS seq, stored.hash AS previous, object_id, data
    FROM hurried, annotation_chainhead AS stored WHERE stored.chain = %(chain)s FOR UPDATE OF stored
), stamped AS (
    SELECT *, clock_timestamp() AS at FROM head
), link AS (
    SELECT *, encode(sha256(convert_to(
        %(until_at)s || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || %(until_data)s || data || ',"object_id":' || to_json(object_id)::text
        || %(until_previous)s || previous || %(until_seq)s || seq || %(rest)s, 'UTF8'
    )), 'hex') AS hash FROM stamped
), moved AS (
    UPDATE annotation_chainhead AS stored SET seq = link.seq, hash = link.hash
    FROM link WHERE stored.chain = link.chain
), event AS (
    INSERT INTO annotation_event
        (project_id, chain, seq, at, actor_id, verb, object_type, object_id, data, previous, hash)
    SELECT %(project)s::bigint, chain, seq, at, %(actor)s::bigint, %(verb)s, %(object_type)s,
        object_id, data::jsonb, previous, hash
    FROM link RETURNING id, seq, at, previous, hash
)
"""
RECORD = """
WITH act AS (SELECT %(object_id)s::text AS object_id, %(data)s::text AS data), {chain}
SELECT * FROM event
""".replace("{chain}", CHAIN)
DO = """
WITH done AS ({statement}), act AS (
    SELECT id::text AS object_id, event_data AS data FROM done WHERE event_data IS NOT NULL
), {chain}
SELECT * FROM done
""".replace("{chain}", CHAIN)
FLUSH = "SELECT pg_logical_emit_message(true, 'consilium', '')"


@dataclass(frozen=True)
class Verdict:
    """What verifying a chain found. ``events`` counts those that hold, from the first on."""

    ok: bool
    events: int
    first_bad_seq: int | None = None
    reason: str = ""


def chain_of(project: Project | None) -> str:
    return SYSTEM if project is None else f"project:{project.pk}"


def record(
    verb: str, *, project: Project | None, actor: User | None, obj: Model, data: dict[str, Any]
) -> Event:
    """Append one event in the caller's transaction. Call it last: the chain stays locked until commit."""
    parameters = {
        **_parameters(verb, project, actor, type(obj)),
        "object_id": str(obj.pk),
        "data": rfc8785.dumps(data).decode(),
    }
    row = statements.fetch_one(RECORD, parameters)
    if row is None:
        open_chain(project)
        row = statements.fetch_one(RECORD, parameters) or {}
    _flush_after_commit()
    event = Event(
        project=project, chain=chain_of(project), actor=actor, verb=verb, data=data, **row
    )
    event.object_type, event.object_id = parameters["object_type"], parameters["object_id"]
    event._state.adding = False
    return event


def do_each(
    verb: str,
    statement: str,
    acts: Sequence[tuple[Project, User, dict[str, Any]]],
    *,
    model: type[Model],
) -> list[dict[str, Any] | None]:
    """Change a row for each act (project, actor, parameters) and record it in the same statement:
    the chain is not locked while a client thinks. All acts are one transaction.

    ``statement`` changes a row of ``model`` if the chain is open, and returns its ``id`` and as
    ``event_data`` the canonical JSON of the event's data, or NULL where there is nothing to record.
    """
    text = DO.replace("{statement}", statement)
    several = [
        {**parameters, **_parameters(verb, project, actor, model)}
        for project, actor, parameters in acts
    ]
    rows = statements.fetch_each(text, several)
    _flush_after_commit()
    return rows


def open_chain(project: Project | None) -> None:
    """Make the head of a chain, if it has none."""
    head = ChainHead(chain=chain_of(project), hash=GENESIS)
    ChainHead.objects.bulk_create([head], ignore_conflicts=True)


def canonical(event: Event) -> bytes:
    """The bytes that an event's hash covers."""
    return rfc8785.dumps(
        {
            "actor": event.actor_id,
            "at": event.at.astimezone(UTC).strftime(TIME_FORMAT),
            "chain": event.chain,
            "data": event.data,
            "object_id": event.object_id,
            "object_type": event.object_type,
            "previous": event.previous,
            "project": event.project_id,
            "seq": event.seq,
            "verb": event.verb,
        }
    )


def verify(chain: str) -> Verdict:
    """Walk a chain from its first event and name the first that was changed, removed or inserted."""
    known = _head_seq(chain)
    anchored = _anchored(chain)
    previous, seq = GENESIS, 0
    for event in Event.objects.filter(chain=chain).order_by("seq").iterator(2000):
        if fault := _fault(event, seq, previous, anchored):
            return Verdict(ok=False, events=seq, first_bad_seq=seq + 1, reason=fault)
        previous, seq = event.hash, event.seq
    last = max([known, *anchored])
    if seq < last:
        reason = f"{last - seq} of {last} events are missing from the end of the chain."
        return Verdict(ok=False, events=seq, first_bad_seq=seq + 1, reason=reason)
    if fault := _fault_of_head(chain, seq, previous):
        return Verdict(ok=False, events=max(seq - 1, 0), first_bad_seq=max(seq, 1), reason=fault)
    return Verdict(ok=True, events=seq)


def anchor_day() -> Anchor:
    """Hash all chain heads together, once a day: a value to publish outside."""
    day = _today()
    with transaction.atomic():
        known = Anchor.objects.filter(day=day).first()
        if known is not None:
            return known
        heads = {
            head.chain: {"seq": head.seq, "hash": head.hash}
            for head in ChainHead.objects.order_by("chain")
        }
        anchor, _ = Anchor.objects.get_or_create(
            day=day, defaults={"heads": heads, "sha256": anchor_hash(day, heads)}
        )
        return anchor


def anchor_hash(day: date, heads: dict[str, Any]) -> str:
    return hashlib.sha256(rfc8785.dumps({"day": day.isoformat(), "heads": heads})).hexdigest()


def _today() -> date:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now.astimezone(UTC).date()


def _flush_after_commit() -> None:
    """Once, however many events the transaction has."""
    if not any(_flush in hook for hook in connection.run_on_commit):
        transaction.on_commit(_flush)


def _flush() -> None:
    """A commit that waits for the disk, and with it for all that was committed before."""
    with connection.cursor() as cursor:
        cursor.execute(FLUSH)


def _parameters(
    verb: str, project: Project | None, actor: User | None, model: type[Model]
) -> dict[str, Any]:
    """The canonical JSON cut where the database fills in time, object, previous hash and number."""
    chain, kind = chain_of(project), model._meta.model_name or ""
    project_id = None if project is None else project.pk
    actor_id = None if actor is None else actor.pk
    return {
        "chain": chain,
        "project": project_id,
        "actor": actor_id,
        "verb": verb,
        "object_type": kind,
        "until_at": f'{{{_member("actor", actor_id)},"at":"',
        "until_data": f'",{_member("chain", chain)},"data":',
        "until_previous": f',{_member("object_type", kind)},"previous":"',
        "until_seq": f'",{_member("project", project_id)},"seq":',
        "rest": f",{_member('verb', verb)}}}",
    }


@lru_cache(maxsize=4096)
def _member(name: str, value: str | int | None) -> str:
    return rfc8785.dumps({name: value}).decode()[1:-1]


def _fault(event: Event, seq: int, previous: str, anchored: dict[int, str]) -> str:
    if event.seq != seq + 1:
        return f"Event {seq + 1} is missing; the next one found is {event.seq}."
    if event.previous != previous:
        return f"Event {event.seq} does not follow from the event before it."
    if event.hash != hashlib.sha256(canonical(event)).hexdigest():
        return f"Event {event.seq} was changed after it was written."
    if anchored.get(event.seq, event.hash) != event.hash:
        return f"Event {event.seq} differs from the value that was anchored for it."
    return ""


def _head_seq(chain: str) -> int:
    return ChainHead.objects.filter(chain=chain).values_list("seq", flat=True).first() or 0


def _fault_of_head(chain: str, seq: int, last_hash: str) -> str:
    """The head may have moved on while the chain was walked, never back."""
    head = ChainHead.objects.filter(chain=chain).first()
    if head is None:
        return "The head of the chain was removed." if seq else ""
    if head.seq < seq:
        return f"Event {seq} was added beyond the head of the chain."
    if head.seq == seq and head.hash != last_hash:
        return "The head of the chain does not match its last event."
    return ""


def _anchored(chain: str) -> dict[int, str]:
    """Number -> hash of this chain's head, for each day on which heads were anchored."""
    heads = [anchor.heads.get(chain) for anchor in Anchor.objects.order_by("day").iterator()]
    return {head["seq"]: head["hash"] for head in heads if head}

"""The only writer of Event, ChainHead and Anchor: an append-only hash chain per project.

An event's hash covers the canonical JSON (RFC 8785) of all its fields, the previous hash among
them, so a change, removal, insertion or reordering breaks every later link. PostgreSQL stamps,
numbers and hashes in the statement that inserts: the chain is locked for as short as possible.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import rfc8785
from django.db import connection, transaction
from django.db.models import Model

from . import statements
from .models import Anchor, ChainHead, Event, Project, User

SYSTEM = "system"
GENESIS = "0" * 64
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"

APPEND = """
WITH head AS (
    SELECT chain, seq + 1 AS seq, hash AS previous
    FROM annotation_chainhead WHERE chain = %(chain)s FOR UPDATE
), stamped AS (
    SELECT *, clock_timestamp() AS at FROM head
), link AS (
    SELECT *, encode(sha256(convert_to(
        %(until_at)s || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || %(until_previous)s || previous || %(until_seq)s || seq || %(rest)s, 'UTF8'
    )), 'hex') AS hash FROM stamped
), moved AS (
    UPDATE annotation_chainhead AS stored SET seq = link.seq, hash = link.hash
    FROM link WHERE stored.chain = link.chain
)
INSERT INTO annotation_event
    (project_id, chain, seq, at, actor_id, verb, object_type, object_id, data, previous, hash)
SELECT %(project)s::bigint, chain, seq, at, %(actor)s::bigint, %(verb)s, %(object_type)s, %(object_id)s,
    %(data)s::jsonb, previous, hash
FROM link RETURNING id, seq, at, previous, hash
"""


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
    event = Event(
        project=project,
        chain=chain_of(project),
        actor=actor,
        verb=verb,
        object_type=obj._meta.model_name or "",
        object_id=str(obj.pk),
        data=data,
    )
    parameters = _parameters(event)
    row = statements.fetch_one(APPEND, parameters)
    if row is None:
        ChainHead.objects.bulk_create(
            [ChainHead(chain=event.chain, hash=GENESIS)], ignore_conflicts=True
        )
        row = statements.fetch_one(APPEND, parameters) or {}
    for name, value in row.items():
        setattr(event, name, value)
    event._state.adding = False
    return event


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


def _parameters(event: Event) -> dict[str, Any]:
    """The canonical JSON cut where the database fills in time, previous hash and number."""
    middle = {
        "chain": event.chain,
        "data": event.data,
        "object_id": event.object_id,
        "object_type": event.object_type,
    }
    return {
        "chain": event.chain,
        "project": event.project_id,
        "actor": event.actor_id,
        "verb": event.verb,
        "object_type": event.object_type,
        "object_id": event.object_id,
        "data": rfc8785.dumps(event.data).decode(),
        "until_at": f'{{{_members({"actor": event.actor_id})},"at":"',
        "until_previous": f'",{_members(middle)},"previous":"',
        "until_seq": f'",{_members({"project": event.project_id})},"seq":',
        "rest": f",{_members({'verb': event.verb})}}}",
    }


def _members(part: dict[str, Any]) -> str:
    return rfc8785.dumps(part).decode()[1:-1]


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

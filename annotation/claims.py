"""The statements behind ``queue.claim``: each finds a slot, takes it and records that, in one round trip.

The condition is on the row that is locked. A row that somebody holds is passed over, never waited
for: a waiting claim keeps the locks of rows that turned out to be taken, and two would deadlock.
Readers of one process who ask at the same moment are served by one transaction.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import IntegrityError, OperationalError, connection
from psycopg.errors import DeadlockDetected

from . import ledger, statements, turns
from .kinds import Kinds
from .models import Project, Slot, Stream, User

EVALUATION = (Stream.HOLDOUT, Stream.CALIBRATION)
_random = random.SystemRandom()

# Sent one by one, 64 claims at once cost PostgreSQL three times what 4 do: each waits for the chain.
AT_ONCE = 8

OWN = """
SELECT id FROM annotation_slot
WHERE reader_id = %(reader)s AND project_id = %(project)s AND state = 'claimed'
"""

# What the reader has neither read, nor in hand, nor declined. OFFSET 0 keeps each probe a look-up in
# an index, whatever the planner believes of table sizes.
NEW_TO_READER = """
NOT EXISTS (SELECT 1 FROM annotation_slot AS mine WHERE mine.case_id = slot.case_id
    AND mine.reader_id = %(reader)s AND mine.purpose <> 'repeat'
    AND mine.state <> 'outdated' OFFSET 0)
AND NOT EXISTS (SELECT 1 FROM annotation_read AS done
    WHERE done.case_id = slot.case_id AND done.reader_id = %(reader)s
    AND NOT EXISTS (SELECT 1 FROM annotation_slot AS its
        WHERE its.id = done.slot_id AND its.state = 'outdated' OFFSET 0) OFFSET 0)
AND NOT EXISTS (SELECT 1 FROM annotation_skip AS declined
    WHERE declined.case_id = slot.case_id AND declined.reader_id = %(reader)s OFFSET 0)
"""
UNRESERVED = "(slot.reserved_until IS NULL OR slot.reserved_until < statement_timestamp())"

# Looks stream by stream, in the order of the array, and stops at the first slot.
NEXT = """
SELECT found.id FROM unnest(%(streams)s::text[]) AS turn(stream) CROSS JOIN LATERAL (
    SELECT slot.id FROM annotation_slot AS slot
    WHERE slot.project_id = %(project)s AND slot.stream = turn.stream AND slot.state = 'open'
        AND {free} AND {new}
    ORDER BY slot.priority DESC, slot.id LIMIT 1 {lock}
) AS found LIMIT 1
"""
# The first slot of each kind of case, and of these the first.
NEXT_OF_KINDS = """
SELECT found.id FROM unnest(%(streams)s::text[]) AS turn(stream) CROSS JOIN LATERAL (
    SELECT best.id FROM unnest(%(modalities)s::text[], %(body_parts)s::text[])
        AS kind(modality, body_part)
    CROSS JOIN LATERAL (
        SELECT slot.id, slot.priority FROM annotation_slot AS slot
        WHERE slot.project_id = %(project)s AND slot.stream = turn.stream AND slot.state = 'open'
            AND slot.modality = kind.modality AND slot.body_part = kind.body_part
            AND {free} AND {new}
        ORDER BY slot.priority DESC, slot.id LIMIT 1 {lock}
    ) AS best ORDER BY best.priority DESC, best.id LIMIT 1
) AS found LIMIT 1
"""
OF_KINDS = """
AND (slot.modality, slot.body_part) IN (
    SELECT * FROM unnest(%(modalities)s::text[], %(body_parts)s::text[]))
"""
MINE = """
SELECT slot.id FROM annotation_slot AS slot
WHERE slot.reserved_for_id = %(reader)s AND slot.project_id = %(project)s AND slot.state = 'open'
    AND slot.reserved_until > statement_timestamp() {of_kinds} AND {new}
"""
# What waits for somebody else is better read now than not at all: the reservation that ends first.
LAST_RESORT = """
SELECT slot.id FROM annotation_slot AS slot
WHERE slot.reserved_for_id IS NOT NULL AND slot.project_id = %(project)s AND slot.state = 'open'
    {of_kinds} AND {new}
ORDER BY slot.reserved_until, slot.id LIMIT 1
"""
LOCK = "FOR NO KEY UPDATE OF slot SKIP LOCKED"

TAKE = """
UPDATE annotation_slot SET
    state = 'claimed',
    reader_id = %(reader)s,
    token = token + CASE state WHEN 'claimed' THEN 0 ELSE 1 END,
    claimed_at = CASE state WHEN 'claimed' THEN claimed_at ELSE statement_timestamp() END,
    lease_expires_at = statement_timestamp() + %(lease)s,
    reserved_for_id = NULL,
    reserved_until = NULL
WHERE id = COALESCE(
        ({own} FOR NO KEY UPDATE SKIP LOCKED),
        CASE WHEN NOT EXISTS ({own}) THEN {found} END)
    AND EXISTS (SELECT 1 FROM annotation_chainhead WHERE chain = %(chain)s)
RETURNING *, CASE WHEN claimed_at = statement_timestamp() THEN
    concat('{"case":', case_id, ',"token":', token, '}') END AS event_data
"""
FREE = "SELECT COALESCE(({own}), ({next})) AS id"
LEFT = "SELECT COALESCE(({own}), ({any_next})) AS id"


@dataclass(frozen=True)
class Texts:
    """The statements for a reader who takes any kind of case, or only those of some kinds."""

    any_kind: str
    of_kinds: str

    def for_(self, kinds: Kinds | None) -> str:
        return self.any_kind if kinds is None else self.of_kinds


def texts(statement: str) -> Texts:
    """``statement`` with its parts filled in. ``{next} {lock}`` locks what it finds, ``{next}`` does not."""
    return Texts(
        _filled(statement, next_slot=NEXT, of_kinds=""),
        _filled(statement, next_slot=NEXT_OF_KINDS, of_kinds=OF_KINDS),
    )


def _filled(statement: str, *, next_slot: str, of_kinds: str) -> str:
    unlocked = next_slot.replace("{free}", UNRESERVED).replace("{lock}", "")
    parts = {
        "{next} {lock}": next_slot.replace("{free}", UNRESERVED),
        "{next}": unlocked,
        "{any_next}": next_slot.replace("{free}", "TRUE").replace("{lock}", ""),
        "{own}": OWN,
        "{mine}": MINE,
        "{last_resort}": LAST_RESORT,
        "{of_kinds}": of_kinds,
        "{new}": NEW_TO_READER,
        "{lock}": LOCK,
    }
    for name, part in parts.items():
        statement = statement.replace(name, part)
    return statement


# Apart, since PostgreSQL sets up all parts of a statement, needed or not, each time that it runs.
_TAKE = texts(TAKE.replace("{found}", "COALESCE(({mine} {lock}), ({next} {lock}))"))
_TAKE_RESERVED = texts(TAKE.replace("{found}", "({last_resort} {lock})"))
_FREE, _LEFT = texts(FREE), texts(LEFT)


class Ask(NamedTuple):
    """One reader's wish for a case of one project, of any kind or of these."""

    project: Project
    reader: User
    kinds: Kinds | None = None


def take(ask: Ask) -> Slot | None:
    """The reader's claim, renewed; else what is reserved for the reader; else the next slot that is free
    and reserved for nobody. None if there is none or all are locked.
    """
    alone = connection.in_atomic_block or ask.kinds is not None
    return _take([ask])[0] if alone else _take_together(ask)


def take_reserved(ask: Ask) -> Slot | None:
    """For a reader to whom nothing else is left: what waits for another, the first to end first."""
    return None if _is_there(_FREE, ask) else _take([ask], _TAKE_RESERVED)[0]


def any_left(ask: Ask) -> bool:
    """Whether a slot is there for this reader that was passed over or found already taken."""
    return _is_there(_LEFT, ask)


def _is_there(question: Texts, ask: Ask) -> bool:
    ledger.open_chain(ask.project)
    row = statements.fetch_one(question.for_(ask.kinds), parameters(ask))
    return row is not None and row["id"] is not None


def streams_in_turn(project: Project) -> list[str]:
    """All streams in the order in which to look, drawn by the weights of the reading mix."""
    first = EVALUATION if project.evaluation_first else ()
    rest = [stream for stream in Stream if stream not in first]
    return [*_drawn(project, first), *_drawn(project, rest)]


def _drawn(project: Project, streams: Iterable[Stream]) -> list[str]:
    """A weighted random order (Efraimidis and Spirakis); streams without weight come last."""

    def key(stream: Stream) -> float:
        weight = float(project.reading_mix.get(stream, 0))
        return _random.random() ** (1 / weight) if weight > 0 else -1.0

    return [stream.value for stream in sorted(streams, key=key, reverse=True)]


def parameters(ask: Ask) -> dict[str, Any]:
    """What the statements of ``texts`` want to know."""
    found = {
        "project": ask.project.pk,
        "reader": ask.reader.pk,
        "streams": streams_in_turn(ask.project),
    }
    if ask.kinds is None:
        return found
    modalities, body_parts = [[kind[place] for kind in ask.kinds] for place in (0, 1)]
    return {**found, "modalities": modalities, "body_parts": body_parts}


def _take(asks: list[Ask], texts: Texts = _TAKE) -> list[Slot | None]:
    """All want any kind of case, or there is but one."""
    acts = [
        (ask.project, ask.reader, {**parameters(ask), "lease": _lease(ask.project)}) for ask in asks
    ]
    try:
        rows = ledger.do_each("slot.claim", texts.for_(asks[0].kinds), acts, model=Slot)
    except IntegrityError:
        # The reader's other tab was first: what it took is found when we look again.
        return [None] if len(asks) == 1 else _one_by_one(asks)
    except OperationalError as error:
        # Two tabs again, each with a group of claims that waits for the other's.
        if len(asks) > 1 and isinstance(error.__cause__, DeadlockDetected):
            return _one_by_one(asks)
        raise
    return [None if row is None else _slot(row, ask) for row, ask in zip(rows, asks, strict=True)]


_take_together = turns.Together(_take, AT_ONCE)


def _one_by_one(asks: list[Ask]) -> list[Slot | None]:
    return [slot for ask in asks for slot in _take([ask])]


def _lease(project: Project) -> timedelta:
    return timedelta(minutes=project.lease_minutes)


def _slot(row: dict[str, Any], ask: Ask) -> Slot:
    is_new = row.pop("event_data") is not None
    slot = slot_from(row, ask.project)
    slot.reader = ask.reader
    slot.is_new = is_new  # type: ignore[attr-defined]
    return slot


def slot_from(row: dict[str, Any], project: Project) -> Slot:
    """The slot that a statement returned, with all its columns."""
    slot = Slot(**row)
    slot._state.adding = False
    slot.project = project
    return slot

"""The statement behind ``queue.claim``: it finds a slot, takes it and records that, in one round trip.

The condition is on the row that is locked. A row that somebody holds is passed over, never waited
for: a waiting claim keeps the locks of rows that turned out to be taken, and two would deadlock.
Readers of one process who ask at the same moment are served by one transaction.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import IntegrityError, OperationalError, connection
from psycopg.errors import DeadlockDetected

from . import ledger, statements, turns
from .models import Project, Slot, Stream, User

EVALUATION = (Stream.HOLDOUT, Stream.CALIBRATION)
_random = random.SystemRandom()

# Sent one by one, 64 claims at once cost PostgreSQL three times what 4 do: each waits for the chain.
AT_ONCE = 8

OWN = """
SELECT id FROM annotation_slot
WHERE reader_id = %(reader)s AND project_id = %(project)s AND state = 'claimed'
"""

# Looks stream by stream, in the order of the array, and stops at the first slot. OFFSET 0 keeps each
# probe a look-up in an index, whatever the planner believes of table sizes.
NEXT = """
SELECT found.id FROM unnest(%(streams)s::text[]) AS turn(stream) CROSS JOIN LATERAL (
    SELECT slot.id FROM annotation_slot AS slot
    WHERE slot.project_id = %(project)s AND slot.stream = turn.stream AND slot.state = 'open'
        AND NOT EXISTS (SELECT 1 FROM annotation_slot AS mine WHERE mine.case_id = slot.case_id
            AND mine.reader_id = %(reader)s AND mine.purpose <> 'repeat'
            AND mine.state <> 'outdated' OFFSET 0)
        AND NOT EXISTS (SELECT 1 FROM annotation_read AS done
            WHERE done.case_id = slot.case_id AND done.reader_id = %(reader)s
            AND NOT EXISTS (SELECT 1 FROM annotation_slot AS its
                WHERE its.id = done.slot_id AND its.state = 'outdated' OFFSET 0) OFFSET 0)
        AND NOT EXISTS (SELECT 1 FROM annotation_skip AS declined
            WHERE declined.case_id = slot.case_id AND declined.reader_id = %(reader)s OFFSET 0)
    ORDER BY slot.priority DESC, slot.id LIMIT 1 {lock}
) AS found LIMIT 1
"""
LOCK = "FOR NO KEY UPDATE OF slot SKIP LOCKED"

TAKE = """
UPDATE annotation_slot SET
    state = 'claimed',
    reader_id = %(reader)s,
    token = token + CASE state WHEN 'claimed' THEN 0 ELSE 1 END,
    claimed_at = CASE state WHEN 'claimed' THEN claimed_at ELSE statement_timestamp() END,
    lease_expires_at = statement_timestamp() + %(lease)s
WHERE id = COALESCE(
        ({own} FOR NO KEY UPDATE SKIP LOCKED), CASE WHEN NOT EXISTS ({own}) THEN ({next}) END)
    AND EXISTS (SELECT 1 FROM annotation_chainhead WHERE chain = %(chain)s)
RETURNING *, CASE WHEN claimed_at = statement_timestamp() THEN
    concat('{"case":', case_id, ',"token":', token, '}') END AS event_data
""".replace("{own}", OWN).replace("{next}", NEXT.replace("{lock}", LOCK))
LEFT = "SELECT COALESCE(({own}), ({next})) AS id".replace("{own}", OWN).replace(
    "{next}", NEXT.replace("{lock}", "")
)


class Ask(NamedTuple):
    """One reader's wish for a case of one project."""

    project: Project
    reader: User


def take(project: Project, reader: User) -> Slot | None:
    """The reader's claim, renewed, or the next free slot; None if there is none or all are locked."""
    ask = Ask(project, reader)
    return _take([ask])[0] if connection.in_atomic_block else _take_together(ask)


def any_left(project: Project, reader: User) -> bool:
    """Whether a slot is there for this reader that ``take`` passed over or found already taken."""
    ledger.open_chain(project)
    row = statements.fetch_one(LEFT, _parameters(project, reader))
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


def _parameters(project: Project, reader: User) -> dict[str, Any]:
    return {"project": project.pk, "reader": reader.pk, "streams": streams_in_turn(project)}


def _take(asks: list[Ask]) -> list[Slot | None]:
    acts = [
        (ask.project, ask.reader, {**_parameters(*ask), "lease": _lease(ask.project)})
        for ask in asks
    ]
    try:
        rows = ledger.do_each("slot.claim", TAKE, acts, model=Slot)
    except IntegrityError:
        # The reader's other tab was first: what it took is found when we look again.
        return [None] if len(asks) == 1 else _one_by_one(asks)
    except OperationalError as error:
        # Two tabs again, each with a group of claims that waits for the other's.
        if len(asks) > 1 and isinstance(error.__cause__, DeadlockDetected):
            return _one_by_one(asks)
        raise
    return [None if row is None else _slot(row, *ask) for row, ask in zip(rows, asks, strict=True)]


_take_together = turns.Together(_take, AT_ONCE)


def _one_by_one(asks: list[Ask]) -> list[Slot | None]:
    return [slot for ask in asks for slot in _take([ask])]


def _lease(project: Project) -> timedelta:
    return timedelta(minutes=project.lease_minutes)


def _slot(row: dict[str, Any], project: Project, reader: User) -> Slot:
    is_new = row.pop("event_data") is not None
    slot = Slot(**row)
    slot._state.adding = False
    slot.project, slot.reader = project, reader
    slot.is_new = is_new  # type: ignore[attr-defined]
    return slot

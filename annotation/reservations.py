"""The case that waits for a reader who is still at another one: a note on an open slot, with an end.

It is no claim. While it lives, claims of other readers pass the slot over; where nothing else is left
for one of them, that reader gets it. Whatever else happens to a slot happens to a reserved one, too.
Nobody is accountable for it, so it leaves no event.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from . import claims, statements
from .models import Project, Slot, User

LIFE = timedelta(minutes=5)
"""Prolonged with the lease of the case in hand, once a minute while its reader is at work."""

RESERVE = """
UPDATE annotation_slot SET reserved_for_id = %(reader)s,
    reserved_until = statement_timestamp() + %(life)s
WHERE id = ({found}) RETURNING *
"""
# A row that somebody holds at this moment is waited for: it may stay what the reader has been shown.
_AGAIN = claims.texts(RESERVE.replace("{found}", "{mine} FOR NO KEY UPDATE OF slot"))
_NEXT = claims.texts(RESERVE.replace("{found}", "{next} {lock}"))
_FREE = claims.texts("SELECT ({next}) AS id")
PAUSES = (0.005, 0.02, 0.05, 0.1)


def reserve(ask: claims.Ask) -> Slot | None:
    """The slot that waits for this reader, its time prolonged, or else the one that ``queue.claim``
    would give next; None if nothing is free. What waited and does not fit the wish any more is let go.
    """
    for pause in PAUSES:
        try:
            slot = _reserve(ask)
        except IntegrityError:
            continue  # the reader's other tab was first
        if slot:
            return slot
        if not _is_anything_free(ask):
            break
        time.sleep(pause)
    return _prolonged(ask)  # by now the other tab may have found something


def let_go(project: Project, reader: User) -> None:
    """Nothing waits for this reader in the project any more."""
    _of(project, reader).update(reserved_for=None, reserved_until=None)


def is_kept(slot: Slot, reader: User) -> bool:
    """Whether the slot is kept for this reader at this moment."""
    return bool(_of(slot.project, reader).filter(pk=slot.pk, reserved_until__gt=Now()).exists())


def prolong(project: Project, reader: User) -> None:
    """The reader is still at work: what waits, waits on."""
    _of(project, reader).filter(reserved_until__gt=Now()).update(reserved_until=Now() + LIFE)


def _reserve(ask: claims.Ask) -> Slot | None:
    with transaction.atomic():
        slot = _prolonged(ask)
        if slot is not None:
            return slot
        let_go(ask.project, ask.reader)
        return _written(_NEXT, ask)


def _prolonged(ask: claims.Ask) -> Slot | None:
    """What waits for the reader already, if it fits the wish."""
    return _written(_AGAIN, ask)


def _written(texts: claims.Texts, ask: claims.Ask) -> Slot | None:
    given = {**claims.parameters(ask), "life": LIFE}
    row = statements.fetch_one(texts.for_(ask.kinds), given)
    return None if row is None else claims.slot_from(row, ask.project)


def _is_anything_free(ask: claims.Ask) -> bool:
    """Whether a slot was passed over because somebody held it at that moment."""
    row = statements.fetch_one(_FREE.for_(ask.kinds), claims.parameters(ask))
    return row is not None and row["id"] is not None


def _of(project: Project, reader: User) -> Any:
    return Slot.objects.filter(project=project, reserved_for=reader)

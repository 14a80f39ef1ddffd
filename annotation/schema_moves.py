"""A reading that was begun moves to a newer version of the label schema, because its reader wishes so.

With ``reading``, the only writer of Draft. Nobody is moved unasked: a reading keeps its version.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.db import transaction

from . import label_schemas, ledger, masks, schema, schema_fit
from .errors import Conflict, LeaseLost
from .models import Draft, FirstReading, LabelSchema, Mask, Read, Slot, User
from .schema_fit import Dropped, Fit
from .validation import require_none

Json = Mapping[str, Any]
EMPTY: Json = {"answers": [], "marks": []}
NONE = "There is no newer version to move to. Go on as you are."
CHANGED = "Your draft changed meanwhile. Look again at what moving would mean."
ANOTHER = "The form changed once more meanwhile. Look at what the newest version would mean first."


@dataclass(frozen=True)
class Preview:
    """What moving would mean. ``draft``: the version of the draft that was looked at; 0: there is none."""

    draft: int
    version: int
    dropped: list[Dropped]


def newer(slot: Slot, reader: User, mine: LabelSchema | None = None) -> LabelSchema | None:
    """The version that the reader may move to; None where there is none, or the reading cannot move.

    Not once anything of it was said for good: a first reading, or a read that is corrected.
    """
    if (slot.state, slot.reader_id) != (Slot.State.CLAIMED, reader.pk):
        return None
    mine = mine or label_schemas.of_reading(slot, reader)
    current = label_schemas.current(slot.project_id)
    if current.version <= mine.version or not schema.asks(current.document):
        return None
    of_reader = {"slot": slot, "reader": reader}
    said = Read.objects.filter(**of_reader, superseded_by=None).exists()
    return None if said or FirstReading.objects.filter(**of_reader).exists() else current


def preview(slot: Slot, reader: User) -> Preview:
    """Of the draft as it is stored. Conflict if there is nothing to move to."""
    to = _require_newer(slot, reader)
    draft = _draft(slot, reader)
    found = _fit(slot, reader, draft, to)
    return Preview(0 if draft is None else draft.version, to.version, found.dropped)


def move(slot: Slot, reader: User, *, token: int, draft: int, version: int) -> Draft:
    """What fits goes on by that version. ``draft``: the one that the reader was told about.

    Raises Conflict if another version is in force by now, or the draft is another one.
    """
    with transaction.atomic():
        locked = Slot.objects.select_for_update(no_key=True).get(pk=slot.pk)
        if (locked.reader_id, locked.token) != (reader.pk, token):
            raise LeaseLost("The case is no longer in your hands. Open it again.")
        to = _require_newer(locked, reader)
        if to.version != version:
            raise Conflict(ANOTHER)
        stored = _draft(locked, reader)
        if draft != (0 if stored is None else stored.version):
            raise Conflict(CHANGED)
        before = label_schemas.of_reading(locked, reader)
        found = _fit(slot, reader, stored, to)
        content = _repainted(slot, found)
        require_none(schema.check_content(to.document, content, complete=False), "The draft")
        moved, _ = Draft.objects.update_or_create(
            slot=locked,
            reader=reader,
            defaults={
                "version": draft + 1,
                "label_schema": to,
                "content": content,
                "active_seconds": 0 if stored is None else stored.active_seconds,
            },
        )
        data = {
            "case": slot.case_id,
            "from": before.version,
            "to": to.version,
            "dropped": [asdict(one) for one in found.dropped],
        }
        ledger.record("draft.move", project=slot.project, actor=reader, obj=slot, data=data)
    return moved


def _require_newer(slot: Slot, reader: User) -> LabelSchema:
    found = newer(slot, reader)
    if found is None:
        raise Conflict(NONE)
    return found


def _draft(slot: Slot, reader: User) -> Draft | None:
    return Draft.objects.filter(slot=slot, reader=reader).first()


def _fit(slot: Slot, reader: User, draft: Draft | None, to: LabelSchema) -> Fit:
    content = EMPTY if draft is None else draft.content
    before = label_schemas.of_reading(slot, reader).document
    named = [mark["mask"] for mark in content["marks"] if mark.get("mask")]
    stored = Mask.objects.filter(
        project=slot.project_id, series__cases=slot.case_id, sha256__in=named
    )
    painted = dict(stored.values_list("sha256", "labels"))
    return schema_fit.fit(before, to.document, content, painted)


def _repainted(slot: Slot, found: Fit) -> dict[str, Any]:
    """The content, with masks whose values are those of the new version."""
    made: dict[tuple[str, int], str] = {}
    for one in found.repaint:
        mask = Mask.objects.select_related("series").get(
            project=slot.project_id, series=one.series, sha256=one.sha256
        )
        table = np.zeros(256, np.uint8)
        for value, new in one.values.items():
            table[value] = new
        voxels = np.frombuffer(gzip.decompress(bytes(mask.gzip)), np.uint8)
        kept = masks.keep(
            slot.project_id, mask.series, table[voxels].reshape(mask.shape), slot=slot
        )
        made[one.sha256, one.series] = kept.sha256
    marks = [
        {**mark, "mask": made.get((mark.get("mask"), mark.get("series")), mark.get("mask"))}
        if mark.get("mask")
        else mark
        for mark in found.content["marks"]
    ]
    return {**found.content, "marks": marks}

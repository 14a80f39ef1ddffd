"""The reader's own reading before the model's is shown: second-reader mode.

The only writer of FirstReading.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import rfc8785
from django.db import transaction

from . import case_images, ledger, marks, provenance, scenes, suggestions
from .errors import Conflict, InvalidInput
from .models import FirstReading, LabelSchema, Slot, SuggestionMode, User


def commit(
    slot: Slot,
    reader: User,
    *,
    label_schema: LabelSchema,
    content: dict[str, Any],
    active_seconds: float,
    images: Mapping[str, str] | None = None,
) -> FirstReading:
    """Keep what the reader says, complete and for good; the final reading may differ.

    Said again alike, it is the same one; with other content, Conflict: a first reading is not corrected.
    """
    if suggestions.mode_for(slot, reader) != SuggestionMode.READER_FIRST:
        raise Conflict("No first reading is asked for here: submit the case as it is.")
    scenes.require_complete(slot.case, label_schema.document, content, "Your first reading")
    drawn = marks.prepare(slot.case, content["marks"])
    sha256 = _hash(content)
    with transaction.atomic():
        Slot.objects.select_for_update(no_key=True).get(pk=slot.pk)
        before = suggestions.first_reading(slot, reader)
        if before is not None:
            return _the_same(before, sha256)
        if images is not None:
            case_images.require_seen(slot.case, images)
        made = FirstReading.objects.create(
            slot=slot,
            reader=reader,
            label_schema=label_schema,
            content=content,
            content_sha256=sha256,
            instances_sha256=provenance.instances_sha256(slot.case),
            active_seconds=active_seconds,
        )
        made.masks.set({mark.mask for mark in drawn if mark.mask})
        data = {"case": slot.case_id, "slot": slot.pk, "content_sha256": sha256}
        ledger.record("read.commit_first", project=slot.project, actor=reader, obj=made, data=data)
    return made


def _the_same(before: FirstReading, sha256: str) -> FirstReading:
    if before.content_sha256 == sha256:
        return before
    raise Conflict(
        "Your first reading is committed already and stays as it is. Change your reading now, and "
        "submit it: the final one may differ."
    )


def _hash(content: dict[str, Any]) -> str:
    try:
        return hashlib.sha256(rfc8785.dumps(content)).hexdigest()
    except rfc8785.CanonicalizationError as wrong:
        raise InvalidInput("A number is too large, or a text holds half a character.") from wrong

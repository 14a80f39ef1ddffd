"""What became of the suggestions that a reader saw, measured when the read is submitted. The only writer
of Assistance and ItemOutcome.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import effort, suggestions
from .case_images import display_of, instance_of
from .models import (
    Assistance,
    FirstReading,
    ItemOutcome,
    Mark,
    MarkKind,
    Mask,
    Outcome,
    Read,
    Slot,
    Suggestion,
    User,
)

MOST_VOXELS = 2**28
"""Masks larger than this are not compared: a reader does not wait for it."""
ACCEPTED, REJECTED = "accepted", "rejected"
DESCRIBED = ("assistances__suggestion", "assistances__outcomes")
"""What to fetch with reads that are to be described."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Measured:
    """One suggestion that was shown, and what became of each of its items; still without a read."""

    suggestion: Suggestion
    first: FirstReading | None
    changed: int | None
    seconds: float
    outcomes: list[ItemOutcome]


@dataclass(frozen=True)
class Final:
    """What the reader submits, looked up by what a suggestion names."""

    answers: Mapping[str, Any]
    marks: Mapping[str, Mark]
    masks: Mapping[int, Mask]
    spacing: Mapping[str, Sequence[float] | None]
    """By SOP Instance UID: mm between rows and columns."""


def measure(
    slot: Slot, reader: User, content: Json, marks: Sequence[Mark], active_seconds: float
) -> list[Measured]:
    """For each suggestion that this reader saw in the slot; empty for a read without any.

    A decision about what was never shown counts for nothing, and stops no submission.
    """
    seen = suggestions.shown(slot, reader)
    if not seen:
        return []
    first = suggestions.first_reading(slot, reader)
    final = _final(slot, content, marks)
    before = 0.0 if first is None else first.active_seconds
    decided = {
        (one["suggestion"], one["item"]): one["decision"] for one in content.get("suggestions", [])
    }
    return [
        Measured(
            suggestion=one,
            first=first,
            changed=None if first is None else _changes(first.content, content),
            seconds=max(0.0, active_seconds - before),
            outcomes=list(_outcomes(one, decided, final)),
        )
        for one in seen
    ]


def record(read: Read, measured: Sequence[Measured]) -> None:
    """Within the transaction of the submission."""
    for one in measured:
        made = Assistance.objects.create(
            read=read,
            suggestion=one.suggestion,
            first_reading=one.first,
            changed=one.changed,
            seconds=one.seconds,
        )
        for outcome in one.outcomes:
            outcome.assistance = made
        ItemOutcome.objects.bulk_create(one.outcomes)


def decisions(read: Read) -> list[dict[str, Any]]:
    """What the reader decided, in the form of a submission."""
    rows = ItemOutcome.objects.filter(assistance__read=read).exclude(outcome=Outcome.IGNORED)
    return [
        {
            "suggestion": suggestion,
            "item": item,
            "decision": REJECTED if outcome == Outcome.REJECTED else ACCEPTED,
        }
        for suggestion, item, outcome in rows.order_by("pk").values_list(
            "assistance__suggestion", "item", "outcome"
        )
    ]


def described(read: Read) -> list[dict[str, Any]]:
    """Which model's suggestions the reader had in view, and what became of them; empty for none."""
    return [
        {
            "weights_sha256": one.suggestion.weights_sha256,
            "round": one.suggestion.round,
            "after_first_reading": one.first_reading_id is not None,
            "items": [
                {"kind": item.kind, "label": item.label, "outcome": item.outcome}
                for item in sorted(one.outcomes.all(), key=_in_order)
            ],
        }
        for one in sorted(read.assistances.all(), key=_in_order)
    ]


def _in_order(row: Assistance | ItemOutcome) -> int:
    return row.pk


def _final(slot: Slot, content: Json, marks: Sequence[Mark]) -> Final:
    spacing: dict[str, Sequence[float] | None] = {}
    for series in slot.case.series.filter(deleted_at=None).exclude(display=None):
        display = display_of(series, instance_of(slot.case))
        for frame in display["frames"]:
            uid = frame["sop_instance_uid"]
            spacing[uid] = frame.get("pixel_spacing", display["pixel_spacing"])
    return Final(
        answers={
            one["question"]: one["value"] for one in content["answers"] if not one.get("target")
        },
        marks={mark.tracking_uid: mark for mark in marks if mark.kind != MarkKind.LABELMAP},
        masks={mark.mask.series_id: mark.mask for mark in marks if mark.mask},
        spacing=spacing,
    )


def _outcomes(
    suggestion: Suggestion, decided: Mapping[tuple[int, str], str], final: Final
) -> Iterator[ItemOutcome]:
    overlaps = _overlaps(suggestion, final)
    for item in suggestion.items:
        name, kind = item["item"], item["kind"]
        decision = decided.get((suggestion.pk, name), "")
        row = ItemOutcome(item=name, kind=kind, label=item.get("question") or item["label_class"])
        if kind == "answer":
            row.agrees = final.answers.get(item["question"]) == item["value"]
            row.outcome = _outcome(decision, kept=True, same=row.agrees)
        elif kind == MarkKind.LABELMAP:
            row.dice = overlaps.get(item["voxel_value"])
            kept = row.dice is None or row.dice > 0
            row.outcome = _outcome(decision, kept=kept, same=row.dice in (None, 1.0))
        else:
            _compare(row, decision, item, final)
        yield row


def _outcome(decision: str, *, kept: bool, same: bool) -> Outcome:
    if decision not in (ACCEPTED, REJECTED):
        return Outcome.IGNORED
    if decision == REJECTED or not kept:
        return Outcome.REJECTED
    return Outcome.ACCEPTED if same else Outcome.EDITED


def _compare(row: ItemOutcome, decision: str, item: Json, final: Final) -> None:
    mark = final.marks.get(item["item"])
    same = False
    if mark is not None:
        row.moved_points, row.moved_mm = effort.moved(
            item["points_px"], mark.points_px, final.spacing.get(mark.sop_instance_uid)
        )
        same = row.moved_points == 0 and len(mark.points_px) == len(item["points_px"])
        same = same and (mark.label_class, mark.text) == (item["label_class"], item["text"])
    row.outcome = _outcome(decision, kept=mark is not None, same=same)


def _overlaps(suggestion: Suggestion, final: Final) -> dict[int, float | None]:
    """Voxel value -> Dice with what the reader painted; None where it cannot be told."""
    values = [item["voxel_value"] for item in suggestion.items if item["kind"] == MarkKind.LABELMAP]
    mask = suggestion.mask
    if not values or mask is None:
        return {}
    painted = final.masks.get(mask.series_id)
    if painted is None:
        return dict.fromkeys(values, 0.0)
    if painted.pk == mask.pk:
        return dict.fromkeys(values, 1.0)
    if painted.shape != mask.shape or math.prod(mask.shape) > MOST_VOXELS:
        return dict.fromkeys(values)
    return {**effort.dice(bytes(mask.gzip), bytes(painted.gzip), values)}


def _changes(first: Json, final: Json) -> int:
    """Answers and marks that are not in both alike."""
    before, after = _said(first), _said(final)
    return sum(before.get(name) != after.get(name) for name in before.keys() | after.keys())


def _said(content: Json) -> dict[tuple[str, ...], Any]:
    answers: dict[tuple[str, ...], Any] = {
        (one["question"], one.get("target", "")): one["value"]
        for one in content["answers"]
        if one["value"] is not None
    }
    marks: dict[tuple[str, ...], Any] = {
        (mark["tracking_uid"],): [
            mark.get(name) for name in ("label_class", "points_px", "mask", "text")
        ]
        for mark in content["marks"]
    }
    return {**answers, **marks}

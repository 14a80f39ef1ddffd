"""Which answers to prompts a read holds: its provenance. The only writer of PromptUse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from .models import PromptedMask, PromptUse, Read, Slot, User

DESCRIBED = ("prompt_uses__prompted",)
"""What to fetch with reads that are to be described."""


def named(slot: Slot, reader: User, content: Mapping[str, Any]) -> list[PromptUse]:
    """Unsaved, still without a read. What this reader never got for the slot counts for nothing."""
    seconds = {one["prompted"]: one["seconds"] for one in content.get("prompted", [])}
    done = PromptedMask.objects.filter(
        pk__in=seconds, slot=slot, reader=reader, state=PromptedMask.State.DONE
    )
    return [
        PromptUse(prompted=one, seconds=seconds[one.pk])
        for one in done.defer("gzip").order_by("pk")
    ]


def record(read: Read, uses: Sequence[PromptUse]) -> None:
    """Within the transaction of the submission."""
    for one in uses:
        one.read = read
    PromptUse.objects.bulk_create(uses)


def said(read: Read) -> list[dict[str, Any]]:
    """In the form of a submission."""
    return [
        {"prompted": one.prompted_id, "seconds": one.seconds}
        for one in read.prompt_uses.order_by("pk")
    ]


def described(read: Read) -> list[dict[str, Any]]:
    """Each mask that was made from prompts: by which method and model, from how many of them."""
    return [
        {
            "label_class": one.prompted.label_class,
            "series": one.prompted.series_id,
            "method": one.prompted.method,
            "algorithm": one.prompted.algorithm,
            "weights_sha256": one.prompted.weights_sha256,
            "prompts": len(one.prompted.prompts),
            "seconds": one.seconds,
            "asked_at": one.prompted.asked_at.isoformat(),
        }
        for one in sorted(read.prompt_uses.all(), key=lambda use: use.pk or 0)
    ]


def algorithms(read: Read) -> dict[tuple[int, str], list[tuple[str, bool]]]:
    """By series and class, what helped to paint it, and whether that is a trained model."""
    found: dict[tuple[int, str], list[tuple[str, bool]]] = defaultdict(list)
    for one in read.prompt_uses.select_related("prompted").order_by("pk"):
        asked = one.prompted
        found[asked.series_id, asked.label_class].append((asked.algorithm, asked.model is not None))
    return found

"""Suggestions without a network: stored as learning would hand them over."""

from __future__ import annotations

from typing import Any

import builders
import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from annotation import masks, provenance, queue, reading, suggestions
from annotation.models import Case, Project, Read, Series, Slot, Suggestion, User
from annotation.suggestions import Made, Maker

MAKER = Maker(model=1, weights_sha256="f" * 64, round=3)
ANSWER = {
    "item": "answer:finding",
    "kind": "answer",
    "question": "finding",
    "value": "yes",
    "confidence": 0.9,
}


def project(mode: str = "at_once", **fields: Any) -> Project:
    return builders.project(**{"suggestions": mode, "blind_to_model": False, **fields})


def suggested(
    case: Case, *items: dict[str, Any], mask: Any = None, maker: Maker = MAKER, problem: str = ""
) -> Suggestion:
    """The current suggestion of the case; an answer, unless items are given."""
    schema = case.project.label_schemas.latest("version")
    made = Made(
        case.pk,
        provenance.instances_sha256(case),
        [] if problem else list(items or [ANSWER]),
        mask,
        problem,
    )
    with transaction.atomic():
        suggestions.store(case.project, maker, schema, [made])
    return Suggestion.objects.get(case=case, current=True)


def box(case: Case, **changes: Any) -> dict[str, Any]:
    """A suggested box on the first frame."""
    mark = builders.box(case)
    return {
        "item": mark["tracking_uid"],
        "kind": "box",
        "confidence": None,
        **{name: mark[name] for name in ("label_class", "sop_instance_uid", "frame", "points_px")},
        "text": "",
        **changes,
    }


def as_mark(item: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The mark that accepting the item makes."""
    names = ("kind", "label_class", "sop_instance_uid", "frame", "points_px", "text")
    made = {"tracking_uid": item["item"], "mask": None, "series": None}
    return {**made, **{name: item[name] for name in names}, **changes}


def with_mask(case: Case, voxels: NDArray[np.uint8]) -> Suggestion:
    """A suggested mask of the case's first series, one item for each class in it."""
    series: Series = case.series.get()
    kept = masks.keep(case.project_id, series, voxels)
    classes = {1: "lesion", 2: "node"}
    items = [
        {
            "item": f"mask:{series.pk}:{value}",
            "kind": "labelmap",
            "label_class": classes[value],
            "voxel_value": value,
            "series": series.pk,
            "mask": kept.sha256,
            "voxels": int((voxels == value).sum()),
            "index": 0,
            "confidence": None,
        }
        for value in kept.labels
    ]
    return suggested(case, *items, mask=kept)


def claimed(project: Project, reader: User) -> Slot:
    return queue.claim(project, reader)


def decided(suggestion: Suggestion, **decisions: str) -> list[dict[str, Any]]:
    """``accepted=item`` and ``rejected=item``, in the form of a submission."""
    return [
        {"suggestion": suggestion.pk, "item": item, "decision": decision}
        for decision, item in decisions.items()
    ]


def submit(slot: Slot, content: dict[str, Any], *, seconds: float = 20) -> Read:
    return reading.submit(
        slot.pk,
        slot.reader,
        token=slot.token,
        idempotency_key=builders.key(),
        content=content,
        active_seconds=seconds,
    )

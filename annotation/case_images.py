"""Which images of a series belong to a case: all of them, or the one instance that is the case.

Every way to pixels, masks and marks asks here, so that a neighbouring case is never seen or drawn on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from .errors import ImagesChanged, NotFound
from .models import Case, CaseUnit, Series

_BY_FRAME = ("object", "number", "length")


def instance_of(case: Case) -> str:
    """The SOP Instance UID of a case that is one instance; '' where all images of a series count."""
    return case.uid if case.project.case_unit == CaseUnit.INSTANCE else ""


def display_of(series: Series, instance: str = "") -> dict[str, Any]:
    """The series' description; with ``instance``, as if the series were that object alone."""
    if series.display is None or series.deleted_at is not None:
        raise NotFound("The images of this series are not here: not yet complete, or deleted.")
    display: dict[str, Any] = series.display
    return _narrowed(display, instance) if instance else display


def version_of(version: str, instance: str) -> str:
    """Another for each instance, so that nothing kept of one is taken for another."""
    if not instance:
        return version
    return hashlib.sha256(f"{version} {instance}".encode()).hexdigest()[:16]


def require_seen(case: Case, seen: Mapping[str, str]) -> None:
    """``seen``: series id to the version of its description that was shown. ImagesChanged if the case
    has other series by now, or one of them other images.
    """
    instance = instance_of(case)
    shown = case.series.filter(deleted_at=None).values_list("pk", "version")
    if seen != {str(pk): version_of(version or "", instance) for pk, version in shown}:
        raise ImagesChanged(
            "The images of this case changed while you read it. Nothing was submitted, and your work "
            "is kept: open the case again, look at the new images, and submit."
        )


def _narrowed(display: Mapping[str, Any], instance: str) -> dict[str, Any]:
    kept = [
        place
        for place, frame in enumerate(display["frames"])
        if frame["sop_instance_uid"] == instance
    ]
    if not kept:
        raise NotFound("The image of this case is not here: not yet complete, or deleted.")
    first = display["frames"][kept[0]]
    differing = [name for name in first if name in display]
    shared = {name: display[name] for name in differing}
    alone = {"geometry": "stack", "slice_spacing": None} if len(kept) == 1 else {}
    sources = display["sources"]
    return {
        **display,
        **{name: first[name] for name in differing},
        **alone,
        "frame_count": len(kept),
        "version": version_of(display["version"], instance),
        "frames": [
            {**shared, **display["frames"][place], "index": index}
            for index, place in enumerate(kept)
        ],
        "sources": {
            **sources,
            **{name: [sources[name][place] for place in kept] for name in _BY_FRAME},
        },
    }

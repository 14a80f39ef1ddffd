"""What a case is made of, as far as questions and rules may ask: series, frames, and what is painted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .case_images import display_of, instance_of
from .conditions import Scene, SeriesOfCase, frame_target
from .content import check_content
from .models import Case, MarkKind, Mask, Series
from .validation import require_none

Json = Mapping[str, Any]


def scene_of(case: Case, document: Json, marks: Sequence[Json]) -> Scene:
    """``marks``: as submitted, already of the right form."""
    here = case.series.filter(deleted_at=None).order_by("series_uid")
    series = tuple(
        SeriesOfCase(one.pk, one.series_uid, tuple(_frames(one, instance_of(case))))
        for one in here.only("series_uid", "display", "deleted_at")
    )
    return Scene(series, _painted(case, document, marks))


def require_complete(case: Case, document: Json, content: Any, what: str) -> None:
    """InvalidInput for all that the schema still wants of ``what``, or does not; form comes first."""
    found = check_content(
        document,
        content,
        complete=True,
        scene=lambda: scene_of(case, document, content["marks"]),
    )
    require_none(found, what)


def _frames(series: Series, instance: str) -> Iterable[str]:
    if series.display is None:
        return []
    frames = display_of(series, instance)["frames"]
    return [frame_target(one["sop_instance_uid"], one["frame"]) for one in frames]


def _painted(case: Case, document: Json, marks: Sequence[Json]) -> dict[str, frozenset[str]]:
    labelmaps = [one for one in marks if one["kind"] == MarkKind.LABELMAP]
    if not labelmaps:
        return {}
    codes = {one["value"]: one["code"] for one in document.get("classes", [])}
    found = Mask.objects.filter(
        project=case.project_id, sha256__in={one.get("mask") for one in labelmaps}
    ).values_list("series", "sha256", "labels")
    labels: dict[tuple[Any, Any], list[int]] = {
        (series, sha256): values for series, sha256, values in found
    }
    return {
        one["tracking_uid"]: frozenset(
            codes[value]
            for value in labels.get((one.get("series"), one.get("mask")), [])
            if value in codes
        )
        for one in labelmaps
    }

"""From submitted marks to rows and back: the frame and the mask each names, and its points in the patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .case_images import display_of, instance_of
from .masks import shape_of
from .models import Case, Mark, MarkKind, Mask, Series
from .validation import Problem, problem, require_none

Point = Sequence[float]
Json = Mapping[str, Any]
CHANGED = "Its mask was drawn before the images of this series changed. Open the case again and correct it."


def prepare(case: Case, submitted: Sequence[Json]) -> list[Mark]:
    """Unsaved marks, still without a read. InvalidInput if one is on no image of the case."""
    series = list(case.series.all())
    shown = {one.pk: display_of(one, instance_of(case)) for one in series if _is_here(one)}
    frames = _frames(shown)
    masks = _masks(case, shown, submitted)
    problems: list[Problem] = []
    made = []
    for index, one in enumerate(submitted):
        where = f"marks.{index}"
        mark = _unplaced(one)
        if mark.kind == MarkKind.LABELMAP:
            mark.mask = masks.get((one["series"], one["mask"]))
            if mark.mask is None:
                problems.append(problem(where, "Its mask has not been uploaded for this series."))
            elif mark.mask.shape != list(shape_of(shown[mark.mask.series_id])):
                problems.append(problem(where, CHANGED))
        elif (mark.sop_instance_uid, mark.frame) not in frames:
            problems.append(
                problem(where, "It was drawn on an image that is not part of this case.")
            )
        else:
            frame = frames[mark.sop_instance_uid, mark.frame]
            if _is_outside(frame, mark.points_px):
                problems.append(problem(where, f"The {mark.kind} lies outside the image."))
            mark.points_mm = millimetres(frame, mark.points_px)
        made.append(mark)
    require_none(problems, "What was drawn")
    return made


def as_submitted(mark: Mark) -> dict[str, Any]:
    """The mark in the form of a submission, from which ``prepare`` would make it again."""
    return {
        "tracking_uid": mark.tracking_uid,
        "kind": mark.kind,
        "label_class": mark.label_class,
        "sop_instance_uid": mark.sop_instance_uid,
        "frame": mark.frame,
        "points_px": mark.points_px,
        "mask": mark.mask.sha256 if mark.mask else None,
        "series": mark.mask.series_id if mark.mask else None,
        "text": mark.text,
    }


def millimetres(frame: Json, points: Sequence[Point]) -> list[list[float]]:
    """Pixel centres at integers, [column, row] -> [x, y, z] in LPS (PS3.3 C.7.6.2.1.1).

    Empty where the frame has no place in the patient.
    """
    position, orientation = frame.get("position"), frame.get("orientation")
    spacing = frame.get("pixel_spacing")
    if not position or not orientation or not spacing:
        return []
    along_row, along_column = orientation[:3], orientation[3:]
    between_rows, between_columns = spacing
    return [
        [
            start + across * column * between_columns + down * row * between_rows
            for start, across, down in zip(position, along_row, along_column, strict=True)
        ]
        for column, row in points
    ]


def _unplaced(one: Json) -> Mark:
    return Mark(
        tracking_uid=one["tracking_uid"],
        kind=one["kind"],
        label_class=one.get("label_class", ""),
        sop_instance_uid=one.get("sop_instance_uid", ""),
        frame=one.get("frame"),
        points_px=one.get("points_px", []),
        text=one.get("text", ""),
    )


def _is_here(series: Series) -> bool:
    return series.display is not None and series.deleted_at is None


def _frames(shown: Mapping[int, Json]) -> dict[tuple[str, int | None], Json]:
    """Each frame of the case by SOP Instance UID and number, completed from its series."""
    shared = ("pixel_spacing", "rows", "columns")
    return {
        (frame["sop_instance_uid"], frame["frame"]): {
            **{name: display[name] for name in shared if name in display},
            **frame,
        }
        for display in shown.values()
        for frame in display["frames"]
    }


def _masks(
    case: Case, shown: Mapping[int, Json], submitted: Sequence[Json]
) -> dict[tuple[int, str], Mask]:
    """The uploaded masks that are named, by series and hash; without their voxels."""
    hashes = {one["mask"] for one in submitted if one["kind"] == MarkKind.LABELMAP}
    if not hashes:
        return {}
    found = Mask.objects.filter(project=case.project_id, series__in=shown, sha256__in=hashes)
    return {(mask.series_id, mask.sha256): mask for mask in found.defer("gzip")}


def _is_outside(frame: Json, points: Sequence[Point]) -> bool:
    columns, rows = frame["columns"], frame["rows"]
    return not any(
        -0.5 <= column <= columns - 0.5 and -0.5 <= row <= rows - 0.5 for column, row in points
    )

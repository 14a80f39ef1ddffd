"""Where marks made elsewhere belong: the cases whose images they name, and the frames they lie on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from .case_images import display_of, instance_of
from .dicom import grid
from .dicom.faults import Fault
from .dicom.grid import Grid
from .dicom.outside import Outside, Shape
from .models import Case, CaseUnit, ImportItem, Project, Series

Json = Mapping[str, Any]
MOST_CASES = 500
_ON_PLANE_MM = 1.0


@dataclass(frozen=True)
class Shown:
    """A series of a case as it is shown there."""

    series: Series
    display: Json
    grid: Grid


@dataclass(frozen=True)
class Placed:
    """A shape on a frame of a case."""

    frame: Json
    points_px: list[list[float]]


def cases_of(project: Project, outside: Outside, name: str) -> list[Case]:
    """Cases that the object is about: by the images that it names, else by its study, else by geometry."""
    cases = project.cases.exclude(state=Case.State.WITHDRAWN).select_related("project")
    if outside.affine is not None:
        return _same_geometry(cases, outside, name)
    named = _named(project, cases, outside.images)
    found = list(named[:MOST_CASES]) or list(
        cases.filter(series__study_uid=outside.study_uid).distinct()[:MOST_CASES]
    )
    if not found:
        raise Fault(
            "no_case",
            "None of the images that it refers to is in a case of this project. Import the images "
            "first, or check that they have kept their identifiers.",
        )
    return found


def shown(case: Case) -> list[Shown]:
    """The series of the case that are here, in a stable order."""
    found = []
    for series in case.series.filter(deleted_at=None, display__isnull=False).order_by("series_uid"):
        display = display_of(series, instance_of(case))
        found.append(Shown(series, display, grid.grid_of(display)))
    return found


def place(shape: Shape, here: Sequence[Shown]) -> Placed | None:
    """The frame that a shape lies on: by the image that it names, else the one in whose plane it is."""
    frames = list(_frames(here, shape))
    if shape.points_px:
        return Placed(frames[0], shape.points_px) if frames else None
    best: tuple[float, Placed] | None = None
    for frame in frames:
        if not grid.is_placed(frame):
            continue
        points, distance = grid.to_pixels(frame, shape.points_mm)
        if distance <= _ON_PLANE_MM and (best is None or distance < best[0]):
            best = distance, Placed(frame, points)
    return best[1] if best else None


def _frames(here: Sequence[Shown], shape: Shape) -> Iterator[Json]:
    """Those of the image that it names, or all if it names none."""
    for one in here:
        for frame in one.grid.frames:
            full = {"rows": one.grid.rows, "columns": one.grid.columns, **frame}
            named = frame["sop_instance_uid"] == shape.sop_instance_uid
            if (named and shape.frame in (0, frame["frame"])) or not shape.sop_instance_uid:
                yield full


def _named(project: Project, cases: QuerySet[Case], uids: Iterable[str]) -> QuerySet[Case]:
    wanted = list(uids)
    if project.case_unit == CaseUnit.INSTANCE:
        return cases.filter(uid__in=wanted).order_by("pk")
    held = cases.filter(series__instances__sop_instance_uid__in=wanted)
    return held.distinct().order_by("pk")


def _same_geometry(cases: QuerySet[Case], outside: Outside, name: str) -> list[Case]:
    """The one case whose voxels the mask's are; several are told apart by the name of the file."""
    fits = [case for case in _of_name(cases, name) if _fits(case, outside)]
    if not fits:
        fits = [case for case in cases.order_by("pk")[:MOST_CASES] if _fits(case, outside)]
    if len(fits) == 1:
        return fits
    if not fits:
        raise Fault(
            "no_case",
            "No volume of this project has the size, spacing and place of this mask. A mask must have "
            "the voxels of the image that it was drawn on.",
        )
    raise Fault(
        "several_cases",
        f"{len(fits)} volumes of this project have the size and place of this mask. Name the file like "
        "the image that it belongs to, or after its series UID.",
    )


def _fits(case: Case, outside: Outside) -> bool:
    return any(_has_voxels(one, outside) for one in shown(case))


def _has_voxels(one: Shown, outside: Outside) -> bool:
    """Whether the affines agree; the shape is compared when the voxels are at hand."""
    return grid.is_same_room(one.grid, outside.affine or [], outside.extent)


def _of_name(cases: QuerySet[Case], name: str) -> list[Case]:
    """Cases whose images came in under the same file name, or whose UID the name holds."""
    stem = stem_of(name)
    if not stem:
        return []
    items = ImportItem.objects.filter(
        batch__project__in=cases.values("project"), name__icontains=stem
    ).exclude(series_uids=[])
    uids = {
        uid for item in items[:MOST_CASES] if stem_of(item.name) == stem for uid in item.series_uids
    }
    by_file = list(cases.filter(series__series_uid__in=uids).distinct()) if uids else []
    return by_file or list(
        (cases.filter(uid=stem) | cases.filter(series__series_uid=stem)).distinct()
    )


def stem_of(name: str) -> str:
    """The file's own name without folder and endings."""
    last = name.rsplit("/", 1)[-1]
    for ending in (".gz", ".nii", ".dcm"):
        last = last.removesuffix(ending)
    return last

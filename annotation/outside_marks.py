"""From an object made elsewhere to the marks and answers of one case, in the form of a submission."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import class_map, masks, placing
from .class_map import ClassMap
from .content import FEWEST_POINTS, POINTS
from .dicom import grid
from .dicom.identity import identifier
from .dicom.outside import Outside, Shape
from .models import Case, MarkKind
from .placing import Placed, Shown

Json = Mapping[str, Any]


@dataclass
class Gathered:
    """``content``: {answers, marks}. ``left_out``: sentences, each once."""

    marks: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    left_out: dict[str, None] = field(default_factory=dict)

    @property
    def content(self) -> dict[str, Any]:
        return {"answers": self.answers, "marks": self.marks}

    def leave_out(self, sentence: str) -> None:
        self.left_out[sentence] = None


@dataclass(frozen=True)
class _Task:
    case: Case
    outside: Outside
    folder: Path
    classes: ClassMap
    key: str
    here: Sequence[Shown]
    into: Gathered

    @property
    def allowed(self) -> list[str]:
        return list(self.classes.document.get("marks", []))

    def uid(self, what: str) -> str:
        return identifier(self.key, f"{self.case.pk}/{what}")


def gather(case: Case, outside: Outside, folder: Path, classes: ClassMap, *, key: str) -> Gathered:
    """``folder``: where the voxels lie. ``key``: of source and object, from which identifiers follow."""
    task = _Task(case, outside, folder, classes, key, placing.shown(case), Gathered())
    placed = dict(_placed(task))
    _draw(task, placed)
    if outside.voxels:
        _paint(task)
    _answer(task, placed)
    return task.into


def _placed(task: _Task) -> Iterator[tuple[int, Placed]]:
    missed = 0
    for number, shape in enumerate(task.outside.shapes):
        found = placing.place(shape, task.here)
        if found is not None:
            yield number, found
        elif not shape.sop_instance_uid or _is_here(task, shape):
            missed += 1
    if missed:
        task.into.leave_out(f"{missed} marks lie on no image of case {task.case.pk}.")


def _is_here(task: _Task, shape: Shape) -> bool:
    """Whether the image is the case's, but not shown: the marks of other cases are no loss here."""
    images = task.case.series.filter(instances__sop_instance_uid=shape.sop_instance_uid)
    return images.exists()


def _draw(task: _Task, placed: Mapping[int, Placed]) -> None:
    filled: dict[tuple[str, str, int], list[tuple[Placed, Json]]] = defaultdict(list)
    used: set[str] = set()
    for number, found in placed.items():
        shape = task.outside.shapes[number]
        its_class = task.classes.class_of(shape.concept)
        if its_class is None:
            continue
        kind, points = _fitting(task, shape.kind, found.points_px)
        if kind == MarkKind.LABELMAP:
            filled[its_class["code"], found.frame["sop_instance_uid"], found.frame["frame"]].append(
                (found, its_class)
            )
        elif not kind:
            task.into.leave_out(f"This project does not use marks of kind {shape.kind}.")
        elif not _is_complete(kind, points):
            task.into.leave_out(f"A {kind} of {len(points)} points is none.")
        else:
            task.into.marks.append(_mark(task, number, found, kind, points, its_class, used))
    if filled:
        _fill(task, filled)


def _fitting(task: _Task, kind: str, points: list[list[float]]) -> tuple[str, list[list[float]]]:
    """The kind to keep it as: its own where the project uses that, else one that says the same."""
    if kind in task.allowed:
        return kind, points
    if kind == MarkKind.BOX and MarkKind.CONTOUR in task.allowed:
        (left, top), (right, bottom) = points
        return MarkKind.CONTOUR, [[left, top], [right, top], [right, bottom], [left, bottom]]
    if kind == MarkKind.CONTOUR and MarkKind.LABELMAP in task.allowed:
        return MarkKind.LABELMAP, points
    return "", points


def _is_complete(kind: str, points: Sequence[Any]) -> bool:
    fewest = FEWEST_POINTS.get(MarkKind(kind))
    return len(points) >= fewest if fewest else len(points) == POINTS[MarkKind(kind)]


def _mark(
    task: _Task,
    number: int,
    found: Placed,
    kind: str,
    points: list[list[float]],
    its_class: Json,
    used: set[str],
) -> dict[str, Any]:
    """Its own tracking UID where it has one; outlines that share one get others."""
    shape = task.outside.shapes[number]
    uid = shape.tracking_uid
    if not uid or len(uid) > 64 or uid in used:
        uid = task.uid(f"shape/{number}")
    used.add(uid)
    return {
        "tracking_uid": uid,
        "kind": str(kind),
        "label_class": its_class["code"],
        "sop_instance_uid": found.frame["sop_instance_uid"],
        "frame": found.frame["frame"],
        "points_px": points,
        "mask": None,
        "series": None,
        "text": shape.text[:10_000],
    }


def _fill(task: _Task, outlines: Mapping[tuple[str, str, int], list[tuple[Placed, Json]]]) -> None:
    """Closed outlines as voxels, for a project that paints."""
    for one in task.here:
        layers = grid.Layers(one.grid.shape)
        by_class: dict[int, NDArray[np.bool_]] = {}
        for index, frame in enumerate(one.grid.frames):
            for (_, uid, number), found in outlines.items():
                if (uid, number) == (frame["sop_instance_uid"], frame["frame"]):
                    value = found[0][1]["value"]
                    whole = by_class.setdefault(value, np.zeros(one.grid.shape, bool))
                    points = [placed.points_px for placed, _ in found]
                    whole[index] |= grid.filled(points, one.grid.rows, one.grid.columns)
        for value, marked in by_class.items():
            layers.add(marked, value)
        _keep(task, one, layers)
        if layers.maps:
            task.into.leave_out("Outlines were filled, because this project paints its marks.")


def _paint(task: _Task) -> None:
    if MarkKind.LABELMAP not in task.allowed:
        task.into.leave_out("This project does not use labelmaps, so nothing painted was taken.")
        return
    voxels = np.load(task.folder / task.outside.voxels, allow_pickle=False)
    if task.outside.affine is not None:
        _paint_volume(task, voxels)
    else:
        _paint_planes(task, voxels)


def _paint_volume(task: _Task, voxels: NDArray[np.uint8]) -> None:
    for one in task.here:
        turned = grid.fit_volume(one.grid, voxels, task.outside.affine or [])
        if turned is None:
            continue
        layers = grid.Layers(one.grid.shape)
        for concept in task.outside.concepts:
            its_class = task.classes.class_of(concept)
            if its_class is not None:
                layers.add(turned == int(concept.label), its_class["value"])
        _keep(task, one, layers)
        return


def _paint_planes(task: _Task, voxels: NDArray[np.uint8]) -> None:
    """On the series that the planes name; those that name none, on the series in which most of them lie."""
    best: tuple[int, Shown, list[tuple[int, grid.Fitted]]] | None = None
    for one in task.here:
        uids = {frame["sop_instance_uid"] for frame in one.grid.frames}
        planes = [
            p for p in task.outside.planes if not p.sop_instance_uid or p.sop_instance_uid in uids
        ]
        if not planes:
            continue
        fitted = [
            (number, grid.fit_planes(one.grid, [p for p in planes if p.concept == number], voxels))
            for number in sorted({p.concept for p in planes})
        ]
        inside = len(planes) - sum(each.missed for _, each in fitted)
        if best is None or inside > best[0]:
            best = inside, one, fitted
    if best is None or not best[0]:
        task.into.leave_out(
            f"No plane of the segmentation lies on an image of case {task.case.pk}."
        )
        return
    _, one, fitted = best
    _tell(task, [each for _, each in fitted])
    layers = grid.Layers(one.grid.shape)
    for number, each in fitted:
        its_class = task.classes.class_of(task.outside.concepts[number])
        if its_class is not None and each.voxels.any():
            layers.add(each.voxels, its_class["value"])
    _keep(task, one, layers)


def _tell(task: _Task, fitted: Sequence[grid.Fitted]) -> None:
    resampled, missed = sum(f.resampled for f in fitted), sum(f.missed for f in fitted)
    if resampled:
        task.into.leave_out(
            f"{resampled} planes have other pixels than the images: each image pixel took the nearest."
        )
    if missed:
        task.into.leave_out(f"{missed} planes of the segmentation lie on no image of the case.")


def _keep(task: _Task, one: Shown, layers: grid.Layers) -> None:
    for number, voxels in enumerate(layers.maps):
        if not voxels.any():
            continue
        mask = masks.keep(task.case.project_id, one.series, voxels)
        task.into.marks.append(
            {
                "tracking_uid": task.uid(f"mask/{one.series.pk}/{number}"),
                "kind": str(MarkKind.LABELMAP),
                "label_class": "",
                "sop_instance_uid": "",
                "frame": None,
                "points_px": [],
                "mask": mask.sha256,
                "series": one.series.pk,
                "text": "",
            }
        )


def _answer(task: _Task, placed: Mapping[int, Placed]) -> None:
    """Evaluations that the schema asks for, too. One of a mark that was left out goes with it."""
    kept = {mark["tracking_uid"] for mark in task.into.marks}
    given: set[tuple[str, str]] = set()
    for said in task.outside.said:
        found = class_map.answer_of(task.classes.document, said)
        if found is None:
            if said.number is None:  # figures that were measured are measured again here
                task.into.leave_out(f"“{said.question.meaning}” is asked by no question here.")
            continue
        question, value = found
        target = ""
        if question.get("level", "case") == "mark":
            shape = task.outside.shapes[said.shape] if said.shape in placed else None
            target = shape.tracking_uid if shape else ""
            if target not in kept:
                continue
        elif said.shape >= 0 or question.get("level", "case") != "case":
            continue
        if (question["code"], target) not in given:
            given.add((question["code"], target))
            task.into.answers.append(
                {"question": question["code"], "target": target, "value": value}
            )

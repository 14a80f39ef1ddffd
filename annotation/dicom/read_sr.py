"""Read a structured report of measurements (TID 1500): shapes, evaluations, and what is left out of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom.dataset import Dataset, FileDataset

from . import header, sr_shapes
from .coded import term_in
from .faults import Fault
from .outside import Concept, Outside, Said, Shape
from .sr_shapes import Graphic
from .sr_terms import COMMENT, IN_PATIENT, KIND
from .terms import Term
from .values import numbers

GROUP, FINDING = "DCM:125007", ("DCM:121071", "DCM:111056")
_TRACKING_ID, _TRACKING_UID = "DCM:112039", "DCM:112040"
_LANGUAGE = ("DCM:121049", "DCM:121046")
MOST_ITEMS = 200_000


def read(dataset: FileDataset) -> Outside:
    groups = [item for item in _walk(dataset) if _name(item) == GROUP]
    if not groups:
        raise Fault(
            "no_measurements",
            "The report holds no measurement groups (TID 1500). Other reports cannot be read in.",
        )
    shapes: list[Shape] = []
    said: list[Said] = []
    left_out: list[str] = []
    for group in groups:
        found = _shapes(group, left_out)
        said += _said(group, len(shapes) if len(found) == 1 else -1 if not found else None)
        shapes += found
    return Outside(
        kind="SR",
        images=sorted({shape.sop_instance_uid for shape in shapes} - {""} | set(_images(dataset))),
        shapes=shapes,
        said=said,
        left_out=list(dict.fromkeys(left_out)),
    )


def _walk(item: Dataset) -> Iterator[Dataset]:
    waiting = [item]
    count = 0
    while waiting:
        one = waiting.pop()
        count += 1
        if count > MOST_ITEMS:
            raise Fault("too_large", f"The report has more than {MOST_ITEMS:,} items.")
        yield one
        waiting += reversed(_children(one))


def _children(item: Dataset) -> list[Dataset]:
    return list(header.value_of(item, "ContentSequence") or [])


def _name(item: Dataset) -> str:
    term = term_in(header.value_of(item, "ConceptNameCodeSequence"))
    return term.key if term else ""


def _type(item: Dataset) -> str:
    return str(header.value_of(item, "ValueType") or "")


def _images(dataset: Dataset) -> Iterator[str]:
    for study in header.value_of(dataset, "CurrentRequestedProcedureEvidenceSequence") or []:
        for series in header.value_of(study, "ReferencedSeriesSequence") or []:
            for image in header.value_of(series, "ReferencedSOPSequence") or []:
                yield str(header.value_of(image, "ReferencedSOPInstanceUID") or "")


def _shapes(group: Dataset, left_out: list[str]) -> list[Shape]:
    items = _children(group)
    label, uid = _text(items, _TRACKING_ID), _text(items, _TRACKING_UID)
    finding = next((_code(item) for item in items if _name(item) in FINDING), None)
    concept = Concept(label or (finding.meaning if finding else "unnamed"), finding)
    if any(
        _type(item) == "IMAGE" and "ReferencedSegmentNumber" in _references(item) for item in items
    ):
        left_out.append(
            f"“{concept.label}” lies in a segmentation; read in the segmentation object itself."
        )
    kind = next((_code(item) for item in items if _name(item) == KIND.key), None)
    graphics = list(_graphics(group, once=kind is None))
    recorded = [one for one in graphics if one.name == IN_PATIENT.key]
    drawn = [one for one in graphics if one.name != IN_PATIENT.key] or recorded
    comment = _text(items, COMMENT.key)
    try:
        return [
            Shape(
                concept=concept,
                kind=each.kind,
                sop_instance_uid=each.uid,
                frame=each.frame,
                points_px=each.points if each.flat else [],
                points_mm=[] if each.flat else each.points,
                tracking_uid=uid,
                text=comment,
            )
            for each in sr_shapes.shapes(drawn, kind.value if kind else "")
        ]
    except ValueError as error:
        left_out.append(f"“{concept.label}”: {error}")
        return []


def _references(item: Dataset) -> Dataset:
    found = header.value_of(item, "ReferencedSOPSequence") or []
    return found[0] if found else Dataset()


def _graphics(group: Dataset, *, once: bool) -> Iterator[Graphic]:
    """Each outline with the name of what was measured of it. ``once``: others repeat one for each figure."""
    seen = set()
    for item in _children(group):
        inner = [(item, "")] + [(child, _name(item)) for child in _children(item)]
        for one, measured in inner:
            graphic = _graphic(one, measured)
            if graphic is not None and not (once and graphic.identity in seen):
                seen.add(graphic.identity)
                yield graphic


def _graphic(item: Dataset, measured: str) -> Graphic | None:
    kind, flat = str(header.value_of(item, "GraphicType") or ""), _type(item) == "SCOORD"
    data = numbers(item, "GraphicData")
    if _type(item) not in ("SCOORD", "SCOORD3D") or not kind or not data:
        return None
    step = 2 if flat else 3
    points = [data[at : at + step] for at in range(0, len(data) - step + 1, step)]
    if flat:
        points = [[column - 0.5, row - 0.5] for column, row in points]
    image = next(
        (_references(child) for child in _children(item) if _type(child) == "IMAGE"), Dataset()
    )
    frame = numbers(image, "ReferencedFrameNumber")
    return Graphic(
        type=kind,
        points=points,
        flat=flat,
        uid=str(header.value_of(image, "ReferencedSOPInstanceUID") or ""),
        frame=int(frame[0]) if frame else 0,
        measured=measured,
        name=_name(item),
    )


def _code(item: Dataset) -> Term | None:
    return term_in(header.value_of(item, "ConceptCodeSequence"))


def _text(items: list[Dataset], name: str) -> str:
    for item in items:
        if _name(item) == name:
            return str(
                header.value_of(item, "TextValue") or header.value_of(item, "UID") or ""
            ).strip()
    return ""


def _said(group: Dataset, shape: int | None) -> Iterator[Said]:
    """Evaluations and figures of a group. ``shape`` None: of several shapes, so of none in particular."""
    if shape is None:
        return
    skipped = {*FINDING, KIND.key, COMMENT.key, _TRACKING_ID, _TRACKING_UID, *_LANGUAGE}
    for item in _children(group):
        question = term_in(header.value_of(item, "ConceptNameCodeSequence"))
        if question is None or question.key in skipped:
            continue
        match _type(item):
            case "CODE":
                yield Said(question, value=_code(item), shape=shape)
            case "TEXT":
                text = str(header.value_of(item, "TextValue") or "")
                yield Said(question, text=text, shape=shape)
            case "NUM" if (value := _number(item)) is not None:
                yield Said(question, number=value, shape=shape)


def _number(item: Dataset) -> float | None:
    measured: Any = header.value_of(item, "MeasuredValueSequence") or []
    found = numbers(measured[0], "NumericValue", 1) if measured else None
    return found[0] if found else None

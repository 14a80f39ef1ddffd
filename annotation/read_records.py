"""A read as the plain record that DICOM objects are written from (see ``dicom.record``)."""

from __future__ import annotations

import gzip
import hmac
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from . import orthanc, prompt_uses
from .case_images import display_of, instance_of
from .dicom.identity import identifier
from .dicom.record import About, Drawn, Given, Image, Labelmap, Painted, Place, ReadRecord
from .dicom.terms import Term, term_of, unit_of
from .export import reader_pseudonym
from .models import (
    Answer,
    Case,
    Instance,
    ItemOutcome,
    Mark,
    MarkKind,
    Outcome,
    Read,
    WrittenObject,
)

SERIES_NUMBER = 9000
Json = Mapping[str, Any]


def record_of(read: Read, folder: Path) -> ReadRecord:
    """All of the read; voxels and a header of each series are put into ``folder``."""
    case = read.case
    shown = _shown(case)
    instances = _instances(case)
    marks = list(read.marks.select_related("mask__series").order_by("pk"))
    document = read.label_schema.document
    answers = _answers(document, read)
    digest = hmac.digest(bytes(case.project.secret), f"read:{read.pk}".encode(), "sha256").hex()
    return ReadRecord(
        digest=digest,
        title=case.project.title,
        reader=_author(read),
        made_at=read.submitted_at.isoformat(),
        software=version("consilium"),
        series_number=SERIES_NUMBER,
        images=[_image(one) for one in instances],
        headers=_headers(instances, folder),
        marks=[
            _drawn(document, mark, shown, answers.pop(mark.tracking_uid, []), digest)
            for mark in marks
            if mark.kind != MarkKind.LABELMAP
        ],
        labelmaps=[
            _labelmap(document, mark, read, folder, digest)
            for mark in marks
            if mark.mask is not None
        ],
        about=_about(answers, instances),
        predecessors=_predecessors(read, instances),
    )


def _predecessors(read: Read, instances: Sequence[Instance]) -> list[Image]:
    """The report of the latest of the reads that this one corrects of which one is in the store."""
    earlier = read.supersedes
    while earlier is not None:
        written = WrittenObject.objects.filter(write_back__read=earlier, kind="sr", removed_at=None)
        if report := written.exclude(orthanc_id="").first():
            study = instances[0].series.study_uid
            made = (report.sop_instance_uid, report.sop_class_uid, report.series_uid, study)
            return [Image(*made)]
        earlier = earlier.supersedes
    return []


def _author(read: Read) -> str:
    """Nobody's name: a source is called by its own, a reader by the pseudonym that datasets use."""
    if read.source is not None:
        return read.source.name[:60]
    return reader_pseudonym(read.case.project, read.reader_id)


def _shown(case: Case) -> list[Json]:
    here = case.series.filter(deleted_at=None, display__isnull=False).order_by("series_uid")
    return [display_of(series, instance_of(case)) for series in here]


def _instances(case: Case) -> list[Instance]:
    """The images of the case as it is shown, by series."""
    found = Instance.objects.filter(series__in=case.series.filter(deleted_at=None))
    found = found.exclude(pixel_sha256="").select_related("series")
    if instance := instance_of(case):
        found = found.filter(sop_instance_uid=instance)
    return list(found.order_by("series__series_uid", "sop_instance_uid"))


def _image(one: Instance) -> Image:
    return Image(
        sop_instance_uid=one.sop_instance_uid,
        sop_class_uid=one.sop_class_uid,
        series_uid=one.series.series_uid,
        study_uid=one.series.study_uid,
        multiframe=one.frame_count > 1,
    )


def _headers(instances: Sequence[Instance], folder: Path) -> dict[str, str]:
    """One whole image of each series, from the image store."""
    first: dict[str, Instance] = {}
    for one in instances:
        first.setdefault(one.series.series_uid, one)
    names = {}
    for number, (uid, one) in enumerate(first.items()):
        names[uid] = f"header-{number}.dcm"
        orthanc.download(one.orthanc_id, folder / names[uid])
    return names


def _class_term(document: Json, code: str) -> tuple[Json, Term]:
    found = next((one for one in document.get("classes", []) if one["code"] == code), None)
    found = found or {"code": code, "name": code, "value": 0}
    return found, term_of(found["code"], found["name"], found.get("term"))


def _drawn(
    document: Json, mark: Mark, shown: Sequence[Json], answers: list[Given], digest: str
) -> Drawn:
    _, term = _class_term(document, mark.label_class)
    spacing = _spacing(shown, mark)
    return Drawn(
        tracking_uid=_uid(mark.tracking_uid, digest),
        kind=mark.kind,
        finding=term,
        sop_instance_uid=mark.sop_instance_uid,
        frame=mark.frame or 1,
        points_px=mark.points_px,
        points_mm=mark.points_mm,
        scale=[spacing[1], spacing[0]] if spacing else None,
        text=mark.text,
        answers=answers,
    )


def _uid(tracking_uid: str, digest: str) -> str:
    """As it is, if DICOM can carry it; else one that follows from it."""
    parts = tracking_uid.split(".")
    fits = len(tracking_uid) <= 64 and all(
        part.isdigit() and str(int(part)) == part for part in parts
    )
    return tracking_uid if fits and len(parts) > 1 else identifier(digest, f"mark/{tracking_uid}")


def _spacing(shown: Sequence[Json], mark: Mark) -> list[float] | None:
    for display in shown:
        for frame in display["frames"]:
            if (frame["sop_instance_uid"], frame["frame"]) == (mark.sop_instance_uid, mark.frame):
                found: list[float] | None = frame.get("pixel_spacing", display.get("pixel_spacing"))
                return found
    return None


def _labelmap(document: Json, mark: Mark, read: Read, folder: Path, digest: str) -> Labelmap:
    mask = mark.mask
    assert mask is not None  # noqa: S101 - asked for by the caller
    voxels = np.frombuffer(gzip.decompress(bytes(mask.gzip)), np.uint8).reshape(mask.shape)
    name = f"mask-{mark.pk}.npy"
    np.save(folder / name, voxels)
    display = display_of(mask.series, instance_of(read.case))
    return Labelmap(
        file=name,
        series_uid=mask.series.series_uid,
        places=_places(display),
        segments=[
            _painted(document, mark, value, read, digest, mask.series_id) for value in mask.labels
        ],
        slice_spacing=display["slice_spacing"] if display["geometry"] == "volume" else None,
    )


def _places(display: Json) -> list[Place]:
    return [
        Place(
            sop_instance_uid=frame["sop_instance_uid"],
            frame=frame["frame"],
            position=frame.get("position"),
            orientation=frame.get("orientation"),
            spacing=frame.get("pixel_spacing", display.get("pixel_spacing")),
        )
        for frame in display["frames"]
    ]


def _painted(
    document: Json, mark: Mark, value: int, read: Read, digest: str, series: int
) -> Painted:
    code = next((one["code"] for one in document.get("classes", []) if one["value"] == value), "")
    found, term = _class_term(document, code or f"value-{value}")
    how = str(read.origin.get("how", ""))
    return Painted(
        value=value,
        label=found["name"],
        finding=term,
        tracking_uid=identifier(digest, f"segment/{mark.tracking_uid}/{value}"),
        colour=found.get("colour", ""),
        category=found.get("category", ""),
        **_helped(read, series, code, how),
    )


def _helped(read: Read, series: int, code: str, how: str) -> dict[str, Any]:
    """What helped to paint a class: of a read made elsewhere, what it says of itself; here, the methods
    that answered prompts and the model whose suggestion was taken.
    """
    if "automatic" in how:
        return {"algorithm": str(read.origin.get("maker") or "unknown")}
    used = prompt_uses.algorithms(read).get((series, code), [])
    taken = ItemOutcome.objects.filter(
        assistance__read=read,
        kind=MarkKind.LABELMAP,
        label=code,
        outcome__in=[Outcome.ACCEPTED, Outcome.EDITED],
    )
    rounds = taken.values_list("assistance__suggestion__round", flat=True).distinct()
    suggested = [(f"Consilium network of round {number}", True) for number in sorted(rounds)]
    every = dict.fromkeys([*used, *suggested])
    return {
        "algorithm": "; ".join(name for name, _ in every),
        "learned": any(learned for _, learned in every),
    }


def _answers(document: Json, read: Read) -> dict[str, list[Given]]:
    """By target: '' for the case, else the UID of a mark, a series or an image."""
    questions = {one["code"]: one for one in document.get("questions", [])}
    found: dict[str, list[Given]] = defaultdict(list)
    for answer in read.answers.order_by("pk"):
        if answer.question in questions:
            found[answer.target].append(_given(questions[answer.question], answer))
    return found


def _given(question: Json, answer: Answer) -> Given:
    asked = term_of(question["code"], question["text"], question.get("term"))
    value = answer.value
    options = {str(one["value"]): one for one in question.get("options", [])}
    if question["type"] in ("choice", "multichoice") or options:
        chosen = value if isinstance(value, list) else [value]
        return Given(asked, [_option(options, one) for one in chosen])
    if question["type"] in ("number", "scale"):
        return Given(asked, number=float(value), unit=unit_of(question.get("unit", "")))
    return Given(asked, text=str(value))


def _option(options: Json, value: Any) -> Term:
    one = options.get(str(value), {"label": str(value)})
    return term_of(str(value), one["label"], one.get("term"))


def _about(answers: Mapping[str, list[Given]], instances: Sequence[Instance]) -> list[About]:
    series = {one.series.series_uid for one in instances}
    images = {one.sop_instance_uid for one in instances}
    found = []
    for target, given in answers.items():
        uid, _, frame = target.partition("#")
        if target in series:
            found.append(About(given, series_uid=target))
        elif uid in images:
            found.append(
                About(given, sop_instance_uid=uid, frame=int(frame) if frame.isdigit() else 0)
            )
        else:
            found.append(About(given))
    return found

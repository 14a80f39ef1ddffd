"""A read as plain data, on its way from the database into DICOM objects (see ``write``).

Everything here goes through JSON to the decoder process. Points are [column, row] with pixel centres
at integers, and [x, y, z] in mm (LPS).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .terms import Term


@dataclass(frozen=True)
class Given:
    """One answer. ``values``: what was chosen, as terms; else a number with its unit, or a text."""

    question: Term
    values: list[Term] = field(default_factory=list)
    number: float | None = None
    unit: Term | None = None
    text: str = ""


@dataclass(frozen=True)
class Drawn:
    """One mark on one frame. ``scale``: mm between columns and rows, where the image says so."""

    tracking_uid: str
    kind: str
    finding: Term
    sop_instance_uid: str
    frame: int
    points_px: list[list[float]]
    points_mm: list[list[float]] = field(default_factory=list)
    scale: list[float] | None = None
    text: str = ""
    answers: list[Given] = field(default_factory=list)


@dataclass(frozen=True)
class Painted:
    """One class within a labelmap. ``category``: a key of ``terms.CATEGORIES``. ``algorithm``: what
    helped to draw it; '': drawn by hand. ``learned``: it is a trained model.
    """

    value: int
    label: str
    finding: Term
    tracking_uid: str
    colour: str = ""
    category: str = ""
    algorithm: str = ""
    learned: bool = False


@dataclass(frozen=True)
class Place:
    """The image and frame (from 1) that a plane of a labelmap lies on, and where that is in mm."""

    sop_instance_uid: str
    frame: int
    position: list[float] | None = None
    orientation: list[float] | None = None
    spacing: list[float] | None = None


@dataclass(frozen=True)
class Labelmap:
    """``file``: name of a .npy of uint8 voxels (frame, row, column). ``slice_spacing``: mm, where the
    planes form a volume.
    """

    file: str
    series_uid: str
    places: list[Place]
    segments: list[Painted]
    slice_spacing: float | None = None


@dataclass(frozen=True)
class About:
    """Answers on an image or a series rather than on a mark; '' and 0: on all of it."""

    answers: list[Given]
    series_uid: str = ""
    sop_instance_uid: str = ""
    frame: int = 0


@dataclass(frozen=True)
class Image:
    """An image that was read, by its identifiers alone."""

    sop_instance_uid: str
    sop_class_uid: str
    series_uid: str
    study_uid: str
    multiframe: bool = False


@dataclass(frozen=True)
class ReadRecord:
    """All of a read. ``digest``: what the identifiers of the objects follow from. ``made_at``: ISO 8601.
    ``headers``: by series, the name of the file of one of its images. ``predecessors``: reports that this
    one corrects.
    """

    digest: str
    title: str
    reader: str
    made_at: str
    software: str
    series_number: int
    images: list[Image]
    headers: dict[str, str] = field(default_factory=dict)
    marks: list[Drawn] = field(default_factory=list)
    labelmaps: list[Labelmap] = field(default_factory=list)
    about: list[About] = field(default_factory=list)
    predecessors: list[Image] = field(default_factory=list)


@dataclass(frozen=True)
class Written:
    """One object that was made. ``path``: where it lies."""

    kind: str
    path: str
    sop_instance_uid: str
    sop_class_uid: str
    series_uid: str
    sha256: str


def from_json(plain: dict[str, Any]) -> ReadRecord:
    """The record that ``dataclasses.asdict`` made ``plain`` of."""
    return ReadRecord(
        **{
            **plain,
            "images": [Image(**one) for one in plain["images"]],
            "marks": [_drawn(one) for one in plain["marks"]],
            "labelmaps": [_labelmap(one) for one in plain["labelmaps"]],
            "predecessors": [Image(**one) for one in plain["predecessors"]],
            "about": [About(**{**one, "answers": _given(one)}) for one in plain["about"]],
        }
    )


def _drawn(plain: dict[str, Any]) -> Drawn:
    return Drawn(**{**plain, "finding": Term(**plain["finding"]), "answers": _given(plain)})


def _labelmap(plain: dict[str, Any]) -> Labelmap:
    segments = [Painted(**{**one, "finding": Term(**one["finding"])}) for one in plain["segments"]]
    places = [Place(**one) for one in plain["places"]]
    return Labelmap(**{**plain, "places": places, "segments": segments})


def _given(plain: dict[str, Any]) -> list[Given]:
    return [
        Given(
            **{
                **one,
                "question": Term(**one["question"]),
                "values": [Term(**value) for value in one["values"]],
                "unit": Term(**one["unit"]) if one["unit"] else None,
            }
        )
        for one in plain["answers"]
    ]

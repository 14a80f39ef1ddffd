"""What was found in an object with marks made elsewhere, as plain data (see ``read_outside``).

It goes through JSON from the decoder process; voxels lie beside it in a .npy file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .terms import Term


@dataclass(frozen=True)
class Concept:
    """What something was marked as, in the words of whoever marked it."""

    label: str
    term: Term | None = None

    @property
    def names(self) -> list[str]:
        """Everything that it may be called in a table of classes, the plainest first."""
        return [self.label, *([self.term.meaning, self.term.key] if self.term else [])]


@dataclass(frozen=True)
class Shape:
    """``kind``: as in a label schema. Points in the image ([column, row], centres at integers) or, where
    only those were given, in the patient. ``frame`` 0: not said.
    """

    concept: Concept
    kind: str
    sop_instance_uid: str = ""
    frame: int = 0
    points_px: list[list[float]] = field(default_factory=list)
    points_mm: list[list[float]] = field(default_factory=list)
    tracking_uid: str = ""
    text: str = ""


@dataclass(frozen=True)
class Plane:
    """One plane of a segment: its place in the .npy file, the image that it names, where it lies in mm."""

    concept: int
    index: int
    sop_instance_uid: str = ""
    frame: int = 0
    position: list[float] | None = None
    orientation: list[float] | None = None
    spacing: list[float] | None = None


@dataclass(frozen=True)
class Said:
    """An evaluation. ``shape``: of which of the shapes; -1: of the case."""

    question: Term
    value: Term | None = None
    number: float | None = None
    text: str = ""
    shape: int = -1


@dataclass(frozen=True)
class Outside:
    """``kind``: SEG, SR, RTSTRUCT or NIFTI. ``uid``: of the object; '' for a file that has none.
    ``affine`` and ``extent``: of a NIfTI volume, from voxel indices to mm (RAS), and voxels along each
    axis. ``left_out``: sentences.
    """

    kind: str
    uid: str = ""
    study_uid: str = ""
    maker: str = ""
    how: str = ""
    images: list[str] = field(default_factory=list)
    concepts: list[Concept] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    planes: list[Plane] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    voxels: str = ""
    affine: list[list[float]] | None = None
    extent: list[int] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def from_json(plain: dict[str, Any]) -> Outside:
    """The object that ``dataclasses.asdict`` made ``plain`` of."""
    return Outside(
        **{
            **plain,
            "concepts": [_concept(one) for one in plain["concepts"]],
            "shapes": [
                Shape(**{**one, "concept": _concept(one["concept"])}) for one in plain["shapes"]
            ],
            "planes": [Plane(**one) for one in plain["planes"]],
            "said": [_said(one) for one in plain["said"]],
        }
    )


def _concept(plain: dict[str, Any]) -> Concept:
    return Concept(plain["label"], Term(**plain["term"]) if plain["term"] else None)


def _said(plain: dict[str, Any]) -> Said:
    value = Term(**plain["value"]) if plain["value"] else None
    return Said(**{**plain, "question": Term(**plain["question"]), "value": value})

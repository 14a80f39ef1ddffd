"""The known labels of the demo sets, found again by SOP Instance UID.

Converted files get UIDs that depend on their bytes alone, so the same file names the same object
here and in the image store.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from nibabel.nifti1 import Nifti1Image
from numpy.typing import NDArray

from annotation.dicom import identity, nifti

DEMO = Path(__file__).resolve().parent.parent / "demo"


@dataclass(frozen=True)
class KnownLabels:
    """``answers``: UID -> value; ``masks``: UID of the first frame -> labelmap [frames, rows, columns]."""

    answers: dict[str, str] = field(default_factory=dict)
    masks: dict[str, Callable[[], NDArray[np.uint8]]] = field(default_factory=dict)


def of_demo(project: str) -> KnownLabels:
    """Known labels of a demo project; raises LookupError where there are none."""
    if project == "tuberculosis":
        return KnownLabels(answers=_tuberculosis())
    if project == "hippocampus":
        return KnownLabels(masks=_hippocampus())
    raise LookupError(
        f"No known labels for “{project}”. There are some for: hippocampus, tuberculosis."
    )


def _uid(image: Path) -> str:
    """SOP Instance UID of the first frame that this file becomes."""
    return identity.identifier(identity.sha256_of(image), "instance 1")


def _tuberculosis() -> dict[str, str]:
    folder = DEMO / "tuberculosis"
    with (folder / "labels.csv").open(encoding="utf-8") as table:
        return {
            _uid(folder / "images" / row["image"]): row["label"] for row in csv.DictReader(table)
        }


def _hippocampus() -> dict[str, Callable[[], NDArray[np.uint8]]]:
    folder = DEMO / "hippocampus"

    def mask(path: Path) -> NDArray[np.uint8]:
        image = Nifti1Image.from_filename(path)
        return nifti.in_display_order(np.asarray(image.dataobj), image.affine).astype(np.uint8)

    return {
        _uid(image): partial(mask, folder / "labels" / image.name)
        for image in sorted((folder / "images").iterdir())
    }

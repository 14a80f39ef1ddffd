"""The known labels of the demo sets, found again by SOP Instance UID.

Converted files get UIDs that depend on their bytes alone, so the same file names the same object
here and in the image store.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotation.dicom import convert

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


def _tuberculosis() -> dict[str, str]:
    folder = DEMO / "tuberculosis"
    with (folder / "labels.csv").open(encoding="utf-8") as table:
        return {
            convert.uids(folder / "images" / row["image"])[0]: row["label"]
            for row in csv.DictReader(table)
        }


def _hippocampus() -> dict[str, Callable[[], NDArray[np.uint8]]]:
    folder = DEMO / "hippocampus"

    def mask(path: Path) -> Callable[[], NDArray[np.uint8]]:
        return lambda: convert.nifti_frames(path)[0].astype(np.uint8)

    return {
        convert.uids(image)[0]: mask(folder / "labels" / image.name)
        for image in sorted((folder / "images").iterdir())
    }

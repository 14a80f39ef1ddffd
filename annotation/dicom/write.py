"""Write a read as DICOM objects: what is painted as SEG, what is drawn and answered as SR.

Runs in the decoder process (see ``worker``): the headers of the images come from outside.
"""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path

from pydicom import dcmwrite
from pydicom.dataset import Dataset

from . import headers, record, write_seg, write_sr
from .identity import sha256_of
from .record import Written


def write(path: Path, *, folder: Path) -> list[Written]:
    """``path``: the record as JSON. Headers and voxels lie in ``folder``, and so will the objects."""
    read = record.from_json(json.loads(path.read_text(encoding="utf-8")))
    logging.getLogger("highdicom").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {uid: headers.clean(folder / name) for uid, name in read.headers.items()}
        painted = [
            each
            for number, labelmap in enumerate(read.labelmaps)
            for each in write_seg.segmentations(
                read, labelmap, found[labelmap.series_uid], folder, number
            )
        ]
        report = write_sr.report(read, found, painted)
        objects = [_store(each.dataset, "seg", folder) for each in painted]
        return objects if report is None else [*objects, _store(report, "sr", folder)]


def _store(made: Dataset, kind: str, folder: Path) -> Written:
    path = folder / f"{made.SOPInstanceUID}.dcm"
    dcmwrite(path, made, enforce_file_format=True)
    return Written(
        kind=kind,
        path=str(path),
        sop_instance_uid=str(made.SOPInstanceUID),
        sop_class_uid=str(made.SOPClassUID),
        series_uid=str(made.SeriesInstanceUID),
        sha256=sha256_of(path),
    )

"""Series as the product describes them, and records, structure sets and masks made on them."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

from annotation.dicom import examine, read_outside, write
from annotation.dicom.display import Described, series_display
from annotation.dicom.grid import Grid, fit_planes, grid_of
from annotation.dicom.outside import Outside
from annotation.dicom.record import Drawn, Image, Labelmap, Painted, Place, ReadRecord, Written
from annotation.dicom.terms import PRIVATE, Term

LESION = Painted(1, "Lesion", Term("126713003", "SCT", "Neoplasm of lung"), "2.25.71", "#e8a33d")
NODE = Painted(2, "Lymph node", Term("node", PRIVATE, "Lymph node"), "2.25.72")


@dataclass(frozen=True)
class Case:
    """Images of one series, their description, and a folder to work in."""

    images: list[Image]
    display: dict[str, Any]
    folder: Path

    @property
    def grid(self) -> Grid:
        return grid_of(self.display)

    def empty(self) -> NDArray[np.uint8]:
        return np.zeros(self.grid.shape, np.uint8)

    def record(self, **fields: Any) -> ReadRecord:
        return ReadRecord(
            **{
                "digest": "ab" * 32,
                "title": "Lung lesions",
                "reader": "reader-0123456789ab",
                "made_at": "2026-05-04T10:11:12.131415+00:00",
                "software": "0.1",
                "series_number": 9000,
                "images": self.images,
                "headers": {self.images[0].series_uid: "header.dcm"},
                **fields,
            }
        )

    def painted(self, voxels: NDArray[np.uint8], *segments: Painted) -> Labelmap:
        np.save(self.folder / "mask.npy", voxels)
        shown = self.display
        return Labelmap(
            file="mask.npy",
            series_uid=self.images[0].series_uid,
            places=[
                Place(
                    one["sop_instance_uid"],
                    one["frame"],
                    one["position"],
                    one["orientation"],
                    one.get("pixel_spacing", shown["pixel_spacing"]),
                )
                for one in shown["frames"]
            ],
            segments=list(segments or (LESION, NODE)),
            slice_spacing=shown["slice_spacing"] if shown["geometry"] == "volume" else None,
        )

    def write(self, record: ReadRecord) -> list[Written]:
        path = self.folder / "record.json"
        path.write_text(json.dumps(dataclasses.asdict(record)))
        return write.write(path, folder=self.folder)


def case(folder: Path, paths: Sequence[Path]) -> Case:
    found = [
        examine.examine_object(path, folder=folder / f"frames-{number}")
        for number, path in enumerate(paths)
    ]
    described = [
        Described(one.sop_instance_uid, "x", one.sha256, one.normalised, one.description or {})
        for one in found
    ]
    shutil.copy(paths[0], folder / "header.dcm")
    images = [
        Image(
            one.sop_instance_uid,
            one.sop_class_uid,
            one.series_uid,
            one.study_uid,
            one.frame_count > 1,
        )
        for one in found
    ]
    return Case(images, series_display(described), folder)


def read_back(path: Path, folder: Path) -> Outside:
    folder.mkdir(exist_ok=True)
    return read_outside.read(path, folder=folder)


def voxels_of(outside: Outside, here: Grid, folder: Path) -> dict[str, NDArray[np.bool_]]:
    """By label: the voxels of the segment on the grid."""
    planes = np.load(folder / outside.voxels)
    return {
        concept.label: fit_planes(
            here, [plane for plane in outside.planes if plane.concept == number], planes
        ).voxels
        for number, concept in enumerate(outside.concepts)
    }


def drawn(
    here: Case, kind: str, points: list[list[float]], *, frame: int = 0, **fields: Any
) -> Drawn:
    """A mark on a frame of the series, with its points in the patient if it has a place there."""
    one = here.grid.frames[frame]
    spacing = one["pixel_spacing"]
    return Drawn(
        **{
            "tracking_uid": generate_uid(),
            "kind": kind,
            "finding": LESION.finding,
            "sop_instance_uid": one["sop_instance_uid"],
            "frame": one["frame"],
            "points_px": points,
            "points_mm": in_patient(one, points),
            "scale": [spacing[1], spacing[0]] if spacing else None,
            **fields,
        }
    )


def in_patient(frame: Any, points: Sequence[Sequence[float]]) -> list[list[float]]:
    if not frame["position"] or not frame["orientation"]:
        return []
    along, down = np.array(frame["orientation"][:3]), np.array(frame["orientation"][3:])
    rows, columns = frame["pixel_spacing"]
    return [
        (np.array(frame["position"]) + column * columns * along + row * rows * down).tolist()
        for column, row in points
    ]


def structure_set(
    study_uid: str, outlines: dict[str, list[tuple[str, list[list[float]]]]], **fields: Any
) -> Dataset:
    """An RTSTRUCT: by name of the region, outlines in mm with the image that each lies on ('': none said)."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = RTStructureSetStorage, generate_uid()
    made.StudyInstanceUID, made.SeriesInstanceUID = study_uid, generate_uid()
    made.Modality, made.PatientID, made.PatientName = "RTSTRUCT", "p", "Test^Patient"
    made.StructureSetROISequence, made.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(outlines.items(), start=1):
        roi, drawn_here = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        made.StructureSetROISequence.append(roi)
        drawn_here.ReferencedROINumber, drawn_here.ContourSequence = number, []
        for uid, points in contours:
            item = Dataset()
            item.ContourGeometricType = "CLOSED_PLANAR"
            item.NumberOfContourPoints = len(points)
            item.ContourData = [f"{value:.6f}"[:16] for point in points for value in point]
            if uid:
                image = Dataset()
                image.ReferencedSOPInstanceUID = uid
                item.ContourImageSequence = [image]
            drawn_here.ContourSequence.append(item)
        made.ROIContourSequence.append(drawn_here)
    for keyword, value in fields.items():
        setattr(made, keyword, value)
    return made


needs_dciodvfy = pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="dicom3tools is not installed"
)


def errors_of(path: Path | str) -> list[str]:
    """What dciodvfy calls an error."""
    said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    return sorted(
        {line for line in (said.stderr + said.stdout).splitlines() if line.startswith("Error")}
    )

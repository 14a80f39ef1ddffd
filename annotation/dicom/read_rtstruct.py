"""Read a radiotherapy structure set: outlines in the patient, each on the image that it names."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset, FileDataset

from . import header
from .coded import term_in
from .faults import Fault
from .outside import Concept, Outside, Shape
from .values import numbers

MOST_CONTOURS = 50_000
KINDS = {
    "CLOSED_PLANAR": "contour",
    "CLOSEDPLANAR_XOR": "contour",
    "OPEN_PLANAR": "polyline",
    "POINT": "landmark",
}


def read(dataset: FileDataset) -> Outside:
    names = {
        header.whole(item, "ROINumber"): str(header.value_of(item, "ROIName") or "").strip()
        for item in header.value_of(dataset, "StructureSetROISequence") or []
    }
    terms = {
        header.whole(item, "ReferencedROINumber"): term_in(
            header.value_of(item, "RTROIIdentificationCodeSequence")
        )
        for item in header.value_of(dataset, "RTROIObservationsSequence") or []
    }
    shapes: list[Shape] = []
    left_out: list[str] = []
    for item in header.value_of(dataset, "ROIContourSequence") or []:
        number = header.whole(item, "ReferencedROINumber")
        concept = Concept(names.get(number) or f"ROI {number}", terms.get(number))
        drawn = list(_contours(item, concept, left_out))
        if not drawn:
            left_out.append(f"“{concept.label}” has no outline.")
        shapes += drawn
        if len(shapes) > MOST_CONTOURS:
            raise Fault("too_large", f"The structure set has more than {MOST_CONTOURS:,} outlines.")
    if not shapes:
        raise Fault("no_contours", "The structure set holds no outline that can be read.")
    return Outside(
        kind="RTSTRUCT",
        images=sorted({shape.sop_instance_uid for shape in shapes} - {""}),
        shapes=shapes,
        left_out=list(dict.fromkeys(left_out)),
    )


def _contours(roi: Dataset, concept: Concept, left_out: list[str]) -> Iterator[Shape]:
    for item in header.value_of(roi, "ContourSequence") or []:
        graphic = str(header.value_of(item, "ContourGeometricType") or "")
        data = numbers(item, "ContourData")
        if graphic not in KINDS or not data or len(data) % 3:
            left_out.append(f"“{concept.label}”: outlines of the kind {graphic or 'unknown'}.")
            continue
        points = [data[at : at + 3] for at in range(0, len(data), 3)]
        if len(points) < {"contour": 3, "polyline": 2}.get(KINDS[graphic], 1):
            left_out.append(f"“{concept.label}”: an outline of {len(points)} points.")
            continue
        images = header.value_of(item, "ContourImageSequence") or []
        uid = str(header.value_of(images[0], "ReferencedSOPInstanceUID") or "") if images else ""
        frame = numbers(images[0], "ReferencedFrameNumber", 1) if images else None
        yield Shape(
            concept=concept,
            kind=KINDS[graphic],
            sop_instance_uid=uid,
            frame=int(frame[0]) if frame else 0,
            points_mm=points,
        )

"""Read a DICOM Segmentation made elsewhere: which planes of which segment, and on which images they lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset

from . import header
from .coded import term_in
from .faults import Fault
from .outside import Concept, Outside, Plane
from .values import numbers

VOXELS = "planes.npy"
MOST_SEGMENTS, MOST_VOXELS = 1000, 2**30
_HALF = 0.5
_CODEC_ERRORS = (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError)


def read(dataset: FileDataset, folder: Path) -> Outside:
    """Planes as 0 and 1 in ``folder``/planes.npy (plane, row, column)."""
    header.check(dataset)
    _check(dataset)
    segments = _segments(dataset)
    places = {number: place for place, number in enumerate(segments)}
    pixels, notes = _pixels(dataset)
    planes: list[Plane] = []
    voxels: list[NDArray[np.uint8]] = []
    for frame, number, binary in _frames(dataset, pixels):
        if number not in places:
            continue
        planes.append(_plane(dataset, frame, places[number], len(voxels)))
        voxels.append(binary)
    if not voxels:
        raise Fault("empty_segmentation", "The segmentation marks no pixel at all.")
    np.save(folder / VOXELS, np.stack(voxels))
    return Outside(
        kind="SEG",
        images=sorted({plane.sop_instance_uid for plane in planes} - {""}),
        concepts=list(segments.values()),
        planes=planes,
        voxels=VOXELS,
        how=", ".join(sorted(_algorithms(dataset))),
        left_out=notes,
    )


def _check(dataset: Dataset) -> None:
    if str(header.value_of(dataset, "DimensionOrganizationType") or "") == "TILED_FULL" or (
        "TotalPixelMatrixRows" in dataset
    ):
        raise Fault("tiled", "Segmentations of tiled whole slides cannot be read in.")
    voxels = (
        header.frame_count(dataset)
        * header.whole(dataset, "Rows")
        * header.whole(dataset, "Columns")
    )
    if voxels > MOST_VOXELS:
        raise Fault(
            "too_large", f"The segmentation has more than {MOST_VOXELS:,} voxels. Split it."
        )
    if len(header.value_of(dataset, "SegmentSequence") or []) > MOST_SEGMENTS:
        raise Fault(
            "too_large", f"The segmentation has more than {MOST_SEGMENTS} segments. Split it."
        )


def _segments(dataset: Dataset) -> dict[int, Concept]:
    found = {}
    for item in header.value_of(dataset, "SegmentSequence") or []:
        number = header.whole(item, "SegmentNumber")
        term = term_in(header.value_of(item, "SegmentedPropertyTypeCodeSequence"))
        label = str(header.value_of(item, "SegmentLabel") or "").strip()
        if number:
            found[number] = Concept(label or (term.meaning if term else str(number)), term)
    if not found:
        raise Fault("no_segments", "The segmentation describes no segment.")
    return found


def _algorithms(dataset: Dataset) -> set[str]:
    items = header.value_of(dataset, "SegmentSequence") or []
    kinds = {str(header.value_of(item, "SegmentAlgorithmType") or "").lower() for item in items}
    return kinds - {""}


def _pixels(dataset: FileDataset) -> tuple[NDArray[Any], list[str]]:
    try:
        array = dataset.pixel_array
    except _CODEC_ERRORS as error:
        raise Fault("unreadable", f"The pixels cannot be decoded ({error}).") from error
    array = array.reshape(header.frame_count(dataset), *array.shape[-2:])
    if str(header.value_of(dataset, "SegmentationType") or "BINARY") != "FRACTIONAL":
        return array, []
    most = header.whole(dataset, "MaximumFractionalValue") or int(array.max()) or 1
    note = "The segmentation is fractional: pixels of one half and more count as marked."
    return (array >= _HALF * most).astype(np.uint8), [note]


def _frames(dataset: Dataset, pixels: NDArray[Any]) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Frame (from 0), segment number, and the pixels of it, as far as there are any."""
    is_map = str(header.value_of(dataset, "SegmentationType") or "") == "LABELMAP"
    for frame, plane in enumerate(pixels):
        if is_map:
            for number in np.unique(plane[plane > 0]):
                yield frame, int(number), (plane == number).astype(np.uint8)
        elif plane.any():
            yield frame, _segment_of(dataset, frame), (plane > 0).astype(np.uint8)


def _segment_of(dataset: Dataset, frame: int) -> int:
    item = _group(dataset, frame, "SegmentIdentificationSequence")
    return header.whole(item, "ReferencedSegmentNumber") if item is not None else 1


def _plane(dataset: Dataset, frame: int, concept: int, index: int) -> Plane:
    position = _group(dataset, frame, "PlanePositionSequence") or Dataset()
    orientation = _group(dataset, frame, "PlaneOrientationSequence") or Dataset()
    measures = _group(dataset, frame, "PixelMeasuresSequence") or Dataset()
    uid, number = _source(dataset, frame)
    return Plane(
        concept=concept,
        index=index,
        sop_instance_uid=uid,
        frame=number,
        position=numbers(position, "ImagePositionPatient", 3),
        orientation=numbers(orientation, "ImageOrientationPatient", 6),
        spacing=numbers(measures, "PixelSpacing", 2),
    )


def _source(dataset: Dataset, frame: int) -> tuple[str, int]:
    """The one image that the frame was drawn on; ('', 0) where it names none, or several."""
    derivation = _group(dataset, frame, "DerivationImageSequence")
    sources = header.value_of(derivation, "SourceImageSequence") if derivation is not None else None
    if not sources or len(sources) != 1:
        return "", 0
    uid = str(header.value_of(sources[0], "ReferencedSOPInstanceUID") or "")
    found = numbers(sources[0], "ReferencedFrameNumber", 1)
    return uid, int(found[0]) if found else 0


def _group(dataset: Dataset, frame: int, keyword: str) -> Dataset | None:
    """A functional group of the frame, or of all frames."""
    for groups, place in (
        ("PerFrameFunctionalGroupsSequence", frame),
        ("SharedFunctionalGroupsSequence", 0),
    ):
        items = header.value_of(dataset, groups) or []
        if place < len(items) and (found := header.value_of(items[place], keyword)):
            group: Dataset = found[0]
            return group
    return None

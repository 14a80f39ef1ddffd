"""Write labelmaps as DICOM Segmentation (BINARY): one object for each set of planes that lie alike.

The geometry is what the series' description says of its frames, not what each header says again:
the library is shown plain slices of that geometry, and the references are then set to the real images.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
from highdicom.color import CIELabColor
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.tag import Tag
from pydicom.uid import CTImageStorage

from .coded import concept
from .faults import Fault
from .identity import identifier
from .record import Image, Labelmap, Painted, Place, ReadRecord
from .stamps import MAKER, MODEL, fix_identity
from .terms import CATEGORIES

_IN_STACK, _FRAME_CONTENT = Tag("InStackPositionNumber"), Tag("FrameContentSequence")
_AXIAL = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]


@dataclass(frozen=True)
class Segmentation:
    """A segmentation, the segments in it by number, and their volumes in mm³ where they have one."""

    dataset: Dataset
    segments: dict[int, Painted]
    volumes: dict[int, float]
    images: list[Image]


@dataclass(frozen=True)
class _Planes:
    """Planes of one orientation. ``listed``: they are not told apart by where they lie."""

    places: list[Place]
    voxels: NDArray[np.uint8]
    listed: bool
    slice_spacing: float | None


def segmentations(
    record: ReadRecord, labelmap: Labelmap, header: Dataset, folder: Path, number: int
) -> list[Segmentation]:
    """``header``: of one image of the series (see ``headers.clean``). ``number``: of the labelmap."""
    voxels = np.load(folder / labelmap.file, allow_pickle=False)
    found = []
    for index, planes in enumerate(_alike(labelmap, voxels)):
        present = [one for one in labelmap.segments if (planes.voxels == one.value).any()]
        if present:
            what = f"segmentation/{number}/{index}"
            found.append(_segmentation(record, planes, header, present, what))
    return found


def _alike(labelmap: Labelmap, voxels: NDArray[np.uint8]) -> list[_Planes]:
    groups: dict[Any, list[int]] = defaultdict(list)
    for plane, place in enumerate(labelmap.places):
        placed = place.position is not None and place.orientation is not None
        orientation = tuple(round(v, 4) for v in place.orientation or ()) if placed else ()
        groups[orientation, tuple(place.spacing or ())].append(plane)
    is_volume = labelmap.slice_spacing is not None and len(groups) == 1
    return [
        _Planes(
            places=[labelmap.places[plane] for plane in planes],
            voxels=np.ascontiguousarray(voxels[planes]),
            listed=not is_volume,
            slice_spacing=labelmap.slice_spacing if is_volume else None,
        )
        for planes in groups.values()
    ]


def _segmentation(
    record: ReadRecord,
    planes: _Planes,
    header: Dataset,
    present: Sequence[Painted],
    what: str,
) -> Segmentation:
    numbered = np.zeros(256, np.uint8)
    numbered[[one.value for one in present]] = range(1, len(present) + 1)
    slices = [_slice(planes, index, header) for index in range(len(planes.places))]
    try:
        made = highdicom.seg.Segmentation(
            source_images=slices,
            pixel_array=numbered[planes.voxels],
            segmentation_type="BINARY",
            segment_descriptions=[
                _described(record, number, one) for number, one in enumerate(present, start=1)
            ],
            series_instance_uid=identifier(record.digest, "segmentations"),
            series_number=record.series_number,
            sop_instance_uid=identifier(record.digest, what),
            instance_number=1 + sum(map(int, what.split("/")[1:])),
            manufacturer=MAKER,
            manufacturer_model_name=MODEL,
            software_versions=record.software,
            device_serial_number="1",
            content_label="CONSILIUM",
            content_description=record.title[:64],
            content_creator_name=f"{record.reader}^",
            series_description=f"Segmentation: {record.title}"[:64],
        )
    except (ValueError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise Fault(
            "not_written", f"No DICOM segmentation can be made of it ({reason})."
        ) from error
    images = {image.sop_instance_uid: image for image in record.images}
    _refer(made, slices, planes, images)
    if planes.listed:
        _list_planes(made, planes, slices, has_room="FrameOfReferenceUID" in header)
    fix_identity(made, record, what)
    return Segmentation(
        made,
        dict(enumerate(present, start=1)),
        _volumes(planes, present),
        [images[uid] for uid in dict.fromkeys(place.sop_instance_uid for place in planes.places)],
    )


def _slice(planes: _Planes, index: int, header: Dataset) -> Dataset:
    """A plain slice that stands for the plane while the library works."""
    place = planes.places[index]
    rows, columns = planes.voxels.shape[1:]
    made = deepcopy(header)
    made.file_meta = header.file_meta
    made.SOPClassUID = CTImageStorage
    made.SOPInstanceUID = f"2.25.{index + 1}"
    made.Rows, made.Columns = rows, columns
    made.PixelSpacing = list(place.spacing or (1.0, 1.0))
    made.SliceThickness = header.get("SliceThickness") or planes.slice_spacing or 1.0
    made.ImageOrientationPatient = _AXIAL if planes.listed else list(place.orientation or ())
    made.ImagePositionPatient = [0.0, 0.0, index] if planes.listed else list(place.position or ())
    made.FrameOfReferenceUID = header.get("FrameOfReferenceUID", "2.25.1")
    return made


def _described(record: ReadRecord, number: int, one: Painted) -> highdicom.seg.SegmentDescription:
    algorithm = None
    if one.algorithm:
        algorithm = highdicom.AlgorithmIdentificationSequence(
            name=one.algorithm[:64],
            family=codes.DCM.ArtificialIntelligence if one.learned else codes.DCM.ManualProcessing,
            version=record.software,
        )
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=one.label[:64],
        segmented_property_category=concept(CATEGORIES[one.category]),
        segmented_property_type=concept(one.finding),
        algorithm_type="SEMIAUTOMATIC" if one.algorithm else "MANUAL",
        algorithm_identification=algorithm,
        tracking_uid=one.tracking_uid,
        tracking_id=one.label[:64],
        display_color=_colour(one.colour),
    )


def _colour(colour: str) -> CIELabColor | None:
    if len(colour) != 7:
        return None
    return CIELabColor.from_rgb(*(int(colour[at : at + 2], 16) for at in (1, 3, 5)))


def _refer(
    made: Dataset, slices: Sequence[Dataset], planes: _Planes, images: Mapping[str, Image]
) -> None:
    """Name the real images and frames where the library named the slices that stood for them."""
    places = {one.SOPInstanceUID: place for one, place in zip(slices, planes.places, strict=True)}
    for groups in made.PerFrameFunctionalGroupsSequence:
        for derivation in groups.DerivationImageSequence:
            for source in derivation.SourceImageSequence:
                place = places.get(source.ReferencedSOPInstanceUID)
                if place is None:  # the library shares the item between the segments of a plane
                    continue
                source.ReferencedSOPInstanceUID = place.sop_instance_uid
                source.ReferencedSOPClassUID = images[place.sop_instance_uid].sop_class_uid
                if images[place.sop_instance_uid].multiframe:
                    source.ReferencedFrameNumber = place.frame
    used = dict.fromkeys(place.sop_instance_uid for place in planes.places)
    by_series: dict[str, list[Dataset]] = defaultdict(list)
    for uid in used:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = images[uid].sop_class_uid, uid
        by_series[images[uid].series_uid].append(item)
    made.ReferencedSeriesSequence = [_series(uid, items) for uid, items in by_series.items()]


def _series(uid: str, items: list[Dataset]) -> Dataset:
    made = Dataset()
    made.SeriesInstanceUID, made.ReferencedInstanceSequence = uid, items
    return made


def _list_planes(
    made: Dataset, planes: _Planes, slices: Sequence[Dataset], *, has_room: bool
) -> None:
    """Tell the frames apart by their number in the list, and say where they lie only if that is known."""
    placed = has_room and planes.places[0].position is not None
    placed = placed and planes.places[0].orientation is not None
    index = made.DimensionIndexSequence[-1]
    index.DimensionIndexPointer, index.FunctionalGroupPointer = _IN_STACK, _FRAME_CONTENT
    index.DimensionDescriptionLabel = "Image or frame"
    for groups in made.PerFrameFunctionalGroupsSequence:
        number = 1 + round(float(groups.PlanePositionSequence[0].ImagePositionPatient[2]))
        content = groups.FrameContentSequence[0]
        content.StackID, content.InStackPositionNumber = "1", number
        segment = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        content.DimensionIndexValues = [int(segment), number]
        if placed:
            position = planes.places[number - 1].position
            groups.PlanePositionSequence[0].ImagePositionPatient = list(position or ())
        else:
            del groups.PlanePositionSequence
    shared = made.SharedFunctionalGroupsSequence[0]
    measures = shared.PixelMeasuresSequence[0]
    if "SpacingBetweenSlices" in measures:
        del measures.SpacingBetweenSlices
    if placed:
        shared.PlaneOrientationSequence[0].ImageOrientationPatient = list(
            planes.places[0].orientation or ()
        )
        return
    del shared.PlaneOrientationSequence
    if planes.places[0].spacing is None:
        del shared.PixelMeasuresSequence
    made.PatientOrientation = ""
    for keyword in ("FrameOfReferenceUID", "PositionReferenceIndicator"):
        if keyword in made:
            delattr(made, keyword)


def _volumes(planes: _Planes, present: Sequence[Painted]) -> dict[int, float]:
    if planes.slice_spacing is None or planes.places[0].spacing is None:
        return {}
    between_rows, between_columns = planes.places[0].spacing
    voxel = planes.slice_spacing * between_rows * between_columns
    counts = np.bincount(planes.voxels.ravel(), minlength=256)
    return {number: float(counts[one.value] * voxel) for number, one in enumerate(present, start=1)}

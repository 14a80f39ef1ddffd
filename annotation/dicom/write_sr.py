"""Write marks and answers as a DICOM structured report (Comprehensive 3D SR, PS3.16 TID 1500).

A closed shape or a point is a planar region (TID 1410) with its measurements; a line or an angle is a
measurement (TID 1501) inferred from its line; a painted class refers to its segment (TID 1411). Each
is tied to image and frame, and in patient space wherever the image has a place there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from highdicom import sr
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from .coded import concept
from .faults import Fault
from .identity import identifier
from .measure import CUBIC_MILLIMETRE, Measured, measurements
from .record import About, Drawn, Given, Image, Painted, ReadRecord
from .sr_terms import COMMENT, IN_PATIENT, KIND
from .stamps import MAKER, MODEL, fix_identity
from .terms import PRIVATE, Term
from .write_seg import Segmentation

HALF_PIXEL = 0.5
"""DICOM counts from the corner of the first pixel (PS3.3 C.18.6.1.1), a mark from its centre."""
REGIONS = {
    "box": "POLYLINE",
    "contour": "POLYLINE",
    "ellipse": "ELLIPSE",
    "circle": "CIRCLE",
    "landmark": "POINT",
    "arrow": "POLYLINE",
}
GRAPHICS_3D = {
    "contour": "POLYGON",
    "ellipse": "ELLIPSE",
    "landmark": "POINT",
    "length": "POLYLINE",
    "angle": "POLYLINE",
    "polyline": "POLYLINE",
}


@dataclass(frozen=True)
class _Room:
    """The images by UID, and the frame of reference of each series."""

    images: Mapping[str, Image]
    frames_of_reference: Mapping[str, str]

    def of(self, mark: Drawn) -> str:
        return self.frames_of_reference.get(self.images[mark.sop_instance_uid].series_uid, "")


def report(
    record: ReadRecord, headers: Mapping[str, Dataset], painted: Sequence[Segmentation]
) -> Dataset | None:
    """None where nothing was marked and nothing answered. ``headers``: by series (see ``headers.clean``)."""
    room = _Room(
        {image.sop_instance_uid: image for image in record.images},
        {uid: str(header.get("FrameOfReferenceUID", "")) for uid, header in headers.items()},
    )
    groups: list[Any] = [_mark(mark, room) for mark in record.marks]
    groups += [
        _segment(each, number, one) for each in painted for number, one in each.segments.items()
    ]
    groups += [_about(record, place, about) for place, about in enumerate(record.about)]
    if not groups:
        return None
    try:
        made = sr.Comprehensive3DSR(
            evidence=_evidence(record, headers, painted),
            content=_content(record, groups),
            series_instance_uid=identifier(record.digest, "reports"),
            series_number=record.series_number + 1,
            sop_instance_uid=identifier(record.digest, "report"),
            instance_number=1,
            manufacturer=MAKER,
            is_complete=True,
            previous_versions=[_named(one) for one in record.predecessors] or None,
            series_description=f"Reading: {record.title}"[:64],
        )
    except (ValueError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise Fault("not_written", f"No DICOM report can be made of it ({reason}).") from error
    made.ManufacturerModelName, made.SoftwareVersions = MODEL, record.software
    fix_identity(made, record, "report")
    return made


def _content(record: ReadRecord, groups: Sequence[Any]) -> Dataset:
    person = sr.ObserverContext(
        observer_type=codes.DCM.Person,
        observer_identifying_attributes=sr.PersonObserverIdentifyingAttributes(
            name=f"{record.reader}^"
        ),
    )
    device = sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=identifier(MAKER, MODEL), name=MODEL, manufacturer_name=MAKER
        ),
    )
    made = sr.MeasurementReport(
        observation_context=sr.ObservationContext(
            observer_person_context=person, observer_device_context=device
        ),
        procedure_reported=sr.CodedConcept("363679005", "SCT", "Imaging procedure"),
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    root: Dataset = made[0]
    return root


def _evidence(
    record: ReadRecord, headers: Mapping[str, Dataset], painted: Sequence[Segmentation]
) -> list[Dataset]:
    """One header in full, for patient and study; of all else the identifiers."""
    full = next(iter(headers.values()))
    others = [
        _named(image) for image in record.images if image.sop_instance_uid != full.SOPInstanceUID
    ]
    return [full, *others, *(each.dataset for each in painted)]


def _named(image: Image) -> Dataset:
    made = Dataset()
    made.SOPInstanceUID, made.SOPClassUID = image.sop_instance_uid, image.sop_class_uid
    made.SeriesInstanceUID, made.StudyInstanceUID = image.series_uid, image.study_uid
    return made


def _mark(mark: Drawn, room: _Room) -> Any:
    image = room.images[mark.sop_instance_uid]
    source = sr.SourceImageForRegion(
        referenced_sop_class_uid=image.sop_class_uid,
        referenced_sop_instance_uid=image.sop_instance_uid,
        referenced_frame_numbers=[mark.frame] if image.multiframe else None,
    )
    scale = (mark.scale[0], mark.scale[1]) if mark.scale else None
    measured = measurements(mark.kind, mark.points_px, scale)
    shared: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(
            uid=mark.tracking_uid, identifier=mark.finding.meaning
        ),
        "finding_type": concept(mark.finding),
        "qualitative_evaluations": [
            sr.QualitativeEvaluation(concept(KIND), concept(_kind(mark.kind))),
            *_chosen(mark.answers),
        ],
    }
    if graphic := REGIONS.get(mark.kind):
        region = sr.ImageRegion(graphic, _pixels(_outline(mark)), source)
        group: Any = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            referenced_region=region,
            measurements=[*map(_taken, measured), *_numbers(mark.answers)],
            **shared,
        )
    else:
        taken = [_taken(one, _lines(mark, one, source)) for one in measured]
        group = sr.MeasurementsAndQualitativeEvaluations(
            measurements=[*taken, *_numbers(mark.answers)], **shared
        )
    group[0].ContentSequence.extend(_in_patient(mark, room))
    _say(group, _texts(mark.answers, mark.text))
    return group


def _kind(kind: str) -> Term:
    return Term(kind, PRIVATE, kind.replace("_", " ").capitalize())


def _outline(mark: Drawn) -> list[list[float]]:
    """The points that DICOM wants: a closed outline ends where it began, a box has four corners."""
    points = mark.points_px
    if mark.kind == "box":
        (left, top), (right, bottom) = points
        points = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return [*points, points[0]] if mark.kind in ("box", "contour") else points


def _pixels(points: Iterable[Sequence[float]]) -> NDArray[np.float64]:
    return np.array(list(points), float).reshape(-1, 2) + HALF_PIXEL


def _lines(mark: Drawn, one: Measured, source: sr.SourceImageForRegion) -> list[Any]:
    """The line or lines that a measurement was taken from."""
    parts = [one.points]
    if mark.kind == "cobb_angle":
        parts = [one.points[:2], one.points[2:]]
    return [
        sr.CoordinatesForMeasurement("POLYLINE", _pixels(mark.points_px[i] for i in part), source)
        for part in parts
    ]


def _in_patient(mark: Drawn, room: _Room) -> list[sr.Scoord3DContentItem]:
    """The mark's points in mm (LPS) as they were recorded, beside its outline in the image."""
    if not mark.points_mm or not room.of(mark):
        return []
    graphic = GRAPHICS_3D.get(mark.kind, "MULTIPOINT")
    points = [*mark.points_mm, mark.points_mm[0]] if graphic == "POLYGON" else mark.points_mm
    item = sr.Scoord3DContentItem(
        name=concept(IN_PATIENT),
        graphic_type=graphic,
        graphic_data=np.array(points, float),
        frame_of_reference_uid=room.of(mark),
        relationship_type=sr.RelationshipTypeValues.CONTAINS,
    )
    return [item]


def _taken(one: Measured, coordinates: list[Any] | None = None) -> sr.Measurement:
    return sr.Measurement(
        concept(one.name), one.value, concept(one.unit), referenced_coordinates=coordinates
    )


def _segment(each: Segmentation, number: int, one: Painted) -> Any:
    images = [
        sr.SourceImageForSegmentation(
            referenced_sop_class_uid=image.sop_class_uid,
            referenced_sop_instance_uid=image.sop_instance_uid,
        )
        for image in each.images
    ]
    volume = each.volumes.get(number)
    measured = []
    if volume is not None:
        measured = [sr.Measurement(codes.SCT.Volume, volume, concept(CUBIC_MILLIMETRE))]
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=one.tracking_uid, identifier=one.label[:64]),
        referenced_segment=sr.ReferencedSegment(
            sop_class_uid=each.dataset.SOPClassUID,
            sop_instance_uid=each.dataset.SOPInstanceUID,
            segment_number=number,
            source_images=images,
        ),
        finding_type=concept(one.finding),
        measurements=measured,
    )


def _about(record: ReadRecord, place: int, about: About) -> Any:
    image = next((i for i in record.images if i.sop_instance_uid == about.sop_instance_uid), None)
    sources = None
    if image is not None:
        sources = [
            sr.SourceImageForMeasurementGroup(
                referenced_sop_class_uid=image.sop_class_uid,
                referenced_sop_instance_uid=image.sop_instance_uid,
                referenced_frame_numbers=[about.frame]
                if image.multiframe and about.frame
                else None,
            )
        ]
    where = (
        "the image" if image else f"series {about.series_uid}" if about.series_uid else "the case"
    )
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=identifier(record.digest, f"about/{place}"), identifier=f"Answers on {where}"
        ),
        source_images=sources,
        measurements=_numbers(about.answers),
        qualitative_evaluations=_chosen(about.answers),
    )
    _say(group, _texts(about.answers, ""))
    return group


def _chosen(answers: Sequence[Given]) -> list[sr.QualitativeEvaluation]:
    return [
        sr.QualitativeEvaluation(concept(answer.question), concept(value))
        for answer in answers
        for value in answer.values
    ]


def _numbers(answers: Sequence[Given]) -> list[sr.Measurement]:
    return [
        sr.Measurement(concept(answer.question), answer.number, concept(answer.unit))
        for answer in answers
        if answer.number is not None and answer.unit is not None
    ]


def _texts(answers: Sequence[Given], comment: str) -> list[tuple[Term, str]]:
    said = [(answer.question, answer.text) for answer in answers if answer.text.strip()]
    return [*said, (COMMENT, comment)] if comment.strip() else said


def _say(group: Any, texts: Iterable[tuple[Term, str]]) -> None:
    for name, value in texts:
        item = sr.TextContentItem(
            name=concept(name), value=value, relationship_type=sr.RelationshipTypeValues.CONTAINS
        )
        group[0].ContentSequence.append(item)

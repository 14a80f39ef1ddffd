"""Plain builders of rows for tests: each call makes something new and valid; say only what matters.

They write through the ORM, not through the product's verbs, so that a test of one verb does not
need another. ``case`` gives its slots as intake would.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from django.db.models import F

from annotation import provenance
from annotation.models import (
    Answer,
    Case,
    Instance,
    LabelSchema,
    Membership,
    Patient,
    Project,
    Read,
    Reference,
    Role,
    Series,
    Site,
    Slot,
    User,
)

_numbers = count(1)

PASSWORD = "correct horse battery staple"
CLASSES = [
    {"code": "lesion", "name": "Lesion", "colour": "#e8a33d", "value": 1, "term": None},
    {"code": "node", "name": "Lymph node", "colour": "#58b4e0", "value": 2, "term": None},
]
QUESTION = {
    "code": "finding",
    "text": "Is there a finding?",
    "level": "case",
    "type": "choice",
    "required": True,
    "options": [
        {"value": "no", "label": "No", "key": "1"},
        {"value": "yes", "label": "Yes", "key": "2"},
    ],
}


def number() -> int:
    """A number that no other call in this process has had."""
    return next(_numbers)


def uid() -> str:
    return f"2.25.{number():09d}"


def site(name: str = "North Hospital") -> Site:
    return Site.objects.create(slug=f"site-{number()}", name=name)


def user(*roles: Role, project: Project | None = None, **fields: Any) -> User:
    """A person; with ``project``, a member of it in the given roles."""
    made = User(username=fields.pop("username", f"user{number()}"), **fields)
    made.set_unusable_password()
    made.save()
    for role in roles:
        assert project is not None, "a role is held in a project"
        Membership.objects.create(user=made, project=project, role=role)
    return made


def reader(project: Project) -> User:
    return user(Role.READER, project=project)


def label_document(**changes: Any) -> dict[str, Any]:
    """One required yes/no question, two classes, boxes, contours and masks allowed."""
    document = {
        "classes": CLASSES,
        "marks": ["box", "contour", "landmark", "labelmap"],
        "questions": [QUESTION],
        "guideline": "Look closely.",
    }
    return {**document, **changes}


def project(label_schema: dict[str, Any] | None = None, **fields: Any) -> Project:
    made = Project.objects.create(
        **{
            "slug": f"project-{number()}",
            "title": "Chest radiographs",
            "task": "classification",
            "case_unit": "series",
            "stream_shares": {"pool": 1},
            "reading_mix": {"pool": 1, "control": 1, "calibration": 1, "holdout": 1},
            **fields,
        }
    )
    LabelSchema.objects.create(project=made, version=1, document=label_schema or label_document())
    return made


def display(*, frames: int = 1, rows: int = 8, columns: int = 10, **fields: Any) -> dict[str, Any]:
    """The curated description of a series: axial frames 5 mm apart, pixels of 0.5 (row) by 0.25 mm."""
    return {
        "rows": rows,
        "columns": columns,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
        "planar_configuration": 0,
        "bits_allocated": 16,
        "bits_stored": 12,
        "high_bit": 11,
        "pixel_representation": 0,
        "rescale_slope": 1,
        "rescale_intercept": 0,
        "rescale_type": "",
        "windows": [{"center": 2048, "width": 4096, "name": ""}],
        "pixel_spacing": [0.5, 0.25],
        "spacing_source": "pixel_spacing",
        "slice_spacing": 5.0 if frames > 1 else None,
        "frame_of_reference": None,
        "geometry": "volume" if frames > 1 else "stack",
        "frame_time_ms": None,
        "fidelity": {"exact": True, "note": ""},
        "frame_count": frames,
        "version": f"{number():016x}",
        "modality": "CT",
        "description": "Axial",
        "sources": {
            "objects": [[f"instance-{number()}", "0" * 64, False] for _ in range(frames)],
            "object": list(range(frames)),
            "number": [1] * frames,
            "length": [rows * columns * 2] * frames,
        },
        "frames": [
            {
                "index": index,
                "sop_instance_uid": uid(),
                "frame": 1,
                "transfer_syntax_uid": "1.2.840.10008.1.2.1",
                "position": [10.0, 20.0, 5.0 * index],
                "orientation": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            }
            for index in range(frames)
        ],
        **fields,
    }


def series(*, frames: int = 1, **fields: Any) -> Series:
    """A stable series with one instance per frame."""
    shown = fields.pop("display", None) or display(frames=frames)
    made = Series.objects.create(
        **{
            "series_uid": uid(),
            "study_uid": uid(),
            "orthanc_id": f"series-{number()}",
            "modality": "CT",
            "description": "Axial",
            "display": shown,
            "frame_count": frames,
            "stable": True,
            **fields,
        }
    )
    Instance.objects.bulk_create(
        Instance(
            series=made,
            sop_instance_uid=frame["sop_instance_uid"],
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            orthanc_id=f"instance-{number()}",
            transfer_syntax_uid=frame["transfer_syntax_uid"],
            sha256=_sha256(f"file {frame['sop_instance_uid']}"),
            pixel_sha256=_sha256(f"pixels {frame['sop_instance_uid']}"),
        )
        for frame in shown["frames"]
    )
    return made


def patient(project: Project, stream: str = "pool") -> Patient:
    return Patient.objects.create(
        project=project, pseudonym=_sha256(f"patient {number()}")[:32], stream=stream
    )


def case(
    project: Project, *, stream: str = "pool", frames: int = 1, slots: bool = True, **fields: Any
) -> Case:
    """A case of a new patient with one series, ready to read, with an open slot per reading wanted."""
    shown = fields.pop("series", None) or [series(frames=frames)]
    made = Case.objects.create(
        **{
            "project": project,
            "patient": fields.pop("patient", None) or patient(project, stream),
            "uid": shown[0].series_uid,
            "stream": stream,
            "state": Case.State.READY,
            "modality": shown[0].modality,
            "frame_count": sum(one.frame_count for one in shown),
            "reads_wanted": project.reads_per_case,
            **fields,
        }
    )
    made.series.set(shown)
    if slots:
        for place in range(1, made.reads_wanted + 1):
            slot(made, number=place)
    return made


def cases(project: Project, amount: int, **fields: Any) -> list[Case]:
    return [case(project, **fields) for _ in range(amount)]


def slot(case: Case, **fields: Any) -> Slot:
    """An open slot. Earlier ones come first when claimed, unless ``priority`` says otherwise."""
    return Slot.objects.create(
        **{
            "case": case,
            "project": case.project,
            "stream": case.stream,
            "modality": case.modality,
            "body_part": case.body_part,
            "number": 1,
            "priority": 1 / (2 + number()),
            **fields,
        }
    )


def let_time_pass(slot: Slot, **spent: float) -> None:
    """Move the lease into the past, since PostgreSQL's clock cannot be moved forward."""
    Slot.objects.filter(pk=slot.pk).update(
        lease_expires_at=F("lease_expires_at") - timedelta(**spent)
    )


def content(
    value: Any = "yes", *, question: str = "finding", marks: tuple[dict[str, Any], ...] = ()
) -> dict[str, Any]:
    """A submission that answers the question of ``label_document``."""
    return {"answers": [{"question": question, "target": "", "value": value}], "marks": list(marks)}


def box(
    case: Case,
    *,
    label_class: str = "lesion",
    corners: tuple[tuple[float, float], ...] = ((1, 2), (5, 6)),
) -> dict[str, Any]:
    """A box on the first frame of the case."""
    shown = case.series.first()
    assert shown is not None
    frame = shown.display["frames"][0]
    return {
        "tracking_uid": uid(),
        "kind": "box",
        "label_class": label_class,
        "sop_instance_uid": frame["sop_instance_uid"],
        "frame": frame["frame"],
        "points_px": [list(corner) for corner in corners],
        "mask": None,
        "series": None,
        "text": "",
    }


def labelmap(series: Series, sha256: str, *, label_class: str = "lesion") -> dict[str, Any]:
    """A mark that names an uploaded mask."""
    return {
        "tracking_uid": uid(),
        "kind": "labelmap",
        "label_class": label_class,
        "sop_instance_uid": "",
        "frame": None,
        "points_px": [],
        "mask": sha256,
        "series": series.pk,
        "text": "",
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def key() -> UUID:
    """An Idempotency-Key of its own."""
    return uuid4()


def read(case: Case, by: User | None = None, value: Any = "yes", **fields: Any) -> Read:
    """A submitted read that answers the question of ``label_document``; its slot is done."""
    by = by or reader(case.project)
    taken = case.slots.filter(state=Slot.State.OPEN).first() or slot(
        case, number=case.slots.count() + 1
    )
    Slot.objects.filter(pk=taken.pk).update(state=Slot.State.DONE, reader=by)
    made = Read.objects.create(
        **{
            "case": case,
            "slot": taken,
            "reader": by,
            "purpose": taken.purpose,
            "label_schema": case.project.label_schemas.latest("version"),
            "idempotency_key": uuid4(),
            "content_sha256": _sha256(f"content {number()}"),
            "active_seconds": 30,
            "instances_sha256": provenance.instances_sha256(case),
            **fields,
        }
    )
    Answer.objects.create(read=made, question="finding", value=value)
    return made


def reference(case: Case, *reads: Read, **fields: Any) -> Reference:
    """The current reference of a case, made from one read unless reads are given."""
    from_reads = reads or (read(case),)
    made = Reference.objects.create(
        **{
            "case": case,
            "version": 1,
            "method": "single",
            "answers": {"finding": "yes"},
            "certainty": 1,
            **fields,
        }
    )
    made.reads.set(from_reads)
    return made

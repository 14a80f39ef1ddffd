"""Take in marks made elsewhere as reads of a named source. With ``reading`` the only writer of Read,
Mark and Answer.

Reading the same object again changes nothing; after a new table of classes it corrects the earlier read.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import rfc8785
from django.db import transaction

from . import (
    consensus,
    frame_cache,
    ledger,
    marks,
    orthanc,
    outside_marks,
    placing,
    provenance,
    queue,
)
from .class_map import ClassMap
from .dicom.faults import Fault
from .dicom.identity import sha256_of
from .dicom.outside import Outside
from .dicom.sandbox import sandbox
from .errors import InvalidInput
from .models import (
    Answer,
    Case,
    ImportItem,
    Instance,
    LabelSchema,
    Mark,
    Read,
    Slot,
    Source,
    User,
    WrittenObject,
)
from .schema import check_content
from .validation import require_none

MOST_MARKS = 10_000


@dataclass
class Report:
    """What became of one object. ``unknown``: names that stand for no class yet."""

    reads: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def is_new(self) -> bool:
        return any(read["new"] for read in self.reads)

    def sentence(self) -> str:
        """All of it, for a person."""
        drawn, said = (sum(read[what] for read in self.reads) for what in ("marks", "answers"))
        told = []
        if self.reads:
            cases = "1 case" if len(self.reads) == 1 else f"{len(self.reads)} cases"
            counted = f"{drawn} marks and {said} answers".replace("1 marks", "1 mark")
            told.append(f"Read in for {cases}: {counted.replace('1 answers', '1 answer')}.")
        if self.unknown:
            names = ", ".join(f"“{name}”" for name in self.unknown[:20])
            told.append(
                f"Not known which class is meant by {names}: say so in the source's table of classes, "
                "then try again."
            )
        return " ".join([*told, *self.left_out])


def take_in(item: ImportItem, path: Path | None) -> Report:
    """``path``: the file; None for an object that lies in the image store. A Fault if nothing can be read."""
    batch = item.batch
    if batch is None or batch.marks_of is None:
        raise ValueError("not an import of marks")
    with frame_cache.scratch() as folder:
        if path is None:
            path = folder / "object.dcm"
            orthanc.download(item.orthanc_id, path)
        sha256 = sha256_of(path)
        outside = sandbox.read_marks(path, folder=folder)
        _refuse_own(outside)
        return _read_in(
            batch.marks_of, outside, sha256, folder, name=item.name, user=batch.created_by
        )


def _refuse_own(outside: Outside) -> None:
    if outside.uid and WrittenObject.objects.filter(sop_instance_uid=outside.uid).exists():
        raise Fault(
            "own_object",
            "This object was written by Consilium from a read that is here already. It is not read in.",
        )


def _read_in(
    source: Source, outside: Outside, sha256: str, folder: Path, *, name: str, user: User | None
) -> Report:
    project = source.project
    schema = LabelSchema.objects.filter(project=project).latest("version")
    classes = ClassMap(schema.document, source.classes)
    identity = outside.uid or sha256
    key = hashlib.sha256(f"{source.pk}/{identity}".encode()).hexdigest()
    report = Report()
    left_out = dict.fromkeys(outside.left_out)
    origin = {
        "kind": outside.kind,
        "object": identity,
        "sha256": sha256,
        "maker": outside.maker,
        "how": outside.how,
        "name": name,
    }
    for case in placing.cases_of(project, outside, name):
        gathered = outside_marks.gather(case, outside, folder, classes, key=key)
        left_out.update(gathered.left_out)
        if not gathered.marks and not gathered.answers:
            continue
        if len(gathered.marks) > MOST_MARKS:
            raise Fault("too_large", f"The object holds more than {MOST_MARKS:,} marks of a case.")
        read, new = _store(source, schema, case, gathered.content, origin=origin, user=user)
        report.reads.append(
            {
                "case": case.pk,
                "read": read.pk,
                "marks": len(gathered.marks),
                "answers": len(gathered.answers),
                "counts": read.slot_id is not None,
                "new": new,
            }
        )
    report.left_out, report.unknown = list(left_out), list(classes.unknown)
    if not report.reads and not report.unknown:
        raise Fault(
            "nothing_read", " ".join(report.left_out) or "The object holds nothing to read."
        )
    return report


def _store(
    source: Source,
    label_schema: LabelSchema,
    case: Case,
    content: dict[str, Any],
    *,
    origin: dict[str, Any],
    user: User | None,
) -> tuple[Read, bool]:
    """The read, and whether it is new."""
    drawn = _prepared(label_schema, case, content)
    said = {"source": source.pk, "object": origin["object"], "case": case.pk, "content": content}
    sha256 = hashlib.sha256(rfc8785.dumps(said)).hexdigest()
    with transaction.atomic():
        locked = Case.objects.select_related("project").select_for_update(no_key=True, of=("self",))
        case = locked.get(pk=case.pk)
        images = provenance.instances_sha256(case)
        before = source.reads.filter(case=case, origin__object=origin["object"], superseded_by=None)
        earlier = before.select_related("slot").order_by("-pk").first()
        if earlier and (earlier.content_sha256, earlier.instances_sha256) == (sha256, images):
            return earlier, False
        read = Read.objects.create(
            case=case,
            slot=_slot(source, case, earlier),
            source=source,
            origin=origin,
            reader=source.account,
            purpose="primary",
            label_schema=label_schema,
            idempotency_key=uuid5(NAMESPACE_OID, f"{sha256}/{images}/{earlier and earlier.pk}"),
            content_sha256=sha256,
            supersedes=earlier,
            active_seconds=0,
            instances_sha256=images,
        )
        _store_content(read, drawn, content)
        _record(read, user)
        return read, True


def _prepared(label_schema: LabelSchema, case: Case, content: dict[str, Any]) -> list[Mark]:
    try:
        wrong = check_content(label_schema.document, content, complete=False)
        require_none(wrong, "What was read in")
        return marks.prepare(case, content["marks"])
    except InvalidInput as fault:
        raise Fault("not_valid", fault.detail) from fault


def _slot(source: Source, case: Case, earlier: Read | None) -> Slot | None:
    """The wanted reading that the read fills: of a source that counts, one that is open."""
    if earlier is not None and earlier.slot is not None and earlier.slot.state == Slot.State.DONE:
        return earlier.slot
    return queue.fill(case, source.account) if source.counts else None


def _record(read: Read, user: User | None) -> None:
    case = read.case
    reference = consensus.renew(case) if read.slot is not None else None
    data = {
        "case": case.pk,
        "source": read.source_id,
        "origin": read.origin,
        "content_sha256": read.content_sha256,
        "instances_sha256": read.instances_sha256,
        "counts": read.slot is not None,
        "supersedes": read.supersedes_id,
    }
    ledger.record("read.take_in", project=case.project, actor=user, obj=read, data=data)
    if reference is not None:
        consensus.record(case, reference)


def _store_content(read: Read, drawn: list[Mark], content: dict[str, Any]) -> None:
    for mark in drawn:
        mark.read = read
    Mark.objects.bulk_create(drawn)
    Answer.objects.bulk_create(Answer(read=read, **one) for one in content["answers"])


def in_store(source: Source, kinds: frozenset[str]) -> list[Instance]:
    """Objects with marks in the image store that lie in a study of the project, other than our own."""
    studies = source.project.cases.exclude(state=Case.State.WITHDRAWN).values("series__study_uid")
    found = Instance.objects.filter(
        sop_class_uid__in=kinds, series__study_uid__in=studies, series__deleted_at=None
    )
    ours = WrittenObject.objects.values("sop_instance_uid")
    return list(found.exclude(sop_instance_uid__in=ours).select_related("series").order_by("pk"))

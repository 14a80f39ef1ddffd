"""Reads stored back to the image store as DICOM SR and SEG: asked for, or by the project's rule.

The only writer of WriteBack and WrittenObject. What is to be stored is noted before it is sent, under
identifiers that follow from the read: after a kill it is sent again and found to be there already.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from . import doorbell, frame_cache, ledger, orthanc, read_records
from .dicom.faults import Fault
from .dicom.record import Written
from .dicom.sandbox import DecoderUnavailable, sandbox
from .errors import Conflict, ImageStoreUnavailable, StorageFull
from .models import (
    Case,
    Project,
    Read,
    SupersededRule,
    User,
    WriteBack,
    WriteBackRule,
    WrittenObject,
)

ACTOR = "write_back"
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
AT_ONCE = 50
MOST_CRASHES = 6
"""Tries after which something that is nobody's known fault is given up and shown."""
NOTHING = "The read holds no marks and no answers, so there is nothing to store."
OVERTAKEN = "The read was corrected meanwhile; its correction is stored in its place."
UNEXPLAINED = "It failed for a reason that is not known; the log of the server says more."

log = logging.getLogger(__name__)


def by_rule(read: Read) -> None:
    """In the transaction that stores the read."""
    if read.case.project.write_back == WriteBackRule.SUBMIT:
        _request(read, None)


def request(case: Case, user: User | None) -> list[WriteBack]:
    """Have every read of the case that stands stored back; what is stored already stays as it is."""
    reads = case.reads.filter(superseded_by=None, source=None).select_related("case__project")
    with transaction.atomic():
        found = [_request(read, user) for read in reads.order_by("pk")]
        if not found:
            raise Conflict("Nobody has read this case yet, so there is nothing to store back.")
        data = {"case": case.pk, "reads": [one.read_id for one in found]}
        ledger.record("write_back.request", project=case.project, actor=user, obj=case, data=data)
    return found


def request_all(project: Project, user: User | None) -> int:
    """Have every read of the project that stands and is not stored stored back; how many there are."""
    reads = Read.objects.filter(case__project=project, superseded_by=None, source=None)
    with transaction.atomic():
        waiting = reads.exclude(write_back__state__in=["waiting", "stored"])
        numbers = [_request(read, user).pk for read in waiting.select_related("case__project")]
        data = {"reads": len(numbers)}
        ledger.record("write_back.request", project=project, actor=user, obj=project, data=data)
    return len(numbers)


def due() -> QuerySet[WriteBack]:
    return WriteBack.objects.filter(state=WriteBack.State.WAITING, due_at__lte=Now())


def carry_out(write_back_id: int) -> None:
    """Write and store the objects of one read. Two workers at once: the second finds nothing due."""
    row = _begin(write_back_id)
    if row is None:
        return
    try:
        stored = {} if _is_overtaken(row.read) else _store(row)
        removed = _remove_superseded(row.read)
    except (ImageStoreUnavailable, StorageFull, DecoderUnavailable) as away:
        WriteBack.objects.filter(pk=row.pk).update(reason=str(away))
    except (Fault, orthanc.NotInStore, orthanc.Refused) as wrong:
        _fail(row, wrong.reason if isinstance(wrong, Fault) else str(wrong))
    except Exception:  # the edge of one read's work: it must not stop the others
        log.exception("Read %s could not be written back", row.read_id)
        if row.tries >= MOST_CRASHES:
            _fail(row, UNEXPLAINED)
        else:
            WriteBack.objects.filter(pk=row.pk).update(reason=UNEXPLAINED)
    else:
        _finish(row, stored, removed)


def _request(read: Read, user: User | None) -> WriteBack:
    """One that failed is tried again; one that waits is due at once."""
    row, made = WriteBack.objects.get_or_create(
        read=read,
        defaults={
            "project": read.case.project,
            "requested_by": user,
            "due_at": timezone.now(),
        },
    )
    if not made and row.state != WriteBack.State.STORED:
        row.state, row.tries, row.reason, row.due_at = (
            WriteBack.State.WAITING,
            0,
            "",
            timezone.now(),
        )
        row.requested_by, row.finished_at = user, None
        row.save()
    if row.state == WriteBack.State.WAITING:
        doorbell.ring(ACTOR, row.pk)
    return row


def _begin(write_back_id: int) -> WriteBack | None:
    """Taken by moving its next try on: whoever dies meanwhile is followed by a later one."""
    with transaction.atomic():
        row = (
            due().select_for_update(skip_locked=True, of=("self",)).filter(pk=write_back_id).first()
        )
        if row is None:
            return None
        row.tries += 1
        pause = min(FIRST_PAUSE * 2 ** min(row.tries - 1, 10), LONGEST_PAUSE)
        WriteBack.objects.filter(pk=row.pk).update(tries=F("tries") + 1, due_at=Now() + pause)
    rows = WriteBack.objects.select_related(
        "read__case__project", "read__label_schema", "read__source"
    )
    return rows.get(pk=write_back_id)


def _store(row: WriteBack) -> dict[str, str]:
    """By SOP Instance UID, the store's ids of what was written of the read."""
    with frame_cache.scratch() as folder:
        written = _write(row.read, folder)
        _note(row, written)
        return {one.sop_instance_uid: _send(one) for one in written}


def _is_overtaken(read: Read) -> bool:
    """It was corrected before its turn came, and the correction is stored in its place."""
    later = WriteBack.objects.filter(read__supersedes=read)
    return read.case.project.write_back_superseded == SupersededRule.REMOVE and later.exists()


def _remove_superseded(read: Read) -> list[WrittenObject]:
    """The objects of reads that this one corrects; its own, if it was corrected while they were sent.

    What was noted and not sent yet is looked for, too: its sender, if it lives, removes what it sends.
    """
    if read.case.project.write_back_superseded == SupersededRule.KEEP:
        return []
    gone = []
    earlier = read.supersedes
    while earlier is not None:
        gone.append(earlier.pk)
        earlier = earlier.supersedes
    still = WrittenObject.objects.filter(write_back__read__in=gone, removed_at=None)
    own = WrittenObject.objects.filter(write_back__read=read)
    objects = [*still, *(own if _is_overtaken(read) else [])]
    for one in objects:
        if orthanc_id := one.orthanc_id or orthanc.find_instance(one.sop_instance_uid):
            orthanc.delete_instance(orthanc_id)
    return objects


def _write(read: Read, folder: Path) -> list[Written]:
    record = read_records.record_of(read, folder)
    path = folder / "record.json"
    path.write_text(json.dumps(dataclasses.asdict(record)), encoding="utf-8")
    return sandbox.write_objects(path, folder=folder)


def _note(row: WriteBack, written: list[Written]) -> None:
    with transaction.atomic():
        row.written.all().delete()
        WrittenObject.objects.bulk_create(
            WrittenObject(
                write_back=row,
                kind=one.kind,
                sop_instance_uid=one.sop_instance_uid,
                sop_class_uid=one.sop_class_uid,
                series_uid=one.series_uid,
                sha256=one.sha256,
            )
            for one in written
        )


def _send(one: Written) -> str:
    return orthanc.store(Path(one.path)).orthanc_id


def _fail(row: WriteBack, reason: str) -> None:
    WriteBack.objects.filter(pk=row.pk).update(
        state=WriteBack.State.FAILED, reason=reason, finished_at=Now()
    )


def _finish(row: WriteBack, stored: dict[str, str], removed: list[WrittenObject]) -> None:
    uids = sorted(one.sop_instance_uid for one in removed)
    reason = OVERTAKEN if _is_overtaken(row.read) else "" if stored else NOTHING
    with transaction.atomic():
        for uid, orthanc_id in stored.items():
            row.written.filter(sop_instance_uid=uid).update(orthanc_id=orthanc_id)
        WrittenObject.objects.filter(sop_instance_uid__in=uids).update(removed_at=Now())
        WriteBack.objects.filter(pk=row.pk).update(
            state=WriteBack.State.STORED, reason=reason, finished_at=Now()
        )
        data = {"read": row.read_id, "objects": sorted(stored)}
        if uids:
            data["removed"] = uids
        project = row.read.case.project
        ledger.record("write_back.store", project=project, actor=None, obj=row, data=data)

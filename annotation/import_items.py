"""Take in one file of an import: examine, convert, store, count. Killed at any line, it is done again.

What may be wrong with the file ends in quarantine; what may be wrong with the machine (image store
down, disk full) leaves the item waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from . import (
    arrivals,
    enrolment,
    frame_cache,
    import_tables,
    intake,
    orthanc,
    outside_reads,
    quarantine,
    uploads,
)
from .dicom import archive, patients
from .dicom.faults import Fault
from .dicom.found import Found
from .dicom.identity import MADE, sha256_of
from .dicom.sandbox import sandbox
from .dicom.sniff import Kind, sniff
from .errors import Conflict
from .models import Import, ImportItem, Instance, Series, User
from .turns import turn

State = ImportItem.State
UNPACKED = "unpacked"
_CHECK_EVERY = 50


@dataclass(frozen=True)
class _Outcome:
    """``whole``: the file was a series of its own, to which no other file can add."""

    state: str
    code: str = ""
    reason: str = ""
    whole: bool = False


def take_in(item_id: int) -> None:
    """Do all that is to do for the file. A second worker on the same item goes away at once."""
    with turn(f"import-item:{item_id}") as mine:
        items = ImportItem.objects.select_related(
            "batch__project",
            "batch__created_by",
            "batch__marks_of__project",
            "batch__marks_of__account",
        )
        item = items.filter(pk=item_id).first()
        if not mine or item is None or item.batch is None or item.state != State.WAITING:
            return
        if item.batch.state == Import.State.CANCELLED:
            return
        try:
            outcome = _examine(item)
        except quarantine.UNFIT as error:
            fault = quarantine.fault_of(error)
            outcome = _Outcome(State.QUARANTINED, fault.code, fault.reason)
        _conclude(item, outcome)
        if outcome.whole:
            series = Series.objects.filter(series_uid__in=item.series_uids)
            for series_id in series.values_list("pk", flat=True):
                intake.settle_or_hold(series_id)


def retry(item: ImportItem, user: User | None) -> ImportItem:
    """Try a file in quarantine again, for instance after the cause was put right elsewhere."""
    if item.state != State.QUARANTINED:
        raise Conflict("Only a file in quarantine can be tried again.")
    if item.batch is None:
        return _retry_in_store(item, user)
    if not item.orthanc_id and not uploads.path_of(item).exists():
        raise Conflict("The file is no longer here. Import it again.")
    with transaction.atomic():
        ImportItem.objects.filter(pk=item.pk, state=State.QUARANTINED).update(
            state=State.WAITING, reason_code="", reason=""
        )
        Import.objects.filter(pk=item.batch.pk, state=Import.State.DONE).update(
            state=Import.State.PROCESSING, finished_at=None
        )
        quarantine.note("import.retry", item, user)
    item.refresh_from_db()
    return item


def _retry_in_store(item: ImportItem, user: User | None) -> ImportItem:
    """An object that Orthanc holds is examined anew; still wrong, it stays. A series waits for intake."""
    found = arrivals.examine([item.orthanc_id]) if item.orthanc_id else []
    with transaction.atomic():
        if not item.orthanc_id:
            ImportItem.objects.filter(pk=item.pk).update(state=State.WAITING)
            quarantine.look_again(item)
        elif not found or found[0].found is not None:
            quarantine.release([item.orthanc_id])
            arrivals.record(found)
        quarantine.note("import.retry", item, user)
    item.refresh_from_db()
    return item


def _examine(item: ImportItem) -> _Outcome:
    path = uploads.path_of(item)
    if item.orthanc_id:
        return _read_marks(item, None)
    if not item.size:
        raise Fault("empty", "The file is empty.")
    if not path.exists():
        raise Fault("upload_lost", "The uploaded file is no longer on the server. Import it again.")
    item.sha256 = sha256_of(path)
    if sniff(path) is Kind.ZIP and item.reason_code != UNPACKED:
        return _unpack(item, path)
    if item.size > settings.MAX_INSTANCE_BYTES:
        raise Fault("too_large", "The file is larger than the limit of 512 MiB.")
    if item.batch is not None and item.batch.marks_of is not None:
        return _read_marks(item, path)
    with frame_cache.scratch() as folder:
        found = sandbox.examine(path, name=item.name, patient=item.patient, folder=folder)
        return _store_all(item, found)


def _read_marks(item: ImportItem, path: Path | None) -> _Outcome:
    """Marks made elsewhere. Where a class is not known, a person says which, and tries again."""
    report = outside_reads.take_in(item, path)
    item.report = vars(report)
    item.save(update_fields=["report", "sha256", "updated_at"])
    if report.unknown:
        return _Outcome(State.QUARANTINED, "unknown_class", report.sentence())
    state = State.STORED if report.is_new else State.DUPLICATE
    return _Outcome(state, "marks", report.sentence())


def _store_all(item: ImportItem, found: list[Found]) -> _Outcome:
    """Say what will be stored before storing it: so a second run knows its own objects from others'."""
    for each in found:
        if each.not_an_image:
            raise Fault("not_an_image", each.not_an_image)
    _refuse_foreign(item, found)
    announced = set(item.sop_instance_uids)
    item.sop_instance_uids = [each.sop_instance_uid for each in found]
    item.series_uids = sorted({each.series_uid for each in found})
    item.save(update_fields=["sha256", "sop_instance_uids", "series_uids", "updated_at"])
    new = sum([_store(each, own=each.sop_instance_uid in announced) for each in found])
    if not new:
        return _Outcome(State.DUPLICATE, "duplicate", "These images were here already.")
    converted = found[0].series_uid.startswith(MADE) and found[0].sha256 != item.sha256
    reason = f"Converted to {len(found)} DICOM images." if converted else ""
    return _Outcome(State.STORED, "", reason, whole=converted)


def _refuse_foreign(item: ImportItem, found: list[Found]) -> None:
    """UIDs are no secret: who knows them must not add to what another project reads."""
    batch = item.batch
    if batch is None:
        return
    held = Instance.objects.filter(sop_instance_uid__in=[each.sop_instance_uid for each in found])
    here = set(held.values_list("sop_instance_uid", flat=True))
    new = {each.series_uid: each for each in found if each.sop_instance_uid not in here}
    for each in new.values():
        attributes = {**(each.description or {}).get("attributes", {}), "Origin": "RestApi"}
        if enrolment.is_closed_to(
            batch.created_by,
            batch.project,
            series_uid=each.series_uid,
            study_uid=each.study_uid,
            attributes=attributes,
        ):
            raise Fault(
                "series_elsewhere",
                "This image would be added to a series or study of a project into which you may not "
                "import. Nothing was stored. Ask somebody who may import into both.",
            )


def _store(found: Found, *, own: bool) -> bool:
    """Whether the object is this item's doing. A Fault if its UID is taken by other pixels."""
    held = (
        Instance.objects.filter(sop_instance_uid=found.sop_instance_uid, series__deleted_at=None)
        .values_list("sha256", "pixel_sha256")
        .first()
    )
    if held is not None:
        return _is_same(found, *held) and own
    try:
        stored = orthanc.store(Path(found.path))
    except orthanc.Refused as refused:
        raise Fault("store_refused", f"The image store refused the file: {refused}.") from refused
    if not stored.is_new:
        return _compare_with_held(found, stored) and own
    if found.frames:
        frame_cache.keep_decoded(found.sha256, Path(found.frames))
    arrivals.register(
        found,
        orthanc_id=stored.orthanc_id,
        series_id=stored.series_id,
        sender={"Origin": "RestApi"},
    )
    return True


def _compare_with_held(found: Found, stored: orthanc.StoredInstance) -> bool:
    """Orthanc keeps the first object of a UID, silently. If it has no row here yet, it gets one."""
    arrival = next(iter(arrivals.examine([stored.orthanc_id])), None)
    if arrival is None or arrival.found is None:
        reason = arrival.fault.reason if arrival and arrival.fault else "It has just been deleted."
        raise Fault("same_uid", f"The image store holds an unfit object of this UID. {reason}")
    same = _is_same(found, arrival.found.sha256, arrival.found.pixel_sha256)
    arrivals.record([arrival])
    return same


def _is_same(found: Found, sha256: str, pixel_sha256: str) -> bool:
    """Byte for byte. A Fault if not even the pixels are the same."""
    if found.pixel_sha256 != pixel_sha256:
        raise Fault(
            "same_uid_other_pixels",
            "An image with this SOP Instance UID but different pixels is here already. "
            "UIDs must be unique: one of the two is wrong. The first one was kept.",
        )
    return found.sha256 == sha256


def _unpack(item: ImportItem, path: Path) -> _Outcome:
    """Each file of the archive becomes an item of the same import; those made before are kept."""
    listed = archive.entries(path)
    made = {child.name: child for child in _children(item)}
    with archive.opened(path) as opened:
        whose = _patients(opened, listed)
        listed = [entry for entry in listed if not patients.is_table(entry.name)]
        for place, (entry, name) in enumerate(zip(listed, _names(item, listed), strict=True)):
            if place % _CHECK_EVERY == 0 and _is_cancelled(item):
                return _Outcome(State.DISMISSED, "", "The import was cancelled.")
            child = made.get(name) or _new_child(item, name, entry, whose[entry.name])
            if child.state == State.RECEIVING:
                _unpack_entry(opened, entry, child)
    return _Outcome(State.STORED, "archive", f"Unpacked: {len(listed)} files.")


def _patients(opened: ZipFile, listed: list[archive.Entry]) -> dict[str, str]:
    """By entry: an archive may bring a table of patients of its own."""
    names = [entry.name for entry in listed]
    tables = {}
    for entry in listed:
        if patients.is_table(entry.name) and entry.size <= import_tables.LARGEST:
            with frame_cache.scratch() as folder:
                archive.unpack(opened, entry.number, folder / patients.TABLE)
                tables[entry.name] = import_tables.read((folder / patients.TABLE).read_bytes())
    return dict(zip(names, patients.assign(names, tables), strict=True))


def _names(item: ImportItem, listed: list[archive.Entry]) -> list[str]:
    """As in the archive; a name that it holds twice gets the entry's number as a folder."""
    names: dict[str, None] = {}
    for entry in listed:
        name = f"{item.name}/{entry.name}"[-480:]
        names[name if name not in names else f"#{entry.number}/{name}"] = None
    return list(names)


def _children(item: ImportItem) -> QuerySet[ImportItem]:
    return ImportItem.objects.filter(batch=item.batch, pk__gt=item.pk)


def _new_child(item: ImportItem, name: str, entry: archive.Entry, patient: str) -> ImportItem:
    return ImportItem.objects.create(
        batch=item.batch, name=name, size=entry.size, patient=patient, reason_code=UNPACKED
    )


def _unpack_entry(opened: ZipFile, entry: archive.Entry, child: ImportItem) -> None:
    if entry.size <= settings.MAX_INSTANCE_BYTES:
        uploads.require_space(entry.size)
        part = uploads.path_of(child).with_suffix(".part")
        archive.unpack(opened, entry.number, part)
        part.rename(uploads.path_of(child))
    ImportItem.objects.filter(pk=child.pk, state=State.RECEIVING).update(
        state=State.WAITING, received=entry.size
    )


def _is_cancelled(item: ImportItem) -> bool:
    return Import.objects.filter(items=item, state=Import.State.CANCELLED).exists()


def _conclude(item: ImportItem, outcome: _Outcome) -> None:
    """The file goes once its outcome is written, but stays for another try in quarantine."""
    with transaction.atomic():
        concluded = ImportItem.objects.filter(pk=item.pk, state=State.WAITING).update(
            state=outcome.state,
            reason_code=outcome.code,
            reason=outcome.reason,
            sha256=item.sha256,
            updated_at=Now(),
        )
    if concluded and outcome.state != State.QUARANTINED:
        uploads.drop(item)

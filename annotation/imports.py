"""Imports into a project: files received in pieces, then taken in one by one by ``import_items``.

With ``import_items`` the only writer of Import and ImportItem (``quarantine`` adds what is in none).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Sum
from django.db.models.functions import Now

from . import (
    access,
    due,
    import_items,
    import_tables,
    intake,
    ledger,
    local_files,
    outside_reads,
    uploads,
)
from .access import Action
from .dicom.faults import Fault
from .dicom.kinds import READABLE
from .dicom.patients import by_folder
from .errors import Conflict, InvalidInput, NotFound, NotPermitted, TooLarge
from .local_files import Progress
from .models import Import, ImportItem, Project, Series, Site, Source, User
from .turns import turn

MAX_FILES = 20_000
FILES_AT_ONCE = 1_000
MAX_ARCHIVE_BYTES = 8 * 1024**3
OPEN = (ImportItem.State.RECEIVING, ImportItem.State.WAITING)
_THREADS = 4


def begin(
    project: Project,
    user: User | None,
    *,
    files: Sequence[tuple[str, int]],
    site: Site | None,
    patients: Mapping[str, str] = MappingProxyType({}),
    marks_of: Source | None = None,
) -> Import:
    """Announce files by (name, size); ``batch.items`` has one item for each, in the same order.
    ``patients``: whose they are, by name. ``marks_of``: the source of marks, where they are no images.
    """
    _check(files)
    whose = dict(zip(files, by_folder([name for name, _ in files]), strict=True))
    uploads.require_space(sum(size for _, size in files))
    with transaction.atomic():
        batch = _announce(project, user, files, site=site, marks_of=marks_of)
        ImportItem.objects.bulk_create(
            ImportItem(
                batch=batch,
                name=_label(name),
                size=size,
                patient=patients.get(name) or whose[name, size],
                state=ImportItem.State.RECEIVING if size else ImportItem.State.WAITING,
            )
            for name, size in files
        )
        return batch


def begin_from_store(source: Source, user: User | None) -> Import:
    """Read in the objects with marks that lie in the image store, in studies of the project's cases."""
    found = outside_reads.in_store(source, READABLE)
    if not found:
        raise InvalidInput(
            "The image store holds no SEG, SR or RTSTRUCT made elsewhere for the studies of this project."
        )
    with transaction.atomic():
        batch = _announce(
            source.project, user, [(_label(one.sop_instance_uid), 0) for one in found], site=None,
            marks_of=source,
        )  # fmt: skip
        ImportItem.objects.bulk_create(
            ImportItem(
                batch=batch,
                name=f"{one.series.modality} {one.sop_instance_uid}",
                size=0,
                orthanc_id=one.orthanc_id,
                state=ImportItem.State.WAITING,
            )
            for one in found
        )
        batch.state = Import.State.PROCESSING
        batch.save(update_fields=["state"])
        return batch


def require_sender(batch: Import, user: User) -> None:
    """Who began an import goes on with it and stops it; so may whoever leads the project."""
    if batch.created_by_id in (None, user.pk):
        return
    if Action.EDIT_PROJECT not in access.actions_of(user, batch.project):
        raise NotPermitted(
            f"{batch.created_by} began this import. Only they, or a lead, may go on with it or stop it."
        )


def receive(item_id: int, offset: int, content: bytes) -> ImportItem:
    """The next piece of a file. A piece sent twice is refused with how much is here already."""
    if len(content) > settings.MAX_UPLOAD_CHUNK_BYTES:
        raise TooLarge("A piece may have at most 16 MiB.")
    with transaction.atomic():
        item = ImportItem.objects.select_for_update().filter(pk=item_id).first()
        if item is None:
            raise NotFound
        if item.state != ImportItem.State.RECEIVING or offset != item.received:
            raise Conflict(
                f"{item.received} of {item.size} bytes of this file are here. Go on from there.",
                received=item.received,
            )
        if item.received + len(content) > item.size:
            raise InvalidInput(f"The file was announced with {item.size} bytes; this is more.")
        uploads.write_at(item, offset, content)
        item.received += len(content)
        if item.received == item.size:
            item.state = ImportItem.State.WAITING
        item.save(update_fields=["received", "state", "updated_at"])
        return item


def complete(batch: Import) -> Import:
    """All files are here: the import ends by itself when the last of them is done."""
    with transaction.atomic():
        batch = Import.objects.select_for_update().get(pk=batch.pk)
        if batch.state != Import.State.RECEIVING:
            return batch
        missing = batch.items.filter(state=ImportItem.State.RECEIVING).count()
        if missing:
            raise Conflict(
                f"{missing} of the files have not fully arrived. Send the rest, or cancel the import."
            )
        _name_patients(batch)
        batch.state = Import.State.PROCESSING
        batch.save(update_fields=["state"])
        return batch


def cancel(batch: Import, user: User) -> Import:
    """Stop. What is stored already stays; the rest is forgotten."""
    return _stop(batch, user, "import.cancel", "The import was cancelled.")


def expire(import_id: int) -> None:
    """End an upload that nobody has gone on with for a week."""
    batch = due.abandoned().filter(pk=import_id).first()
    if batch is not None:
        reason = "Nothing arrived for 7 days, so the import was ended. Import the rest again."
        _stop(batch, None, "import.expire", reason)


def _stop(batch: Import, user: User | None, verb: str, reason: str) -> Import:
    with transaction.atomic():
        batch = Import.objects.select_for_update().get(pk=batch.pk)
        if batch.state in (Import.State.DONE, Import.State.CANCELLED):
            return batch
        batch.state, batch.finished_at = Import.State.CANCELLED, Now()
        batch.save(update_fields=["state", "finished_at"])
        open_items = list(batch.items.filter(state__in=OPEN))
        batch.items.filter(pk__in=[item.pk for item in open_items]).update(
            state=ImportItem.State.DISMISSED, reason=reason
        )
        data = {"left_out": len(open_items)}
        ledger.record(verb, project=batch.project, actor=user, obj=batch, data=data)
    for item in open_items:
        uploads.drop(item)
    batch.refresh_from_db()
    return batch


def finish(import_id: int) -> bool:
    """Make cases of what was stored and end the import, if all its files are done; whether it ended."""
    batch = Import.objects.get(pk=import_id)
    if batch.state != Import.State.PROCESSING or batch.items.filter(state__in=OPEN).exists():
        return False
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(_settle_in_thread, _series_of(batch)))
    with transaction.atomic():
        ended = Import.objects.filter(pk=import_id, state=Import.State.PROCESSING).update(
            state=Import.State.DONE, finished_at=Now()
        )
        if ended:
            data: dict[str, object] = {"items": counts(batch)}
            ledger.record("import.finish", project=batch.project, actor=None, obj=batch, data=data)
    return bool(ended)


def process_item(item_id: int) -> None:
    """Take in one file; with the last one the import ends."""
    import_items.take_in(item_id)
    batch_id = ImportItem.objects.filter(pk=item_id).values_list("batch_id", flat=True).first()
    if batch_id is not None:
        finish(batch_id)


def counts(batch: Import) -> dict[str, int]:
    rows = batch.items.values_list("state").annotate(number=Count("pk")).order_by("state")
    return dict(rows)


def sizes(batch: Import) -> tuple[int, int]:
    """Bytes announced and bytes received."""
    total = batch.items.aggregate(size=Sum("size"), received=Sum("received"))
    return int(total["size"] or 0), int(total["received"] or 0)


def import_paths(
    project: Project,
    paths: Sequence[Path],
    user: User | None,
    *,
    site: Site | None = None,
    table: Path | None = None,
    marks_of: Source | None = None,
    on_progress: Progress | None = None,
) -> Import:
    """Import local files, folders and archives, and return when they are cases or in quarantine.

    After a kill, run it again: what was taken in before is passed over. ``table``: whose each file is.
    """
    try:
        files = local_files.find(paths, table)
    except Fault as fault:
        raise InvalidInput(fault.reason) from fault
    if not files:
        raise InvalidInput("There is no file to import at the given paths.")
    _check_sizes([(file.name, file.size) for file in files])
    _end_killed(project, user)
    with transaction.atomic():
        announced = [(file.name, file.size) for file in files]
        batch = _announce(project, user, announced, site=site, marks_of=marks_of)
    with turn(_run(batch)):
        for start in range(0, len(files), FILES_AT_ONCE):
            local_files.take_in(
                batch, files[start : start + FILES_AT_ONCE], (start, len(files)), on_progress
            )
    complete(batch)
    finish(batch.pk)
    batch.refresh_from_db()
    return batch


def _announce(
    project: Project,
    user: User | None,
    files: Sequence[tuple[str, int]],
    *,
    site: Site | None,
    marks_of: Source | None = None,
) -> Import:
    batch = Import.objects.create(project=project, created_by=user, site=site, marks_of=marks_of)
    data = {"files": len(files), "bytes": sum(size for _, size in files)}
    if marks_of is not None:
        data["marks_of"] = marks_of.pk
    ledger.record("import.begin", project=project, actor=user, obj=batch, data=data)
    return batch


def _name_patients(batch: Import) -> None:
    """As the table says that came with the files, if one did; then they may be taken in."""
    try:
        tables, items = import_tables.assigned(batch)
    except Fault as fault:
        raise InvalidInput(
            f"{fault.reason} Correct it, cancel this import and begin again."
        ) from fault
    ImportItem.objects.bulk_update(items, ["patient"], batch_size=1000)
    for table in tables:
        table.state, table.reason_code = ImportItem.State.STORED, "patients"
        table.reason = "Says whose the files of this import are."
        table.save(update_fields=["state", "reason_code", "reason", "updated_at"])
        uploads.drop(table)


def _check(files: Sequence[tuple[str, int]]) -> None:
    if not files:
        raise InvalidInput("An import needs at least one file.")
    if len(files) > MAX_FILES:
        raise TooLarge(f"An import may have at most {MAX_FILES} files. Make several of it.")
    _check_sizes(files)


def _check_sizes(files: Sequence[tuple[str, int]]) -> None:
    for name, size in files:
        limit = MAX_ARCHIVE_BYTES if name.lower().endswith(".zip") else settings.MAX_INSTANCE_BYTES
        if not 0 <= size <= limit:
            raise TooLarge(f"“{_label(name)}” is larger than the limit of {limit // 1024**2} MiB.")


def _label(name: str) -> str:
    return name.replace("\x00", "")[-500:] or "unnamed"


def _series_of(batch: Import) -> list[int]:
    """Series of the import that the project does not have yet, or not as they now are."""
    stored = batch.items.filter(state__in=[ImportItem.State.STORED, ImportItem.State.DUPLICATE])
    uids = {uid for uids in stored.values_list("series_uids", flat=True) for uid in uids}
    rows = Series.objects.filter(series_uid__in=uids, deleted_at=None).exclude(
        stable=True, cases__project=batch.project
    )
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _run(batch: Import) -> str:
    return f"local-import:{batch.pk}"


def _end_killed(project: Project, user: User | None) -> None:
    """Runs of this person that nobody carries on any more. What they stored stays."""
    left = project.imports.filter(state=Import.State.RECEIVING, created_by=user)
    for batch in left.filter(items__source__gt="").distinct():
        with turn(_run(batch)) as ended:
            if ended:
                _stop(batch, user, "import.cancel", "The import was stopped and begun again.")


def _settle_in_thread(series_id: int) -> None:
    try:
        intake.settle_or_hold(series_id)
    finally:
        connection.close()

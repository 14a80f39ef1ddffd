"""Imports into a project: files received in pieces, then taken in one by one by ``import_items``.

With ``import_items`` the only writer of Import and ImportItem (``arrivals`` adds what it quarantines).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Sum
from django.db.models.functions import Now

from . import import_items, intake, ledger, uploads
from .dicom.archive import is_clutter
from .errors import Conflict, InvalidInput, NotFound, TooLarge
from .models import Import, ImportItem, Project, Series, Site, User

MAX_FILES = 20_000
MAX_ARCHIVE_BYTES = 8 * 1024**3
OPEN = (ImportItem.State.RECEIVING, ImportItem.State.WAITING)
Progress = Callable[[int, int], None]
_THREADS = 4


def begin(
    project: Project, user: User | None, *, files: Sequence[tuple[str, int]], site: Site | None
) -> Import:
    """Announce files by (name, size); ``batch.items`` has one item for each, in the same order."""
    _check(files)
    uploads.require_space(sum(size for _, size in files))
    with transaction.atomic():
        batch = Import.objects.create(project=project, created_by=user, site=site)
        ImportItem.objects.bulk_create(
            ImportItem(
                batch=batch,
                name=_label(name),
                size=size,
                state=ImportItem.State.RECEIVING if size else ImportItem.State.WAITING,
            )
            for name, size in files
        )
        data = {"files": len(files), "bytes": sum(size for _, size in files)}
        ledger.record("import.begin", project=project, actor=user, obj=batch, data=data)
        return batch


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
        batch.state = Import.State.PROCESSING
        batch.save(update_fields=["state"])
    finish(batch.pk)
    batch.refresh_from_db()
    return batch


def cancel(batch: Import, user: User) -> Import:
    """Stop. What is stored already stays; the rest is forgotten."""
    with transaction.atomic():
        batch = Import.objects.select_for_update().get(pk=batch.pk)
        if batch.state in (Import.State.DONE, Import.State.CANCELLED):
            return batch
        batch.state, batch.finished_at = Import.State.CANCELLED, Now()
        batch.save(update_fields=["state", "finished_at"])
        open_items = list(batch.items.filter(state__in=OPEN))
        batch.items.filter(pk__in=[item.pk for item in open_items]).update(
            state=ImportItem.State.DISMISSED, reason="The import was cancelled."
        )
        data = {"left_out": len(open_items)}
        ledger.record("import.cancel", project=batch.project, actor=user, obj=batch, data=data)
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


def dismiss(item: ImportItem) -> ImportItem:
    """A person has seen what is wrong with the file and lets it go."""
    with transaction.atomic():
        item = ImportItem.objects.select_for_update().get(pk=item.pk)
        if item.state == ImportItem.State.DISMISSED:
            return item
        if item.state != ImportItem.State.QUARANTINED:
            raise Conflict("Only a file in quarantine can be dismissed.")
        item.state = ImportItem.State.DISMISSED
        item.save(update_fields=["state", "updated_at"])
        if item.batch is not None:
            data = {"item": item.pk, "reason_code": item.reason_code}
            ledger.record(
                "import.dismiss", project=item.batch.project, actor=None, obj=item, data=data
            )
    uploads.drop(item)
    return item


def counts(batch: Import) -> dict[str, int]:
    rows = batch.items.values_list("state").annotate(number=Count("pk")).order_by("state")
    return dict(rows)


def sizes(batch: Import) -> tuple[int, int]:
    """Bytes announced and bytes received."""
    total = batch.items.aggregate(size=Sum("size"), received=Sum("received"))
    return int(total["size"] or 0), int(total["received"] or 0)


def import_paths(
    project: Project,
    paths: Iterable[Path],
    user: User | None,
    *,
    site: Site | None = None,
    on_progress: Progress | None = None,
) -> Import:
    """Import local files, folders and archives, and return when they are cases or in quarantine."""
    files = list(_walk(paths))
    if not files:
        raise InvalidInput("There is no file to import at the given paths.")
    batch = begin(
        project, user, files=[(name, path.stat().st_size) for name, path in files], site=site
    )
    for item, (_, path) in zip(batch.items.order_by("pk"), files, strict=True):
        uploads.adopt(item, path)
        ImportItem.objects.filter(pk=item.pk).update(
            received=item.size, state=ImportItem.State.WAITING
        )
    complete(batch)
    _process_all(batch, on_progress)
    finish(batch.pk)
    batch.refresh_from_db()
    return batch


def _check(files: Sequence[tuple[str, int]]) -> None:
    if not files:
        raise InvalidInput("An import needs at least one file.")
    if len(files) > MAX_FILES:
        raise TooLarge(f"An import may have at most {MAX_FILES} files. Make several of it.")
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


def _walk(paths: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Names relative to the folder that was given, and the files, in a stable order."""
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                name = file.relative_to(path).as_posix()
                if file.is_file() and not file.is_symlink() and not is_clutter(name):
                    yield name, file
        elif path.is_file():
            yield path.name, path
        else:
            raise InvalidInput(f"There is no file or folder “{path}”.")


def _process_all(batch: Import, on_progress: Progress | None) -> None:
    """Until nothing waits: an archive adds items of its own. A running worker may help."""
    while waiting := list(
        batch.items.filter(state=ImportItem.State.WAITING).values_list("pk", flat=True)
    ):
        with ThreadPoolExecutor(_THREADS) as pool:
            for _ in pool.map(_process_in_thread, waiting):
                if on_progress is not None:
                    total = batch.items.count()
                    on_progress(total - batch.items.filter(state__in=OPEN).count(), total)


def _process_in_thread(item_id: int) -> None:
    try:
        import_items.take_in(item_id)
    finally:
        connection.close()


def _settle_in_thread(series_id: int) -> None:
    try:
        intake.settle(series_id)
    finally:
        connection.close()

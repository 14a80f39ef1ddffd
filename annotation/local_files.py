"""Files of this machine that are to be imported: found, and taken in some at a time.

What an earlier run took in is passed over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from django.db.models import QuerySet

from . import import_items, uploads
from .dicom import patients
from .dicom.archive import is_clutter
from .errors import InvalidInput
from .models import Import, ImportItem, Instance, Project

State = ImportItem.State
Progress = Callable[[int, int], None]
_THREADS = 4


@dataclass(frozen=True)
class LocalFile:
    """``source`` changes when the file does, or its place, or whose it is said to be."""

    name: str
    path: Path
    size: int
    patient: str
    source: str


def find(paths: Sequence[Path], table: Path | None) -> list[LocalFile]:
    """A Fault if a table of patients, of its own or in a folder, makes no sense."""
    found = dict(_walk(paths))
    tables = {name: path for name, path in found.items() if patients.is_table(name)}
    if table is not None:
        tables |= {table.name: table}
    rows = {name: patients.read_table(path.read_bytes()) for name, path in tables.items()}
    names = [name for name in found if name not in tables]
    whose = patients.assign(names, rows)
    return [_described(name, found[name], who) for name, who in zip(names, whose, strict=True)]


def taken_in(project: Project, files: Iterable[LocalFile]) -> dict[str, ImportItem]:
    """By source: what an import into the project took in before and the image store still has."""
    items = ImportItem.objects.filter(
        source__in=[file.source for file in files],
        batch__project=project,
        state__in=[State.STORED, State.DUPLICATE],
    ).select_related("batch")
    known = [
        item
        for item in items
        if item.batch is not None
        and (item.sop_instance_uids or item.batch.state == Import.State.DONE)
    ]
    uids = {uid for item in known for uid in item.sop_instance_uids}
    images = Instance.objects.filter(sop_instance_uid__in=uids, series__deleted_at=None)
    here = set(images.values_list("sop_instance_uid", flat=True))
    return {item.source: item for item in known if here.issuperset(item.sop_instance_uids)}


def take_in(
    batch: Import,
    files: Sequence[LocalFile],
    place: tuple[int, int],
    on_progress: Progress | None,
) -> None:
    """The next files: an item for each, taken in at once, save those that were taken in before.
    ``place``: how many files came before these, and how many there are in all.
    """
    known = taken_in(batch.project, files)
    items = ImportItem.objects.bulk_create(_item(batch, f, known.get(f.source)) for f in files)
    for item, file in zip(items, files, strict=True):
        if item.state == State.RECEIVING:
            uploads.adopt(item, file.path)
            ImportItem.objects.filter(pk=item.pk).update(received=item.size, state=State.WAITING)
    part = batch.items.filter(pk__gte=items[0].pk)
    before, left = place[0], place[1] - place[0] - len(files)
    _process_all(part, lambda: _say(on_progress, part, before, left))


def _item(batch: Import, file: LocalFile, known: ImportItem | None) -> ImportItem:
    item = ImportItem(
        batch=batch,
        name=file.name.replace("\x00", "")[-500:],
        size=file.size,
        patient=file.patient,
        source=file.source,
    )
    if known is not None:
        item.state, item.reason = State.DUPLICATE, "Taken in by an earlier import."
        item.reason_code, item.received, item.sha256 = "duplicate", file.size, known.sha256
        item.sop_instance_uids, item.series_uids = known.sop_instance_uids, known.series_uids
    return item


def _say(on_progress: Progress | None, part: QuerySet[ImportItem], before: int, left: int) -> None:
    if on_progress is not None:
        here = part.count()
        done = here - part.filter(state__in=[State.RECEIVING, State.WAITING]).count()
        on_progress(before + done, before + here + left)


def _process_all(part: QuerySet[ImportItem], after_each: Callable[[], None]) -> None:
    """Until nothing waits: an archive adds items of its own. A running worker may help."""
    while waiting := list(
        part.filter(state=State.WAITING).order_by("pk").values_list("pk", flat=True)
    ):
        with ThreadPoolExecutor(_THREADS) as pool:
            for _ in pool.map(_process_in_thread, waiting):
                after_each()
    after_each()


def _process_in_thread(item_id: int) -> None:
    try:
        import_items.take_in(item_id)
    finally:
        connection.close()


def _described(name: str, path: Path, patient: str) -> LocalFile:
    status = path.stat()
    said = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}|{patient}"
    source = hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()
    return LocalFile(name, path, status.st_size, patient, source)


def _walk(paths: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Files in a stable order, named by their place below the folder, or, of several, from it on."""
    for path in paths:
        if path.is_dir():
            top = path.resolve().parent if len(paths) > 1 else path.resolve()
            for file in sorted(path.resolve().rglob("*")):
                name = file.relative_to(top).as_posix()
                if file.is_file() and not file.is_symlink() and not is_clutter(name):
                    yield name, file
        elif path.is_file():
            yield path.name, path
        else:
            raise InvalidInput(f"There is no file or folder “{path}”.")

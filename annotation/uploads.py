"""Uploaded files on disk, under generated names, and the space they may take."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from django.conf import settings

from .errors import StorageFull
from .models import ImportItem


def path_of(item: ImportItem) -> Path:
    """Named by number: what the sender called it is never part of a path."""
    folder: Path = settings.UPLOADS_DIR
    return folder / str(item.pk)


def require_space(size: int) -> None:
    """StorageFull if ``size`` more bytes would eat into the reserve."""
    settings.UPLOADS_DIR.mkdir(parents=True, exist_ok=True)
    disk = shutil.disk_usage(settings.UPLOADS_DIR)
    if disk.free - size < disk.total * settings.FREE_SPACE_FLOOR:
        raise StorageFull(
            "The server's disk is nearly full, so it takes no more files. "
            "Free some space or ask the person who runs it; then go on where you stopped."
        )


def write_at(item: ImportItem, offset: int, content: bytes) -> None:
    """On disk when this returns. Anything behind the offset, from an upload cut short, is overwritten."""
    require_space(len(content))
    descriptor = os.open(path_of(item), os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.seek(offset)
        file.write(content)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def adopt(item: ImportItem, source: Path) -> None:
    """A local file under a second name, or, where the file system cannot do that, a copy of it; in
    place only when whole.
    """
    settings.UPLOADS_DIR.mkdir(parents=True, exist_ok=True)
    part = path_of(item).with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        part.hardlink_to(source)
    except OSError:
        require_space(source.stat().st_size)
        shutil.copyfile(source, part)
    part.rename(path_of(item))


def drop(item: ImportItem) -> None:
    path_of(item).unlink(missing_ok=True)
    path_of(item).with_suffix(".part").unlink(missing_ok=True)

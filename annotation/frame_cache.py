"""Frames as files on disk: decoded copies where the browser would get the stored bytes wrong, and
uncompressed frames that somebody looked at lately.

Everything here may be deleted at any time and is fetched or made again when missed. Files appear
whole, under the hash of the object they come from, and are of a known length: a file cut short by a
crash is not served.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings

from . import orthanc
from .dicom.identity import sha256_of
from .dicom.sandbox import sandbox
from .errors import NotFound

_SCRATCH, _ABANDONED_SECONDS = ".making-", 3600


class Source(NamedTuple):
    """Where a frame comes from. ``length`` is that of its uncompressed bytes, 0 for a compressed frame."""

    store_id: str
    sha256: str
    decoded: bool
    number: int
    length: int


def sources(display: dict[str, Any]) -> list[Source]:
    """One for each frame of a series' display, in its order."""
    held = display["sources"]
    found = []
    for index, number, length in zip(held["object"], held["number"], held["length"], strict=True):
        store_id, sha256, decoded = held["objects"][index]
        found.append(Source(store_id, sha256, decoded, number, length))
    return found


def content(source: Source) -> bytes:
    kept = file(source)
    if kept is not None:
        return kept.read_bytes()
    fetched = orthanc.frame(source.store_id, source.number - 1)
    if source.length:
        _keep(source, fetched)
    return fetched


def file(source: Source) -> Path | None:
    """The file that holds exactly the frame; None if it is to be had from Orthanc alone."""
    kept = path(source)
    if source.length and _length(kept) == source.length:
        return kept
    if not source.decoded:
        return None
    with _one_at_a_time(source.sha256):
        if _length(kept) != source.length:
            _decode(source)
    if _length(kept) != source.length:
        raise NotFound("The decoded copy of this image has an unexpected size. Report this image.")
    return kept


def keep_decoded(sha256: str, folder: Path) -> None:
    """Take over a folder of decoded frames of the object of that hash."""
    target = _folder(sha256, decoded=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    try:
        folder.rename(target)
    except OSError:
        if not target.exists():
            raise


def drop(sha256: str) -> None:
    for decoded in (True, False):
        shutil.rmtree(_folder(sha256, decoded=decoded), ignore_errors=True)


def sweep() -> None:
    """Remove what killed processes left behind, and the oldest folders above the cache's limit."""
    for folder in settings.FRAMES_DIR.glob(f"{_SCRATCH}*"):
        if time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    folders = sorted(_sized(), reverse=True)
    total = 0
    for _, size, folder in folders:
        total += size
        if total > settings.FRAMES_CACHE_BYTES:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder beside the cache, so that a finished one can be renamed into place."""
    settings.FRAMES_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=settings.FRAMES_DIR) as folder:
        yield Path(folder)


def _folder(sha256: str, *, decoded: bool) -> Path:
    root: Path = settings.FRAMES_DIR / ("decoded" if decoded else "stored")
    return root / sha256[:2] / sha256


def path(source: Source) -> Path:
    """Where the frame is, if it is kept and of the right length."""
    return _folder(source.sha256, decoded=source.decoded) / f"{source.number - 1}.raw"


def _length(kept: Path) -> int:
    try:
        return kept.stat().st_size
    except FileNotFoundError:
        return -1


def _keep(source: Source, fetched: bytes) -> None:
    """A convenience for the next time: a full disk is no reason to fail now."""
    if len(fetched) != source.length:
        raise NotFound("The image store holds another object under this UID now.")
    with suppress(OSError):
        kept = path(source)
        disk = shutil.disk_usage(settings.FRAMES_DIR)
        if disk.free < disk.total * settings.FREE_SPACE_FLOOR:
            return
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}-{time.monotonic_ns()}")
        part.write_bytes(fetched)
        part.rename(kept)


def _decode(source: Source) -> None:
    """Fetch the original and decode all its frames."""
    with scratch() as folder:
        original, decoded = folder / "original.dcm", folder / "frames"
        orthanc.download(source.store_id, original)
        if sha256_of(original) != source.sha256:
            raise NotFound("The image store holds another object under this UID now.")
        sandbox.decode(original, folder=decoded)
        keep_decoded(source.sha256, decoded)


@contextmanager
def _one_at_a_time(sha256: str) -> Iterator[None]:
    """Across threads and processes: a stack of frames is asked for at once, and one decoding gives all.

    One lock file for each first byte of the hash, so that there are few and none need be removed.
    """
    settings.FRAMES_DIR.mkdir(parents=True, exist_ok=True)
    with (settings.FRAMES_DIR / f".lock-{sha256[:2]}").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sized() -> Iterator[tuple[float, int, Path]]:
    """Age, size and place of each object's folder."""
    for folder in settings.FRAMES_DIR.glob("*/??/*"):
        with suppress(OSError):
            size = sum(entry.stat().st_size for entry in os.scandir(folder))
            yield folder.stat().st_mtime, size, folder

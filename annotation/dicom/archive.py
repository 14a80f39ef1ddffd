"""Look into a zip before unpacking it: how many files, how large, and where they want to go."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from . import limits
from .faults import Fault

_CHUNK = limits.MIB
_ENCRYPTED = 0x1
_CLUTTER = {".DS_Store", "Thumbs.db", "desktop.ini"}
_READ_ERRORS = (
    zipfile.BadZipFile,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    zlib.error,
)


@dataclass(frozen=True)
class Entry:
    """``number`` names the entry within its archive; its name is a label and never a path."""

    number: int
    name: str
    size: int


def is_clutter(name: str) -> bool:
    """Files that operating systems leave behind, of no interest to anyone."""
    parts = PurePosixPath(name).parts
    return not parts or parts[-1] in _CLUTTER or "__MACOSX" in parts or parts[-1].startswith("._")


def entries(path: Path) -> list[Entry]:
    """All files of the archive; a Fault if any of them shows that it is not an honest one."""
    with opened(path) as archive:
        listed = archive.infolist()
    _check_size(listed, path.stat().st_size)
    for info in listed:
        _check_entry(info)
    return [
        Entry(number, info.filename, info.file_size)
        for number, info in enumerate(listed)
        if not info.filename.endswith("/") and not is_clutter(info.filename)
    ]


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """For all entries at once: to open an archive is to read the names of everything in it."""
    try:
        archive = zipfile.ZipFile(path)
    except _READ_ERRORS as error:
        raise Fault("unreadable", f"The archive cannot be opened ({error}).") from error
    with archive:
        yield archive


def unpack(archive: zipfile.ZipFile, number: int, destination: Path) -> None:
    """One entry, never more bytes than the archive announced."""
    try:
        with destination.open("wb") as file:
            info = archive.infolist()[number]
            left = info.file_size
            with archive.open(info) as source:
                while chunk := source.read(_CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise Fault("archive_bomb", "The archive holds more than it says.")
                    file.write(chunk)
    except _READ_ERRORS as error:
        raise Fault("unreadable", f"The archive is damaged ({error}).") from error


def _check_size(listed: list[zipfile.ZipInfo], packed: int) -> None:
    if len(listed) > limits.MAX_ARCHIVE_ENTRIES:
        raise Fault(
            "archive_entries",
            f"The archive holds {len(listed)} files; the limit is {limits.MAX_ARCHIVE_ENTRIES}. Split it.",
        )
    total = sum(info.file_size for info in listed)
    if total > limits.MAX_ARCHIVE_BYTES:
        raise Fault("too_large", "The archive unpacks to more than 64 GiB. Split it.")
    if total > limits.MAX_ARCHIVE_RATIO * max(packed, 1):
        raise Fault(
            "archive_bomb",
            f"The archive unpacks to more than {limits.MAX_ARCHIVE_RATIO} times its size and was not opened.",
        )


def _check_entry(info: zipfile.ZipInfo) -> None:
    for reason in _objections(info):
        raise Fault("archive_path", f"The archive was not opened: {reason}.")


def _objections(info: zipfile.ZipInfo) -> Iterator[str]:
    shown = info.filename[:100]
    if info.flag_bits & _ENCRYPTED:
        yield f"“{shown}” is encrypted"
    if stat.S_ISLNK(info.external_attr >> 16):
        yield f"“{shown}” is a link"
    path = info.filename.replace("\\", "/")
    if path.startswith("/") or ":" in path.split("/")[0] or ".." in path.split("/"):
        yield f"“{shown}” wants to leave the archive's folder"

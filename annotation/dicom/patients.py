"""Whose image a file is that does not say so itself: by a table, by its folder, by its own name."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from .faults import Fault

TABLE = "patients.csv"
LONGEST = 64
UNFIT = re.compile(r"[\\\x00-\x1f\x7f]")
_IMAGE = re.compile(r"\.(nii|nii\.gz|png|jpe?g|tiff?)$", re.IGNORECASE)
_SUFFIXES = re.compile(r"(\.nii)?(\.gz)?$|\.(png|jpe?g|tiff?|nii)$", re.IGNORECASE)


def by_name(name: str) -> str:
    """The file's name without folders and suffix, fit for a Patient ID."""
    return _fit(_SUFFIXES.sub("", _path(name).name), name)


def by_folder(names: Sequence[str]) -> list[str]:
    """For each image the first folder in which the images differ; '' if not all lie in such ones, and
    for what else lies around.
    """
    images = {name: _path(name).parts[:-1] for name in names if _IMAGE.search(name)}
    common = 0
    while images and all(len(parts) > common for parts in images.values()):
        if len({parts[common] for parts in images.values()}) > 1:
            found = {name: _fit(parts[common], parts[common]) for name, parts in images.items()}
            return [found.get(name, "") for name in names]
        common += 1
    return [""] * len(names)


def is_table(name: str) -> bool:
    return _path(name).name == TABLE


def read_table(content: bytes) -> dict[str, str]:
    """File to patient. A Fault that names the line where the table makes no sense."""
    try:
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        if not {"file", "patient"} <= set(rows.fieldnames or ()):
            raise _wrong("It needs the columns “file” and “patient”, separated by a comma.")
        found: dict[str, str] = {}
        for row in rows:
            file, patient = _path(row["file"] or "").as_posix(), (row["patient"] or "").strip()
            check(patient, f"Line {rows.line_num}")
            if found.setdefault(file, patient) != patient:
                raise _wrong(f"Line {rows.line_num}: “{file}” has two patients.")
    except (UnicodeDecodeError, csv.Error) as error:
        raise _wrong(f"It is not a table in UTF-8 ({error}).") from error
    return found


def check(patient: str, where: str) -> None:
    """A Fault unless it is fit for a Patient ID."""
    if not patient or len(patient) > LONGEST or UNFIT.search(patient):
        raise _wrong(f"{where}: a patient has 1 to {LONGEST} characters, no backslash among them.")


def assign(names: Sequence[str], tables: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The patient of each file; ``tables``: name of each table to its rows, which go by its folder.

    A Fault if a row names no file: a slip of the pen would split or join patients unnoticed.
    """
    images = [name for name in names if not is_table(name)]
    assigned = dict.fromkeys(names, "") | dict(zip(images, by_folder(images), strict=True))
    files = {_path(name).as_posix(): name for name in names}
    for table, rows in tables.items():
        named = {(_path(table).parent / file).as_posix(): who for file, who in rows.items()}
        _require_all_there(named, files)
        assigned |= {files[file]: who for file, who in named.items()}
    return [assigned[name] for name in names]


def _require_all_there(named: Iterable[str], files: Mapping[str, str]) -> None:
    missing = [file for file in named if file not in files]
    if missing:
        raise _wrong(
            f"{len(missing)} of its rows name no file of the import, “{missing[0][:100]}” among them. "
            "A file is named as it lies below the folder of the table."
        )


def _wrong(reason: str) -> Fault:
    return Fault("bad_patients_table", f"The table of patients cannot be used. {reason}")


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/").strip())


def _fit(text: str, name: str) -> str:
    fit = UNFIT.sub("_", text).strip()
    return fit if 0 < len(fit) <= LONGEST else hashlib.sha256(name.encode()).hexdigest()[:32]

"""Examine one file of any kind: what DICOM objects it is or becomes, and whether each can be shown.

Runs in the decoder process (see ``worker``), because the file may be hostile.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

from pydicom import dcmwrite
from pydicom.dataset import FileDataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from . import convert, describe, header, pixels, values
from .faults import Fault
from .found import Found
from .identity import sha256_of
from .sniff import Kind, sniff

_CONVERTED = {Kind.NIFTI, Kind.NIFTI_GZIP, Kind.PNG, Kind.JPEG, Kind.TIFF}
_REFUSED = {
    Kind.EMPTY: ("empty", "The file is empty."),
    Kind.NIFTI_DETACHED: (
        "detached",
        "This NIfTI header keeps its voxels in a second file. Import a single-file NIfTI (.nii).",
    ),
    Kind.ZIP: ("nested_archive", "An archive within an archive is not opened. Unpack it first."),
    Kind.OTHER: (
        "unknown_kind",
        "The file is none of DICOM, NIfTI, PNG, JPEG, TIFF or zip.",
    ),
}


def examine(path: Path, *, name: str, folder: Path, patient: str = "") -> list[Found]:
    """Whatever the file is. ``folder`` receives converted objects and decoded frames.
    ``patient``: whose it is, if it does not say so itself.
    """
    kind = sniff(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind in _CONVERTED:
            made = convert.convert(path, kind, name=name, patient=patient, folder=folder)
            return [examine_object(each, folder=folder / f"{each.stem}.frames") for each in made]
        if kind is Kind.DICOM:
            return [examine_object(path, folder=folder / "frames")]
        if kind is Kind.BARE_DICOM:
            return [examine_object(_with_file_header(path, folder), folder=folder / "frames")]
    raise Fault(*_REFUSED[kind])


def examine_object(path: Path, *, folder: Path) -> Found:
    """One DICOM file. Decoded frames, where the browser needs them, go to ``folder``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = header.read(path)
        reason = header.why_not_an_image(dataset)
        if header.sop_class(dataset) != MediaStorageDirectoryStorage:
            header.check_identifiers(dataset)
        if not reason:
            header.check(dataset)
        found = _identity(path, dataset, reason)
        if reason:
            return found
        served = pixels.serve(dataset, folder)
        return replace(
            found,
            transfer_syntax_uid=str(dataset.file_meta.TransferSyntaxUID),
            frame_count=header.frame_count(dataset),
            pixel_sha256=served.sha256,
            normalised=served.normalised,
            frames=str(folder) if served.normalised else "",
            description=describe.describe(dataset, served),
        )


def decode(path: Path, *, folder: Path) -> int:
    """Write every frame decoded to ``folder``; return their number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pixels.write_frames(header.read(path), folder)


def _identity(path: Path, dataset: FileDataset, reason: str) -> Found:
    def uid(keyword: str) -> str:
        return str(header.value_of(dataset, keyword) or "")

    return Found(
        path=str(path),
        sha256=sha256_of(path),
        sop_instance_uid=uid("SOPInstanceUID"),
        sop_class_uid=header.sop_class(dataset),
        series_uid=uid("SeriesInstanceUID"),
        study_uid=uid("StudyInstanceUID"),
        modality=values.text(dataset, "Modality", 16),
        not_an_image=reason,
    )


def _with_file_header(path: Path, folder: Path) -> Path:
    """A data set without the file's first part is given one, so that others can read it too."""
    dataset = header.read(path)
    if not dataset.file_meta.get("TransferSyntaxUID"):
        implicit, little = dataset.original_encoding
        native = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else native
    whole = folder / "with-header.dcm"
    try:
        dcmwrite(whole, dataset, enforce_file_format=True)
    except (AttributeError, TypeError, ValueError) as error:
        raise Fault(
            "unreadable", f"The file has no DICOM header and none can be made ({error})."
        ) from error
    return whole

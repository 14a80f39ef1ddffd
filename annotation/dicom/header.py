"""Open a DICOM file that may be anything, and check that its header is complete and sane."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import Any

from pydicom import config, dcmread
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEGExtended12Bit,
    MediaStorageDirectoryStorage,
)

from . import classes, limits
from .faults import Fault

config.settings.reading_validation_mode = config.IGNORE

_UID = re.compile(r"^[0-9]+(\.[0-9]+)*$")
_IDENTIFIERS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_PIXEL_MODULE = (
    "Rows",
    "Columns",
    "BitsAllocated",
    "SamplesPerPixel",
    "PhotometricInterpretation",
)
_READ_ERRORS = (
    InvalidDicomError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    KeyError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def read(path: Path) -> FileDataset:
    """The data set of the file, all elements parsed; a Fault where it cannot be."""
    try:
        _check_inflated_size(path)
        dataset = dcmread(path, force=True)
        _check_shape_of(dataset)
    except _READ_ERRORS as error:
        raise Fault("unreadable", f"The file is not readable DICOM ({error}).") from error
    if not dataset:
        raise Fault("unreadable", "The file holds no DICOM data elements.")
    return dataset


def _check_inflated_size(path: Path) -> None:
    """A deflated data set is inflated piece by piece first: a small file may hide a huge one."""
    try:
        meta = read_file_meta_info(path)
    except _READ_ERRORS:
        return
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return
    inflater, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
    with path.open("rb") as file:
        file.seek(144 + meta.get("FileMetaInformationGroupLength", 0))
        while chunk := file.read(limits.MIB):
            while chunk and total <= limits.MAX_INFLATED_BYTES:
                total += len(inflater.decompress(chunk, limits.MIB))
                chunk = inflater.unconsumed_tail
            if total > limits.MAX_INFLATED_BYTES:
                raise Fault("too_large", "The file inflates to more than 1 GiB. It was not opened.")


def _check_shape_of(dataset: Dataset) -> None:
    """Open every sequence, within the limits of depth and number. Other values stay unparsed:
    a malformed one that nobody needs is no reason to refuse the image."""
    count = 0
    waiting: list[tuple[Dataset, int]] = [(dataset, 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > limits.MAX_SEQUENCE_DEPTH:
            raise Fault("too_deep", "Sequences are nested more than 16 deep.")
        count += len(item)
        if count > limits.MAX_ELEMENTS:
            raise Fault("too_many_elements", "The header has more than 100,000 elements.")
        for tag in item.keys():  # noqa: SIM118 - iterating the data set itself would parse it
            if _is_sequence(item, tag):
                waiting.extend((child, depth + 1) for child in item[tag].value)


def _is_sequence(dataset: Dataset, tag: BaseTag) -> bool:
    element = dataset.get_item(tag)
    if element.VR is None:
        return dictionary_has_tag(tag) and dictionary_VR(tag) == "SQ"
    return element.VR == "SQ"


def value_of(dataset: Dataset, keyword: str) -> Any:
    """The value, or None where it is missing or malformed."""
    try:
        return dataset.get(keyword)
    except _READ_ERRORS:
        return None


def check(dataset: FileDataset) -> None:
    """Raise a Fault unless this image has a complete, sane header in a known encoding, identifiers apart."""
    _check_encoding(dataset)
    _check_size(dataset)


def sop_class(dataset: Dataset) -> str:
    meta: Any = getattr(dataset, "file_meta", Dataset())
    return str(dataset.get("SOPClassUID") or meta.get("MediaStorageSOPClassUID") or "")


def why_not_an_image(dataset: FileDataset) -> str:
    """A sentence if the object is of a kind that nobody reads as an image; '' if it is an image."""
    kind = sop_class(dataset)
    if not kind:
        raise Fault("missing_attribute", "The object does not say what it is (SOP Class UID).")
    if kind == MediaStorageDirectoryStorage:
        return "This is a DICOMDIR, the index of a disc. Import the files beside it."
    if kind not in classes.IMAGES:
        return f"This is an object of the kind “{classes.name(kind)}”, not an image to read."
    return ""


def check_identifiers(dataset: FileDataset) -> None:
    """Raise a Fault unless the object, of whatever kind, can be told from all others."""
    for keyword in _IDENTIFIERS:
        value = str(value_of(dataset, keyword) or "")
        if not value:
            raise Fault(
                "missing_attribute", f"The required attribute {keyword} is missing or empty."
            )
        if len(value) > 64 or not _UID.match(value):
            raise Fault("bad_uid", f"{keyword} is not a valid UID.")


def _check_encoding(dataset: FileDataset) -> None:
    syntax = str(dataset.file_meta.get("TransferSyntaxUID") or "")
    if not syntax:
        raise Fault("missing_transfer_syntax", "The file does not say how it is encoded.")
    if syntax not in classes.TRANSFER_SYNTAXES:
        raise Fault(
            "unsupported_encoding",
            f"The encoding “{classes.name(syntax)}” is not supported. Send it in another one.",
        )
    if syntax == JPEGExtended12Bit and int(dataset.get("BitsStored") or 0) != 8:
        raise Fault(
            "unsupported_encoding",
            "Lossy JPEG of 12 bits is decoded differently by different programs. "
            "Send it in another encoding.",
        )


def _check_size(dataset: FileDataset) -> None:
    if "PixelData" not in dataset:
        raise Fault("no_pixels", "The object has no pixel data.")
    for keyword in _PIXEL_MODULE:
        if value_of(dataset, keyword) in (None, ""):
            raise Fault(
                "missing_attribute", f"The required attribute {keyword} is missing or empty."
            )
    rows, columns = whole(dataset, "Rows"), whole(dataset, "Columns")
    frames, samples = frame_count(dataset), whole(dataset, "SamplesPerPixel")
    bits = whole(dataset, "BitsAllocated")
    if not (0 < rows <= limits.MAX_SIDE and 0 < columns <= limits.MAX_SIDE):
        raise Fault("bad_size", f"An image of {rows} rows and {columns} columns is not possible.")
    if samples not in (1, 3):
        raise Fault("bad_samples", f"Images with {samples} samples per pixel cannot be shown.")
    if bits not in (1, 8, 16, 32):
        raise Fault("bad_bits", f"Pixels of {bits} bits cannot be shown.")
    if frames > limits.MAX_FRAMES:
        raise Fault(
            "too_large", f"The object has {frames} frames; the limit is {limits.MAX_FRAMES}."
        )
    pixels = rows * columns * frames
    frame_bytes = rows * columns * samples * max(bits, 8) // 8
    if pixels > limits.MAX_PIXELS:
        raise Fault("too_large", "The image has more pixels than can be shown.")
    if frame_bytes > limits.MAX_FRAME_BYTES or frame_bytes * frames > limits.MAX_DECODED_BYTES:
        raise Fault("too_large", "The decoded image would be larger than the limit of 8 GiB.")


def frame_count(dataset: Dataset) -> int:
    if "NumberOfFrames" not in dataset or dataset.get_item("NumberOfFrames").value in (
        None,
        "",
        b"",
    ):
        return 1
    return whole(dataset, "NumberOfFrames") or 1


def whole(dataset: Dataset, keyword: str) -> int:
    try:
        value = dataset.get(keyword)
        number = int(value)
    except (TypeError, ValueError):
        raise Fault("bad_value", f"{keyword} is not a whole number.") from None
    if number < 0:
        raise Fault("bad_value", f"{keyword} must not be negative: {number}.")
    return number

"""What a file is, judged by its first bytes alone: never by its name."""

from __future__ import annotations

import struct
import zlib
from enum import StrEnum
from pathlib import Path

HEAD_BYTES = 4096
_NIFTI1_HEADER, _NIFTI2_HEADER = 348, 540


class Kind(StrEnum):
    DICOM = "dicom"
    BARE_DICOM = "bare_dicom"
    NIFTI = "nifti"
    NIFTI_GZIP = "nifti_gzip"
    NIFTI_DETACHED = "nifti_detached"
    PNG = "png"
    JPEG = "jpeg"
    TIFF = "tiff"
    ZIP = "zip"
    EMPTY = "empty"
    OTHER = "other"


_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"II*\x00", Kind.TIFF),
    (b"MM\x00*", Kind.TIFF),
    (b"II+\x00", Kind.TIFF),
    (b"MM\x00+", Kind.TIFF),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
)


def sniff(path: Path) -> Kind:
    with path.open("rb") as file:
        return kind_of(file.read(HEAD_BYTES))


def kind_of(head: bytes) -> Kind:
    if not head:
        return Kind.EMPTY
    if head[128:132] == b"DICM":
        return Kind.DICOM
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    nifti = _nifti(head)
    if nifti is not None:
        return nifti
    if head.startswith(b"\x1f\x8b"):
        return Kind.NIFTI_GZIP if _nifti(_inflate(head)) is Kind.NIFTI else Kind.OTHER
    return Kind.BARE_DICOM if _starts_like_a_dataset(head) else Kind.OTHER


def _nifti(head: bytes) -> Kind | None:
    if len(head) < _NIFTI1_HEADER:
        return None
    sizes = {struct.unpack("<i", head[:4])[0], struct.unpack(">i", head[:4])[0]}
    if _NIFTI1_HEADER in sizes:
        magic = head[344:348]
        if magic == b"n+1\0":
            return Kind.NIFTI
        return Kind.NIFTI_DETACHED if magic == b"ni1\0" else None
    if _NIFTI2_HEADER in sizes and head[4:8] in (b"n+2\0", b"ni2\0"):
        return Kind.NIFTI if head[4:8] == b"n+2\0" else Kind.NIFTI_DETACHED
    return None


def _inflate(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _NIFTI2_HEADER)
    except zlib.error:
        return b""


def _starts_like_a_dataset(head: bytes) -> bool:
    """A data element of group 0002 or 0008, little or big endian, explicit or implicit VR."""
    if len(head) < 12:
        return False
    for order in "<>":
        group, element = struct.unpack(f"{order}HH", head[:4])
        if group not in (0x0002, 0x0008) or element > 0x3000:
            continue
        value_representation = head[4:6]
        if value_representation.isalpha() and value_representation.isupper():
            return True
        if struct.unpack(f"{order}I", head[4:8])[0] <= 1024:
            return True
    return False

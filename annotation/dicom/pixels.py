"""Decode every frame, hash it, and decide whether the browser may get the stored bytes.

What a browser's decoder could get wrong is written out decoded: little endian, interleaved,
8 or 16 bits, grey or RGB. The decision is by comparison where that is cheap (uncompressed) and by
a narrow list of encodings known to agree everywhere where it is not.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import parse_basic_offsets, parse_fragments
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import get_j2k_parameters, get_nr_frames
from pydicom.uid import ExplicitVRLittleEndian, JPEGLosslessSV1

from . import classes, fidelity
from .faults import Fault

Frame: TypeAlias = NDArray[Any]
_DECODE_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    KeyError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True)
class Served:
    """How the frames reach the browser. ``form`` describes the pixels served, as DICOM words it."""

    normalised: bool
    transfer_syntax: str
    sha256: str
    form: dict[str, Any]
    rescaled: bool
    exact: bool
    note: str
    reasons: tuple[str, ...]


@dataclass
class _Progress:
    """What is learnt while the frames go by."""

    digest: Any = field(default_factory=hashlib.sha256)
    count: int = 0
    dtype: str = ""
    rows: int = 0
    columns: int = 0
    samples: int = 1


def serve(dataset: FileDataset, folder: Path) -> Served:
    """Decode all frames; where needed write them to ``folder`` as 0.raw, 1.raw, …"""
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    as_stored = _may_go_as_stored(dataset, syntax)
    progress = _Progress()
    native = syntax in classes.NATIVE_LITTLE
    for index, (frame, shown) in enumerate(_frames(dataset)):
        _note_frame(progress, frame, shown)
        if as_stored and native and stored_frame(dataset, index) != shown.tobytes():
            as_stored = False
            for earlier, (_, again) in zip(range(index), _frames(dataset), strict=False):
                _write(folder, earlier, again)
        if not as_stored:
            _write(folder, index, shown)
    exact = not _palette_loses_bits(dataset)
    reasons = fidelity.reasons(dataset, as_stored=as_stored, exact=exact)
    return Served(
        normalised=not as_stored,
        transfer_syntax=syntax if as_stored else str(ExplicitVRLittleEndian),
        sha256=progress.digest.hexdigest(),
        form=_form(dataset, progress),
        rescaled="ModalityLUTSequence" in dataset,
        exact=exact,
        note=" ".join(reasons.values()),
        reasons=tuple(reasons),
    )


def decoded_frames(dataset: FileDataset) -> Iterator[Frame]:
    """Each frame as the browser shall have it: rows × columns, or rows × columns × 3 for colour."""
    return (shown for _, shown in _frames(dataset))


def write_frames(dataset: FileDataset, folder: Path) -> int:
    """Write all frames decoded, whether or not the browser would need them so; return their number."""
    count = 0
    for count, frame in enumerate(decoded_frames(dataset), start=1):
        _write(folder, count - 1, frame)
    return count


def stored_frame(dataset: FileDataset, index: int) -> bytes:
    """The bytes of a frame of uncompressed pixel data, as they lie in the file."""
    bits = int(dataset.Rows) * int(dataset.Columns) * int(dataset.SamplesPerPixel)
    length = bits * int(dataset.BitsAllocated) // 8
    return bytes(dataset.PixelData[index * length : (index + 1) * length])


def _frames(dataset: FileDataset) -> Iterator[tuple[Frame, Frame]]:
    """Pairs of the frame as pydicom decodes it and as it is shown."""
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    expected = get_nr_frames(dataset)
    plugin = classes.DECODERS.get(syntax, "")
    count = 0
    try:
        decoder = get_decoder(syntax)
        for frame, properties in decoder.iter_array(dataset, raw=False, decoding_plugin=plugin):
            if count == expected:
                break
            count += 1
            yield frame, _shown(frame, dataset, str(properties["photometric_interpretation"]))
    except _DECODE_ERRORS as error:
        message = " ".join(str(error).split())[:300]
        raise Fault("undecodable", f"The pixels cannot be decoded ({message}).") from error
    if count < expected:
        raise Fault("frames_missing", f"Only {count} of {expected} frames are in the file.")


def _shown(frame: Frame, dataset: Dataset, photometric: str) -> Frame:
    if photometric == "PALETTE COLOR":
        return _eight_bits_of_palette(apply_color_lut(frame, dataset))
    if frame.ndim == 3:
        return _eight_bits(frame)
    if "ModalityLUTSequence" in dataset:
        frame = apply_modality_lut(frame, dataset)
    return _at_most_sixteen_bits(frame)


def _eight_bits_of_palette(frame: Frame) -> Frame:
    """A palette of 16-bit entries fills the 16 bits: the screen shows the upper half."""
    colour = frame[..., :3]
    return colour.astype(np.uint8) if colour.dtype.itemsize == 1 else (colour >> 8).astype(np.uint8)


def _eight_bits(frame: Frame) -> Frame:
    """Colour of more than 8 bits, if nothing is lost by it: a browser's canvas has 8."""
    if frame.dtype.itemsize == 1:
        return frame
    if frame.size and int(frame.max()) <= 255:
        return frame.astype(np.uint8)
    bits = 8 * frame.dtype.itemsize
    narrow = (frame >> (bits - 8)).astype(np.uint8)
    widened = narrow.astype(frame.dtype) * ((2**bits - 1) // 255)
    if not np.array_equal(widened, frame):
        raise Fault(
            "colour_depth",
            f"Colour of {bits} bits per channel cannot be shown without loss. Convert it to 8 bits.",
        )
    return narrow


def _at_most_sixteen_bits(frame: Frame) -> Frame:
    if frame.dtype.itemsize <= 2:
        return frame
    for narrow in (np.uint16, np.int16):
        info = np.iinfo(narrow)
        if info.min <= frame.min() and frame.max() <= info.max:
            return frame.astype(narrow)
    raise Fault(
        "pixel_depth", "Pixel values need more than 16 bits and cannot be shown without loss."
    )


def _note_frame(progress: _Progress, frame: Frame, shown: Frame) -> None:
    dtype = shown.dtype.newbyteorder("=").str[1:]
    if progress.count and dtype != progress.dtype:
        raise Fault("mixed_depth", "Frames of one object need different pixel depths.")
    progress.count += 1
    progress.dtype = dtype
    progress.rows, progress.columns = shown.shape[:2]
    progress.samples = shown.shape[2] if shown.ndim == 3 else 1
    little = np.ascontiguousarray(frame, frame.dtype.newbyteorder("<"))
    progress.digest.update(f"{little.dtype.str}{little.shape}".encode())
    progress.digest.update(little.data)


def _write(folder: Path, index: int, frame: Frame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    frame.astype(frame.dtype.newbyteorder("<"), copy=False).tofile(folder / f"{index}.raw")


def _form(dataset: Dataset, progress: _Progress) -> dict[str, Any]:
    bits = 8 * int(progress.dtype[1:])
    photometric = "RGB" if progress.samples == 3 else str(dataset.PhotometricInterpretation)
    stored = int(dataset.get("BitsStored") or bits)
    if bits != int(dataset.BitsAllocated) or "ModalityLUTSequence" in dataset:
        stored = bits
    return {
        "rows": progress.rows,
        "columns": progress.columns,
        "samples_per_pixel": progress.samples,
        "photometric_interpretation": photometric,
        "planar_configuration": 0 if progress.samples == 3 else None,
        "bits_allocated": bits,
        "bits_stored": min(stored, bits),
        "high_bit": min(stored, bits) - 1,
        "pixel_representation": 1 if progress.dtype[0] == "i" else 0,
    }


def _palette_loses_bits(dataset: Dataset) -> bool:
    """Entries of 16 bits that use their lower half in a way the upper does not repeat."""
    if str(dataset.PhotometricInterpretation) != "PALETTE COLOR":
        return False
    descriptor = dataset.get("RedPaletteColorLookupTableDescriptor") or [0, 0, 8]
    if int(descriptor[2]) <= 8:
        return False
    for colour in ("Red", "Green", "Blue"):
        data = dataset.get(f"{colour}PaletteColorLookupTableData")
        if not isinstance(data, bytes):
            return True
        entries = np.frombuffer(data[: len(data) // 2 * 2], "<u2")
        low, high = entries & 0xFF, entries >> 8
        if not (np.array_equal(low, high) or not low.any()):
            return True
    return False


def _may_go_as_stored(dataset: FileDataset, syntax: str) -> bool:
    """Whether the stored frame could be right in every browser, before looking at the pixels."""
    grey = str(dataset.PhotometricInterpretation) in ("MONOCHROME1", "MONOCHROME2")
    if "ModalityLUTSequence" in dataset or int(dataset.BitsAllocated) not in (8, 16):
        return False
    if syntax in classes.NATIVE_LITTLE:
        return grey or str(dataset.PhotometricInterpretation) == "RGB"
    if not grey or int(dataset.SamplesPerPixel) != 1 or syntax not in classes.SHOWN_AS_STORED:
        return False
    return _header_agrees(dataset, syntax) and _frames_are_separate(dataset)


def _header_agrees(dataset: FileDataset, syntax: str) -> bool:
    """The codestream and the header must say the same of sign and depth."""
    signed = int(dataset.get("PixelRepresentation") or 0) == 1
    stored, allocated = int(dataset.BitsStored), int(dataset.BitsAllocated)
    if syntax in classes.JPEG_2000:
        for offset, length in _fragments(dataset):
            found = get_j2k_parameters(bytes(dataset.PixelData[offset : offset + min(length, 512)]))
            if found.get("precision") != stored or bool(found.get("is_signed")) != signed:
                return False
        return True
    if syntax in classes.JPEG_LS or syntax == JPEGLosslessSV1:
        return not signed
    return not signed or stored == allocated


def _fragments(dataset: FileDataset) -> list[tuple[int, int]]:
    """Offset and length of each fragment's value within the pixel data element."""
    buffer = dataset.PixelData
    table = parse_basic_offsets(buffer)
    start = 8 + 4 * len(table)
    _, offsets = parse_fragments(buffer[start:])
    found = []
    for offset in offsets:
        at = start + offset
        found.append((at + 8, int.from_bytes(buffer[at + 4 : at + 8], "little")))
    return found


def _frames_are_separate(dataset: FileDataset) -> bool:
    """One fragment per frame, or one frame: then nobody can cut the frames differently."""
    frames = get_nr_frames(dataset)
    return frames == 1 or len(_fragments(dataset)) == frames

"""Make DICOM of NIfTI volumes and of pictures: same bytes in, same objects out, identifiers included.

The origin (name, SHA-256, what was changed) is written into each object. A picture has no pixel
spacing and gets none: unknown is better than wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)
from pydicom.valuerep import DSfloat

from . import nifti, patients, raster
from .identity import identifier, sha256_of
from .sniff import Kind, sniff


@dataclass(frozen=True)
class _Origin:
    """What the sender called the file, whose it is, and the hash that all identifiers follow from."""

    name: str
    patient: str
    digest: str

    @property
    def title(self) -> str:
        return patients.by_name(self.name)

    def said(self, kind: str, note: str) -> str:
        shown = patients.UNFIT.sub("_", self.name)[-600:]
        return f"Converted from {kind} “{shown}”, SHA-256 {self.digest}. {note}".strip()


def convert(path: Path, kind: Kind, *, name: str, folder: Path, patient: str = "") -> list[Path]:
    """Write DICOM files to ``folder`` and return them in order. ``name``: what the sender called it;
    ``patient``: whose it is, or '' if only the name tells.
    """
    origin = _Origin(name, patient or patients.by_name(name), sha256_of(path))
    if kind in (Kind.NIFTI, Kind.NIFTI_GZIP):
        objects = _all_series_of(nifti.volumes(with_suffix(path, kind, folder)), origin)
    else:
        objects = iter([_picture_of(raster.read(path), origin)])
    return [_write(dataset, folder / f"{i:05}.dcm") for i, dataset in enumerate(objects)]


def uids(path: Path) -> list[str]:
    """SOP Instance UIDs of the objects that the file becomes, in the order in which they are shown."""
    kind, digest = sniff(path), sha256_of(path)
    counts = [1]
    if kind in (Kind.NIFTI, Kind.NIFTI_GZIP):
        counts = [len(volume.frames) for volume in nifti.volumes(path)]
    return [
        identifier(digest, _part("instance", place, len(counts), number))
        for place, count in enumerate(counts)
        for number in range(1, count + 1)
    ]


def with_suffix(path: Path, kind: Kind, folder: Path) -> Path:
    """nibabel goes by the name: give it one that is true."""
    link = folder / ("volume.nii.gz" if kind is Kind.NIFTI_GZIP else "volume.nii")
    link.unlink(missing_ok=True)
    link.symlink_to(path.resolve())
    return link


def _write(dataset: Dataset, path: Path) -> Path:
    dcmwrite(path, dataset, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return path


def _object(*, kind: str, modality: str, origin: _Origin, number: int) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = kind
    dataset.SOPInstanceUID = identifier(origin.digest, f"instance {number}")
    dataset.StudyInstanceUID = identifier(origin.digest, "study")
    dataset.SeriesInstanceUID = identifier(origin.digest, "series")
    dataset.PatientID = origin.patient
    dataset.PatientName = ""
    for keyword in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"):
        setattr(dataset, keyword, "")
    dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.Modality = modality
    dataset.Laterality = ""
    dataset.Manufacturer = ""
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = number
    return dataset


def _set_pixels(dataset: Dataset, frame: NDArray[Any]) -> None:
    """``frame``: row, column; or page, row, column; with a last axis of three for colour."""
    bits = 8 * frame.dtype.itemsize
    coloured = frame.shape[-1] == 3 and frame.dtype == np.uint8 and frame.ndim >= 3
    dataset.SamplesPerPixel = 3 if coloured else 1
    dataset.PhotometricInterpretation = "RGB" if coloured else "MONOCHROME2"
    if coloured:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = 1 if frame.dtype.kind == "i" else 0
    little = np.ascontiguousarray(frame, frame.dtype.newbyteorder("<")).tobytes()
    dataset.add_new(
        Tag("PixelData"), "OW" if bits == 16 else "OB", little + b"\0" * (len(little) % 2)
    )


def _decimal(value: float) -> DSfloat:
    return DSfloat(value, auto_format=True)


def _part(what: str, place: int, count: int, number: int | None = None) -> str:
    """What an identifier is made of; a file of one volume has no number of it in there."""
    words = [str(place + 1)] if count > 1 else []
    words += [str(number)] if number is not None else []
    return " ".join([what, ".".join(words)]).strip()


def _all_series_of(volumes: Sequence[nifti.Volume], origin: _Origin) -> Iterator[Dataset]:
    """Each volume of a time series becomes a series of its own, all of one study."""
    for place, volume in enumerate(volumes):
        for dataset in _series_of(volume, origin):
            if len(volumes) > 1:
                _set_time(dataset, place, len(volumes), origin)
            yield dataset


def _set_time(dataset: Dataset, place: int, count: int, origin: _Origin) -> None:
    number = int(dataset.InstanceNumber)
    dataset.SOPInstanceUID = identifier(origin.digest, _part("instance", place, count, number))
    dataset.SeriesInstanceUID = identifier(origin.digest, _part("series", place, count))
    dataset.SeriesNumber = dataset.TemporalPositionIdentifier = place + 1
    dataset.NumberOfTemporalPositions = count
    dataset.SeriesDescription = f"{origin.title[:40]}: volume {place + 1} of {count}"


def _series_of(volume: nifti.Volume, origin: _Origin) -> Iterator[Dataset]:
    modality = volume.modality
    kind = CTImageStorage if modality == "CT" else MRImageStorage
    for index, frame in enumerate(volume.frames):
        dataset = _object(kind=kind, modality=modality, origin=origin, number=index + 1)
        dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL" if modality == "CT" else "OTHER"]
        dataset.SeriesDescription = origin.title
        dataset.DerivationDescription = origin.said("NIfTI", volume.note)
        _set_place(dataset, volume, index, origin.digest)
        _set_acquisition(dataset, modality)
        dataset.Rows, dataset.Columns = frame.shape
        dataset.RescaleSlope, dataset.RescaleIntercept = map(
            _decimal, (volume.slope, volume.intercept)
        )
        dataset.RescaleType = "HU" if modality == "CT" else "US"
        _set_pixels(dataset, frame)
        yield dataset


def _set_place(dataset: Dataset, volume: nifti.Volume, index: int, digest: str) -> None:
    slices, rows, columns = volume.spacing
    position = volume.origin + index * volume.along_slices
    dataset.FrameOfReferenceUID = identifier(digest, "frame of reference")
    dataset.PositionReferenceIndicator = ""
    dataset.ImagePositionPatient = [_decimal(float(value)) for value in position]
    dataset.ImageOrientationPatient = [_decimal(value) for value in volume.orientation]
    dataset.PixelSpacing = [_decimal(rows), _decimal(columns)]
    dataset.SliceThickness = _decimal(slices)
    dataset.SpacingBetweenSlices = _decimal(slices)
    if not volume.placed:
        dataset.ImageComments = "The file did not say where the volume lies in the patient."


def _set_acquisition(dataset: Dataset, modality: str) -> None:
    """Attributes that the standard requires and the file cannot know."""
    dataset.AcquisitionNumber = None
    dataset.PatientPosition = ""
    if modality == "CT":
        dataset.KVP = None
        return
    dataset.ScanningSequence, dataset.SequenceVariant = "RM", "NONE"
    dataset.ScanOptions = dataset.MRAcquisitionType = ""
    dataset.RepetitionTime = dataset.EchoTime = dataset.EchoTrainLength = None


def _picture_of(picture: raster.Picture, origin: _Origin) -> Dataset:
    frames = picture.frames
    pages = len(frames)
    dataset = _object(kind=_capture_class(frames), modality="OT", origin=origin, number=1)
    dataset.ConversionType = "WSD"
    dataset.SecondaryCaptureDeviceManufacturer = "Consilium"
    dataset.PatientOrientation = ""
    dataset.SeriesDescription = origin.title
    dataset.DerivationDescription = origin.said(picture.format, picture.note)
    dataset.Rows, dataset.Columns = frames.shape[1:3]
    if picture.lossy:
        dataset.LossyImageCompression = "01"
    if pages > 1:
        dataset.NumberOfFrames = pages
        dataset.FrameIncrementPointer = Tag("PageNumberVector")
        dataset.PageNumberVector = list(range(1, pages + 1))
        dataset.BurnedInAnnotation = "YES"
        dataset.PresentationLUTShape = "IDENTITY"
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, 0, "US"
    _set_pixels(dataset, frames if pages > 1 else frames[0])
    return dataset


def _capture_class(frames: NDArray[Any]) -> str:
    if len(frames) == 1:
        return SecondaryCaptureImageStorage
    if frames.ndim == 4:
        return MultiFrameTrueColorSecondaryCaptureImageStorage
    if frames.dtype.itemsize == 1:
        return MultiFrameGrayscaleByteSecondaryCaptureImageStorage
    return MultiFrameGrayscaleWordSecondaryCaptureImageStorage

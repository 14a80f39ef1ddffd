"""Small images made for tests: DICOM slices, volumes and pictures with values that can be recognised."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

_numbers = count(1)


def ramp(
    rows: int = 8, columns: int = 10, *, start: int = 0, dtype: Any = np.int16
) -> NDArray[Any]:
    """Every pixel different: a transposed or flipped frame is not equal to it."""
    return (np.arange(rows * columns) + start).reshape(rows, columns).astype(dtype)


def slice_(array: NDArray[Any] | None = None, **attributes: Any) -> Dataset:
    """A CT slice at z = 0 of a new patient, study and series, unless attributes say otherwise."""
    array = ramp(start=next(_numbers)) if array is None else array
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID = CTImageStorage
    made.SOPInstanceUID = generate_uid()
    made.StudyInstanceUID = generate_uid()
    made.SeriesInstanceUID = generate_uid()
    made.PatientID = f"patient-{next(_numbers)}"
    made.PatientName = "Test^Patient"
    made.Modality = "CT"
    made.InstanceNumber = 1
    made.ImagePositionPatient = [0, 0, 0]
    made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    made.PixelSpacing = [0.5, 0.25]
    made.RescaleSlope, made.RescaleIntercept = 1, -1024
    made.Rows, made.Columns = array.shape[:2]
    made.SamplesPerPixel = 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 8 * array.dtype.itemsize
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(array.dtype.kind == "i")
    made.PixelData = array.tobytes() + b"\0" * (array.nbytes % 2)
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def series(slices: int = 3, *, gap: float = 5.0, **attributes: Any) -> list[Dataset]:
    """Axial slices of one series, from feet to head."""
    shared = {
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
        "PatientID": f"patient-{next(_numbers)}",
        **attributes,
    }
    return [
        slice_(ImagePositionPatient=[0, 0, gap * index], InstanceNumber=index + 1, **shared)
        for index in range(slices)
    ]


def noisy_ct(shape: tuple[int, int, int], seed: int) -> NDArray[np.int16]:
    """Stored values (HU + 1024) like those of a trunk in air: smooth organs, and noise that fits no pattern.

    ``shape``: frame, row, column. No two frames are equal anywhere.
    """
    frames, rows, columns = shape
    random = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j].astype(np.float32)
    body = x**2 / 0.8 + y**2 / 0.5 < 1
    voxels = np.empty(shape, np.int16)
    for frame in range(frames):
        at = frame / max(frames - 1, 1)
        organs = 60 * np.sin(5 * x + 6 * at + seed) * np.cos(7 * y - 4 * at)
        noise = random.normal(0, 25, (rows, columns)).astype(np.float32)
        voxels[frame] = np.where(body, 1064 + organs, 24) + noise
    return np.clip(voxels, 0, 4095, out=voxels)


def write(folder: Path, *datasets: Dataset) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for dataset in datasets:
        path = folder / f"{dataset.SOPInstanceUID}.dcm"
        dcmwrite(path, dataset, enforce_file_format=True)
        paths.append(path)
    return paths


def nifti(path: Path, voxels: NDArray[Any], affine: NDArray[Any] | None = None) -> Path:
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine), path)
    return path

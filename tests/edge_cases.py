"""The DICOM edge cases, and what pydicom itself makes of them: the yardstick for what is shown."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array
from pydicom.uid import UID

FOLDER = Path(__file__).parent / "data" / "dicom-edge"


def rows(folder: Path = FOLDER) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def expected_frames(path: Path) -> NDArray[Any]:
    """All frames as pydicom decodes them: grey as stored, colour as RGB of 8 bits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = dcmread(path, force=True)
        array = pixel_array(dataset)
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            array = apply_color_lut(array, dataset)
        elif dataset.SamplesPerPixel == 1:
            array = (
                apply_modality_lut(array, dataset) if "ModalityLUTSequence" in dataset else array
            )
    coloured = dataset.PhotometricInterpretation == "PALETTE COLOR" or dataset.SamplesPerPixel == 3
    if coloured and array.dtype.itemsize > 1 and array.max() > 255:
        array = array >> (8 * array.dtype.itemsize - 8)
    frames = int(dataset.get("NumberOfFrames") or 1)
    return array if frames > 1 else array[np.newaxis]


def decode(content: bytes, frame: dict[str, Any], syntax: str) -> NDArray[Any]:
    """The pixels that a client gets from the bytes of a frame and the description of it."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.Rows, dataset.Columns = frame["rows"], frame["columns"]
    dataset.SamplesPerPixel = frame["samples_per_pixel"]
    dataset.PhotometricInterpretation = frame["photometric_interpretation"]
    dataset.BitsAllocated, dataset.BitsStored = frame["bits_allocated"], frame["bits_stored"]
    dataset.HighBit = frame["high_bit"]
    dataset.PixelRepresentation = frame["pixel_representation"]
    if dataset.SamplesPerPixel > 1:
        dataset.PlanarConfiguration = frame["planar_configuration"]
    if UID(syntax).is_encapsulated:
        dataset.PixelData = encapsulate([content])
        dataset["PixelData"].VR = "OB"
    else:
        size = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated // 8
        assert len(content) == size, "a frame has exactly the bytes of its pixels"
        dataset.PixelData = content + b"\0" * (len(content) % 2)
        dataset["PixelData"].VR = "OW" if dataset.BitsAllocated == 16 else "OB"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pixel_array(dataset)

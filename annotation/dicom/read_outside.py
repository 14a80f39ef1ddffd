"""Read marks made elsewhere: SEG, SR (TID 1500), RTSTRUCT, and NIfTI masks.

Runs in the decoder process (see ``worker``), because the file may be hostile.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from . import header, nifti, read_rtstruct, read_seg, read_sr
from .classes import name as name_of_class
from .convert import with_suffix
from .faults import Fault
from .kinds import REPORTS, SEGMENTATIONS, STRUCTURE_SETS
from .outside import Concept, Outside
from .sniff import Kind, sniff
from .values import text

VOLUME = "volume.npy"
MOST_VALUES = 255


def read(path: Path, *, folder: Path) -> Outside:
    """What the file says. Voxels go to ``folder``. A Fault for what is no such file."""
    kind = sniff(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind in (Kind.NIFTI, Kind.NIFTI_GZIP):
            return _nifti(with_suffix(path, kind, folder), folder)
        if kind in (Kind.DICOM, Kind.BARE_DICOM):
            return _dicom(path, folder)
    raise Fault(
        "not_marks",
        "The file is none of DICOM SEG, SR, RTSTRUCT or a NIfTI mask. Nothing was read.",
    )


def _dicom(path: Path, folder: Path) -> Outside:
    dataset = header.read(path)
    header.check_identifiers(dataset)
    kind = header.sop_class(dataset)
    if kind in SEGMENTATIONS:
        found = read_seg.read(dataset, folder)
    elif kind in STRUCTURE_SETS:
        found = read_rtstruct.read(dataset)
    elif kind in REPORTS:
        found = read_sr.read(dataset)
    else:
        raise Fault("not_marks", f"An object of the kind “{name_of_class(kind)}” holds no marks.")
    maker = " ".join(filter(None, (text(dataset, one, 64) for one in _MAKER)))
    return replace(
        found, uid=str(dataset.SOPInstanceUID), study_uid=str(dataset.StudyInstanceUID), maker=maker
    )


_MAKER = ("Manufacturer", "ManufacturerModelName", "SoftwareVersions")


def _nifti(path: Path, folder: Path) -> Outside:
    """Whole values from 0 to 255, each of which stands for a class."""
    nifti.volumes(path)  # the checks of size and form
    image: Any = nibabel.load(path)
    voxels = np.asanyarray(image.dataobj)
    voxels = voxels.reshape(voxels.shape[:3] + (1,) * (3 - voxels.ndim), order="A")
    values = np.unique(voxels)
    if voxels.ndim != 3 or not np.isfinite(values).all() or (values != np.rint(values)).any():
        raise Fault("no_mask", "A mask holds whole numbers, one a voxel. This NIfTI file does not.")
    if values[0] < 0 or values[-1] > MOST_VALUES:
        raise Fault("no_mask", f"The values of a mask lie between 0 and {MOST_VALUES}.")
    if not values.any():
        raise Fault("empty_segmentation", "The mask marks no voxel at all.")
    np.save(folder / VOLUME, voxels.astype(np.uint8))
    affine = [[float(value) for value in row] for row in np.asarray(image.affine, float)]
    return Outside(
        kind="NIFTI",
        concepts=[Concept(str(int(value))) for value in values if value],
        voxels=VOLUME,
        affine=affine,
        extent=list(voxels.shape),
    )

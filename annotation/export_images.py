"""The pixels and masks of a dataset version as files: volumes as NIfTI, single images as PNG.

A case whose images cannot be written is left out and named; an image store that is down ends the export.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import frames, imagefiles
from .case_images import display_of, instance_of
from .errors import ConsiliumError, ImageStoreUnavailable
from .models import Mask, Series, Snapshot, SnapshotItem
from .snapshots import batches, ordered

Member = tuple[str, list[bytes]]


class Pictures:
    """Makes the members one by one; ``described`` and ``left_out`` fill up as they are taken."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.described: list[dict[str, Any]] = []
        self.left_out: list[dict[str, str]] = []

    def masks(self) -> Iterator[Member]:
        """The labelmaps that the readers painted, on the grid of their series."""
        for items in batches(ordered(self.snapshot)):
            for item in items:
                found = Mask.objects.filter(mark__read__references=item.reference_id)
                for mask in found.select_related("series").distinct().order_by("pk"):
                    name = f"{mask.series.series_uid}/{mask.sha256}.nii.gz"
                    try:
                        content = _nifti_of(mask, instance_of(item.case))
                    except ConsiliumError as fault:
                        self._leave_out(item, mask.series, fault)
                        continue
                    yield f"masks/{item.case.uid}/{name}", [content]

    def images(self) -> Iterator[Member]:
        """Every series of every case, in real units."""
        for items in batches(ordered(self.snapshot)):
            for item in items:
                for series in item.case.series.order_by("series_uid"):
                    yield from self._series(item, series)

    def _leave_out(self, item: SnapshotItem, series: Series, fault: ConsiliumError) -> None:
        self.left_out.append(
            {"case": item.case.uid, "series": series.series_uid, "reason": fault.detail}
        )

    def _series(self, item: SnapshotItem, series: Series) -> Iterator[Member]:
        try:
            pixels = frames.load_pixels(series, instance_of(item.case))
        except ImageStoreUnavailable:
            raise
        except ConsiliumError as fault:
            self._leave_out(item, series, fault)
            return
        display = display_of(series, instance_of(item.case))
        array = np.asarray(pixels.array)
        if display["geometry"] == "volume" and array.ndim == 3 and not instance_of(item.case):
            name = f"images/{item.case.uid}/{series.series_uid}.nii.gz"
            self._describe(item, series, name)
            affine = imagefiles.lps_affine(display)
            yield name, [imagefiles.nifti(imagefiles.small(array), affine)]
            return
        for index, frame in enumerate(display["frames"]):
            yield self._picture(item, series, frame, array[index])

    def _picture(
        self, item: SnapshotItem, series: Series, frame: Mapping[str, Any], array: NDArray[Any]
    ) -> Member:
        picture = imagefiles.png(array)
        name = f"images/{item.case.uid}/{series.series_uid}/{frame['index'] + 1:04d}.png"
        self._describe(
            item,
            series,
            name,
            sop_instance_uid=frame["sop_instance_uid"],
            frame=frame["frame"],
            slope=picture.slope,
            intercept=picture.intercept,
        )
        return name, [picture.data]

    def _describe(self, item: SnapshotItem, series: Series, name: str, **more: Any) -> None:
        display = series.display or {}
        self.described.append(
            {
                "file": name,
                "case": item.case.uid,
                "series": series.series_uid,
                "modality": series.modality,
                "units": display.get("rescale_type") or "",
                "pixel_spacing_mm": display.get("pixel_spacing"),
                **more,
            }
        )


def _nifti_of(mask: Mask, instance: str) -> bytes:
    voxels = np.frombuffer(gzip.decompress(bytes(mask.gzip)), np.uint8).reshape(mask.shape)
    return imagefiles.nifti(voxels, imagefiles.lps_affine(display_of(mask.series, instance)))

"""Where prompts lie: the series as it is shown, the part of it around them, and the pixels of that part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import frames
from .case_images import display_of, instance_of
from .errors import InvalidInput, NotFound
from .masks import shape_of
from .models import Series, Slot
from .prompting import region as regions
from .prompting.asked import Image, Prompt, Region, Spacing, Unanswerable, on_frame

Json = Mapping[str, Any]
NO_DEPTH = (
    "Nobody knows how far apart the images of this series are, so they are no "
    "volume. Prompt one image."
)


@dataclass(frozen=True)
class Place:
    """Where the prompts lie: the series as it is shown, its size and the distances within it."""

    display: dict[str, Any]
    shape: tuple[int, int, int]
    spacing: Spacing
    calibrated: bool


def series_of(slot: Slot, pk: int) -> Series:
    series = slot.case.series.filter(pk=pk, deleted_at=None).first()
    if series is None:
        raise NotFound("This series is not part of the case.")
    return series


def of(series: Series, slot: Slot) -> Place:
    display = display_of(series, instance_of(slot.case))
    rows, columns = display["pixel_spacing"] or (1.0, 1.0)
    spacing = (float(display["slice_spacing"] or 0.0), float(rows), float(columns))
    return Place(display, shape_of(display), spacing, display["pixel_spacing"] is not None)


def region_of(
    place: Place, prompts: Sequence[Json], *, volume: bool
) -> tuple[tuple[Prompt, ...], Region, Spacing]:
    if volume and not place.spacing[0]:
        raise InvalidInput(NO_DEPTH)
    given = tuple(_prompt(one) for one in prompts)
    spacing = place.spacing if place.spacing[0] else (1.0, *place.spacing[1:])
    try:
        found = regions.around(
            given, place.shape, spacing, volume=volume, calibrated=place.calibrated
        )
    except Unanswerable as why:
        raise InvalidInput(str(why)) from why
    return given, found, spacing


def _prompt(one: Json) -> Prompt:
    """``points_px`` lie on one frame, ``points_voxel`` in a plane across several."""
    kind, positive = one["kind"], bool(one["positive"])
    if "points_voxel" in one:
        voxels = tuple((float(x), float(y), float(z)) for x, y, z in one["points_voxel"])
        return Prompt(kind, positive, voxels)
    points = tuple((float(column), float(row)) for column, row in one["points_px"])
    return on_frame(kind, positive, one["frame"], points)


def pixels(place: Place, region: Region) -> Image:
    through, rows, columns = region.slices
    return np.stack(
        [
            frames.real_frame(place.display, index)[rows, columns]
            for index in range(through.start, through.stop)
        ]
    )

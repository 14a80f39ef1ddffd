"""Cases as files that the engine reads: float32 arrays named by the hash of what they were made from.

A file that is there is right and is never made again, so a killed worker loses at most one image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from numpy.typing import NDArray

from annotation import frames, orthanc, provenance
from annotation.case_images import display_of, instance_of
from annotation.dicom.faults import Fault
from annotation.errors import ConsiliumError, ImageStoreUnavailable, StorageFull
from annotation.models import Case, Instance, Project, Reference, Series, SnapshotItem

from . import artifacts
from .engine.spec import LeftOut, Recipe, Sample, Target
from .leases import Lease
from .teaching import Image, Teacher, Unusable, teacher_of
from .teaching.teacher import array_file

CHUNK = 500
CHANGED = "Its images are not those that were read: they changed after the snapshot was frozen."
DETAIL_KEPT = 2
"""A classifier's image keeps this many times the pixels it is later squeezed to, along each axis."""


DAMAGE = (ValueError, TypeError, LookupError, ArithmeticError)
"""What decoding may stumble over in one image, whatever is wrong with it."""


Row = TypeVar("Row")


@dataclass(frozen=True)
class Dataset:
    samples: list[Sample]
    left_out: list[LeftOut]


TargetOf = Callable[[Image], Target]


def of_cases(
    cases: QuerySet[Case], recipe: Recipe, *, after_each: Callable[[bool], None]
) -> Dataset:
    """Samples without a target. ``after_each(made)``: whether an array had to be made."""
    data = Dataset([], [])
    for chunk in _chunks(cases.order_by("pk").values_list("pk", flat=True)):
        for case in _loaded(chunk):
            _add(data, case, recipe, None, after_each)
    return data


def arrays_of(cases: QuerySet[Case], recipe: Recipe) -> Iterator[Path]:
    """Where the arrays of these cases lie, or would lie."""
    for case in _loaded(list(cases.values_list("pk", flat=True))):
        with suppress(Unusable):
            yield image_of(case, recipe).path


def of_items(
    items: QuerySet[SnapshotItem],
    recipe: Recipe,
    *,
    after_each: Callable[[bool], None],
) -> Dataset:
    """Samples with the target that the item's reference gives."""
    data = Dataset([], [])
    for chunk in _chunks(items.select_related("reference").order_by("case_id")):
        pks = [item.case_id for item in chunk]
        cases, images = {case.pk: case for case in _loaded(pks)}, provenance.of_cases(pks)
        teacher = teacher_of(recipe)
        prefetch_related_objects(chunk, "reference", *teacher.prefetched(recipe))
        for item in chunk:
            if images[item.case_id] != item.instances_sha256:
                data.left_out.append((item.case_id, CHANGED))
                continue
            case = cases[item.case_id]
            reference, project = item.reference, case.project
            target = partial(_target, teacher, reference, recipe, project)
            _add(data, case, recipe, target, after_each)
    return data


def _target(
    teacher: Teacher, reference: Reference, recipe: Recipe, project: Project, image: Image
) -> Target:
    return teacher.target(reference, image, recipe, project)


def _add(
    data: Dataset,
    case: Case,
    recipe: Recipe,
    target: TargetOf | None,
    after_each: Callable[[bool], None],
) -> None:
    made = False
    try:
        image = image_of(case, recipe)
        made = not image.path.exists()
        if made:
            _make(image, recipe)
        data.samples.append(
            Sample(
                id=case.pk,
                patient=str(case.patient_id),
                image=image.path,
                spacing=_spacing(image, recipe),
                target=target(image) if target else None,
            )
        )
    except (ImageStoreUnavailable, StorageFull):
        raise
    except ConsiliumError as problem:
        data.left_out.append((case.pk, problem.detail))
    after_each(made)


def pausing(lease: Lease) -> Callable[[bool], None]:
    """For ``after_each``: the slice may end after each array that was made, and continue there later."""

    def after_each(made: bool) -> None:
        if made:
            lease.pause()
        else:
            lease.check()

    return after_each


def image_of(case: Case, recipe: Recipe) -> Image:
    """The series with the most frames; of a case that is one instance, that instance alone."""
    shown = [series for series in case.series.all() if series.deleted_at is None and series.display]
    if not shown:
        raise Unusable("The images of this case are not there any more.")
    series = max(shown, key=lambda one: (one.frame_count, one.series_uid))
    instance = instance_of(case)
    hashes = sorted(
        one.sha256
        for one in series.instances.all()
        if not instance or one.sop_instance_uid == instance
    )
    display = display_of(series, instance)
    shrink = _shrink(display, recipe)
    path = array_file("image", recipe.dimensions, shrink, hashes)
    return Image(series, instance, display, shrink, path)


def _make(image: Image, recipe: Recipe) -> None:
    artifacts.require_space()
    array = _shrunk(_laid_out(_pixels(image), recipe), image.shrink)
    artifacts.write(image.path, lambda file: np.save(file, array, allow_pickle=False))


def _pixels(image: Image) -> NDArray[np.float32]:
    """Raises Unusable for what is wrong with these images alone; a store that is away stops the slice."""
    try:
        return frames.load_pixels(image.series, image.instance).array
    except (Fault, orthanc.Refused) as problem:
        raise Unusable(f"The images cannot be decoded: {problem}") from problem
    except DAMAGE as problem:
        raise Unusable(f"The pixels do not fit their description: {problem}.") from problem
    except ImageStoreUnavailable as problem:
        orthanc.ping()
        raise Unusable(problem.detail) from problem


def _laid_out(pixels: NDArray[np.float32], recipe: Recipe) -> NDArray[np.float32]:
    """[channels,] [slices,] rows, columns, as many axes as the recipe reads."""
    colour = pixels.ndim == 4
    if recipe.dimensions == 2:
        if len(pixels) != 1:
            raise Unusable(
                f"This case has {len(pixels)} frames; the recipe's networks read one image. "
                "Give input_size three numbers to learn from volumes."
            )
        pixels = pixels[0]
    return np.moveaxis(pixels, -1, 0) if colour else pixels


def _shrink(display: dict[str, Any], recipe: Recipe) -> int:
    """Whole-number factor by which rows and columns are averaged. Masks need every pixel."""
    if teacher_of(recipe).every_pixel:
        return 1
    rows, columns = recipe.input_size[-2:]
    room: float = min(display["rows"] / rows, display["columns"] / columns)
    return max(1, math.floor(room / DETAIL_KEPT))


def _shrunk(array: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    if factor == 1:
        return np.ascontiguousarray(array, np.float32)
    rows, columns = (size // factor * factor for size in array.shape[-2:])
    blocks = array[..., :rows, :columns].reshape(
        *array.shape[:-2], rows // factor, factor, columns // factor, factor
    )
    return np.asarray(blocks.mean(axis=(-3, -1), dtype=np.float32))


def _spacing(image: Image, recipe: Recipe) -> tuple[float, ...]:
    spacing = image.display.get("pixel_spacing")
    if spacing is None:
        return ()
    in_plane = tuple(size * image.shrink for size in spacing)
    if recipe.dimensions == 2:
        return in_plane
    slices = image.display.get("slice_spacing")
    return () if slices is None else (slices, *in_plane)


def _loaded(pks: Sequence[int]) -> QuerySet[Case]:
    hashes = Instance.objects.only("series_id", "sop_instance_uid", "sha256")
    series = Series.objects.prefetch_related(Prefetch("instances", queryset=hashes))
    cases = Case.objects.filter(pk__in=pks).select_related("project").order_by("pk")
    return cases.prefetch_related(Prefetch("series", queryset=series))


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk

"""Masks that were painted, on the grid of the image."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef, QuerySet, Value
from numpy.typing import NDArray

from annotation import masks
from annotation.masks import shape_of
from annotation.models import LabelSchema, Mark, MarkKind, Mask, Project, Reference
from learning import artifacts
from learning.assisting import items
from learning.engine.spec import Recipe, Target

from .teacher import Image, Json, Spoken, Suggested, Teacher, Unusable, array_file, there

MASK = "mask"
REDRAW = (
    "Its mask was drawn before the images of its series changed, and does not lie on those that are "
    "there now. Read the case again."
)

Values = tuple[int, ...]


class Masks(Teacher):
    every_pixel = True

    def misfits(self, recipe: Recipe, document: Json) -> Iterator[str]:
        yield from items.missing_classes(recipe.classes, document)
        if not {"labelmap", "box"} & set(document.get("marks", [])):
            yield (
                "The label schema allows neither masks nor boxes, and the model says nothing else."
            )

    def usable(self, rows: QuerySet[Any], recipe: Recipe, path: str) -> Any:
        if self.is_soft(recipe):
            drawn = Mark.objects.filter(
                read__references=OuterRef(f"{path}pk"), kind=MarkKind.LABELMAP
            )
            return rows.filter(Exists(drawn)).annotate(target=Value(MASK))
        drawn_one = {f"{path}marks__contains": [{"kind": "labelmap"}]}
        return rows.filter(**drawn_one).annotate(target=Value(MASK))

    def counted(self, recipe: Recipe) -> tuple[str, ...]:
        return (MASK,)

    def prefetched(self, recipe: Recipe) -> tuple[str, ...]:
        more = ("reference__reads__marks__mask",) if self.is_soft(recipe) else ()
        return ("reference__reads__label_schema", *more)

    def target(
        self, reference: Reference, image: Image, recipe: Recipe, project: Project
    ) -> Target:
        if self.is_soft(recipe):
            return _shares(reference, image, recipe)
        return _mask(reference, image, recipe, project)

    def suggested(
        self, said: Spoken, recipe: Recipe, document: Json, image: Image, project: int
    ) -> Suggested:
        labelled = items.with_class_values(
            there(said.mask).reshape(shape_of(image.display)), recipe, document
        )
        if "labelmap" not in document.get("marks", []):
            return Suggested(items.boxes(labelled, document, image.display["frames"]))
        if not labelled.any():
            return Suggested()
        mask = masks.keep(project, image.series, labelled)
        found = items.of_mask(labelled, document, series=image.series.pk, sha256=mask.sha256)
        return Suggested(found, mask)


def _mask(reference: Reference, image: Image, recipe: Recipe, project: Project) -> Path:
    """The reference's labelmaps with the recipe's class numbers."""
    named = {
        mark["mask"] for mark in reference.marks if mark["kind"] == "labelmap" and mark.get("mask")
    }
    values = _values_of(reference, recipe)
    path = array_file("mask", image.path.stem, sorted(named), values)
    if not path.exists():
        drawn = Mask.objects.filter(project=project, series=image.series, sha256__in=named)
        array = _merged(list(drawn), values, shape_of(image.display))
        _write(path, array[0] if recipe.dimensions == 2 else array)
    return path


def _shares(reference: Reference, image: Image, recipe: Recipe) -> Path:
    """[classes, …] by how many of the readers each voxel is of each class."""
    by_read: list[tuple[list[Mask], Values]] = []
    for read in sorted(reference.reads.all(), key=lambda read: read.pk):
        marks = [mark for mark in read.marks.all() if mark.kind == MarkKind.LABELMAP]
        drawn = [mark.mask for mark in marks if mark.mask]
        here = [mask for mask in drawn if mask.series_id == image.series.pk]
        by_read.append((here, _values(read.label_schema, recipe)))
    named = [(sorted(mask.sha256 for mask in drawn), values) for drawn, values in by_read]
    path = array_file("shares", image.path.stem, named)
    if path.exists():
        return path
    shape = shape_of(image.display)
    if not any(drawn for drawn, _ in by_read):
        _merged([], (), shape)
    total = np.zeros((len(recipe.classes), *shape), np.float32)
    for drawn, values in by_read:
        if drawn:
            array = _merged(drawn, values, shape)
            total += np.stack([array == k for k in range(1, len(recipe.classes) + 1)])
    total /= len(by_read)
    _write(path, total[:, 0] if recipe.dimensions == 2 else total)
    return path


def _write(path: Path, array: NDArray[Any]) -> None:
    artifacts.write(path, lambda file: np.save(file, array, allow_pickle=False))


def _values_of(reference: Reference, recipe: Recipe) -> Values:
    """What stands for each class in the masks, by the label schema with which they were drawn."""
    found = {_values(schema, recipe) for schema in {r.label_schema for r in reference.reads.all()}}
    if len(found) != 1:
        raise Unusable("Its reads number the classes of their masks differently.")
    return found.pop()


def _values(schema: LabelSchema, recipe: Recipe) -> Values:
    numbers = {entry["code"]: entry["value"] for entry in schema.document.get("classes", [])}
    if missing := [name for name in recipe.classes if name not in numbers]:
        raise Unusable(
            f"It was read by version {schema.version} of the label schema, which has no class "
            f"{', '.join(missing)}. Read the case again."
        )
    return tuple(numbers[name] for name in recipe.classes)


def _merged(
    drawn: Sequence[Mask], values: Sequence[int], shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    if not drawn:
        raise Unusable(
            "The mask of this case was drawn on another series than the one learnt from."
        )
    if any(tuple(mask.shape) != shape for mask in drawn):
        raise Unusable(REDRAW)
    numbers = np.zeros(256, np.uint8)
    for number, value in enumerate(values, start=1):
        numbers[value] = number
    merged = np.zeros(shape, np.uint8)
    for mask in drawn:
        merged = np.maximum(merged, numbers[_voxels(mask, shape)])
    return merged


def _voxels(mask: Mask, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    try:
        return np.frombuffer(gzip.decompress(bytes(mask.gzip)), np.uint8).reshape(shape)
    except (OSError, EOFError, zlib.error, ValueError) as problem:
        raise Unusable(f"Its mask is damaged ({problem}). Read the case again.") from problem

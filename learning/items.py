"""From a network's numbers to suggested answers, masks and boxes, in the words of a label schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .engine.spec import Recipe

SMALLEST_BOX = 4
"""Pixels of a region's largest section; less is a speck."""
MOST_BOXES = 50

Json = Mapping[str, Any]
Voxels = NDArray[np.uint8]


def misfit(recipe: Recipe, document: Json) -> str:
    """Why the model cannot speak in the words of the schema; '' if it can."""
    if recipe.task == "segmentation":
        known = {entry["code"] for entry in document.get("classes", [])}
        missing = [name for name in recipe.classes if name not in known]
        if missing:
            return f"The label schema has no class {', '.join(missing)}, which the model marks."
        if not {"labelmap", "box"} & set(document.get("marks", [])):
            return (
                "The label schema allows neither masks nor boxes, and the model says nothing else."
            )
        return ""
    missing = [name for name in recipe.classes if name not in _options(recipe, document)]
    if missing:
        return f"The label schema does not let “{recipe.question}” be answered by {', '.join(missing)}."
    return ""


def answer(recipe: Recipe, document: Json, chances: Sequence[float]) -> dict[str, Any]:
    """The likeliest answer with its calibrated probability."""
    best = max(range(len(chances)), key=chances.__getitem__)
    return {
        "item": f"answer:{recipe.question}",
        "kind": "answer",
        "question": recipe.question,
        "value": _options(recipe, document)[recipe.classes[best]],
        "confidence": round(chances[best], 4),
    }


def with_class_values(mask: Voxels, recipe: Recipe, document: Json) -> Voxels:
    """The recipe's class numbers 1 … n as the schema's voxel values; the shape stays."""
    values = {entry["code"]: entry["value"] for entry in document["classes"]}
    numbers = np.zeros(256, np.uint8)
    for number, name in enumerate(recipe.classes, start=1):
        numbers[number] = values[name]
    return numbers[mask]


def of_mask(labelled: Voxels, document: Json, *, series: int, sha256: str) -> list[dict[str, Any]]:
    """One item for each class in the mask (frames, rows, columns), in the order of the schema."""
    return [
        {
            "item": f"mask:{series}:{value}",
            "kind": "labelmap",
            "label_class": code,
            "voxel_value": value,
            "series": series,
            "mask": sha256,
            "voxels": int(sections.sum()),
            "index": int(sections.argmax()),
            "confidence": None,
        }
        for code, value, sections in _sections(labelled, document)
    ]


def boxes(labelled: Voxels, document: Json, frames: Sequence[Json]) -> list[dict[str, Any]]:
    """Around each connected region of a class, on the frame where it is largest; the largest first."""
    found = [
        (size, _box(code, place, frames[index]))
        for code, value, _ in _sections(labelled, document)
        for size, index, place in _regions(labelled == value)
    ]
    found.sort(key=lambda one: -one[0])
    return [box for _, box in found[:MOST_BOXES]]


def _options(recipe: Recipe, document: Json) -> dict[str, Any]:
    """The schema's values by the names that the recipe gives them."""
    for question in document.get("questions", []):
        if question["code"] == recipe.question:
            return {str(option["value"]): option["value"] for option in question.get("options", [])}
    return {}


def _sections(labelled: Voxels, document: Json) -> Iterator[tuple[str, int, NDArray[np.int64]]]:
    """(code, value, voxels on each frame) of the classes that are there."""
    for entry in document["classes"]:
        counts = np.array([int((frame == entry["value"]).sum()) for frame in labelled], np.int64)
        if counts.any():
            yield entry["code"], entry["value"], counts


def _regions(where: NDArray[np.bool_]) -> Iterator[tuple[int, int, tuple[slice, ...]]]:
    """(voxels, frame, rows and columns of its largest section) of each connected region."""
    numbered, count = ndimage.label(where, ndimage.generate_binary_structure(where.ndim, 1))
    for number, bounds in enumerate(ndimage.find_objects(numbered, count), start=1):
        region = numbered[bounds] == number
        sections = region.sum(axis=(1, 2))
        best = int(sections.argmax())
        if sections[best] < SMALLEST_BOX:
            continue
        [place] = ndimage.find_objects(region[best].astype(np.uint8))
        shifted = tuple(
            slice(side.start + whole.start, side.stop + whole.start)
            for side, whole in zip(place, bounds[1:], strict=True)
        )
        yield int(region.sum()), bounds[0].start + best, shifted


def _box(code: str, place: tuple[slice, ...], frame: Json) -> dict[str, Any]:
    """Pixel centres lie at integers, so a box reaches half a pixel beyond its outermost ones."""
    rows, columns = place
    uid = f"2.25.{uuid4().int}"
    return {
        "item": uid,
        "kind": "box",
        "label_class": code,
        "sop_instance_uid": frame["sop_instance_uid"],
        "frame": frame["frame"],
        "points_px": [
            [columns.start - 0.5, rows.start - 0.5],
            [columns.stop - 0.5, rows.stop - 0.5],
        ],
        "text": "",
        "confidence": None,
    }

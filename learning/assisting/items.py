"""From a network's numbers to suggested answers, masks and boxes, in the words of a label schema."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from learning.engine.spec import Recipe

SMALLEST_BOX = 4
"""Pixels of a region's largest section; less is a speck."""
MOST_BOXES = 50
FAINTEST_BOX = 0.3
"""Probability below which a found box is not worth a reader's look."""
FAINTEST_POINT = 0.2
"""Share of its map around a point below which the network hardly knows where it is."""
LIKELY = 0.5
NAMED = "/"
"""Between a class and the name of one of its landmarks."""

Json = Mapping[str, Any]
Voxels = NDArray[np.uint8]


def question_of(recipe: Recipe, document: Json) -> Json | None:
    """The question that the recipe learns; None: the schema has none of that code."""
    questions = document.get("questions", [])
    return next((one for one in questions if one["code"] == recipe.question), None)


def options_of(question: Json) -> dict[str, Any]:
    """The values that answer it by the names that recipes give them; of a short scale every number."""
    if question.get("options"):
        return {str(option["value"]): option["value"] for option in question["options"]}
    if question.get("type") == "scale":
        return {str(value): value for value in range(question["min"], question["max"] + 1)}
    return {}


def missing_classes(names: Sequence[str], document: Json) -> Iterator[str]:
    known = {entry["code"] for entry in document.get("classes", [])}
    missing = [name for name in dict.fromkeys(names) if name not in known]
    if missing:
        yield f"The label schema has no class {', '.join(missing)}, which the model marks."


def answer(recipe: Recipe, document: Json, chances: Sequence[float]) -> dict[str, Any]:
    """The likeliest answer with its calibrated probability."""
    best = max(range(len(chances)), key=chances.__getitem__)
    value = _options(recipe, document)[recipe.classes[best]]
    return _answer(recipe, value, round(chances[best], 4))


def findings(recipe: Recipe, document: Json, chances: Sequence[float]) -> list[dict[str, Any]]:
    """What is likelier than not; nothing where that is none, since the form takes no empty answer.

    The confidence is that all of it is right, the findings being taken as independent.
    """
    options = _options(recipe, document)
    named = [options[name] for name, p in zip(recipe.classes, chances, strict=True) if p >= LIKELY]
    if not named:
        return []
    sure = math.prod(max(p, 1 - p) for p in chances)
    return [_answer(recipe, named, round(sure, 4))]


def number(recipe: Recipe, document: Json, middle: float, spread: float) -> dict[str, Any]:
    """A number that the question takes, with its standard deviation."""
    question = question_of(recipe, document) or {}
    low, high = question.get("min", -math.inf), question.get("max", math.inf)
    value = min(max(_rounded(middle, spread, question), low), high)
    whole = question.get("type") == "scale" or float(value).is_integer()
    said = _answer(recipe, int(value) if whole else value, None)
    return {**said, "spread": float(f"{spread:.2g}")}


def landmark(
    name: str, frame: Json, point: Sequence[float], chance: float
) -> dict[str, Any] | None:
    """A named point; None where the network hardly knows where it is."""
    if chance < FAINTEST_POINT:
        return None
    code, _, text = name.partition(NAMED)
    return _mark("landmark", code, frame, [point], text, chance)


def box(
    code: str, frame: Json, corners: Sequence[Sequence[float]], chance: float
) -> dict[str, Any] | None:
    """A box, cut off at the border of the image; None where it is unlikely, or nothing is left."""
    limits = frame["columns"] - 0.5, frame["rows"] - 0.5
    cut = [[min(max(v, -0.5), most) for v, most in zip(c, limits, strict=True)] for c in corners]
    (left, top), (right, bottom) = cut
    if chance < FAINTEST_BOX or right <= left or bottom <= top:
        return None
    return _mark("box", code, frame, cut, "", chance)


def _answer(recipe: Recipe, value: Any, confidence: float | None) -> dict[str, Any]:
    return {
        "item": f"answer:{recipe.question}",
        "kind": "answer",
        "question": recipe.question,
        "value": value,
        "confidence": confidence,
    }


def _rounded(middle: float, spread: float, question: Json) -> float:
    """To the question's steps, or to a tenth of what is not known anyhow."""
    if question.get("type") == "scale":
        return float(round(middle))
    if step := question.get("step"):
        start = question.get("min", 0)
        return float(f"{start + round((middle - start) / step) * step:.12g}")
    digits = max(0, 1 - math.floor(math.log10(max(spread, 1e-9))))
    return round(middle, digits)


def _mark(
    kind: str,
    code: str,
    frame: Json,
    points: Sequence[Sequence[float]],
    text: str,
    confidence: float | None,
) -> dict[str, Any]:
    return {
        "item": f"2.25.{uuid4().int}",
        "kind": kind,
        "label_class": code,
        "sop_instance_uid": frame["sop_instance_uid"],
        "frame": frame["frame"],
        "points_px": [[round(value, 3) for value in point] for point in points],
        "text": text,
        "confidence": None if confidence is None else round(confidence, 4),
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
    return options_of(question_of(recipe, document) or {})


def _sections(labelled: Voxels, document: Json) -> Iterator[tuple[str, int, NDArray[np.int64]]]:
    """(code, value, voxels on each frame) of the classes that are there."""
    for entry in document["classes"]:
        counts = np.array([int((frame == entry["value"]).sum()) for frame in labelled], np.int64)
        if counts.any():
            yield entry["code"], entry["value"], counts


def _regions(where: NDArray[np.bool_]) -> Iterator[tuple[int, int, tuple[slice, ...]]]:
    """(voxels, frame, rows and columns of its largest section) of each connected region."""
    from scipy import ndimage  # heavy, and the web process reads this module for its words alone

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
    corners = [
        [columns.start - 0.5, rows.start - 0.5],
        [columns.stop - 0.5, rows.stop - 0.5],
    ]
    return _mark("box", code, frame, corners, "", None)

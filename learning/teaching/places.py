"""Points and boxes that were drawn, as places in the image's array.

On the screen a place is [column, row] on a frame, pixel centres at whole numbers; in the array it is
[slice,] row, column, and rows and columns may have been averaged by a whole-number factor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Value, When

from annotation.marks import as_submitted
from annotation.models import Mark, MarkKind, Project, Read, Reference
from learning.assisting import items
from learning.engine.spec import Box, Point, Recipe, Target

from .teacher import Image, Json, Spoken, Suggested, Teacher, Unusable, there

POINT, BOX, NO_BOX = "points", "boxes", "no boxes"
SAME = 0.3
"""Overlap from which boxes of two readers mean the same."""
SEVERAL = (
    "Several readers drew on it, and whose marks are right is not a matter of counting. Set labels to "
    "soft in the recipe to learn from all of them."
)


class Places(Teacher):
    """Marks of one kind. A reference of several reads has none: only ``soft`` learns from those."""

    kind: MarkKind

    def prefetched(self, recipe: Recipe) -> tuple[str, ...]:
        return ("reference__reads__marks__mask",) if self.is_soft(recipe) else ()

    def misfits(self, recipe: Recipe, document: Json) -> Iterator[str]:
        codes = [name.partition(items.NAMED)[0] for name in recipe.classes]
        yield from items.missing_classes(codes, document)
        if self.kind not in document.get("marks", []):
            yield f"The label schema allows no marks of kind {self.kind}, from which to learn."

    def have_marks(self, recipe: Recipe, path: str) -> Q | Exists:
        """Whether the reference at ``path``, or any of its reads, has a mark of the kind."""
        if self.is_soft(recipe):
            drawn = Mark.objects.filter(read__references=OuterRef(f"{path}pk"), kind=self.kind)
            return Exists(drawn)
        return Q(**{f"{path}marks__contains": [{"kind": self.kind.value}]})

    def marks(self, reference: Reference, recipe: Recipe) -> list[list[dict[str, Any]]]:
        """The marks of each reader."""
        if self.is_soft(recipe):
            return [
                [as_submitted(mark) for mark in sorted(read.marks.all(), key=lambda one: one.pk)]
                for read in reference.reads.all()
            ]
        if reference.method == Reference.Method.MAJORITY:
            raise Unusable(SEVERAL)
        return [reference.marks]

    def drawn(
        self, marks: Sequence[Json], image: Image, recipe: Recipe, name: str
    ) -> list[list[Point]]:
        """The places of one reader's marks of this class, in the array of the image."""
        code, _, text = name.partition(items.NAMED)
        frames = {
            (frame["sop_instance_uid"], frame["frame"]): index
            for index, frame in enumerate(image.display["frames"])
        }
        found = []
        for mark in marks:
            at = frames.get((mark["sop_instance_uid"], mark["frame"]))
            fits = (mark["kind"], mark["label_class"]) == (self.kind, code)
            if at is None or not fits or (text and mark["text"] != text):
                continue
            found.append([_in_array(point, at, image, recipe) for point in mark["points_px"]])
        return found


class Points(Places):
    kind = MarkKind.LANDMARK

    def usable(self, rows: QuerySet[Any], recipe: Recipe, path: str) -> Any:
        return rows.filter(self.have_marks(recipe, path)).annotate(target=Value(POINT))

    def counted(self, recipe: Recipe) -> tuple[str, ...]:
        return (POINT,)

    def misfits(self, recipe: Recipe, document: Json) -> Iterator[str]:
        yield from super().misfits(recipe, document)
        known = {entry["code"]: entry.get("landmarks") for entry in document.get("classes", [])}
        for name in recipe.classes:
            code, _, text = name.partition(items.NAMED)
            if text and text not in (known.get(code) or []):
                yield f"The class {code} has no landmark “{text}”."
            if not text and known.get(code):
                yield (
                    f"The class {code} names its landmarks; say which, for example "
                    f"{code}{items.NAMED}{known[code][0]}."
                )

    def target(
        self, reference: Reference, image: Image, recipe: Recipe, project: Project
    ) -> Target:
        """Of several readers the mean place; None where nobody, or somebody twice, placed the point."""
        readers = self.marks(reference, recipe)
        found: list[Point | None] = []
        for name in recipe.classes:
            placed = [self.drawn(marks, image, recipe, name) for marks in readers]
            once = [marks[0][0] for marks in placed if len(marks) == 1]
            found.append(tuple(np.mean(once, axis=0).tolist()) if once else None)
        if not any(found):
            raise Unusable("None of the recipe's points is placed once on the images learnt from.")
        return tuple(found)

    def suggested(
        self, said: Spoken, recipe: Recipe, document: Json, image: Image, project: int
    ) -> Suggested:
        sure = said.ensemble.probabilities[said.row].tolist()
        marks = []
        for name, place, chance in zip(
            recipe.classes, there(said.ensemble.points)[said.row], sure, strict=True
        ):
            frame, point = _on_screen(place.tolist(), image)
            marks.append(items.landmark(name, frame, point, chance))
        return Suggested([mark for mark in marks if mark is not None])


class Boxes(Places):
    kind = MarkKind.BOX

    def usable(self, rows: QuerySet[Any], recipe: Recipe, path: str) -> Any:
        """A reading without a box says that there is none, where boxes were allowed."""
        reads = Read.objects.filter(
            references=OuterRef(f"{path}pk"),
            label_schema__document__marks__contains=[self.kind.value],
        )
        if not self.is_soft(recipe):
            rows = rows.exclude(**{f"{path}method": Reference.Method.MAJORITY})
        having = When(self.have_marks(recipe, path), then=Value(BOX))
        target = Case(having, default=Value(NO_BOX), output_field=CharField())
        return rows.filter(Exists(reads)).annotate(target=target)

    def counted(self, recipe: Recipe) -> tuple[str, ...]:
        return (BOX,)

    def target(
        self, reference: Reference, image: Image, recipe: Recipe, project: Project
    ) -> Target:
        readers = self.marks(reference, recipe)
        found: list[Box] = []
        for label, name in enumerate(recipe.classes):
            for marks in readers:
                for low, high in self.drawn(marks, image, recipe, name):
                    edges = [sorted(pair) for pair in zip(low, high, strict=True)]
                    one = Box(label, tuple(a for a, _ in edges), tuple(b for _, b in edges))
                    _join(found, one)
        share = 1 / len(readers)
        return tuple(Box(b.label, b.low, b.high, min(1.0, b.score * share)) for b in found)

    def suggested(
        self, said: Spoken, recipe: Recipe, document: Json, image: Image, project: int
    ) -> Suggested:
        marks = []
        for box in there(said.ensemble.boxes)[said.row]:
            frame, low = _on_screen(box.low, image)
            _, high = _on_screen(box.high, image)
            marks.append(items.box(recipe.classes[box.label], frame, (low, high), box.score))
        return Suggested([mark for mark in marks if mark is not None][: items.MOST_BOXES])


def _join(found: list[Box], one: Box) -> None:
    """Adds a box, or lets it move the one that another reader drew of the same; ``score`` counts them."""
    for at, other in enumerate(found):
        if other.label == one.label and _overlap(other, one) >= SAME:
            n = other.score
            low, high = (
                tuple((a * n + b) / (n + 1) for a, b in zip(*edges, strict=True))
                for edges in ((other.low, one.low), (other.high, one.high))
            )
            found[at] = Box(one.label, low, high, n + 1)
            return
    found.append(one)


def _overlap(first: Box, second: Box) -> float:
    shared = np.clip(
        np.minimum(first.high, second.high) - np.maximum(first.low, second.low), 0, None
    )
    sizes = [np.prod(np.subtract(box.high, box.low)) for box in (first, second)]
    union = sum(sizes) - np.prod(shared)
    return float(np.prod(shared) / union) if union > 0 else 0.0


def _in_array(point: Sequence[float], frame: int, image: Image, recipe: Recipe) -> Point:
    column, row = ((value + 0.5) / image.shrink - 0.5 for value in point)
    return (row, column) if recipe.dimensions == 2 else (float(frame), row, column)


def _on_screen(place: Sequence[float], image: Image) -> tuple[Json, list[float]]:
    """The frame, and [column, row] on it, of a place in the array."""
    frames = image.display["frames"]
    index = round(place[0]) if len(place) == 3 else 0
    row, column = ((value + 0.5) * image.shrink - 0.5 for value in place[-2:])
    frame = {
        **frames[min(max(index, 0), len(frames) - 1)],
        "rows": image.display["rows"],
        "columns": image.display["columns"],
    }
    return frame, [column, row]

"""What is kept of each case of the hold-out for a fair comparison later, and measured from it, by task.

One entry of ``MEASURES`` for each task. What is kept is plain JSON values; no torch in here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learning.engine import metrics
from learning.engine.metrics import Measured, detection, landmarks, reports
from learning.engine.outputs import Output
from learning.engine.spec import Box, Recipe, Sample

Array = NDArray[Any]
APART = 1e6
"""Indices of an image never come so far."""
FOUND = 0.5
"""Share of the readers from which something counts as said."""


@dataclass(frozen=True)
class Judged:
    """What one model said of the cases of a stream, in one order for all lists."""

    recipe: Recipe
    truths: list[Any]
    values: list[Any]
    patients: list[str]
    seed: int
    said: Output
    threshold: float = 0.5
    """From which probability on a case is called positive, of two classes."""


class Measure:
    """Of answers that exclude one another: the probabilities, beside a truth that is kept apart."""

    def truth(self, sample: Sample) -> Any:
        """What a case's answers are held against; the likeliest where readers differ."""
        given = sample.target
        if isinstance(given, tuple):
            shares = np.array(given, float)
            return int(shares.argmax())
        return given

    def values(self, said: Output, samples: Sequence[Sample]) -> list[Any]:
        """One for each case, in the order of ``said``."""
        kept: list[Any] = said.probabilities.tolist()
        return kept

    def arrays(
        self, metric: str, truths: list[Any], values: list[Any]
    ) -> tuple[list[Array], Array]:
        """What ``metrics.by_name(metric)`` takes: what two models share, and what each says."""
        return [np.array(truths, np.int64)], np.array(values)

    def rows(self, judged: Judged) -> list[Measured]:
        return metrics.classification(
            np.array(judged.truths, np.int64),
            judged.said.probabilities,
            judged.patients,
            classes=judged.recipe.classes,
            seed=judged.seed,
            threshold=judged.threshold,
            prevalence=judged.recipe.operating.prevalence,
        )


class Grades(Measure):
    def rows(self, judged: Judged) -> list[Measured]:
        return reports.ordinal(
            np.array(judged.truths, np.int64),
            judged.said.probabilities,
            judged.patients,
            classes=judged.recipe.classes,
            seed=judged.seed,
        )


class Findings(Measure):
    def truth(self, sample: Sample) -> Any:
        given = sample.target if isinstance(sample.target, tuple) else ()
        return [None if one is None else int(float(one) >= FOUND) for one in given]  # type: ignore[arg-type]

    def arrays(
        self, metric: str, truths: list[Any], values: list[Any]
    ) -> tuple[list[Array], Array]:
        return [np.array(truths, float)], np.array(values, float)

    def rows(self, judged: Judged) -> list[Measured]:
        said = judged.said.probabilities
        return reports.multilabel(
            np.array(judged.truths, float).reshape(said.shape),
            said,
            judged.patients,
            classes=judged.recipe.classes,
            seed=judged.seed,
        )


class Numbers(Measure):
    def truth(self, sample: Sample) -> Any:
        return sample.target

    def arrays(
        self, metric: str, truths: list[Any], values: list[Any]
    ) -> tuple[list[Array], Array]:
        return [np.array(truths, float)], np.array(values, float).reshape(-1, 2)[:, 0]

    def rows(self, judged: Judged) -> list[Measured]:
        said = judged.said.probabilities[:, 0]
        targets = np.array(judged.truths, float)
        return reports.regression(targets, said, judged.patients, seed=judged.seed)


class Masks(Measure):
    """Voxels shared with the reference, which tell of the truth as well."""

    def truth(self, sample: Sample) -> Any:
        return None

    def values(self, said: Output, samples: Sequence[Sample]) -> list[Any]:
        kept: list[Any] = [] if said.overlap is None else said.overlap.tolist()
        return kept

    def arrays(
        self, metric: str, truths: list[Any], values: list[Any]
    ) -> tuple[list[Array], Array]:
        return [], np.array(values)

    def rows(self, judged: Judged) -> list[Measured]:
        if judged.said.overlap is None:
            return []
        return metrics.segmentation(
            judged.said.overlap,
            judged.patients,
            classes=judged.recipe.classes,
            seed=judged.seed,
            surfaces=judged.said.surfaces,
        )


class Points(Measure):
    """How far each point lies from where it was placed: in mm, or in pixels where those are unknown."""

    def truth(self, sample: Sample) -> Any:
        return None

    def values(self, said: Output, samples: Sequence[Sample]) -> list[Any]:
        if said.points is None:
            return []
        return [_distances(row, sample) for row, sample in zip(said.points, samples, strict=True)]

    def arrays(
        self, metric: str, truths: list[Any], values: list[Any]
    ) -> tuple[list[Array], Array]:
        return [], np.array(values, float)

    def rows(self, judged: Judged) -> list[Measured]:
        names = judged.recipe.classes
        errors = np.array(judged.values, float).reshape(len(judged.values), len(names))
        return reports.landmarks(errors, judged.patients, names=names, seed=judged.seed)


class Boxes(Measure):
    """The boxes that were found and those that were drawn."""

    def truth(self, sample: Sample) -> Any:
        return None

    def values(self, said: Output, samples: Sequence[Sample]) -> list[Any]:
        found: Sequence[Any] = [] if said.boxes is None else list(said.boxes)
        return [
            {"found": list(map(_row, boxes)), "drawn": _drawn(sample)}
            for boxes, sample in zip(found, samples, strict=True)
        ]

    def arrays(
        self, metric: str, truths: list[Any], values: list[Any]
    ) -> tuple[list[Array], Array]:
        table = detection.matched_at([_image(one) for one in values])
        return [], table[:, 0] if metric == "froc" else table

    def rows(self, judged: Judged) -> list[Measured]:
        values, patients, seed = judged.values, judged.patients, judged.seed
        found = reports.detection([_image(one) for one in values], patients, seed=seed)
        precision, classes = detection.mean_average_precision, judged.recipe.classes
        for label, name in enumerate(classes if len(classes) > 1 else ()):
            table = detection.matched_at([_image(one, only=label) for one in values])
            interval = metrics.bootstrap(precision, [table], patients, seed=seed)
            found.append(Measured("mean_average_precision", interval, name))
        return found


MEASURES: dict[str, Measure] = {
    "classification": Measure(),
    "ordinal": Grades(),
    "multilabel": Findings(),
    "regression": Numbers(),
    "segmentation": Masks(),
    "landmarks": Points(),
    "detection": Boxes(),
}


def measure_of(recipe: Recipe) -> Measure:
    return MEASURES[recipe.task]


def _distances(points: Array, sample: Sample) -> list[float | None]:
    given = sample.target if isinstance(sample.target, tuple) else ()
    unit = np.array(sample.spacing or (1.0,) * points.shape[1])
    unknown = (math.nan,) * points.shape[1]
    true = np.array([unknown if one is None else one for one in given], float)
    errors = landmarks.radial_errors(points * unit, true.reshape(points.shape) * unit)
    return [float(one) if math.isfinite(one) else None for one in errors]


def _row(box: Box) -> list[float]:
    return [box.label, round(box.score, 6), *(round(edge, 3) for edge in (*box.low, *box.high))]


def _drawn(sample: Sample) -> list[list[float]]:
    given = sample.target if isinstance(sample.target, tuple) else ()
    return [_row(box) for box in given if isinstance(box, Box) and box.score >= FOUND]


def _image(one: Any, only: int | None = None) -> detection.Boxes:
    """Boxes of different classes never overlap: each class lies in a place of its own."""
    parts = []
    for name in ("found", "drawn"):
        rows = [row for row in one[name] if only is None or row[0] == only]
        table = np.array(rows, float) if rows else np.zeros((0, 6))
        parts.append((table[:, 2:] + APART * table[:, :1], table[:, 1]))
    return detection.Boxes(parts[0][0], parts[0][1], parts[1][0])

"""What each round's ensemble answers on one fixed random set of cases, and how models agree there.

The set are labelled cases of the calibration stream: drawn at random by patient, never trained on.
Kept with the model, so nothing is predicted twice.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.models import Project
from learning import registry
from learning.curve.stopping import Stability
from learning.engine.errors import NotComputable
from learning.engine.metrics.ordinal import kappa
from learning.models import Arm, TrainedModel

MODELS = 3
MOST_CASES = 500
MOST_MASKS = 40
FEWEST_CASES = {"classification": 50, "segmentation": 10}
_BOUND = 64 << 20
"""Bytes of one mask when it is opened again."""


def of_classes(cases: Sequence[int], probabilities: NDArray[Any]) -> dict[str, Any]:
    """Case -> class of the highest probability [N, C]; the first 500 cases."""
    classes = np.asarray(probabilities).argmax(axis=1).tolist()
    return {str(case): one for case, one in list(zip(cases, classes, strict=True))[:MOST_CASES]}


def of_mask(mask: NDArray[np.uint8]) -> dict[str, Any]:
    """A mask in a form that JSON carries."""
    packed = zlib.compress(np.ascontiguousarray(mask).tobytes(), 6)
    return {"shape": list(mask.shape), "zlib": base64.b64encode(packed).decode()}


def stability(project: Project) -> Stability:
    """Of the last three ensembles of all labels that answer the same question."""
    newest = (
        project.trained_models.filter(arm=Arm.ALL, network=registry.ENSEMBLE)
        .exclude(stop_answers={})
        .order_by("-round__number")[:MODELS]
    )
    models = list(newest)
    if len(models) < MODELS:
        said = f"Stability needs {MODELS} models of all labels; there are {len(models)}."
        return Stability(None, 0, said)
    return between(models)


def between(models: Sequence[TrainedModel]) -> Stability:
    """Mean kappa, or for masks mean Dice, over the pairs of these models and the cases of all."""
    first = models[0].config["recipe"]
    if any(_learnt(model) != _learnt(models[0]) for model in models):
        return Stability(None, 0, "The last models do not answer the same question.")
    shared = sorted(set.intersection(*(set(model.stop_answers) for model in models)), key=int)
    fewest = FEWEST_CASES.get(first["task"], MOST_CASES)
    if len(shared) < fewest:
        said = (
            f"The last models share {len(shared)} of at least {fewest} labelled cases of the "
            "calibration stream."
        )
        return Stability(None, len(shared), said)
    try:
        if first["task"] == "segmentation":
            return Stability(_dice(models, shared, len(first["classes"])), len(shared))
        return Stability(_kappa(models, shared, len(first["classes"])), len(shared))
    except NotComputable:
        said = "The last models give every case the same answer, so their agreement says nothing."
        return Stability(None, len(shared), said)


def _learnt(model: TrainedModel) -> tuple[Any, ...]:
    recipe = model.config["recipe"]
    return recipe["task"], recipe.get("question"), tuple(recipe["classes"])


def _kappa(models: Sequence[TrainedModel], cases: Sequence[str], classes: int) -> float:
    answers = [np.array([model.stop_answers[case] for case in cases]) for model in models]
    return float(np.mean([kappa(one, other, classes) for one, other in combinations(answers, 2)]))


def _dice(models: Sequence[TrainedModel], cases: Sequence[str], classes: int) -> float:
    found = []
    for case in cases:
        masks = [_opened(model.stop_answers[case]) for model in models]
        found += [_overlap(one, other, classes) for one, other in combinations(masks, 2)]
    return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")


def _overlap(one: NDArray[np.uint8], other: NDArray[np.uint8], classes: int) -> float:
    """Mean Dice of the classes in either; 0 for masks on different grids."""
    if one.shape != other.shape:
        return 0.0
    each = []
    for value in range(1, classes + 1):
        first, second = one == value, other == value
        if size := first.sum() + second.sum():
            each.append(2 * (first & second).sum() / size)
    return float(np.mean(each)) if each else 1.0


def _opened(stored: Mapping[str, Any]) -> NDArray[np.uint8]:
    voxels = zlib.decompressobj().decompress(base64.b64decode(stored["zlib"]), _BOUND)
    return np.frombuffer(voxels, np.uint8).reshape(stored["shape"])

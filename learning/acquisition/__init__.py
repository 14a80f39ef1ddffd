"""Which cases to ask for next: arrays in, an order out; pure NumPy.

A function is added by writing it and naming it in ``ACQUISITIONS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from learning.acquisition.chance import random
from learning.acquisition.diversity import falcun, k_center
from learning.acquisition.foreground import foreground_entropy
from learning.acquisition.pool import AcquisitionError, FloatArray, PoolScores, Selection
from learning.acquisition.uncertainty import (
    contradiction,
    disagreement,
    doubt,
    margin,
    most_entropy,
)

__all__ = [
    "ACQUISITIONS",
    "AUTO",
    "BY_EMBEDDING",
    "AcquisitionError",
    "PoolScores",
    "Selection",
    "choose",
    "objection",
    "select",
]

Acquisition = Callable[[PoolScores, int, np.random.Generator], Selection]

ACQUISITIONS: dict[str, Acquisition] = {
    "random": random,
    "margin": margin,
    "entropy": most_entropy,
    "disagreement": disagreement,
    "falcun": falcun,
    "kcenter": k_center,
    "foreground_entropy": foreground_entropy,
}

AUTO = "auto"
"""In a recipe: whichever suits the regime, see ``choose``."""
BY_EMBEDDING = frozenset({"kcenter"})
"""Functions that look at the embeddings; the others go by probabilities alone."""

FEW_PER_CLASS = 4
"""Labels per class below which a network's doubts say little."""


def select(name: str, pool: PoolScores, k: int, *, seed: int) -> Selection:
    """The first ``k`` cases to read by the named function, and every case's score.

    The same pool and seed give the same picks; with ``pool.ids`` also when its rows are shuffled.
    """
    if name not in ACQUISITIONS:
        raise AcquisitionError(
            f"There is no acquisition function “{name}”; choose among {', '.join(ACQUISITIONS)}."
        )
    if k < 0:
        raise AcquisitionError(f"{k} cases cannot be picked.")
    rows = np.arange(len(pool)) if pool.ids is None else np.argsort(pool.ids)
    ordered = pool.take(rows)
    found = ACQUISITIONS[name](ordered, k, np.random.default_rng(seed))
    back = np.argsort(rows)
    components = {**_background(ordered), **found.components}
    return replace(
        found,
        indices=rows[found.indices],
        scores=found.scores[back],
        components={part: values[back] for part, values in components.items()},
    )


def objection(name: str, *, task: str, networks: int) -> str:
    """Why this function cannot rank what such networks say, in a sentence; '' if it can."""
    if name not in ACQUISITIONS:
        return (
            f"There is no acquisition function “{name}”; choose among {', '.join(ACQUISITIONS)}, or"
            " auto."
        )
    if name == "foreground_entropy" and task != "segmentation":
        return "Foreground entropy ranks by predicted masks, which only a segmentation has."
    if name == "disagreement" and networks < 2:
        return "Disagreement needs the answers of at least two networks."
    return ""


def choose(task: str, *, labelled: int, pool: int, networks: int, classes: int) -> tuple[str, str]:
    """The function that suits this regime, and the sentence that says why."""
    if networks == 0:
        return "random", "At random: no network has been trained yet, so none has doubts to go by."
    if labelled < FEW_PER_CLASS * classes:
        return "random", (
            f"At random: with {labelled} labels for {classes} classes a network's doubts are noise."
        )
    if task == "segmentation":
        return "foreground_entropy", (
            "Foreground entropy: cases in which the networks are unsure where something is, each"
            " class in turn, whatever its size."
        )
    return "falcun", (
        f"Falcun: of {pool} cases those that the networks are unsure of or contradict one another"
        " on, and that differ from those already picked."
    )


def _background(pool: PoolScores) -> dict[str, FloatArray]:
    """What a reader may want to know of any pick, whatever function made it."""
    if pool.ensemble.shape[1] < 2:
        return {}
    known = {"uncertainty": doubt(pool)}
    if len(pool.probabilities) > 1:
        known["disagreement"] = contradiction(pool)
    return known

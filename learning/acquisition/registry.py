"""The acquisition functions by name. A function is added by writing it and naming it here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from learning.acquisition.badge import badge
from learning.acquisition.chance import foreground_random, random, stratified_random
from learning.acquisition.clusters import typiclust
from learning.acquisition.core_set import k_center
from learning.acquisition.coverage import herding, probcover
from learning.acquisition.density import density_weighted
from learning.acquisition.errors import AcquisitionError
from learning.acquisition.falcun import falcun
from learning.acquisition.foreground import box_doubt, foreground_entropy, part_doubt
from learning.acquisition.pool import PoolScores, Selection
from learning.acquisition.uncertainty import (
    bald,
    disagreement,
    least_confidence,
    margin,
    most_entropy,
    power_margin,
)


class Need(Enum):
    """What a function looks at; the value completes “… needs”."""

    PROBABILITIES = "a model's probabilities of two or more classes"
    NETWORKS = "the answers of at least two networks, or of passes with dropout"
    EMBEDDINGS = "the embeddings of the cases"
    MASKS = "the uncertainty of predicted masks, or of several findings, points or numbers"
    BOXES = "the boxes that networks found"

    def is_met(self, pool: PoolScores) -> bool:
        if self is Need.PROBABILITIES:
            return bool(pool.ensemble.shape[1] >= 2)
        if self is Need.NETWORKS:
            passes = 0 if pool.samples is None else pool.samples.shape[1]
            return bool(len(pool.probabilities) + passes >= 2)
        if self is Need.EMBEDDINGS:
            return pool.embeddings is not None
        if self is Need.MASKS:
            return pool.uncertainty is not None and pool.class_uncertainty is not None
        return bool(pool.detections)


@dataclass(frozen=True)
class Acquisition:
    """``pick`` sees at least one case, all of them open, and asks for 1 … len(pool) of them."""

    pick: Callable[[PoolScores, int, np.random.Generator], Selection]
    needs: frozenset[Need] = frozenset()

    def check(self, name: str, pool: PoolScores) -> None:
        missing = [need.value for need in Need if need in self.needs and not need.is_met(pool)]
        if missing:
            raise AcquisitionError(f"“{name}” needs {', and '.join(missing)}.")


DOUBTS = frozenset({Need.PROBABILITIES})
PLACES = frozenset({Need.EMBEDDINGS})

ACQUISITIONS: dict[str, Acquisition] = {
    "random": Acquisition(random),
    "stratified_random": Acquisition(stratified_random),
    "foreground_random": Acquisition(foreground_random, DOUBTS | {Need.MASKS}),
    "least_confidence": Acquisition(least_confidence, DOUBTS),
    "margin": Acquisition(margin, DOUBTS),
    "power_margin": Acquisition(power_margin, DOUBTS),
    "entropy": Acquisition(most_entropy, DOUBTS),
    "bald": Acquisition(bald, DOUBTS | {Need.NETWORKS}),
    "disagreement": Acquisition(disagreement, frozenset({Need.NETWORKS})),
    "falcun": Acquisition(falcun, DOUBTS),
    "badge": Acquisition(badge, DOUBTS | PLACES),
    "kcenter": Acquisition(k_center, PLACES),
    "typiclust": Acquisition(typiclust, PLACES),
    "probcover": Acquisition(probcover, PLACES),
    "herding": Acquisition(herding, PLACES),
    "density": Acquisition(density_weighted, DOUBTS | PLACES),
    "foreground_entropy": Acquisition(foreground_entropy, frozenset({Need.MASKS})),
    "part_doubt": Acquisition(part_doubt, frozenset({Need.MASKS})),
    "box_doubt": Acquisition(box_doubt, frozenset({Need.BOXES})),
}

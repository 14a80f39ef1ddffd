"""How a simulated reader errs: with a sensitivity, a specificity and a pace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import generate_uid
from scipy import ndimage

from .api import Api
from .known_labels import KnownLabels


@dataclass
class SimulatedReader:
    """Reads one case after another through the API.

    ``sensitivity`` and ``specificity`` are per case for a yes/no answer, and per boundary voxel for
    a mask. ``seconds`` is the median active reading time that is reported (log-normal, sigma 0.35).
    """

    api: Api
    known: KnownLabels
    sensitivity: float = 1.0
    specificity: float = 1.0
    seconds: float = 20.0
    rng: np.random.Generator = field(default_factory=np.random.default_rng)

    def read_one(self) -> bool:
        """Claim, look, answer, submit. False when no case is left."""
        assignment = self.api.claim()
        if assignment is None:
            return False
        case = assignment["case"]
        displays = [self.api.series(series["id"], case["id"]) for series in case["series"]]
        content = self._content(assignment, displays)
        self.api.submit(assignment, content, self.seconds * self.rng.lognormal(0, 0.35))
        return True

    def _content(
        self, assignment: dict[str, Any], displays: list[dict[str, Any]]
    ) -> dict[str, Any]:
        schema = assignment["label_schema"]["document"]
        for display in displays:
            uid = display["frames"][0]["sop_instance_uid"]
            if (label := self.known.answers.get(uid)) is not None:
                question = schema["questions"][0]
                values = [option["value"] for option in question["options"]]
                answer = {
                    "question": question["code"],
                    "target": "",
                    "value": self._answer(values, label),
                }
                return {"answers": [answer], "marks": []}
            if uid in self.known.masks:
                voxels = self._mask(self.known.masks[uid](), len(schema["classes"]))
                digest = self.api.store_mask(assignment["slot"], display["id"], voxels)
                return {
                    "answers": [],
                    "marks": [self._labelmap(display["id"], digest, schema["classes"][0]["code"])],
                }
        raise LookupError(f"No known label for case {assignment['case']['id']}.")

    def _answer(self, values: list[str], truth: str) -> str:
        """The truth, or by the reader's error rates the other one of two values (the last: positive)."""
        negative, positive = values
        right = self.sensitivity if truth == positive else self.specificity
        if self.rng.random() < right:
            return truth
        return negative if truth == positive else positive

    def _mask(self, truth: NDArray[np.uint8], classes: int) -> NDArray[np.uint8]:
        """The truth with boundary voxels missed (sensitivity) and added (specificity)."""
        drawn = truth.copy()
        for value in range(1, classes + 1):
            inside = truth == value
            rim = inside & ~ndimage.binary_erosion(inside)
            halo = ndimage.binary_dilation(inside) & (truth == 0)
            drawn[rim & (self.rng.random(truth.shape) > self.sensitivity)] = 0
            drawn[halo & (self.rng.random(truth.shape) > self.specificity)] = value
        return drawn

    @staticmethod
    def _labelmap(series: int, digest: str, label_class: str) -> dict[str, Any]:
        return {
            "tracking_uid": generate_uid(prefix=None),
            "kind": "labelmap",
            "label_class": label_class,
            "sop_instance_uid": "",
            "frame": None,
            "points_px": [],
            "mask": digest,
            "series": series,
            "text": "",
        }

"""Whether stated probabilities are what happens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Array, checked

BINS = 10


@dataclass(frozen=True)
class BrierParts:
    """Murphy's decomposition over bins: brier = reliability - resolution + uncertainty + within."""

    reliability: float
    """Squared gap between stated and observed: 0 is best."""
    resolution: float
    """How far the bins' frequencies are from the overall one: more is better."""
    uncertainty: float
    """Of the finding itself: frequency times its complement."""
    within: float
    """What is left because a bin holds unequal probabilities; small."""


def brier(targets: Array, probabilities: Array) -> float:
    """Mean squared error of the stated probabilities: 0 is best. One column: of the finding.

    With [N, C] probabilities, the squares are summed over the classes.
    """
    if np.ndim(probabilities) == 1:
        return float(np.mean((probabilities - checked(targets, probabilities)) ** 2))
    checked(targets, probabilities)
    truth = np.eye(probabilities.shape[1])[np.asarray(targets, int)]
    return float(np.mean(((probabilities - truth) ** 2).sum(axis=1)))


def brier_parts(targets: Array, probabilities: Array, bins: int = BINS) -> BrierParts:
    """Of one column [N] of probabilities of the finding."""
    table = reliability(targets, probabilities, bins)
    cases, stated, observed = (
        np.array([row[key] for row in table]) for key in ("cases", "stated", "observed")
    )
    overall, weight = float(np.mean(checked(targets, probabilities))), cases / cases.sum()
    gap = float(weight @ (stated - observed) ** 2)
    apart = float(weight @ (observed - overall) ** 2)
    spread = overall * (1 - overall)
    return BrierParts(gap, apart, spread, brier(targets, probabilities) - gap + apart - spread)


def ece(targets: Array, probabilities: Array, bins: int = BINS) -> float:
    """Expected calibration error: mean gap between stated probability and observed frequency."""
    table = reliability(targets, probabilities, bins)
    total = sum(row["cases"] for row in table)
    return float(sum(row["cases"] * abs(row["stated"] - row["observed"]) for row in table) / total)


def reliability(targets: Array, probabilities: Array, bins: int = BINS) -> list[dict[str, float]]:
    """Per bin of stated probability that holds a case: cases, mean stated, observed frequency."""
    right = checked(targets, probabilities)
    place = np.minimum((np.asarray(probabilities) * bins).astype(int), bins - 1)
    return [
        {
            "cases": int((place == b).sum()),
            "stated": float(np.mean(probabilities[place == b])),
            "observed": float(right[place == b].mean()),
        }
        for b in np.unique(place)
    ]

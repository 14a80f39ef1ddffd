"""Which cases to ask for next: arrays in, an order out; NumPy, and torch only for a GPU."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from learning.acquisition.boxes import Detections
from learning.acquisition.constraints import NONE, SPARE, Constraints, kept
from learning.acquisition.errors import AcquisitionError
from learning.acquisition.features import Features, FloatArray, Indices, features
from learning.acquisition.pool import PoolScores, Selection
from learning.acquisition.regimes import choose, objection
from learning.acquisition.registry import ACQUISITIONS, Need
from learning.acquisition.uncertainty import contradiction, doubt

__all__ = [
    "ACQUISITIONS",
    "AUTO",
    "AcquisitionError",
    "Constraints",
    "Detections",
    "Features",
    "Need",
    "PoolScores",
    "Selection",
    "choose",
    "features",
    "objection",
    "select",
]

AUTO = "auto"
"""In a recipe: whichever suits the regime, see ``choose``."""


def select(
    name: str, pool: PoolScores, k: int, *, seed: int, constraints: Constraints = NONE
) -> Selection:
    """The first ``k`` open cases to read by the named function, and every open case's score.

    The same pool and seed give the same picks; with ``pool.ids`` also when its rows are shuffled.
    Raises AcquisitionError where the pool lacks what the function or a constraint looks at.
    """
    if name not in ACQUISITIONS:
        raise AcquisitionError(
            f"There is no acquisition function “{name}”; choose among {', '.join(ACQUISITIONS)}."
        )
    if k < 0:
        raise AcquisitionError(f"{k} cases cannot be picked.")
    rows = _open_rows(pool)
    if not len(rows):
        return Selection(rows, np.full(len(pool), np.nan), {})
    ordered = pool.take(rows)
    ACQUISITIONS[name].check(name, ordered)
    constraints.check(ordered)
    found = _picked(name, ordered, min(k, len(rows)), seed, constraints)
    scores = np.full(len(pool), np.nan)
    scores[rows] = found.scores
    return replace(found, indices=rows[found.indices], scores=scores)


def _open_rows(pool: PoolScores) -> Indices:
    """The rows that may be asked for, by ascending id."""
    rows = np.arange(len(pool)) if pool.ids is None else np.argsort(pool.ids, kind="stable")
    return rows if pool.open is None else rows[pool.open[rows]]


def _picked(name: str, pool: PoolScores, k: int, seed: int, constraints: Constraints) -> Selection:
    spare = 1 if constraints == NONE else SPARE
    asked = max(1, min(spare * k, len(pool)))
    found = ACQUISITIONS[name].pick(pool, asked, np.random.default_rng(seed))
    if constraints == NONE:
        return _with_background(pool, found.first(k))
    picks = kept(pool, found, k, constraints)
    place = {row: at for at, row in enumerate(found.indices.tolist())}
    at = np.array([place.get(row, -1) for row in picks.tolist()], np.int64)
    parts = {
        part: np.where(at >= 0, values[at], np.nan) for part, values in found.components.items()
    }
    return _with_background(pool, replace(found, indices=picks, components=parts))


def _with_background(pool: PoolScores, found: Selection) -> Selection:
    """With what a reader may want to know of any pick, whatever function made it."""
    rows = found.indices
    if not len(rows):
        return found
    if pool.ensemble.shape[1] < 2:
        apart = {} if pool.contradiction is None else {"disagreement": pool.contradiction[rows]}
        return replace(found, components={**apart, **found.components})
    picked = PoolScores(
        pool.ensemble[rows],
        {name: said[rows] for name, said in pool.probabilities.items()},
        contradiction=None if pool.contradiction is None else pool.contradiction[rows],
    )
    known: dict[str, FloatArray] = {"uncertainty": doubt(picked)}
    if len(pool.probabilities) > 1:
        known["disagreement"] = contradiction(picked)
    return replace(found, components={**known, **found.components})

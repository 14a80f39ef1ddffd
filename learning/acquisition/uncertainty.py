"""What the networks are unsure of, and where they contradict one another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from learning.acquisition.pool import AcquisitionError, FloatArray, PoolScores, Selection, highest

SMALLEST = 1e-12


def doubt(pool: PoolScores) -> FloatArray:
    """1 - margin: 1 when the two likeliest classes tie, 0 when the answer is certain."""
    ordered = np.sort(_probabilities(pool), axis=1)
    return np.asarray(np.clip(1 - (ordered[:, -1] - ordered[:, -2]), 0, 1))


def entropy(pool: PoolScores) -> FloatArray:
    """0 (certain) to 1 (all classes alike). Of masks: as measured where foreground is possible."""
    if pool.uncertainty is not None:
        return pool.uncertainty
    p = np.clip(_probabilities(pool), SMALLEST, 1)
    return np.asarray(np.clip(-(p * np.log(p)).sum(axis=1) / np.log(p.shape[1]), 0, 1))


def contradiction(pool: PoolScores) -> FloatArray:
    """Jensen-Shannon divergence between the networks, 0 (alike) to 1 (each certain, apart)."""
    if len(pool.probabilities) < 2:
        raise AcquisitionError("Disagreement needs the answers of at least two networks.")
    members = np.stack([np.asarray(p, np.float64) for p in pool.probabilities.values()])
    members = np.clip(members, SMALLEST, 1)
    gap = (members * np.log(members / members.mean(axis=0))).sum(axis=2).mean(axis=0)
    return np.asarray(np.clip(gap / np.log(min(members.shape[0], members.shape[2])), 0, 1))


def margin(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """The ensemble's two likeliest classes are closest."""
    return _top(doubt, "uncertainty", pool, k, rng)


def most_entropy(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """The ensemble's probabilities are most even."""
    return _top(entropy, "entropy", pool, k, rng)


def disagreement(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """The networks contradict one another most."""
    return _top(contradiction, "disagreement", pool, k, rng)


def _top(
    score: Callable[[PoolScores], FloatArray],
    name: str,
    pool: PoolScores,
    k: int,
    rng: np.random.Generator,
) -> Selection:
    values = score(pool)
    worth = pool.per_cost(values)
    return Selection(highest(worth, k, rng), worth, {name: values})


def _probabilities(pool: PoolScores) -> FloatArray:
    if pool.ensemble.shape[1] < 2:
        raise AcquisitionError("Uncertainty needs a model's probabilities of two or more classes.")
    return pool.ensemble

"""What the networks are unsure of, and where they contradict one another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from learning.acquisition.pool import (
    AcquisitionError,
    FloatArray,
    PoolScores,
    Selection,
    highest,
    likely,
)

SMALLEST = 1e-12
POWER = 8.0
"""Sharpness of the drawn variants: enough noise that look-alikes are not all taken at once."""
CLASSES_AT_ONCE = 262_144


def doubt(pool: PoolScores) -> FloatArray:
    """1 - margin: 1 when the two likeliest classes tie, 0 when the answer is certain."""
    said = _probabilities(pool)
    top = np.partition(said, (-2, -1), axis=1)[:, -2:]
    return np.asarray(np.clip(1 - (top[:, 1] - top[:, 0]), 0, 1))


def unsure(pool: PoolScores) -> FloatArray:
    """Of masks, as measured where foreground is possible; of an answer, ``doubt``."""
    if pool.class_uncertainty is not None and pool.uncertainty is not None:
        return pool.uncertainty
    return doubt(pool)


def shortfall(pool: PoolScores) -> FloatArray:
    """1 - the likeliest class's probability, scaled to 1 when all classes are alike."""
    said = _probabilities(pool)
    return np.asarray(np.clip((1 - said.max(axis=1)) / (1 - 1 / said.shape[1]), 0, 1))


def entropy(pool: PoolScores) -> FloatArray:
    """0 (certain) to 1 (all classes alike). Of masks: as measured where foreground is possible."""
    if pool.uncertainty is not None:
        return pool.uncertainty
    p = np.clip(_probabilities(pool), SMALLEST, 1)
    return np.asarray(np.clip(-(p * np.log(p)).sum(axis=1) / np.log(p.shape[1]), 0, 1))


def contradiction(pool: PoolScores) -> FloatArray:
    """How far the networks are apart, 0 (alike) to 1 (each certain, apart).

    The Jensen-Shannon divergence of their probabilities (Lin 1991); of masks, as measured.
    """
    if len(pool.probabilities) < 2:
        raise AcquisitionError("Disagreement needs the answers of at least two networks.")
    if pool.contradiction is not None:
        return pool.contradiction
    return spread(np.stack([np.asarray(p) for p in pool.probabilities.values()]))


def spread(members: FloatArray) -> FloatArray:
    """[N]: mutual information of [S, N, C] opinions and who gave them, over its maximum.

    For members of an ensemble or passes with dropout that is BALD's score.
    """
    found = np.empty(members.shape[1])
    most = np.log(min(members.shape[0], members.shape[2]))
    for start in range(0, len(found), CLASSES_AT_ONCE):
        part = np.clip(members[:, start : start + CLASSES_AT_ONCE], SMALLEST, 1).astype(np.float64)
        gap = (part * np.log(part / part.mean(axis=0))).sum(axis=2).mean(axis=0)
        found[start : start + CLASSES_AT_ONCE] = gap / most if most > 0 else 0
    return np.clip(found, 0, 1)


def margin(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """The ensemble's two likeliest classes are closest (Scheffer, Decomain, Wrobel 2001)."""
    return _top(doubt, "uncertainty", pool, k, rng)


def least_confidence(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """The ensemble's likeliest class is least likely (Lewis and Gale 1994)."""
    return _top(shortfall, "shortfall", pool, k, rng)


def most_entropy(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """The ensemble's probabilities are most even (Shannon entropy; Settles 2009, 3.1)."""
    return _top(entropy, "entropy", pool, k, rng)


def disagreement(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """The networks contradict one another most (query by committee, McCallum and Nigam 1998)."""
    return _top(contradiction, "disagreement", pool, k, rng)


def power_margin(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Drawn with probability proportional to a power of the margin's doubt.

    Kirsch et al., "Stochastic batch acquisition", TMLR 2023: what a batch of look-alikes would
    waste is saved at the price of one random number for each case.
    """
    return _drawn(doubt(pool), "uncertainty", pool, k, rng)


def bald(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Drawn by a power of what an answer would tell about the model (PowerBALD).

    Houlsby et al. 2011, Gal, Islam, Ghahramani, ICML 2017; drawn as in Kirsch et al., TMLR 2023,
    since the k highest are copies of one another. Over the networks and all passes with dropout.
    """
    members = pool.members
    if len(members) < 2:
        raise AcquisitionError("BALD needs at least two networks, or passes with dropout.")
    return _drawn(spread(members), "information", pool, k, rng)


def _top(
    score: Callable[[PoolScores], FloatArray],
    name: str,
    pool: PoolScores,
    k: int,
    rng: np.random.Generator,
) -> Selection:
    values = score(pool)
    worth = pool.per_cost(values)
    return Selection.of(highest(worth, k, rng), worth, **{name: values})


def _drawn(
    values: FloatArray, name: str, pool: PoolScores, k: int, rng: np.random.Generator
) -> Selection:
    worth = pool.per_cost(values)
    return Selection.of(likely(worth, k, rng, sharpness=POWER), worth, **{name: values})


def _probabilities(pool: PoolScores) -> FloatArray:
    if pool.ensemble.shape[1] < 2:
        raise AcquisitionError("Uncertainty needs a model's probabilities of two or more classes.")
    return pool.ensemble

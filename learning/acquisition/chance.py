"""At random: the arm that everything else is compared with, and the start before any model."""

from __future__ import annotations

import numpy as np

from learning.acquisition.pool import Indices, PoolScores, Selection, highest, likely
from learning.acquisition.turns import in_turn, places


def random(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Every case is equally likely."""
    draw = rng.random(len(pool))
    return Selection.of(highest(draw, k, rng), draw, draw=draw)


def stratified_random(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Every stratum in turn, at random within: sites where they are known, else predicted classes.

    Stratified sampling (Neyman 1934) with equal shares, so that a small site or a rare answer is
    not left to luck.
    """
    strata = _strata(pool)
    draw = rng.random(len(pool))
    order = np.argsort(-draw, kind="stable")
    queues = [order[strata[order] == one] for one in rng.permutation(np.unique(strata))]
    picks = in_turn(queues, k)
    return Selection.of(picks, places(picks, draw), draw=draw, stratum=strata.astype(float))


def foreground_random(pool: PoolScores, k: int, rng: np.random.Generator) -> Selection:
    """Two in three where a structure may be, each in turn; the third anywhere.

    The improved random baseline of nnActive (Lüth et al. 2025), for whole cases: a case is drawn
    for a structure with the probability that the networks give it where anything may be.
    """
    likeliest = np.asarray(pool.ensemble)[:, 1:].T
    anywhere = rng.permutation(len(pool))
    queues = [likely(structure, len(pool), rng) for structure in likeliest]
    turns = [anywhere, *queues]
    picks = in_turn(turns, k, cycle=thirds(len(queues)))
    foreground = 1 - np.asarray(pool.ensemble, np.float64)[:, 0]
    return Selection.of(picks, places(picks, foreground), foreground=foreground)


def thirds(classes: int) -> list[int]:
    """Whose turn it is: the first queue once, then two of the classes, through all of them."""
    pairs = [(1 + 2 * i % classes, 1 + (2 * i + 1) % classes) for i in range(classes)]
    return [which for pair in pairs for which in (*pair, 0)] if classes else [0]


def _strata(pool: PoolScores) -> Indices:
    if pool.strata is not None:
        return np.asarray(pool.strata)
    if pool.ensemble.shape[1]:
        return np.asarray(pool.ensemble.argmax(axis=1))
    return np.zeros(len(pool), np.int64)

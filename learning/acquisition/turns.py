"""Several queues that take turns: strata, classes of a mask, kinds of boxes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle as for_ever

import numpy as np

from learning.acquisition.features import FloatArray, Indices


def in_turn(queues: Sequence[Indices], k: int, *, cycle: Sequence[int] | None = None) -> Indices:
    """The ``k`` first rows, the queues taking turns in the order of ``cycle``; no row twice."""
    taken: dict[int, None] = {}
    heads = [iter(queue.tolist()) for queue in queues]
    left = set(range(len(queues)))
    for which in for_ever(cycle if cycle is not None else range(len(queues))):
        if len(taken) >= k or not left:
            break
        pick = next((row for row in heads[which] if row not in taken), None)
        if pick is None:
            left.discard(which)
        else:
            taken[pick] = None
    return np.array(list(taken)[:k], np.int64)


def places(picks: Indices, worth: FloatArray) -> FloatArray:
    """Scores in the order of the picks, above all others, which keep theirs within 0 … 1."""
    low, high = worth.min(initial=np.inf), worth.max(initial=-np.inf)
    scores = (worth - low) / (high - low) if high > low else np.zeros(len(worth))
    scores[picks] = 2 - np.arange(len(picks)) / max(len(picks), 1)
    return np.asarray(scores, np.float64)

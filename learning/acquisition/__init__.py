"""Which cases to ask for next: arrays in, an order out. Pure NumPy; the registry is ``ACQUISITIONS``."""

from __future__ import annotations

from learning.acquisition.pool import PoolScores, Selection

__all__ = ["PoolScores", "Selection", "choose", "select"]


def select(name: str, pool: PoolScores, k: int, *, seed: int) -> Selection:
    """The first ``k`` cases to read by the named function, and every case's score."""
    raise NotImplementedError


def choose(task: str, *, labelled: int, pool: int, networks: int, classes: int) -> tuple[str, str]:
    """The function that suits this regime and the sentence that says why."""
    raise NotImplementedError

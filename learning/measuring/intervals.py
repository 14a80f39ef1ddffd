"""A share with its interval when the things counted come in groups that resemble each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z = 1.959963984540054
"""Two-sided 95 %."""


@dataclass(frozen=True)
class Share:
    """``value``, ``low`` and ``high`` are None where nothing was counted."""

    value: float | None
    low: float | None
    high: float | None
    count: int


def clustered(groups: Sequence[tuple[int, int]]) -> Share:
    """The share of hits over (hits, things) of each group, with a Wilson interval for as many
    independent things as the groups are worth: their design effect is estimated, and is at least 1.

    With fewer than two groups the group counts as one thing.
    """
    groups = [group for group in groups if group[1]]
    things = sum(count for _, count in groups)
    if not things:
        return Share(None, None, None, 0)
    share = sum(hits for hits, _ in groups) / things
    low, high = _wilson(share, _worth(groups, share, things))
    return Share(share, low, high, things)


def _worth(groups: Sequence[tuple[int, int]], share: float, things: int) -> float:
    number = len(groups)
    if number < 2:
        return 1.0
    spread = share * (1 - share)
    if spread == 0:
        return float(number)
    squares = sum((hits - share * count) ** 2 for hits, count in groups)
    variance = squares * number / (number - 1) / things**2
    effect = max(1.0, variance * things / spread)
    return things / effect


def _wilson(share: float, worth: float) -> tuple[float, float]:
    middle = share + Z**2 / (2 * worth)
    reach = Z * math.sqrt(share * (1 - share) / worth + Z**2 / (4 * worth**2))
    scale = 1 + Z**2 / worth
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)

"""Several tests at once, with the chance that any true hypothesis is rejected kept below one level.

S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979). Fixed
sequences: W. Maurer, L. Hothorn, W. Lehmacher (1995); several starts, each with its share of the level:
A. N. Angelopoulos et al., "Learn then test" (arXiv 2110.01052), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float], level: float) -> list[bool]:
    """Which hypotheses are rejected, in the order given."""
    return [adjusted <= level for adjusted in holm_adjusted(p_values)]


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """Each p-value as it counts beside the others: rejected at any level that it does not exceed."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, running = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        running = max(running, min(1.0, p_values[place] * (len(p_values) - rank)))
        adjusted[place] = running
    return adjusted


def fixed_sequence(p_values: Sequence[float], level: float, starts: Sequence[int]) -> list[bool]:
    """Rejected from each start on, in the order given, until the first that is not.

    Every start has an equal share of ``level``. The order and the starts must not depend on the data
    that the p-values come from.
    """
    rejected = [False] * len(p_values)
    for start in starts:
        for place in range(start, len(p_values)):
            if p_values[place] > level / len(starts):
                break
            rejected[place] = True
    return rejected

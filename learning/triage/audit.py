"""Whether accepted cases are still right, asked after every audited one, for as long as the lane is open.

A confidence sequence by betting (I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random
variables by betting", JRSS B 86, 2024) on yes or no: for each tested share q, bets that the true one is
a given multiple of q. Fair bets do not grow: by Ville's inequality the capital ever exceeds 1/delta with
a chance of at most delta, however often one looks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .errors import TriageError

ABOVE = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
BELOW = (0.8, 0.66, 0.5, 0.33, 0.2, 0.0)
"""Multiples that are bet on, with equal stakes."""
LEAST_RATE = 0.02
CLOSE = 1e-7


@dataclass(frozen=True)
class Monitor:
    """``errors`` of ``audited`` accepted cases were wrong; at most ``tolerance`` of them may be.

    A pure count: the order of the audits does not matter, and it can be made again from the data.
    """

    tolerance: float
    alarm: float = 0.01
    """The chance, over the lane's whole life, that it is closed though the error is within tolerance."""
    audited: int = 0
    errors: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1 or not 0 < self.alarm < 1:
            raise TriageError("Tolerance and chance of a false alarm lie between 0 and 1.")
        if not 0 <= self.errors <= self.audited:
            raise TriageError(
                f"{self.errors} errors among {self.audited} audited cases mean nothing."
            )

    @property
    def low(self) -> float:
        """The share of errors is above it, at one minus ``alarm``, at all times at once."""
        return self._edge(ABOVE, rising=False)

    @property
    def high(self) -> float:
        """The share of errors is below it, at one minus ``alarm``, at all times at once."""
        return self._edge(BELOW, rising=True)

    @property
    def is_broken(self) -> bool:
        """Whether the error is above the tolerance beyond doubt: the lane has to close."""
        return self._capital(self.tolerance, ABOVE) >= -math.log(self.alarm)

    @property
    def is_shown(self) -> bool:
        """Whether the audit alone shows that the error is within the tolerance."""
        return self._capital(self.tolerance, BELOW) >= -math.log(self.alarm)

    def _capital(self, tested: float, multiples: tuple[float, ...]) -> float:
        """Logarithm of what equal stakes on each multiple of ``tested`` have become."""
        right = self.audited - self.errors
        grown = []
        for multiple in multiples:
            bet = min(multiple * tested, 1.0)
            if (self.errors and not bet) or (right and bet >= 1):
                continue
            won = self.errors * math.log(bet / tested) if self.errors else 0.0
            lost = right * (math.log1p(-bet) - math.log1p(-tested)) if right else 0.0
            grown.append(won + lost)
        if not grown:
            return -math.inf
        top = max(grown)
        return top + math.log(sum(math.exp(one - top) for one in grown) / len(multiples))

    def _edge(self, multiples: tuple[float, ...], *, rising: bool) -> float:
        """Where the capital passes 1/alarm; it falls with the tested share for bets above, else rises."""
        wanted = -math.log(self.alarm)
        low, high = CLOSE, 1 - CLOSE
        if self._capital(high if rising else low, multiples) < wanted:
            return 1.0 if rising else 0.0
        while high - low > CLOSE:
            middle = (low + high) / 2
            beyond = self._capital(middle, multiples) >= wanted
            if beyond == rising:
                high = middle
            else:
                low = middle
        return high if rising else low


def audits_needed(tolerance: float, confidence: float = 0.95) -> int:
    """Audited cases, all right, that alone show an error below ``tolerance``: ln(1 - c) / ln(1 - q).

    For auto-negative the tolerance is miss level x prevalence / accepted share: about 3 s / (t p).
    """
    if not 0 < tolerance < 1:
        raise TriageError("The tolerance lies between 0 and 1.")
    return math.ceil(math.log(1 - confidence) / math.log1p(-tolerance))


def audit_rate(
    tolerance: float, accepted: int, *, confidence: float = 0.95, least: float = LEAST_RATE
) -> float:
    """The share of ``accepted`` cases to read again: as many as the bound needs, never below ``least``."""
    if accepted <= 0:
        return least
    return min(1.0, max(least, audits_needed(tolerance, confidence) / accepted))

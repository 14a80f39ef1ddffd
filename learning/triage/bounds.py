"""Exact limits of a share that was counted.

C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
binomial", Biometrika 26 (1934). Exact for independent trials, whatever the share: never too narrow.

SciPy takes half a second to load: that is left to the first bound, for the web process reads words alone.
"""

from __future__ import annotations

import math

from .errors import TriageError

MOST = 10_000_000
"""More cases than anybody will read; what needs more is not possible."""


def upper_bound(errors: int, trials: int, confidence: float) -> float:
    """The one-sided upper limit of the share at ``confidence``; 1 where nothing was tried."""
    from scipy.stats import beta

    _check(errors, trials, confidence)
    if errors == trials:
        return 1.0
    return float(beta.ppf(confidence, errors + 1, trials - errors))


def lower_bound(errors: int, trials: int, confidence: float) -> float:
    """The one-sided lower limit of the share at ``confidence``; 0 where nothing was tried."""
    from scipy.stats import beta

    _check(errors, trials, confidence)
    if errors == 0:
        return 0.0
    return float(beta.ppf(1 - confidence, errors, trials - errors + 1))


def p_value(errors: int, trials: int, level: float) -> float:
    """How likely so few errors are if the share is ``level`` or more; 1 where nothing was tried."""
    from scipy.stats import binom

    return float(binom.cdf(errors, trials, level)) if trials else 1.0


def cases_needed(errors: int, level: float, confidence: float) -> int:
    """The fewest trials in which ``errors`` show, at ``confidence``, that the share is below ``level``."""
    if not 0 < level < 1 or not 0 < confidence < 1:
        raise TriageError(f"A level of {level} at a confidence of {confidence} cannot be shown.")
    if errors == 0:
        return math.ceil(math.log(1 - confidence) / math.log(1 - level))
    low, high = errors, errors + 1
    while p_value(errors, high, level) > 1 - confidence and high < MOST:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if p_value(errors, middle, level) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _check(errors: int, trials: int, confidence: float) -> None:
    if not 0 <= errors <= trials or not 0 < confidence < 1:
        raise TriageError(f"{errors} of {trials} at a confidence of {confidence} means nothing.")

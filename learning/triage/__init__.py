"""Which cases two networks may read alone, how sure one is of that, and when it ends. Pure: NumPy, SciPy.

``certificate`` tests on labelled cases drawn at random what a threshold would miss; ``audit`` goes on
testing it on cases that were accepted; ``drift`` asks whether the cases are still of the same kind.
"""

from __future__ import annotations

from .audit import Monitor, audit_rate, audits_needed
from .bounds import cases_needed, lower_bound, upper_bound
from .calibration import Scaling, fit_scaling
from .certificate import (
    FEWEST,
    NEGATIVE,
    POSITIVE,
    Evidence,
    Lane,
    Needs,
    Promise,
    Step,
    certify,
    gap_of,
    grid,
    one_per_patient,
    score_of,
)
from .errors import TriageError
from .multiple import fixed_sequence, holm

__all__ = [
    "FEWEST",
    "NEGATIVE",
    "POSITIVE",
    "Evidence",
    "Lane",
    "Monitor",
    "Needs",
    "Promise",
    "Scaling",
    "Step",
    "TriageError",
    "audit_rate",
    "audits_needed",
    "cases_needed",
    "certify",
    "fit_scaling",
    "fixed_sequence",
    "gap_of",
    "grid",
    "holm",
    "lower_bound",
    "one_per_patient",
    "score_of",
    "upper_bound",
]

"""What learning adds to the error tree, and what stops a slice of a round.

ConsiliumError
└── Conflict
    ├── RoundNotPossible   409  labels are missing, a round is running, nothing to retry
    ├── ModelNotUsable     409  the model cannot become the one in use
    ├── NotComparable      409  two models were not measured on the same
    ├── NotEnoughToStop    409  the conditions of the stop rule do not hold
    └── NoLabelSignals     409  nothing can be said of the labels yet

SliceEnded
├── SliceOver              the time is used up; the next slice goes on from what is saved
├── StaleLease             another worker has the round now; nothing of this one may be written
└── Interrupted            somebody asked to cancel

RoundFailure               the round cannot go on; trying again alone would not help
"""

from __future__ import annotations

from annotation.errors import Conflict


class RoundNotPossible(Conflict):
    code, title = "round_not_possible", "A round cannot start now"


class ModelNotUsable(Conflict):
    code, title = "model_not_usable", "This model cannot be the one in use"


class NotComparable(Conflict):
    code, title = "not_comparable", "These models cannot be compared"


class NotEnoughToStop(Conflict):
    code, title = "not_enough_to_stop", "The stop rule is not met"


class NoLabelSignals(Conflict):
    code, title = "no_label_signals", "Nothing can be said of the labels yet"


class SliceEnded(Exception):
    """The worker has to let go of the round, which is no failure of the round."""


class SliceOver(SliceEnded):
    """The slice's time is used up."""


class StaleLease(SliceEnded):
    """The lease ran out and was taken by another worker, or the round is over."""


class Interrupted(SliceEnded):
    """A person asked to cancel the round."""


class RoundFailure(Exception):
    """The message says what failed, why, and what to do."""

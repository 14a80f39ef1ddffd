"""What learning adds to the error tree, and what stops a slice of a round.

ConsiliumError
└── Conflict
    ├── RoundNotPossible   409  labels are missing, a round is running, nothing to retry
    ├── ModelNotUsable     409  the model cannot become the one in use
    └── LaneNotOpen        409  the lane of triage is closed, or the case not accepted any more

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


class LaneNotOpen(Conflict):
    code, title = "lane_not_open", "This lane of triage is not open"


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

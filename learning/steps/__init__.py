"""The steps of a round, one module each. Each is idempotent on its own rows and may be killed at any line.

``run(lease, round)`` returns whether the step is done; False, or SliceEnded, when it has to go on later.
Only training workers import this package: it loads torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

from django.conf import settings

from learning.engine import determinism
from learning.leases import Lease
from learning.models import Round

from . import evaluate, freeze, prepare, promote, rank, score, train, triage

RUN: dict[str, Callable[[Lease, Round], bool]] = {
    Round.Step.FREEZE: freeze.run,
    Round.Step.PREPARE: prepare.run,
    Round.Step.TRAIN: train.run,
    Round.Step.EVALUATE: evaluate.run,
    Round.Step.SCORE: score.run,
    Round.Step.TRIAGE: triage.run,
    Round.Step.RANK: rank.run,
    Round.Step.PROMOTE: promote.run,
}


@cache
def prepare_process() -> None:
    """Once in each process that trains: leave a core to those who answer people."""
    cores = os.cpu_count() or 1
    determinism.limit_threads(settings.TRAINING_THREADS or max(1, cores - 1))

"""The order in which a simulated reader works: what is needed for evaluation, then batches."""

from __future__ import annotations

import time
from collections.abc import Callable

from .api import Api
from .reader import SimulatedReader

READS_PER_ROUND = 24


def evaluation_cases_open(api: Api) -> int:
    """Hold-out and calibration cases still to be read; they come before all others."""
    streams = api.request("GET", f"{api.project}/progress")["streams"]
    return sum(streams[stream]["open"] for stream in ("holdout", "calibration"))


def read(
    reader: SimulatedReader,
    count: int,
    *,
    pause: float = 0,
    on_read: Callable[[], None] = lambda: None,
) -> int:
    """Read up to ``count`` cases; returns how many there were."""
    for done in range(count):
        if not reader.read_one():
            return done
        on_read()
        time.sleep(pause)
    return count

"""Rings, once a second, for every row that needs work now.

PostgreSQL knows what is due; a broker that lost every message costs one tick. Any number of
tickers may run: the one that holds an advisory lock acts, the others wait for it to fall free.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path

LOCK_KEY = 0x434F4E53
SECONDS_BETWEEN_TICKS = 1.0
SECONDS_BETWEEN_RINGS = 10.0
MOST_RINGS_PER_SOURCE = 2000

Due = Callable[[], Iterator[tuple[str, int]]]
Ring = Callable[[str, int], None]
logger = logging.getLogger("deploy.ticker")


class Rung:
    """Remembers what was rung, so that a row that stays due is rung again only after a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.times: dict[tuple[str, int], float] = {}

    def is_new(self, row: tuple[str, int]) -> bool:
        now = self.clock()
        if now - self.times.get(row, -SECONDS_BETWEEN_RINGS) < SECONDS_BETWEEN_RINGS:
            return False
        self.times[row] = now
        return True

    def keep_only(self, due: set[tuple[str, int]]) -> None:
        """Forget rows that are no longer due: when they are due again, that is a change."""
        self.times = {row: at for row, at in self.times.items() if row in due}


class Ticker:
    """Leads while its database session holds the lock; a lost session is a lost lead."""

    def __init__(self, sources: list[Due], ring: Ring, chores: list[Callable[[], object]]) -> None:
        self.sources = sources
        self.ring = ring
        self.chores = chores
        self.rung = Rung()
        self.leads = False

    def tick(self) -> int:
        """One pass. Returns how often it rang. A database that is away is waited for, not fatal."""
        from django.db import InterfaceError, OperationalError, connection

        try:
            if not self.leads:
                self.leads = _take_lead()
            return self._act() if self.leads else 0
        except (OperationalError, InterfaceError) as error:
            logger.warning("The database does not answer; trying again: %s", str(error).strip())
            self.leads = False
            connection.close()
            return 0

    def _act(self) -> int:
        for chore in self.chores:
            _guarded(chore)
        due: set[tuple[str, int]] = set()
        for source in self.sources:
            _guarded(partial(_collect, source, due))
        self.rung.keep_only(due)
        news = [row for row in sorted(due) if self.rung.is_new(row)]
        for actor, row_id in news:
            self.ring(actor, row_id)
        return len(news)


class OncePerDay:
    """A chore that is done when the day is new to this process; doing it twice must change nothing."""

    def __init__(self, chore: Callable[[], object], today: Callable[[], date]) -> None:
        self.chore = chore
        self.today = today
        self.done: date | None = None

    def __call__(self) -> None:
        today = self.today()
        if self.done != today:
            self.chore()
            self.done = today


def _collect(source: Due, due: set[tuple[str, int]]) -> None:
    due.update(islice(source(), MOST_RINGS_PER_SOURCE))


def _take_lead() -> bool:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY])
        return bool(cursor.fetchone()[0])


def _guarded(step: Callable[[], object]) -> None:
    """A fault in one app's rule must not silence the others: it is logged, and the tick goes on."""
    from django.db import InterfaceError, OperationalError

    try:
        step()
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("A step of the tick failed")


def product() -> Ticker:
    """Both apps' due rows; expired leases, Orthanc's change log in every tick; daily
    the anchor, and the suggestions, masks and prompts that nobody needs."""
    from django.utils import timezone

    from annotation import doorbell, ledger, masks, prompts, queue, suggestions
    from annotation import due as annotation_due
    from learning import due as learning_due

    daily = [
        OncePerDay(chore, lambda: timezone.now().date())
        for chore in (ledger.anchor_day, suggestions.sweep, masks.sweep, prompts.sweep)
    ]
    follow = partial(doorbell.ring, "follow_changes", 0)
    chores: list[Callable[[], object]] = [queue.expire_leases, follow, *daily]
    return Ticker([annotation_due.due, learning_due.due], doorbell.ring, chores)


def run(alive: Path) -> None:
    """Tick until a signal asks to stop, touching ``alive`` in every pass."""
    import django

    django.setup()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ticker = product()
    while not ended.is_set():
        begun = time.monotonic()
        ticker.tick()
        alive.touch()
        ended.wait(max(0.05, SECONDS_BETWEEN_TICKS - (time.monotonic() - begun)))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
    from django.conf import settings

    run(Path(settings.VAR_DIR) / "ticker.alive")

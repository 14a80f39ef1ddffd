"""The lease of a round: which worker may write for it now. All a worker writes goes through it.

The token grows with every lease. A worker that lost its lease holds an old token, and every write
it still tries fails with StaleLease. Only PostgreSQL's clock counts.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from .errors import Interrupted, SliceOver, StaleLease
from .models import Round, RoundLog

logger = logging.getLogger(__name__)


@dataclass
class Lease:
    """The right to work on a round for one slice."""

    round_id: int
    token: int
    seconds: float
    """How long a slice should take."""
    deadline: float
    cancelled: threading.Event = field(default_factory=threading.Event)
    lost: threading.Event = field(default_factory=threading.Event)

    def should_stop(self) -> bool:
        """Whether the slice is used up, the round was cancelled or the lease is gone."""
        over = time.monotonic() >= self.deadline
        return over or self.cancelled.is_set() or self.lost.is_set()

    def stop_after_some_work(self) -> Callable[[], bool]:
        """For a loop that asks before each unit: its time starts at the first, and the first is done.

        What has to be prepared before may take longer than a slice.
        """
        asked: list[float] = []

        def should_stop() -> bool:
            if not asked:
                asked.append(time.monotonic())
                self.deadline = max(self.deadline, asked[0] + self.seconds)
                return self.cancelled.is_set() or self.lost.is_set()
            return self.should_stop()

        return should_stop

    def check(self, *_: int) -> None:
        """To be called within work that has to be done in one piece; fits as a progress callback."""
        if self.lost.is_set():
            raise StaleLease
        if self.cancelled.is_set():
            raise Interrupted

    def pause(self) -> None:
        """To be called when some work is saved, and only then: each slice must get something done."""
        self.check()
        if self.should_stop():
            raise SliceOver

    @contextmanager
    def fenced(self) -> Iterator[Round]:
        """A transaction in which this lease is certainly the valid one; else StaleLease."""
        with transaction.atomic():
            round_ = _locked().filter(pk=self.round_id, lease_token=self.token).first()
            if round_ is None:
                raise StaleLease
            yield round_

    def read(self) -> Round:
        """The round as it is now, with what its steps need; StaleLease if it is another's."""
        rounds = Round.objects.select_related("project", "recipe", "snapshot", "started_by")
        round_ = rounds.filter(pk=self.round_id, lease_token=self.token, state="running").first()
        if round_ is None:
            raise StaleLease
        return round_

    def log(self, text: str, level: str = "info") -> None:
        with self.fenced() as round_:
            RoundLog.objects.create(round=round_, text=text, level=level)

    def progress(self, share: float) -> None:
        """This much is done for good, so earlier failures are over."""
        if not _mine(self).update(progress=share, attempts=0, error=""):
            raise StaleLease

    def give_back(self) -> None:
        _mine(self).update(lease_expires_at=None)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Keeps the lease from a thread of its own: one step of training may outlast a lease."""
        done = threading.Event()
        beat = threading.Thread(target=_beat, args=(self, done), daemon=True, name="lease")
        beat.start()
        try:
            yield
        finally:
            done.set()
            beat.join()


def idle(rounds: QuerySet[Round]) -> QuerySet[Round]:
    """Running rounds that no worker holds."""
    return rounds.filter(
        Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now()), state=Round.State.RUNNING
    )


def free(rounds: QuerySet[Round]) -> QuerySet[Round]:
    """Idle rounds whose back-off after a failure is over: a worker may take them."""
    return idle(rounds).filter(Q(not_before=None) | Q(not_before__lte=Now()))


def take(round_id: int, *, seconds: float) -> tuple[Lease, bool] | None:
    """A lease, and whether the last holder vanished without giving it back. None: not free."""
    with transaction.atomic():
        round_ = free(_locked(skip_locked=True).filter(pk=round_id)).first()
        if round_ is None:
            return None
        vanished = round_.lease_expires_at is not None
        Round.objects.filter(pk=round_id).update(
            lease_token=F("lease_token") + 1,
            lease_expires_at=_expiry(),
            attempts=F("attempts") + (1 if vanished else 0),
        )
    lease = Lease(round_id, round_.lease_token + 1, seconds, time.monotonic() + seconds)
    return lease, vanished


def _locked(*, skip_locked: bool = False) -> QuerySet[Round]:
    return Round.objects.select_for_update(no_key=True, skip_locked=skip_locked).filter(
        state=Round.State.RUNNING
    )


def _mine(lease: Lease) -> QuerySet[Round]:
    return Round.objects.filter(
        pk=lease.round_id, lease_token=lease.token, state=Round.State.RUNNING
    )


def _expiry() -> object:
    return Now() + timedelta(seconds=settings.TRAINING_LEASE_SECONDS)


def _beat(lease: Lease, done: threading.Event) -> None:
    try:
        while not done.wait(settings.TRAINING_LEASE_SECONDS / 6):
            _renew(lease)
    finally:
        connection.close()


def _renew(lease: Lease) -> None:
    try:
        if not _mine(lease).update(lease_expires_at=_expiry()):
            lease.lost.set()
        elif _mine(lease).exclude(cancel_requested_at=None).exists():
            lease.cancelled.set()
    except Error as problem:
        logger.warning("round %s: the lease could not be renewed: %s", lease.round_id, problem)
        connection.close()

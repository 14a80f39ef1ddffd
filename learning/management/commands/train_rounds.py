"""``torchrun --nproc-per-node N manage.py train_rounds``: rounds trained by several processes together.

The first process takes rounds, holds their leases and writes their files; the others compute for it.
"""

from __future__ import annotations

import signal
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from learning import leases, rounds
from learning.models import Round


class Command(BaseCommand):
    help = "Train rounds with all the processes that torchrun started, until told to stop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="End when no round waits.")
        parser.add_argument("--seconds", type=float, default=5.0, help="Between looks for rounds.")

    def handle(self, *_: Any, **options: Any) -> None:
        from learning.engine import loop, parallel
        from learning.engine.speed import Speed

        parallel.join()
        if not parallel.leads():
            loop.follow(Speed(settings.TRAINING_COMPILE, settings.TRAINING_DETERMINISTIC))
        signal.signal(signal.SIGTERM, _stop)
        try:
            while (worked := _some_work()) or not options["once"]:
                if not worked:
                    time.sleep(options["seconds"])
        except KeyboardInterrupt:
            self.stdout.write("Stopped; rounds go on from what was saved last.")
        finally:
            parallel.leave()


def _some_work() -> bool:
    """A slice of each round that waits; whether there was one."""
    waiting = list(leases.free(Round.objects.all()).values_list("pk", flat=True))
    done = [rounds.advance(round_id) for round_id in waiting]
    return any(done)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt

"""A training worker that can be killed cheaply: torch is loaded once, each worker is a fork of that.

Each line on the standard input names a round: a fork works on it, slice by slice, until it is over.
The fork's process id is the answer. Run by test_round_kill.py with the environment of the test.
"""

from __future__ import annotations

import os
import signal
import sys
import time


def work(round_id: int) -> None:
    """As the actor does when the ticker rings: advance while there is something to do."""
    from learning import rounds
    from learning.models import Round

    while Round.objects.get(pk=round_id).state == Round.State.RUNNING:
        if not rounds.advance(round_id):
            time.sleep(0.05)


def main() -> None:
    import django

    django.setup()
    from learning import steps
    from learning.engine import determinism

    steps.prepare_process()
    determinism.repeatable()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            work(int(line))
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()

"""Keeps a stack running in the foreground until Ctrl-C, and says what happens to it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

from rich.console import Console

from deploy.stack import BACKING, Stack, migrate


def start(console: Console, stack: Stack, prepare: Callable[[], None] = lambda: None) -> None:
    """Start what stores, bring the tables up to date, ``prepare``, then start what serves."""
    with console.status("Starting the database, the image store and the broker …"):
        stack.start(BACKING)
        migrate(stack.env)
    prepare()
    with console.status("Starting the web server and the workers …"):
        stack.start()


def until_interrupted(console: Console, stack: Stack) -> None:
    """Wait for Ctrl-C (or SIGTERM), then end everything that was started."""
    console.print(f"\nConsilium is ready: [bold]{stack.url}[/bold]   (Ctrl-C stops it)\n")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        console.print("\nStopping …")
    finally:
        stop(stack)
    console.print("Everything has been stopped. Your data is kept.")


def stop(stack: Stack) -> None:
    """A second Ctrl-C must not leave half of it running: the kernel would then end the rest unasked."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    stack.stop()


def interruptible() -> None:
    """Treat being asked to end, or losing the terminal, like Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt

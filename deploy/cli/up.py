"""`consilium up`: everything on this machine, in the foreground."""

from __future__ import annotations

import os

import click
from rich.console import Console

from deploy.stack import Ports, Stack, wanted

from . import foreground
from .running import var_folder


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the web server; remembered.")
def up(port: int | None) -> None:
    """Start everything and keep it running until Ctrl-C.

    Database, image store, broker, web server, ticker and workers are started, watched, and started
    again when one dies. Their logs are in var/log. A server that DATABASE_URL, ORTHANC_URL or
    REDIS_URL names is used instead of an own one.

    \b
    Example: consilium up --port 8080
    """
    console = Console()
    stack = stack_here(console, port)
    foreground.interruptible()
    try:
        foreground.start(console, stack)
    except KeyboardInterrupt:
        foreground.stop(stack)
        raise click.Abort from None
    foreground.until_interrupted(console, stack)


def stack_here(console: Console, port: int | None = None) -> Stack:
    """The stack of this installation's folder, telling the console what happens to it."""
    var = var_folder()
    return Stack(
        var,
        Ports.kept(var, web=port),
        wanted(os.environ),
        listener=lambda service, text: console.print(f"  {service} {text}", highlight=False),
    )

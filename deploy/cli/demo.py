"""`consilium demo`: the three demo projects."""

from __future__ import annotations

import click
from rich.console import Console

from . import running


@click.group()
def demo() -> None:
    """Demo projects on real, freely licensed images."""


@demo.command()
@click.option("--owner", required=True, help="User who leads the demo projects.")
def load(owner: str) -> None:
    """Load the demo projects; what is there already is left alone.

    \b
    Example: consilium demo load --owner demo
    """
    running.configure()
    from deploy.demo import load as demo_load

    try:
        demo_load.load(Console(), running.user_named(owner))
    except TimeoutError as failure:
        raise click.ClickException(str(failure)) from failure

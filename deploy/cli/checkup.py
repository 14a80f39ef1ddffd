"""`consilium doctor`: one line per finding, and what to do."""

from __future__ import annotations

import click
from rich.console import Console
from rich.text import Text

from .running import var_folder

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
def doctor() -> None:
    """Check everything it needs, and say what to do.

    Ends with status 1 when something has to be mended.
    """
    from deploy.doctor import Level, examine

    console = Console()
    worst = False
    for finding in examine(var_folder()):
        worst |= finding.level == Level.FAIL
        line = Text(f"  {finding.level.upper():<5}", style=COLOURS[finding.level])
        line.append(f"{finding.title:<11} {finding.text}", style="default")
        console.print(line, soft_wrap=True)
        if finding.remedy:
            console.print(Text(f"        → {finding.remedy}"), soft_wrap=True)
    if worst:
        raise click.exceptions.Exit(1)

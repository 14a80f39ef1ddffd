"""`consilium round`: start, watch and cancel training rounds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from . import running

if TYPE_CHECKING:
    from learning.models import Round

POLL_SECONDS = 1.0


@click.group("round")
def round_() -> None:
    """Training rounds: start, watch, cancel."""


@round_.command()
@click.argument("project")
@click.option("--user", help="Who starts it; default: the project's first lead.")
@click.option("--watch", "follow", is_flag=True, help="Stay and show how far it is.")
def start(project: str, user: str | None, follow: bool) -> None:
    """Start a round of PROJECT: train, evaluate, score and re-rank.

    \b
    Example: consilium round start tuberculosis --watch
    """
    running.configure()
    from learning import rounds

    where = running.project_named(project)
    begun = rounds.start(where, user=running.user_named(user, where), trigger="command")
    click.echo(f"Round {begun.number} has been started.")
    if follow:
        _watch(begun)


@round_.command()
@click.argument("project")
@click.option("--number", type=int, help="Which round; default: the latest.")
def watch(project: str, number: int | None) -> None:
    """Show the log and progress of a round until it ends. Ctrl-C stops watching, not the round.

    \b
    Example: consilium round watch tuberculosis
    """
    running.configure()
    _watch(_found(project, number))


@round_.command()
@click.argument("project")
@click.option("--user", help="Who cancels it; default: the project's first lead.")
def cancel(project: str, user: str | None) -> None:
    """Cancel the running round of PROJECT. Labels and the model in use stay as they are."""
    running.configure()
    from learning import rounds

    found = _found(project, None)
    asked = rounds.cancel(found, user=running.user_named(user, found.project))
    at_once = asked.state == asked.State.CANCELLED
    click.echo(
        f"Round {asked.number} {'was cancelled' if at_once else 'will stop at its next step'}."
    )


def _found(slug: str, number: int | None) -> Round:
    project = running.project_named(slug)
    rounds = project.rounds.select_related("project").order_by("-number")
    found: Round | None = (rounds if number is None else rounds.filter(number=number)).first()
    if found is None:
        raise click.ClickException(f"There is no such round yet. Try: consilium round start {slug}")
    return found


def _watch(followed: Round) -> None:
    """Print each log line once, with a bar below, until the round is over."""
    console = Console()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    seen = 0
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(f"Round {followed.number}", total=1.0)
        while True:
            followed.refresh_from_db()
            for line in followed.log.filter(pk__gt=seen).order_by("pk"):
                seen = line.pk
                console.print(f"{line.at:%H:%M:%S}  {line.text}", markup=False, highlight=False)
            title = f"Round {followed.number}: {followed.get_step_display()}"
            bar.update(task, completed=followed.progress, description=title)
            if followed.state != followed.State.RUNNING:
                break
            time.sleep(POLL_SECONDS)
    if followed.state != followed.State.DONE:
        reason = followed.error or "It was cancelled."
        raise click.ClickException(f"Round {followed.number} {followed.state}. {reason}")
    click.echo(
        f"Round {followed.number} is done: {running.address()}/p/{followed.project.slug}/rounds"
    )

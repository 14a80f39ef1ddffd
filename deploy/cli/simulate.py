"""`consilium simulate`: run rounds with a simulated reader and print what its labels were worth."""

from __future__ import annotations

import time
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


@click.command(short_help="Let a simulated reader label a demo project, and train.")
@click.argument("project")
@click.option("--rounds", default=6, show_default=True, help="Rounds to run; 0: only read.")
@click.option("--reads", default=24, show_default=True, help="Pool and control reads per round.")
@click.option("--sensitivity", default=1.0, show_default=True, type=click.FloatRange(0, 1))
@click.option("--specificity", default=1.0, show_default=True, type=click.FloatRange(0, 1))
@click.option(
    "--seconds", default=20.0, show_default=True, help="Median active time reported per read."
)
@click.option("--wait/--no-wait", default=False, help="Take that time for real.")
@click.option("--seed", default=0, show_default=True)
@click.option("--server", help="Address of the server; default: the one running here.")
@click.option("--token", help="API token; default: a new one of the user “simulated-reader”.")
def simulate(
    project: str,
    rounds: int,
    reads: int,
    sensitivity: float,
    specificity: float,
    seconds: float,
    wait: bool,
    seed: int,
    server: str | None,
    token: str | None,
) -> None:
    """Let a simulated reader label PROJECT with its known labels, round by round.

    Everything goes through the REST API of the running server, as a person's work would. First the
    hold-out and calibration cases are read, then --reads cases before each round.

    \b
    Example: consilium simulate tuberculosis --rounds 6 --sensitivity 0.95 --specificity 0.97
    """
    from . import running

    if server is None or token is None:
        running.configure()
    from deploy.simulation import session
    from deploy.simulation.api import Api
    from deploy.simulation.known_labels import of_demo
    from deploy.simulation.reader import SimulatedReader

    console = Console()
    try:
        known = of_demo(project)
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    if token is None:
        from deploy.simulation import account

        token = account.token_for(running.project_named(project))
    api = Api(server or running.address(), token, project)
    reader = SimulatedReader(
        api, known, sensitivity, specificity, seconds, np.random.default_rng(seed)
    )
    pause = seconds if wait else 0.0
    started = time.monotonic()
    if evaluation := session.evaluation_cases_open(api):
        _read(console, reader, evaluation, pause, "Reading hold-out and calibration")
    for _ in range(rounds):
        if not _read(console, reader, reads, pause, "Reading pool and control"):
            console.print("No case is left to read.")
        _run_round(console, api)
    if rounds:
        _print_curve(console, api.curve())
    console.print(f"Finished in {(time.monotonic() - started) / 60:.1f} min.")
    api.close()


def _read(console: Console, reader: Any, count: int, pause: float, title: str) -> int:
    """Read up to ``count`` cases with a progress bar; returns how many there were."""
    from deploy.simulation import session

    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=count)
        done = session.read(reader, count, pause=pause, on_read=lambda: progress.advance(task))
        progress.update(task, total=done)
    return done


def _run_round(console: Console, api: Any) -> None:
    """Start a round, after the one that may still be running, and show its progress to the end."""
    from deploy.simulation.api import ApiError

    if (running := api.running_round()) is not None:
        _watch(console, api, running)
    try:
        started = api.start_round()
    except ApiError as error:
        raise click.ClickException(str(error)) from error
    state = _watch(console, api, started["id"])
    if state["state"] != "done":
        raise click.ClickException(f"Round {state['number']} {state['state']}: {state['error']}")


def _watch(console: Console, api: Any, round_id: int) -> dict[str, Any]:
    columns = (TextColumn("{task.description:<34}"), BarColumn(), TimeElapsedColumn())
    state: dict[str, Any] = {}
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Round", total=1.0)
        for state in api.watch_round(round_id):
            title = f"Round {state['number']}: {state['step']}"
            progress.update(task, completed=state["progress"], description=title)
    return state


def _print_curve(console: Console, curve: dict[str, Any]) -> None:
    table = Table(
        title=(
            f"{curve['metric']} on the hold-out ({curve['holdout_patients']} patients, "
            "95 % bootstrap intervals by patient)"
        )
    )
    for column in ("round", "arm", "labels", "reader-minutes", "value", "interval"):
        table.add_column(column, justify="left" if column == "arm" else "right")
    for point in sorted(curve["points"], key=lambda point: (point["round"], point["arm"])):
        known = point["value"] is not None
        table.add_row(
            str(point["round"]),
            point["arm"],
            str(point["labels"]),
            f"{point['reader_minutes']:.1f}",
            f"{point['value']:.3f}" if known else "too few to say",
            f"{point['low']:.3f}–{point['high']:.3f}" if known else "",
        )
    console.print(table)

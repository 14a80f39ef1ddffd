"""`consilium simulate`: run rounds with a simulated reader and print what its labels were worth."""

from __future__ import annotations

import time
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

USERNAME = "simulated-reader"
ACTIONS = ("project.view", "progress.view", "cases.read", "rounds.view", "rounds.run")


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
    from deploy.simulation.api import Api
    from deploy.simulation.known_labels import of_demo
    from deploy.simulation.reader import SimulatedReader

    console = Console()
    try:
        known = of_demo(project)
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    api = Api(server or running.address(), token or _new_token(project), project)
    reader = SimulatedReader(
        api, known, sensitivity, specificity, seconds, np.random.default_rng(seed)
    )
    pause = seconds if wait else 0.0
    started = time.monotonic()
    _read_evaluation(console, reader, pause)
    for _ in range(rounds):
        if not _read(console, reader, reads, pause, "Reading pool and control"):
            console.print("No case is left to read.")
        _run_round(console, api)
    if rounds:
        _print_curve(console, api.curve())
    console.print(f"Finished in {(time.monotonic() - started) / 60:.1f} min.")
    api.close()


def _new_token(project_slug: str) -> str:
    """A token for the simulated reader, who is made a member of the project if need be."""
    from annotation import api_tokens, members
    from annotation.models import Role, User

    from . import running

    project = running.project_named(project_slug)
    user = User.objects.filter(username=USERNAME).first()
    if user is None:
        user = members.new_account(USERNAME, full_name="Simulated Reader").user
    for role in (Role.READER, Role.ML_ENGINEER):
        members.add(project, username=USERNAME, role=role, user=None)
    return api_tokens.create(project, user=user, name="simulate", actions=ACTIONS, days=1).secret


def _read_evaluation(console: Console, reader: Any, pause: float) -> None:
    """Read the hold-out and calibration cases, which come first, so that rounds can be measured."""
    learning = reader.api.request("GET", f"{reader.api.project}/progress")
    open_cases = sum(learning["streams"][stream]["open"] for stream in ("holdout", "calibration"))
    if open_cases:
        _read(console, reader, open_cases, pause, "Reading hold-out and calibration")


def _read(console: Console, reader: Any, count: int, pause: float, title: str) -> int:
    """Read up to ``count`` cases; returns how many were left to read."""
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=count)
        for done in range(count):
            if not reader.read_one():
                progress.update(task, total=done)
                return done
            progress.advance(task)
            time.sleep(pause)
    return count


def _run_round(console: Console, api: Any) -> None:
    from deploy.simulation.api import ApiError

    try:
        started = api.start_round()
    except ApiError as error:
        raise click.ClickException(str(error)) from error
    columns = (TextColumn("{task.description:<34}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(f"Round {started['number']}", total=1.0)
        for state in api.watch_round(started["id"]):
            progress.update(
                task,
                completed=state["progress"],
                description=f"Round {state['number']}: {state['step']}",
            )
    if state["state"] != "done":
        raise click.ClickException(f"Round {state['number']} {state['state']}: {state['error']}")


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

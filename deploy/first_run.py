"""The second half of deploy/quickstart: services, tables, the first user, the demo, then keep running."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.panel import Panel

from annotation.errors import ConsiliumError
from deploy.cli import foreground
from deploy.cli.up import stack_here
from deploy.stack import BACKING, Stack, StackError, migrate

FIRST_USER = "lead"


class Steps:
    """Numbered steps on the console, going on from those of the shell script."""

    def __init__(self, console: Console, number: int, total: int, log: Path) -> None:
        self.console = console
        self.number = number
        self.total = total
        self.log = log

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show what is being done and how long it took; say what to do when it fails."""
        begun = time.monotonic()
        heading = f"\\[{self.number}/{self.total}] {title}"
        self.number += 1
        try:
            with self.console.status(heading):
                yield
        except StackError as failure:
            self._failed(heading, failure.problem, failure.remedy)
        except (ConsiliumError, TimeoutError, OSError) as failure:
            self._failed(heading, str(failure), "Mend this, then run deploy/quickstart again.")
        self.console.print(
            f"{heading:<41} done ({time.monotonic() - begun:.0f} s)", highlight=False
        )

    def _failed(self, heading: str, problem: str, remedy: str) -> None:
        self.console.print(f"{heading:<41} FAILED\n", highlight=False)
        self.console.print(f"{problem}\n\nWhat to do: {remedy}", markup=False, highlight=False)
        self.console.print(f"The logs are in {self.log.parent}.", highlight=False)
        raise SystemExit(1)


@click.command()
@click.option("--first-step", type=int, default=1)
@click.option("--steps", "total", type=int, default=6)
@click.option("--log", type=click.Path(path_type=Path), required=True)
@click.option("--port", type=click.IntRange(1, 65535))
def main(first_step: int, total: int, log: Path, port: int | None) -> None:
    """Start everything, make the first user, load the demo projects."""
    console = Console()
    stack = stack_here(console, port)
    stack.listener = lambda _service, _text: None
    foreground.interruptible()
    try:
        password = _bring_up(Steps(console, first_step, total, log), stack)
    except BaseException:
        foreground.stop(stack)
        raise
    stack.listener = lambda service, text: console.print(f"  {service} {text}", highlight=False)
    console.print(_welcome(stack.url, password))
    foreground.until_interrupted(console, stack)


def _bring_up(steps: Steps, stack: Stack) -> str | None:
    """Returns the one-time password, if the first user has not signed in yet."""
    with steps.step("Database, image store, broker"):
        stack.start(BACKING)
    with steps.step("Tables"):
        migrate(stack.env)
    with steps.step("Web server and workers"):
        stack.start()
    with steps.step("First user"):
        password = _first_user(stack)
    if password:
        steps.console.print(
            f"      {stack.url}  user [bold]{FIRST_USER}[/bold]  password [bold]{password}[/bold]"
        )
    with steps.step("Demo projects"):
        _demo(steps.console)
    with steps.step("First round"):
        _first_round(stack.url)
    return password


def _first_user(stack: Stack) -> str | None:
    """Make the first user; one who never signed in gets another one-time password."""
    os.environ.update(stack.settings)
    import django

    django.setup()
    from annotation import members
    from annotation.models import User

    user = User.objects.filter(username=FIRST_USER).first()
    if user is None:
        return members.new_account(FIRST_USER, full_name="Study Lead", is_staff=True).password
    return members.new_password(user) if user.must_change_password else None


def _demo(console: Console) -> None:
    from annotation.models import User
    from deploy.demo import load

    load.load(console, User.objects.get(username=FIRST_USER))


def _first_round(url: str) -> None:
    """A simulated reader labels the tuberculosis demo, so that a round and its curve are there to see."""
    from annotation.models import Project
    from deploy.simulation import account

    account.start_first_round(url, Project.objects.get(slug="tuberculosis"))


def _welcome(url: str, password: str | None) -> Panel:
    sign_in = f"[bold]{password}[/bold]  (once; you then choose your own)" if password else "yours"
    lines = [
        f"Address   [bold]{url}[/bold]",
        f"User      [bold]{FIRST_USER}[/bold]",
        f"Password  {sign_in}",
    ]
    return Panel("\n".join(lines), title="Consilium", expand=False, padding=(1, 3))


if __name__ == "__main__":
    main()

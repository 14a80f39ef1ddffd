"""`consilium`: one entry point for the people who run it. Commands are imported when asked for."""

from __future__ import annotations

import importlib
from typing import Any

import click

from annotation.errors import ConsiliumError
from deploy.stack.errors import StackError

DATABASE_AWAY = "The database does not answer. See what is wrong with: consilium doctor"
SECTIONS: dict[str, dict[str, str]] = {
    "Running it": {
        "up": "deploy.cli.up:up",
        "doctor": "deploy.cli.checkup:doctor",
        "user": "deploy.cli.users:user",
        "demo": "deploy.cli.demo:demo",
    },
    "Projects and images": {
        "project": "deploy.cli.projects:project",
        "import": "deploy.cli.images:import_",
        "marks": "deploy.cli.exchange:marks",
    },
    "Learning": {
        "round": "deploy.cli.rounds:round_",
        "simulate": "deploy.cli.simulate:simulate",
    },
    "Datasets": {
        "dataset": "deploy.cli.datasets:dataset",
        "verify": "deploy.cli.verify:verify",
    },
}
WHERE = {name: where for section in SECTIONS.values() for name, where in section.items()}


class Sections(click.Group):
    """A group whose help lists its commands by purpose, and whose errors are sentences."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(WHERE)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in WHERE:
            return None
        module, _, attribute = WHERE[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - a slip in the table above
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                found = [(name, self.get_command(ctx, name)) for name in commands]
                formatter.write_dl(
                    [(name, command.get_short_help_str(70)) for name, command in found if command]
                )

    def invoke(self, ctx: click.Context) -> Any:
        from django.db.utils import OperationalError

        try:
            return super().invoke(ctx)
        except StackError as failure:
            raise click.ClickException(f"{failure.problem}\n{failure.remedy}") from failure
        except ConsiliumError as failure:
            raise click.ClickException(failure.detail) from failure
        except OperationalError as failure:
            raise click.ClickException(DATABASE_AWAY) from failure


@click.group(cls=Sections, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="consilium", prog_name="consilium")
def main() -> None:
    """Annotation and active learning for medical imaging.

    \b
    Start everything:       consilium up
    See what is wrong:      consilium doctor
    Bring in images:        consilium import tuberculosis ~/images
    Train and re-rank:      consilium round start tuberculosis --watch
    Take the dataset home:  consilium dataset export tuberculosis
    """

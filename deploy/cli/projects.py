"""`consilium project`: projects from a file that a person wrote."""

from __future__ import annotations

from typing import IO

import click
import yaml

from . import running


@click.group()
def project() -> None:
    """Projects, made from a YAML file."""


@project.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--owner", required=True, help="User who becomes its first lead.")
def create(file: IO[str], owner: str) -> None:
    """Create the project that FILE describes; one that exists is left alone.

    \b
    Example: consilium project create deploy/demo/tuberculosis/project.yaml --owner demo
    """
    try:
        document = yaml.safe_load(file)
    except yaml.YAMLError as wrong:
        raise click.ClickException(f"{file.name} is not valid YAML: {wrong}") from wrong
    if not isinstance(document, dict):
        raise click.ClickException(
            f"{file.name} does not hold a project: it has no “slug: …” line."
        )
    running.configure()
    from annotation import projects
    from learning import recipes

    lead = running.user_named(owner)
    made = projects.create(document, owner=lead)
    if recipe := document.get("recipe"):
        recipes.store(made, recipe, user=lead)
    click.echo(
        f"Project “{made.title}” is there, led by {owner}: {running.address()}/p/{made.slug}"
    )

"""`consilium dataset`: frozen versions of a project's labels, and taking them home."""

from __future__ import annotations

from pathlib import Path

import click

from . import running


@click.group()
def dataset() -> None:
    """Frozen dataset versions."""


@dataset.command()
@click.argument("project")
@click.option("--title", default="", help="What to call this version.")
@click.option("--user", help="Who freezes it; default: the project's first lead.")
def freeze(project: str, title: str, user: str | None) -> None:
    """Freeze a new version of PROJECT's dataset from the reads as they are now."""
    running.configure()
    from annotation import snapshots

    where = running.project_named(project)
    by = running.user_named(user, where)
    frozen = snapshots.freeze(where, user=by, title=title or "From the command line", query={})
    click.echo(f"Version {frozen.version} holds {frozen.items.count()} cases.")


@dataset.command()
@click.argument("project")
@click.option("--version", type=int, help="Which version; default: the latest.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@click.option("--images/--no-images", default=False, help="With the DICOM files.")
@click.option("--models/--no-models", default=False, help="With the models trained on it.")
def export(
    project: str, version: int | None, output: Path | None, images: bool, models: bool
) -> None:
    """Write a frozen version of PROJECT's dataset to a zip file.

    \b
    Example: consilium dataset export tuberculosis --images --models --output tb.zip
    """
    running.configure()
    from annotation import export as exporting
    from learning.measuring import cards

    versions = running.project_named(project).snapshots.order_by("-version")
    frozen = (versions if version is None else versions.filter(version=version)).first()
    if frozen is None:
        raise click.ClickException(
            f"There is no such version. Make one first: consilium dataset freeze {project}"
        )
    target = output or Path(f"{project}-v{frozen.version}.zip")
    partial = target.with_name(f".{target.name}.part")
    with partial.open("wb") as file:
        files = cards.files_of(frozen) if models else ()
        exporting.write_zip(frozen, file, images=images, models=files)
    partial.replace(target)
    click.echo(f"{target} ({target.stat().st_size / 1e6:.1f} MB), version {frozen.version}")

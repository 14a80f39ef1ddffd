"""`consilium import`: images from this machine into a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import running

if TYPE_CHECKING:
    from annotation.models import Import


@click.command("import")
@click.argument("project")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--user", help="Who imports; default: the project's first lead.")
@click.option(
    "--patients",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Table (CSV) with the columns file and patient, for files that do not name one themselves.",
)
@click.option("--site", help="Short name of the site that the images come from.")
def import_(
    project: str,
    paths: tuple[Path, ...],
    user: str | None,
    patients: Path | None,
    site: str | None,
) -> None:
    """Bring images into PROJECT: files, folders or zip archives.

    DICOM, NIfTI, PNG, JPEG and TIFF are accepted. Each file is checked on its own; one that is wrong is
    put in quarantine with the reason, and the others go on. Stopped half-way, run it again: files that
    were taken in and have not changed are passed over.

    \b
    Example: consilium import tuberculosis ~/chest-radiographs --site geneva
    """
    running.configure()
    from annotation import imports
    from annotation.models import Site

    where = running.project_named(project)
    origin = Site.objects.filter(slug=site).first() if site else None
    if site and origin is None:
        known = ", ".join(Site.objects.order_by("slug").values_list("slug", flat=True))
        raise click.ClickException(f"There is no site “{site}”. There are: {known or 'none yet'}.")
    columns = (
        TextColumn("Checking and storing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as bar:
        task = bar.add_task("", total=None)
        batch = imports.import_paths(
            where,
            paths,
            running.user_named(user, where),
            site=origin,
            table=patients,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _summarise(batch)


def _summarise(batch: Import) -> None:
    states = list(batch.items.values_list("state", flat=True))
    stored, known = states.count("stored"), states.count("duplicate")
    click.echo(
        f"{stored} stored, {known} already there, {states.count('quarantined')} in quarantine."
    )
    for item in batch.items.filter(state="quarantined").order_by("name")[:20]:
        click.echo(f"  {item.name}: {item.reason}")

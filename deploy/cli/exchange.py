"""`consilium marks`: marks made elsewhere into a project, and its reads into the image store."""

from __future__ import annotations

from pathlib import Path

import click

from . import running


@click.group()
def marks() -> None:
    """Marks from and for other systems: SEG, SR, RTSTRUCT, NIfTI."""


@marks.command("read-in")
@click.argument("project")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--source", required=True, help="Who made the marks; a new name makes a new source.")
@click.option("--user", help="Who imports; default: the project's first lead.")
def read_in(project: str, paths: tuple[Path, ...], source: str, user: str | None) -> None:
    """Read marks made elsewhere into PROJECT, as reads of a named source.

    Without PATHS, the objects that the image store holds for the project's studies are read. What could
    not be mapped is said file by file.

    \b
    Example: consilium marks read-in lungs ~/segmentations --source "Segmenter 2.1"
    """
    running.configure()
    from annotation import imports, sources

    where = running.project_named(project)
    who = running.user_named(user, where)
    origin = sources.named(where, source, user=who)
    if paths:
        batch = imports.import_paths(where, paths, who, marks_of=origin)
    else:
        batch = imports.begin_from_store(origin, who)
        for pk in batch.items.order_by("pk").values_list("pk", flat=True):
            imports.process_item(pk)
    for item in batch.items.order_by("name"):
        click.echo(f"{item.name}: {item.get_state_display().lower()}. {item.reason}".rstrip())


@marks.command("write-back")
@click.argument("project")
@click.option("--case", "cases", multiple=True, type=int, help="Only this case; may be repeated.")
@click.option("--user", help="Who asks for it; default: the project's first lead.")
def write_back(project: str, cases: tuple[int, ...], user: str | None) -> None:
    """Store the reads of PROJECT in the image store as DICOM SR and SEG.

    Reads that are stored already stay as they are; those that failed are tried again. The workers do it
    in the background.

    \b
    Example: consilium marks write-back lungs
    """
    running.configure()
    from annotation import write_backs

    where = running.project_named(project)
    who = running.user_named(user, where)
    if not cases:
        count = write_backs.request_all(where, who)
        click.echo(f"{count} reads are on their way to the image store.")
        return
    for pk in cases:
        case = where.cases.select_related("project").filter(pk=pk).first()
        if case is None:
            raise click.ClickException(f"{where.title} has no case {pk}.")
        rows = write_backs.request(case, who)
        click.echo(f"Case {pk}: {len(rows)} reads are on their way to the image store.")

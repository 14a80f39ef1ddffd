"""`consilium verify`: has anything been altered behind our back?"""

from __future__ import annotations

import click

from . import running


@click.command(short_help="Has anything been altered? Ledger and frozen datasets.")
@click.argument("project", required=False)
def verify(project: str | None) -> None:
    """Recompute the ledger's hash chains and the frozen datasets, of PROJECT or of all.

    Ends with status 1 when something was changed, removed or inserted, and says where.
    """
    running.configure()
    from annotation import ledger, snapshots
    from annotation.models import Project, Snapshot

    projects = [running.project_named(project)] if project else list(Project.objects.order_by("pk"))
    chains = [(one.slug, ledger.chain_of(one)) for one in projects]
    if project is None:
        chains.insert(0, ("system", ledger.chain_of(None)))
    sound = True
    for name, chain in chains:
        verdict = ledger.verify(chain)
        sound &= verdict.ok
        click.echo(_line(verdict.ok, f"ledger of {name}: {verdict.events} events", verdict.reason))
    for frozen in Snapshot.objects.filter(project__in=projects).order_by("project", "version"):
        found = snapshots.verify(frozen)
        sound &= found.ok
        title = f"dataset {frozen.project.slug} version {frozen.version}: {found.items} cases"
        click.echo(_line(found.ok, title, found.reason))
    if not sound:
        raise click.exceptions.Exit(1)


def _line(ok: bool, title: str, reason: str) -> str:
    return f"  ok    {title}" if ok else f"  FAIL  {title}. {reason}"

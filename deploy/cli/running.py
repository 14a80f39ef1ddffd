"""Reaches the services that run on this machine: from var/, without variables set by hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.stack import EXTERNAL, ROOT, Record

if TYPE_CHECKING:
    from annotation.models import Project, User


def var_folder() -> Path:
    return Path(os.environ.get("CONSILIUM_VAR", str(ROOT / "var"))).resolve()


def configure() -> None:
    """Set Django up against the running services. What the environment names wins."""
    record = _record()
    if record is None and any(name not in os.environ for name in EXTERNAL.values()):
        raise click.ClickException(
            f"Consilium is not running on {var_folder()}.\n"
            "Start it in another window with: consilium up"
        )
    for name, value in (record.environment if record else {}).items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
    import django

    django.setup()


def address() -> str:
    """Where the running web server answers, as http://host:port."""
    record = _record()
    if record is None:
        raise click.ClickException("Consilium is not running here. Name the server with --server.")
    return record.url


def project_named(slug: str) -> Project:
    from annotation.models import Project

    project = Project.objects.filter(slug=slug).first()
    if project is None:
        known = ", ".join(Project.objects.order_by("slug").values_list("slug", flat=True))
        raise click.ClickException(
            f"There is no project “{slug}”. There are: {known or 'none yet'}."
        )
    return project


def user_named(username: str | None, project: Project | None = None) -> User:
    """The user of that name; without a name, the project's first lead."""
    from annotation.models import Role, User

    users = User.objects.filter(is_active=True)
    if username is not None:
        user = users.filter(username=username).first()
        if user is None:
            raise click.ClickException(
                f"There is no user “{username}”. Make one with: consilium user create {username}"
            )
        return user
    leads = users.filter(memberships__project=project, memberships__role=Role.LEAD)
    lead = leads.order_by("memberships__pk").first()
    if lead is None:
        raise click.ClickException("This project has no lead. Say who acts with --user NAME.")
    return lead


def _record() -> Record | None:
    """The record of a supervisor that is alive; one left by a dead one is ignored."""
    record = Record.read(var_folder())
    return record if record and record.is_alive() else None

"""Named sources of reads made elsewhere: the only writer of Source, and of the accounts behind them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from django.db import transaction

from . import ledger
from .errors import Conflict, InvalidInput
from .models import LabelSchema, Project, Source, User
from .validation import Problem, problem, require_none

LONGEST_NAME, MOST_CLASSES = 100, 1000


def add(
    project: Project, *, name: str, description: str, counts: bool, user: User | None
) -> Source:
    """A source with an account that nobody can sign in with. Conflict if the name is taken."""
    name = name.strip()
    if not name:
        raise InvalidInput("Name the source, for instance after the program that made the marks.")
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        if project.sources.filter(name__iexact=name).exists():
            raise Conflict(f"This project has a source “{name}” already. Take it, or another name.")
        account = User(username=f"source-{uuid4().hex[:20]}", first_name=name, is_active=False)
        account.set_unusable_password()
        account.save()
        source = Source.objects.create(
            project=project, name=name, description=description, counts=counts, account=account
        )
        data = {"name": name, "description": description, "counts": counts}
        ledger.record("source.add", project=project, actor=user, obj=source, data=data)
        return source


def named(project: Project, name: str, *, user: User | None) -> Source:
    """The source of that name, made if there is none; a new one does not count as a reader."""
    found = project.sources.filter(name__iexact=name.strip()).first()
    return found or add(project, name=name, description="", counts=False, user=user)


def change(source: Source, changes: Mapping[str, object], *, user: User | None) -> Source:
    """Change ``description``, ``counts`` (from the next object read in on) and ``classes``."""
    with transaction.atomic():
        source = Source.objects.select_for_update().select_related("project").get(pk=source.pk)
        if "classes" in changes:
            require_none(
                _faults_of_classes(source.project, changes["classes"]), "The table of classes"
            )
        changed = {
            name: {"from": getattr(source, name), "to": value}
            for name, value in changes.items()
            if getattr(source, name) != value
        }
        if changed:
            for name, values in changed.items():
                setattr(source, name, values["to"])
            source.save(update_fields=list(changed))
            ledger.record(
                "source.change", project=source.project, actor=user, obj=source, data=changed
            )
        return source


def _faults_of_classes(project: Project, classes: object) -> list[Problem]:
    document = LabelSchema.objects.filter(project=project).latest("version").document
    known = {one["code"] for one in document.get("classes", [])}
    if not isinstance(classes, dict) or len(classes) > MOST_CLASSES:
        return [problem("classes", f"This must be a table of at most {MOST_CLASSES} names.")]
    return [
        problem(f"classes.{name}", f"“{code}” is not the code of a class of this project.")
        for name, code in classes.items()
        if code != "" and not (isinstance(code, str) and code in known)
    ]

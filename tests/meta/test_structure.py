"""Who imports whom, who writes what, what actors take, and that migrations lead there and back."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections import defaultdict

import dramatiq
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports
from source import MODULES, ROOT, dotted

OWN = ("annotation", "learning")
WRITING = {
    "create", "bulk_create", "get_or_create", "update_or_create", "bulk_update", "update", "delete",
}  # fmt: skip
SEVERAL_WRITERS = {
    "Answer": {"annotation.outside_reads", "annotation.reading"},
    "Case": {"annotation.enrolment", "annotation.queue"},
    "Draft": {"annotation.reading", "annotation.schema_moves"},
    "Import": {"annotation.imports", "annotation.import_items"},
    "ImportItem": {
        "annotation.imports", "annotation.import_items", "annotation.local_files",
        "annotation.quarantine",
    },
    "Mark": {"annotation.outside_reads", "annotation.reading"},
    "Read": {"annotation.outside_reads", "annotation.reading"},
    "Round": {"learning.rounds", "learning.leases"},
    "RoundLog": {
        "learning.rounds", "learning.leases", "learning.steps.evaluate", "learning.steps.freeze",
        "learning.steps.promote", "learning.steps.score", "learning.steps.train",
    },
    "Series": {"annotation.adoption", "annotation.arrivals", "annotation.intake"},
    "Slot": {"annotation.queue", "annotation.set_aside"},
    "TriageCertificate": {"learning.triaging.certificates", "learning.triaging.lanes"},
}  # fmt: skip
"""Rows that pass from one step of the work to the next. Every other model has one writer."""

LONGEST_ACTOR = 15


def test_layers_hold() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml")) == EXIT_STATUS_SUCCESS


def test_one_module_writes_each_model() -> None:
    names = {model.__name__ for app in OWN for model in apps.get_app_config(app).get_models()}
    writers: dict[str, set[str]] = defaultdict(set)
    for module in MODULES:
        for call in module.calls():
            model, *chain = dotted(call.func).split(".")
            if model in names and chain and chain[-1] in WRITING:
                writers[model].add(module.name)
    several = {model: found for model, found in writers.items() if len(found) > 1}
    assert several == SEVERAL_WRITERS


def test_the_web_process_never_imports_torch() -> None:
    code = (
        "import sys, deploy.wsgi; from django.urls import get_resolver; get_resolver().url_patterns;"
        "import deploy.ticker; print(sorted({'torch', 'monai'} & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def _actors() -> list[dramatiq.Actor]:
    from annotation import actors as of_annotation
    from learning import actors as of_learning

    found = [*vars(of_annotation).values(), *vars(of_learning).values()]
    return [one for one in found if isinstance(one, dramatiq.Actor)]


def test_actors_take_an_id_are_short_and_leave_retrying_to_the_database() -> None:
    found = _actors()
    assert len(found) >= 4
    for actor in found:
        parameters = inspect.signature(actor.fn).parameters.values()
        assert [parameter.annotation for parameter in parameters] == ["int"], actor.actor_name
        assert actor.options.get("max_retries") == 0, actor.actor_name
        function = ast.parse(inspect.getsource(actor.fn)).body[0]
        assert isinstance(function, ast.FunctionDef)
        assert len(ast.unparse(function).splitlines()) <= LONGEST_ACTOR, actor.actor_name


@pytest.mark.django_db
def test_migrations_describe_the_models() -> None:
    call_command("makemigrations", *OWN, check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("app", OWN)
def test_migrations_are_few_and_named(app: str) -> None:
    files = sorted((ROOT / app / "migrations").glob("0*.py"))
    assert 1 <= len(files) <= 9
    assert not [file.name for file in files if "_auto_" in file.name]


@pytest.mark.django_db
def test_migrations_can_be_taken_back_and_done_again() -> None:
    executor = MigrationExecutor(connection)
    latest = [node for node in executor.loader.graph.leaf_nodes() if node[0] in OWN]
    for app in reversed(OWN):
        for target in _before_each(app):
            MigrationExecutor(connection).migrate([target])
    tables = connection.introspection.table_names()
    assert not [table for table in tables if table.startswith(("learning_", "annotation_case"))]
    MigrationExecutor(connection).migrate(latest)
    assert "learning_round" in connection.introspection.table_names()


def _before_each(app: str) -> list[tuple[str, str | None]]:
    """The app's migrations from the last but one down; of annotation all, of learning all."""
    names = sorted(file.stem for file in (ROOT / app / "migrations").glob("0*.py"))
    return [(app, name) for name in reversed(names[:-1])] + [(app, None)]

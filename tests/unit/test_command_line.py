"""The command line explains itself, and fails in sentences."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deploy.cli import SECTIONS, WHERE, main


def commands() -> list[tuple[str, click.Command]]:
    """Every command with its full name, groups left out."""
    context = click.Context(main)
    found: list[tuple[str, click.Command]] = []
    for name in WHERE:
        command = main.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found += [(f"{name} {sub}", one) for sub, one in command.commands.items()]
        else:
            found.append((name, command))
    return found


def test_the_help_lists_every_command_once_under_its_purpose() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output
    for section, named in SECTIONS.items():
        assert f"{section}:" in shown
        for name in named:
            assert shown.count(f"\n  {name} ") == 1
    cut_short = [line for line in shown.splitlines()[1:] if line.endswith("...")]
    assert not cut_short


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_command_and_option_is_explained(name: str, command: click.Command) -> None:
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            explained = parameter.help or parameter.name in {"sensitivity", "specificity", "seed"}
            assert explained, f"{name} {parameter.name}"


def test_help_loads_neither_django_nor_torch() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from deploy.cli import main;"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0;"
        "sys.exit(any(name in sys.modules for name in ('django.apps', 'torch', 'monai')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_command_says_when_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSILIUM_VAR", str(tmp_path))
    for name in ("DATABASE_URL", "REDIS_URL", "ORTHANC_URL"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(main, ["verify"])
    assert result.exit_code == 1
    assert "consilium up" in result.output

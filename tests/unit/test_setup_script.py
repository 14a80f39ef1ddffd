"""The shell side of quickstart and test: steps that show how they went, and a reset that asks."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

from deploy.stack import ROOT


def bash(code: str, var: Path, answer: str = "") -> subprocess.CompletedProcess[str]:
    script = f"set -euo pipefail; source deploy/setup.sh; {code}"
    return run(["bash", "-c", script], var, answer)


def run(command: list[str], var: Path, answer: str = "") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"CONSILIUM_VAR": str(var)}
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_step_shows_its_number_and_hides_its_chatter(tmp_path: Path) -> None:
    done = bash("begin 2; step 'First thing' '' echo chatter; step Second '' true", tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("[1/2] First thing")
    assert first.endswith("done (0 s)")
    assert second.startswith("[2/2] Second")
    assert "chatter" in (tmp_path / "log" / "setup.log").read_text()


def test_a_failing_step_says_what_why_the_remedy_and_the_log(tmp_path: Path) -> None:
    code = (
        "bad() { echo the reason; false; echo never; }; begin 1; step Title 'Do this.' bad; echo on"
    )
    done = bash(code, tmp_path)
    assert done.returncode == 1
    assert "FAILED" in done.stdout
    assert "the reason" in done.stdout
    assert "never" not in done.stdout, "a failure in the middle of a step must end it"
    assert "What to do: Do this." in done.stdout
    assert f"{tmp_path}/log/setup.log" in done.stdout
    assert "on" not in done.stdout.splitlines()


def test_packages_that_are_installed_are_not_asked_for(tmp_path: Path) -> None:
    done = bash("missing_packages bash no-such-package-anywhere", tmp_path)
    assert done.stdout.split() == ["no-such-package-anywhere"]


def test_every_script_is_valid_and_explains_itself(tmp_path: Path) -> None:
    for script in ("setup.sh", "quickstart", "test"):
        assert run(["bash", "-n", f"deploy/{script}"], tmp_path).returncode == 0
    shown = run(["deploy/quickstart", "--help"], tmp_path)
    assert shown.returncode == 0
    assert "--reset" in shown.stdout
    assert run(["deploy/quickstart", "--nonsense"], tmp_path).returncode == 2


def test_reset_deletes_nothing_unless_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    for answer in ("no\n", "", "yes\n"):
        asked = run(["deploy/quickstart", "--reset"], tmp_path, answer)
        assert asked.returncode == 1
        assert "Nothing has been deleted" in asked.stdout
    assert (tmp_path / "precious").exists()


def test_reset_refuses_while_it_runs(tmp_path: Path) -> None:
    with (tmp_path / "stack.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = run(["deploy/quickstart", "--reset", "--yes"], tmp_path)
    assert refused.returncode == 1
    assert "Stop it first" in refused.stdout
    assert tmp_path.exists()


def test_every_requirement_is_pinned() -> None:
    import tomllib

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    named = {canonicalize_name(Requirement(line).name) for group in groups for line in group}
    lines = (ROOT / "deploy" / "constraints.txt").read_text().splitlines()
    pinned = {line.split("==")[0] for line in lines if "==" in line}
    assert named <= pinned, f"run python -m deploy.pin for {named - pinned}"

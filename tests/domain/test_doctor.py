"""The doctor finds what is wrong, and always says what to do."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from deploy import doctor
from deploy.cli import main
from deploy.doctor import Finding, Installation, Level
from deploy.stack import Ports, Record, Stack


def findings(here: Installation, *checks: doctor.Check) -> dict[str, Finding]:
    return {found.title: found for check in checks for found in check(here)}


@pytest.fixture
def nothing_runs(tmp_path: Path) -> Installation:
    return Installation(tmp_path, {}, None)


def test_every_finding_that_is_not_ok_says_what_to_do(tmp_path: Path) -> None:
    for found in doctor.examine(tmp_path):
        assert found.text
        assert found.level == Level.OK or found.remedy, found


def test_it_says_that_nothing_runs(nothing_runs: Installation) -> None:
    found = findings(nothing_runs, doctor.processes)["Processes"]
    assert found.level == Level.WARN
    assert "consilium up" in found.remedy


def test_a_taken_port_is_a_failure(nothing_runs: Installation) -> None:
    import socket

    ports = Ports.free()
    ports.keep(nothing_runs.var)
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports.web))
        other.listen()
        taken = [one for one in doctor.ports(nothing_runs) if one.level == Level.FAIL]
    assert [str(ports.web) in one.text for one in taken] == [True]


def test_secrets_that_others_can_read_are_a_failure(nothing_runs: Installation) -> None:
    secrets = nothing_runs.var / "secrets.env"
    secrets.touch()
    secrets.chmod(0o644)
    found = findings(nothing_runs, doctor.installed)["Secrets"]
    assert found.level == Level.FAIL
    assert "chmod 600" in found.remedy


def test_the_real_database_is_examined(nothing_runs: Installation, postgres: str) -> None:
    here = Installation(nothing_runs.var, {"DATABASE_URL": postgres}, None)
    assert (
        findings(here, doctor.database_answers)["Database"].level == Level.FAIL
    )  # no tables there
    assert "consilium up" in findings(here, doctor.database_answers)["Database"].remedy


def test_a_database_that_is_away_is_a_failure(nothing_runs: Installation) -> None:
    here = Installation(nothing_runs.var, {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, None)
    found = findings(here, doctor.database_answers)["Database"]
    assert found.level == Level.FAIL
    assert "does not answer" in found.text


def test_the_real_image_store_answers_and_has_only_the_plugin_it_needs(
    nothing_runs: Installation, orthanc_stack: Stack
) -> None:
    here = Installation(nothing_runs.var, orthanc_stack.settings, None)
    found = findings(here, doctor.image_store_answers)["Orthanc"]
    assert found.level in {Level.OK, Level.WARN}
    assert "answers" in found.text


def test_an_image_store_that_listens_on_every_address_is_said_with_the_line_that_closes_it(
    nothing_runs: Installation, orthanc_stack: Stack
) -> None:
    here = Installation(nothing_runs.var, orthanc_stack.settings, None)
    found = findings(here, doctor.image_store_answers)["Orthanc’s port"]
    assert found.level == Level.WARN
    assert f"--dport {orthanc_stack.ports.orthanc} -j DROP" in found.remedy


def test_it_says_what_the_image_store_keeps_quiet(
    nothing_runs: Installation, orthanc_stack: Stack
) -> None:
    here = Installation(nothing_runs.var, orthanc_stack.settings, None)
    assert "unsaid" in findings(here, doctor.image_store_answers)["Same UID"].text


def test_a_wrong_password_is_a_failure(nothing_runs: Installation, orthanc_stack: Stack) -> None:
    environment = orthanc_stack.settings | {"ORTHANC_PASSWORD": "wrong"}
    here = Installation(nothing_runs.var, environment, None)
    found = findings(here, doctor.image_store_answers)["Orthanc"]
    assert found.level == Level.FAIL
    assert "401" in found.text


def test_the_real_broker_answers(nothing_runs: Installation, redis: str) -> None:
    here = Installation(nothing_runs.var, {"REDIS_URL": redis}, None)
    assert findings(here, doctor.broker_answers)["Broker"].text == "0 messages wait"


def test_a_ticker_that_stands_still_is_a_failure(tmp_path: Path) -> None:
    me = psutil.Process()
    record = Record(
        me.pid, me.create_time(), "t", "http://127.0.0.1:1", {}, {"ticker": (me.pid, 0.0)}
    )
    alive = tmp_path / "ticker.alive"
    alive.touch()
    long_ago = time.time() - 3600
    os.utime(alive, (long_ago, long_ago))
    found = findings(Installation(tmp_path, {}, record), doctor.processes)
    assert found["Ticker"].level == Level.FAIL
    assert found["Web server"].level == Level.FAIL
    assert "ticker.log" in found["Ticker"].remedy


def test_the_command_ends_with_status_1_when_something_must_be_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSILIUM_VAR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "postgresql://x@127.0.0.1:1/x")
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert "FAIL" in result.output
    assert "→" in result.output

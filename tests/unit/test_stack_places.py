"""Secrets, ports and the configuration of the image store, as they are written to disk."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import psutil
import pytest

from deploy.stack import EXTERNAL, Ports, Record, Stack, image_store, wanted
from deploy.stack.places import secrets_of


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    first = secrets_of(tmp_path)
    assert secrets_of(tmp_path) == first
    assert len(first["SECRET_KEY"]) >= 50
    assert mode(tmp_path / "secrets.env") == 0o600
    assert secrets_of(tmp_path / "another")["SECRET_KEY"] != first["SECRET_KEY"]


def test_secrets_that_a_person_added_are_kept(tmp_path: Path) -> None:
    (tmp_path / "secrets.env").write_text("# by hand\nSECRET_KEY=chosen\nMORE=a=b\n")
    kept = secrets_of(tmp_path)
    assert kept["SECRET_KEY"] == "chosen"
    assert kept["MORE"] == "a=b"
    assert kept["ORTHANC_PASSWORD"]


def test_ports_stay_as_first_chosen_and_the_web_port_can_be_changed(tmp_path: Path) -> None:
    chosen = Ports.free()
    chosen.keep(tmp_path)
    assert Ports.kept(tmp_path) == chosen
    assert Ports.kept(tmp_path, web=4711) == Ports(4711, chosen.orthanc, chosen.dicom)


def test_three_free_ports_differ() -> None:
    ports = Ports.free()
    assert len({ports.web, ports.orthanc, ports.dicom}) == 3


def test_a_record_of_a_dead_process_or_of_a_stranger_with_its_id_is_not_alive(
    tmp_path: Path,
) -> None:
    me = psutil.Process()
    Record(me.pid, me.create_time(), "t", "http://x", {"A": "b"}, {"web": (1, 2.0)}).write(tmp_path)
    record = Record.read(tmp_path)
    assert record is not None
    assert record.is_alive()
    assert record.processes == {"web": (1, 2.0)}
    assert mode(tmp_path / "stack.json") == 0o600
    stranger = Record(me.pid, me.create_time() - 100, "t", "", {}, {})
    assert not stranger.is_alive()


def test_servers_that_the_environment_names_are_used_and_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {
        "DATABASE_URL": "postgresql://db.example/consilium",
        "ORTHANC_URL": "http://orthanc.example:8042",
        "ORTHANC_PASSWORD": "theirs",
    }
    for name, value in elsewhere.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("REDIS_URL", raising=False)
    names = wanted(os.environ)
    ours = ["web", "ticker", "intake", "worker", "prompter", "ranker", "trainer"]
    assert names == ["redis", *ours]
    given = Stack(tmp_path, Ports.free(), names).settings
    assert {name: given[name] for name in elsewhere} == elsewhere
    assert given["REDIS_URL"].startswith("unix://")
    assert set(EXTERNAL.values()) <= set(given)


def test_the_image_store_is_closed_to_the_outside(tmp_path: Path) -> None:
    path = image_store.write_configuration(tmp_path, http_port=1, dicom_port=2, password="secret")
    assert mode(path) == 0o600
    written = json.loads(path.read_text())
    expected = {
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"consilium": "secret"},
        "ExecuteLuaEnabled": False,
        "OverwriteInstances": False,
        "OrthancExplorerEnabled": False,
        "DicomAlwaysAllowStore": False,
        "DicomCheckCalledAet": True,
        "DicomCheckModalityHost": True,
        "HttpCompressionEnabled": False,
        "StorageCompression": False,
        "KeepAlive": True,
    }
    assert {name: written[name] for name in expected} == expected
    assert [Path(plugin).name for plugin in written["Plugins"]] == ["libOrthancDicomWeb.so"]


def test_senders_that_a_person_named_may_send(tmp_path: Path) -> None:
    (tmp_path / "modalities.json").write_text('{"scanner": ["CT1", "10.1.1.1", 104]}')
    senders = image_store.modalities(tmp_path)
    assert senders["scanner"] == ["CT1", "10.1.1.1", 104]
    assert senders["local"][1] == "127.0.0.1"

"""Arrays are kept while there is room or somebody reads them; unfinished files go."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from django.conf import settings

from learning import artifacts

DAY = 24 * 3600


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ARTIFACTS_DIR", tmp_path)


def array(name: str, days: float) -> Path:
    path = artifacts.array_path(name)
    artifacts.write(path, lambda file: file.write(bytes(100)))
    read = time.time() - days * DAY
    os.utime(path, (read, read))
    return path


def test_the_longest_unread_arrays_go_until_the_others_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    oldest, older, old, new = (array(f"{days}a", days) for days in (30, 20, 10, 1))
    monkeypatch.setattr(settings, "ARRAYS_BYTES", 250)
    artifacts.sweep()
    assert [path.exists() for path in (oldest, older, old, new)] == [False, False, True, True]


def test_arrays_in_use_stay_however_many_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [array(f"{number}b", 6) for number in range(3)]
    monkeypatch.setattr(settings, "ARRAYS_BYTES", 0)
    artifacts.sweep()
    assert all(path.exists() for path in kept)


def test_what_a_killed_worker_left_goes_after_an_hour(tmp_path: Path) -> None:
    folder = tmp_path / artifacts.UNFINISHED
    folder.mkdir()
    for name, age in (("left", 2 * 3600), ("busy", 60)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age,) * 2)
    artifacts.sweep()
    assert [path.name for path in folder.iterdir()] == ["busy"]


def test_a_file_that_another_worker_finishes_meanwhile_does_not_stop_the_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / artifacts.UNFINISHED
    folder.mkdir()
    for name in ("finished", "left"):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - 2 * 3600,) * 2)
    stat = Path.stat

    def finishing(path: Path, **rest: bool) -> os.stat_result:
        if path.name == "finished":
            path.unlink(missing_ok=True)
        return stat(path, **rest)

    monkeypatch.setattr(Path, "stat", finishing)
    artifacts.sweep()
    assert not list(folder.iterdir())


def test_weights_that_a_killed_worker_left_unfinished_go_and_finished_ones_stay() -> None:
    for name in (f"{'a' * 64}.123.tmp", f"{'b' * 64}.safetensors"):
        (artifacts.weights_dir() / name).touch()
        os.utime(artifacts.weights_dir() / name, (time.time() - 2 * 3600,) * 2)
    artifacts.sweep()
    assert [path.suffix for path in artifacts.weights_dir().iterdir()] == [".safetensors"]

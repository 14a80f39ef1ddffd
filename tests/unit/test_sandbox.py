"""The decoder process: a file may stop it, hang it or fill its memory, and only that file pays."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import edge_cases
import images
import numpy as np
import pytest

from annotation.dicom import limits, sandbox, worker
from annotation.dicom.faults import Fault
from annotation.dicom.sandbox import DecoderUnavailable, Sandbox


@pytest.fixture
def box() -> Iterator[Sandbox]:
    made = Sandbox(1)
    yield made
    made.close()


def test_a_worker_stays_warm(box: Sandbox, tmp_path: Path) -> None:
    for path in images.write(tmp_path, *images.series(3)):
        assert box.examine(path, name="x", folder=tmp_path)[0].frame_count == 1
    assert len(box._idle) == 1
    assert box._idle[0].jobs == 3


def test_a_worker_that_was_killed_is_replaced(box: Sandbox, tmp_path: Path) -> None:
    (path,) = images.write(tmp_path, images.slice_())
    box.examine(path, name="x", folder=tmp_path)
    os.kill(box._idle[0].process.pid, signal.SIGKILL)
    assert box.examine(path, name="x", folder=tmp_path)[0].frame_count == 1


def test_a_file_that_stops_every_decoder_is_refused(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = images.write(tmp_path, images.slice_())
    monkeypatch.setattr(sandbox, "_COMMAND", [sys.executable, "-c", "raise SystemExit(139)"])
    with pytest.raises(Fault) as refused:
        box.examine(path, name="x", folder=tmp_path)
    assert refused.value.code == "decoder_stopped"


def test_a_file_that_takes_too_long_is_given_up(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = images.write(tmp_path, images.slice_())
    box.examine(path, name="x", folder=tmp_path)
    process = box._idle[0].process
    os.kill(process.pid, signal.SIGSTOP)
    monkeypatch.setattr(limits, "SANDBOX_SECONDS", 0.2)
    started = time.monotonic()
    with pytest.raises(Fault) as refused:
        box.examine(path, name="x", folder=tmp_path)
    assert refused.value.code == "timeout"
    assert time.monotonic() - started < 5
    assert process.poll() is not None
    monkeypatch.setattr(limits, "SANDBOX_SECONDS", 60)
    assert box.examine(path, name="x", folder=tmp_path)


def test_no_more_workers_than_allowed_run_at_once(tmp_path: Path) -> None:
    box = Sandbox(2)
    paths = images.write(tmp_path, *images.series(12))
    threads = [
        threading.Thread(target=box.examine, args=[path], kwargs={"name": "x", "folder": tmp_path})
        for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(box._idle) <= 2
    assert sum(each.jobs for each in box._idle) == 12
    box.close()


def test_the_worker_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "x")
    monkeypatch.setenv("DATABASE_URL", "x")
    assert not {"SECRET_KEY", "DATABASE_URL", "ORTHANC_PASSWORD"} & sandbox._environment().keys()


def test_memory_that_runs_out_is_a_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hungry(*args: object, **kwargs: object) -> None:
        np.empty(2**50, np.uint8)

    monkeypatch.setattr(worker.examine, "examine", hungry)
    request = {"job": "examine", "path": "x", "name": "x", "patient": "", "folder": str(tmp_path)}
    assert worker.answer(request)["code"] == "too_large"


def test_a_full_disk_is_no_fault_of_the_file(box: Sandbox, tmp_path: Path) -> None:
    path = edge_cases.FOLDER / "pydicom" / "test_files" / "MR_small_bigendian.dcm"
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder has to be")
    with pytest.raises(DecoderUnavailable):
        box.decode(path, folder=blocked / "frames")

"""Orthanc killed while images arrive: whatever was acknowledged is there once, and cases are whole."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import builders
import images
import pytest
from django.db import connection

from annotation import due, imports, intake, orthanc
from annotation.errors import ImageStoreUnavailable
from annotation.models import Case, ImportItem, Instance, Project, Series
from deploy.stack import Stack, supervisor

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = 4
SERIES, SLICES = 10, 12


@pytest.fixture(autouse=True)
def in_an_empty_store(empty_store: None) -> None:
    """Each test has its own folders, and a store that holds nothing."""


@pytest.fixture(autouse=True)
def restarted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked at here is the work between the kills, not the growing pause before a restart."""
    monkeypatch.setattr(supervisor, "LONGEST_DELAY", supervisor.FIRST_DELAY)


class Killer:
    """Kills Orthanc at random points of the work, never after its end; the supervisor starts it again."""

    def __init__(self, stack: Stack, done_so_far: Callable[[], int]) -> None:
        self.stack = stack
        self.done_so_far = done_so_far
        self.kills = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self) -> Killer:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()
        assert self.stack.wait_ready("orthanc")

    def _run(self) -> None:
        for point in sorted(random.Random(7).sample(range(SERIES * SLICES - 1), KILLS)):
            while self.done_so_far() <= point:
                if self.done.wait(0.005):
                    return
            self.stack.kill("orthanc")
            self.kills += 1
            assert self.stack.wait_ready("orthanc")
        connection.close()


def patiently(step: object, *arguments: object) -> None:
    """As the actors do: a store that is away is no error, the row is due again."""
    try:
        step(*arguments)  # type: ignore[operator]
    except ImageStoreUnavailable:
        time.sleep(0.05)


def work_until_done(batch_id: int) -> None:
    until = time.monotonic() + 120
    while rung := list(due.due()):
        assert time.monotonic() < until
        for actor, row in rung:
            steps = {"process_import_item": imports.process_item, "finish_import": imports.finish}
            patiently(steps[actor], row)
    assert imports.Import.objects.get(pk=batch_id).state == "done"


def test_an_import_survives_the_kills_of_orthanc(tmp_path: Path, orthanc_stack: Stack) -> None:
    project = builders.project()
    datasets = [dataset for _ in range(SERIES) for dataset in images.series(SLICES)]
    paths = images.write(tmp_path / "in", *datasets)
    files = [(path.name, path.stat().st_size) for path in paths]
    batch = imports.begin(project, None, files=files, site=None)
    for item, path in zip(batch.items.order_by("pk"), paths, strict=True):
        imports.receive(item.pk, 0, path.read_bytes())
    imports.complete(batch)
    stored = batch.items.filter(state="stored")
    with Killer(orthanc_stack, lambda: stored.count()) as killer:
        helper = threading.Thread(target=_help, args=[batch.pk])
        helper.start()
        work_until_done(batch.pk)
        helper.join()
    assert killer.kills == KILLS
    assert imports.counts(batch) == {"stored": len(datasets)}
    _everything_is_there_once(project, [dataset.SOPInstanceUID for dataset in datasets])


def test_the_feed_survives_the_kills_of_orthanc(tmp_path: Path, orthanc_stack: Stack) -> None:
    project = builders.project(intake_rule={"Modality": "CT"})
    datasets = [dataset for _ in range(SERIES) for dataset in images.series(SLICES)]
    acknowledged: list[str] = []

    def send() -> None:
        for path in images.write(tmp_path / "in", *datasets):
            while True:
                try:
                    orthanc.store(path)
                    break
                except ImageStoreUnavailable:
                    time.sleep(0.05)
            acknowledged.append(path.stem)

    with Killer(orthanc_stack, lambda: len(acknowledged)) as killer:
        sender = threading.Thread(target=send)
        sender.start()
        while sender.is_alive():
            patiently(intake.follow)
        sender.join()
    assert killer.kills == KILLS
    until = time.monotonic() + 30
    while Series.objects.filter(stable=False).exists() or Instance.objects.count() < len(datasets):
        assert time.monotonic() < until
        patiently(intake.follow)
        time.sleep(0.1)
    assert len(acknowledged) == len(datasets)
    _everything_is_there_once(project, acknowledged)


def _help(import_id: int) -> None:
    """A second worker on the same import."""
    for item in ImportItem.objects.filter(batch=import_id).order_by("-pk"):
        patiently(imports.process_item, item.pk)
    connection.close()


def _everything_is_there_once(project: Project, uids: list[str]) -> None:
    assert orthanc.statistics().instances == len(uids)
    assert set(Instance.objects.values_list("sop_instance_uid", flat=True)) == set(uids)
    assert intake.reconcile() == 0
    cases = Case.objects.filter(project=project)
    assert set(cases.values_list("frame_count", "state")) == {(SLICES, "ready")}
    assert cases.count() == SERIES
    assert not ImportItem.objects.filter(state="quarantined").exists()
    assert set(Series.objects.values_list("display__geometry", flat=True)) == {"volume"}

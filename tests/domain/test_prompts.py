"""Prompts answered by a worker: the mask is right, a killed worker costs a try, and reads say what helped."""

from __future__ import annotations

import gzip
import hashlib
import io
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import builders
import images
import made_elsewhere as elsewhere
import numpy as np
import prompt_builders as hand
import pytest
import suggestion_builders as hints
from django.conf import settings
from django.db import connection
from django.utils import timezone
from pydicom import dcmread

from annotation import (
    due,
    export,
    imports,
    masks,
    orthanc,
    prompt_methods,
    prompts,
    reading,
    write_backs,
)
from annotation.dicom.grid import grid_of
from annotation.models import (
    Case,
    Draft,
    Project,
    PromptedMask,
    PromptUse,
    Read,
    Role,
    Slot,
    WriteBack,
)
from annotation.prompting.asked import Unanswerable

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def frames_of_this_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "FRAMES_DIR", tmp_path / "frames")
    monkeypatch.setattr(settings, "FREE_SPACE_FLOOR", 0.0)


@pytest.fixture
def project() -> Project:
    return builders.project()


@pytest.fixture
def slot(project: Project) -> Slot:
    hand.painted_case(project)
    return hand.claimed(project)


def dice(one: Any, other: Any) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def state(asked: PromptedMask) -> str:
    asked.refresh_from_db()
    return asked.state


class TestAnswers:
    def test_a_click_finds_the_block_on_its_image(self, slot: Slot) -> None:
        asked = hand.ask(slot)
        assert prompts.answer(asked.pk)
        mask = hand.mask_of(asked)
        assert dice(mask[2], hand.truth()[2]) > 0.95
        assert not mask[[0, 1, 3, 4]].any()
        content = gzip.decompress(bytes(asked.gzip))
        assert hashlib.sha256(content).hexdigest() == asked.sha256

    def test_and_on_the_images_around(self, slot: Slot) -> None:
        asked = hand.ask(slot, volume=True)
        prompts.answer(asked.pk)
        assert dice(hand.mask_of(asked), hand.truth()) > 0.9

    def test_a_box_in_a_plane_across_the_images_finds_it_in_the_stored_voxels(
        self, slot: Slot
    ) -> None:
        corners = [[28, 13, 0], [28, 36, 0], [28, 36, 4], [28, 13, 4]]
        box = {"kind": "box", "positive": True, "points_voxel": corners}
        asked = hand.ask(slot, box, volume=True)
        prompts.answer(asked.pk)
        mask = hand.mask_of(asked)
        assert dice(mask, hand.truth()) > 0.9
        assert not mask[[0, 4]].any()

    def test_a_correction_is_prompted_and_names_what_helped(self, slot: Slot) -> None:
        first = hints.submit(slot, builders.content())
        asked = hand.ask(slot)
        assert prompts.answer(asked.pk)
        assert hand.mask_of(asked)[2].any()
        use = {"prompted": asked.pk, "seconds": 2.0}
        second = hints.submit(slot, builders.content("no") | {"prompted": [use]})
        assert second.supersedes == first
        assert list(second.prompt_uses.values_list("prompted", flat=True)) == [asked.pk]

    def test_an_inverted_image_gives_the_same(self, slot: Slot) -> None:
        series = slot.case.series.get()
        hand.keep(series, (4095 - hand.volume()).astype(np.int16))
        series.display["photometric_interpretation"] = "MONOCHROME1"
        series.save()
        asked = hand.ask(slot)
        prompts.answer(asked.pk)
        assert dice(hand.mask_of(asked)[2], hand.truth()[2]) > 0.95

    def test_an_image_that_is_gone_is_said_in_a_sentence(self, slot: Slot) -> None:
        asked = hand.ask(slot)
        for kept in Path(settings.FRAMES_DIR).rglob("*.raw"):
            kept.unlink()
        settings.ORTHANC_URL, before = "http://127.0.0.1:9", settings.ORTHANC_URL
        prompts.answer(asked.pk)
        settings.ORTHANC_URL = before
        assert state(asked) == "failed"
        assert asked.problem.endswith(".")


class TestWorkers:
    def test_a_question_is_due_until_it_is_answered(self, slot: Slot) -> None:
        asked = hand.ask(slot)
        assert (prompts.ACTOR, asked.pk) in set(due.due())
        prompts.answer(asked.pk)
        assert (prompts.ACTOR, asked.pk) not in set(due.due())
        assert not prompts.answer(asked.pk)

    def test_a_worker_that_was_killed_costs_one_try(self, slot: Slot) -> None:
        """What it leaves behind is a row that it had taken."""
        asked = hand.ask(slot)
        assert prompts._take(asked.pk)
        assert (prompts.ACTOR, asked.pk) not in set(due.due())
        assert not prompts.answer(asked.pk)
        PromptedMask.objects.update(taken_until=timezone.now() - timedelta(seconds=1))
        assert (prompts.ACTOR, asked.pk) in set(due.due())
        assert prompts.answer(asked.pk)
        assert state(asked) == "done"

    def test_what_kills_two_workers_is_not_tried_again(self, slot: Slot) -> None:
        asked = hand.ask(slot)
        for _ in range(prompts.MOST_TRIES):
            assert prompts._take(asked.pk)
            PromptedMask.objects.update(taken_until=timezone.now() - timedelta(seconds=1))
        assert not prompts.answer(asked.pk)
        assert (state(asked), asked.problem) == ("failed", prompts.GIVEN_UP)

    def test_an_answer_to_an_older_prompt_is_dropped(
        self, slot: Slot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = hand.ask(slot)
        walk = prompt_methods.RandomWalk.mask

        def meanwhile(self: Any, question: Any) -> Any:
            hand.ask(slot)
            return walk(self, question)

        monkeypatch.setattr(prompt_methods.RandomWalk, "mask", meanwhile)
        assert prompts.answer(asked.pk)
        assert (state(asked), bytes(asked.gzip)) == ("replaced", b"")

    def test_the_work_on_it_is_stopped(self, slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = hand.ask(slot)
        monkeypatch.setattr(prompts, "LOOKS_EVERY", 0.0)
        stopped: list[bool] = []

        def endless(self: Any, question: Any) -> Any:
            question.check()
            hand.ask(slot)
            try:
                question.check()
            except prompts.Outdated:
                stopped.append(True)
                raise

        monkeypatch.setattr(prompt_methods.RandomWalk, "mask", endless)
        assert prompts.answer(asked.pk)
        assert stopped == [True]

    def test_a_worker_that_stands_by_hears_of_the_next_prompt_at_once(self, slot: Slot) -> None:
        def work() -> None:
            prompts.stand_by(5)
            connection.close()

        worker = threading.Thread(target=work)
        worker.start()
        time.sleep(0.5)
        asked = hand.ask(slot)
        for _ in range(200):
            if state(asked) == "done":
                break
            time.sleep(0.02)
        assert state(asked) == "done"
        worker.join()

    def test_and_of_what_was_asked_before_it_listened(self, slot: Slot) -> None:
        """Its notice is gone: it was sent while no worker was there."""
        asked = hand.ask(slot)
        prompts.stand_by(0.1)
        assert state(asked) == "done"

    def test_another_method_is_one_entry_of_the_settings(
        self, slot: Slot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settings, "PROMPT_METHODS", ["test_prompts.Whole"])
        prompt_methods.registered.cache_clear()
        try:
            asked = hand.ask(slot, method="whole")
            prompts.answer(asked.pk)
            assert asked.algorithm == "All of it"
            assert hand.mask_of(asked).sum() == np.prod(asked.shape)
        finally:
            prompt_methods.registered.cache_clear()

    def test_it_may_refuse_with_a_sentence(
        self, slot: Slot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(self: Any, question: Any) -> Any:
            raise Unanswerable("Not this one.")

        monkeypatch.setattr(prompt_methods.RandomWalk, "mask", refuse)
        asked = hand.ask(slot)
        prompts.answer(asked.pk)
        assert (state(asked), asked.problem) == ("failed", "Not this one.")


class Whole:
    """A method of somebody else."""

    code = "whole"
    learned = False

    def maker(self, slot: Slot) -> prompt_methods.Maker:
        return prompt_methods.Maker("All of it")

    def mask(self, asked: prompt_methods.Asked) -> Any:
        return np.ones(asked.region.shape, np.bool_)


def painted(slot: Slot, mask: Any, *uses: dict[str, Any], value: int = 1) -> dict[str, Any]:
    """The content of a reading whose segment is this mask."""
    series = slot.case.series.get()
    voxels = np.ascontiguousarray(mask, np.uint8) * np.uint8(value)
    sha256 = hashlib.sha256(voxels.tobytes()).hexdigest()
    stream = io.BytesIO(gzip.compress(voxels.tobytes()))
    masks.store(slot, series_id=series.pk, sha256=sha256, gzip_stream=stream, values={1, 2})
    marks = (builders.labelmap(series, sha256, label_class=""),)
    return builders.content(marks=marks) | ({"prompted": list(uses)} if uses else {})


class TestProvenance:
    def test_a_read_says_which_method_helped_and_how(self, slot: Slot) -> None:
        one, other = hand.ask(slot, {**hand.DISC}, hand.DISC), None
        prompts.answer(one.pk)
        content = painted(slot, hand.mask_of(one), {"prompted": one.pk, "seconds": 4.5})
        read = hints.submit(slot, content)
        [said] = prompt_uses_of(read)
        assert (said["method"], said["prompts"], said["seconds"]) == ("random_walk", 2, 4.5)
        assert said["weights_sha256"] == ""
        assert reading.said(read)["prompted"] == content["prompted"]
        again = hints.submit(
            slot, reading.said(read) | {"answers": builders.content("no")["answers"]}
        )
        assert prompt_uses_of(again) == [said]
        assert other is None

    def test_what_somebody_else_asked_or_nobody_answered_counts_for_nothing(
        self, project: Project, slot: Slot
    ) -> None:
        foreign = hand.answered(slot, builders.reader(project))
        waiting = hand.ask(slot)
        uses = [{"prompted": pk, "seconds": 1} for pk in (foreign.pk, waiting.pk, 10**9)]
        read = hints.submit(slot, painted(slot, hand.truth(), *uses))
        assert not PromptUse.objects.filter(read=read).exists()

    def test_drafts_and_reads_keep_their_answers_and_others_go(self, slot: Slot) -> None:
        kept, gone = (hand.answered(slot, slot.reader) for _ in range(2))
        content = builders.content() | {"prompted": [{"prompted": kept.pk, "seconds": 1}]}
        reading.save_draft(
            slot.pk, slot.reader, token=slot.token, version=0, content=content, active_seconds=1
        )
        assert prompts.sweep() == 0
        PromptedMask.objects.update(asked_at=timezone.now() - timedelta(days=2))
        assert prompts.sweep() == 1
        assert not PromptedMask.objects.filter(pk=gone.pk).exists()
        hints.submit(slot, content)
        assert not Draft.objects.exists()
        assert prompts.sweep() == 0
        assert PromptedMask.objects.filter(pk=kept.pk).exists()


def prompt_uses_of(read: Read) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in one.items() if name != "asked_at"}
        for one in export.prompt_uses.described(read)
    ]


@pytest.mark.usefixtures("empty_store")
class TestDicom:
    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        project = builders.project(case_unit="study")
        made = images.series(4, FrameOfReferenceUID="2.25.5", SeriesDescription="Chest")
        images.write(tmp_path / "in", *made)
        imports.import_paths(project, [tmp_path / "in"], builders.user())
        return Case.objects.get(project=project)

    @pytest.mark.parametrize(
        ("fields", "family"),
        [
            ({}, "Manual Processing"),
            (
                {"method": "network", "model": 7, "algorithm": "Consilium network of round 2"},
                "Artificial Intelligence",
            ),
        ],
    )
    def test_the_segmentation_names_the_algorithm_of_the_class_it_helped_with(
        self, case: Case, tmp_path: Path, fields: dict[str, Any], family: str
    ) -> None:
        slot = hand.claimed(case.project)
        asked = hand.answered(slot, slot.reader, **fields)
        voxels = np.zeros(grid_of(case.series.get().display).shape, np.uint8)
        voxels[1, 2:5, 3:6], voxels[2, 0, 0] = 1, 2
        content = painted(slot, voxels, {"prompted": asked.pk, "seconds": 2})
        hints.submit(slot, content)
        write_backs.request(case, builders.user(Role.LEAD, project=case.project))
        for actor, row in list(due.due()):
            if actor == write_backs.ACTOR:
                write_backs.carry_out(row)
        read = Read.objects.get()
        written = WriteBack.objects.get(read=read).written.get(kind="seg")
        path = tmp_path / "seg.dcm"
        orthanc.download(written.orthanc_id, path)
        assert elsewhere.errors_of(path) == []
        lesion, node = dcmread(path).SegmentSequence
        assert lesion.SegmentAlgorithmType == "SEMIAUTOMATIC"
        assert lesion.SegmentAlgorithmName == asked.algorithm
        [identified] = lesion.SegmentationAlgorithmIdentificationSequence
        assert identified.AlgorithmName == asked.algorithm
        assert identified.AlgorithmFamilyCodeSequence[0].CodeMeaning == family
        assert node.SegmentAlgorithmType == "MANUAL"

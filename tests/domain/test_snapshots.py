"""A frozen dataset: same content, same hash; a patient keeps its split; any change is found and named."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import builders
import pytest

from annotation import snapshots
from annotation.errors import Conflict, InvalidInput
from annotation.models import (
    Case,
    Event,
    Instance,
    Reference,
    Series,
    Snapshot,
    SnapshotItem,
    Split,
)

pytestmark = pytest.mark.django_db


def labelled(project: Any, amount: int, **fields: Any) -> list[Case]:
    made = builders.cases(project, amount, **fields)
    for case in made:
        builders.reference(case)
    return made


def freeze(project: Any, **query: Any) -> Snapshot:
    return snapshots.freeze(project, user=None, title="", query=query)


def test_freezing_takes_current_references_of_ready_cases() -> None:
    project = builders.project()
    taken = labelled(project, 3)
    builders.case(project)
    labelled(project, 1, state=Case.State.ISSUE)
    labelled(project, 1, state=Case.State.WITHDRAWN)
    labelled(builders.project(), 1)
    builders.reference(taken[0], taken[0].reads.get(), version=2, current=False)
    frozen = freeze(project)
    assert {item.case_id for item in frozen.items.all()} == {case.pk for case in taken}
    assert Event.objects.get(verb="snapshot.freeze").data["cases"] == 3


def test_the_content_hash_is_that_of_the_file_of_references() -> None:
    project = builders.project()
    labelled(project, 5)
    frozen = freeze(project)
    lines = list(snapshots.lines(frozen))
    assert hashlib.sha256(b"".join(lines)).hexdigest() == frozen.content_sha256
    header, *cases = [json.loads(line) for line in lines]
    assert header["label_schema"] == builders.label_document()
    uids = [case["case"] for case in cases]
    assert uids == sorted(uids)
    assert cases[0]["reference"]["answers"] == {"finding": "yes"}


def test_the_same_content_has_the_same_hash_and_more_content_another() -> None:
    project = builders.project()
    labelled(project, 4)
    first, second = freeze(project), freeze(project)
    assert (first.version, second.version) == (1, 2)
    assert first.content_sha256 == second.content_sha256
    labelled(project, 1)
    assert freeze(project).content_sha256 != first.content_sha256


def test_the_query_asks_for_reads_and_certainty() -> None:
    project = builders.project()
    [single] = labelled(project, 1)
    several, unsure = builders.cases(project, 2)
    builders.reference(several, builders.read(several), builders.read(several), certainty=0.9)
    builders.reference(unsure, builders.read(unsure), builders.read(unsure), certainty=0.5)
    chosen = {item.case for item in freeze(project, min_reads=2, min_certainty=0.6).items.all()}
    assert chosen == {several}
    assert single not in chosen


@pytest.mark.parametrize("query", [{"min_reads": 0}, {"min_certainty": 2}, {"reads": 1}, [], None])
def test_a_query_that_means_nothing_is_refused(query: Any) -> None:
    with pytest.raises(InvalidInput):
        snapshots.freeze(builders.project(), user=None, title="", query=query)


def test_nothing_to_freeze_leaves_nothing() -> None:
    project = builders.project()
    builders.case(project)
    with pytest.raises(Conflict):
        freeze(project)
    assert not Snapshot.objects.exists()


def test_no_patient_spans_two_splits_and_splits_last_over_versions() -> None:
    project = builders.project()
    for stream in ("pool", "control", "calibration", "holdout"):
        for _ in range(12):
            patient = builders.patient(project, stream)
            for _ in range(2):
                builders.reference(builders.case(project, stream=stream, patient=patient))
    first = dict(freeze(project).items.values_list("case", "split"))
    labelled(project, 6)
    second = dict(freeze(project).items.values_list("case", "split"))
    assert first.items() <= second.items()
    splits: dict[int, set[str]] = {}
    for item in SnapshotItem.objects.select_related("case"):
        splits.setdefault(item.case.patient_id, set()).add(item.split)
    assert all(len(of_patient) == 1 for of_patient in splits.values())


@pytest.mark.parametrize(
    ("stream", "possible"),
    [
        ("holdout", {Split.TEST}),
        ("calibration", {Split.VALIDATION}),
        ("pool", {Split.TRAIN, Split.VALIDATION}),
        ("control", {Split.TRAIN, Split.VALIDATION}),
    ],
)
def test_a_stream_decides_what_a_case_may_be_used_for(stream: str, possible: set[str]) -> None:
    project = builders.project()
    drawn = {snapshots.split_of(project, stream, f"patient-{number}") for number in range(200)}
    assert drawn == possible


def test_about_85_of_100_patients_are_trained_on() -> None:
    project = builders.project()
    drawn = [snapshots.split_of(project, "pool", f"patient-{number}") for number in range(2000)]
    assert 0.82 < drawn.count(Split.TRAIN) / len(drawn) < 0.88


def test_a_sound_snapshot_verifies_whatever_is_read_later() -> None:
    project = builders.project()
    cases = labelled(project, 3)
    frozen = freeze(project)
    Reference.objects.filter(case=cases[0]).update(current=False)
    builders.reference(cases[0], builders.read(cases[0]), version=2, answers={"finding": "no"})
    assert snapshots.verify(frozen) == snapshots.Verdict(ok=True, items=3)


def _change_answer(item: SnapshotItem) -> None:
    Reference.objects.filter(pk=item.reference_id).update(answers={"finding": "no"})


def _change_split(item: SnapshotItem) -> None:
    SnapshotItem.objects.filter(pk=item.pk).update(split="test")


def _change_read(item: SnapshotItem) -> None:
    item.reference.reads.clear()


def _change_pixels(item: SnapshotItem) -> None:
    Instance.objects.filter(series__cases=item.case_id).update(sha256="0" * 64)


def _lose_image(item: SnapshotItem) -> None:
    item.case.series.clear()


@pytest.mark.parametrize(
    "tamper", [_change_answer, _change_split, _change_read, _change_pixels, _lose_image]
)
def test_verifying_names_the_first_case_that_differs(tamper: Any) -> None:
    project = builders.project()
    labelled(project, 5)
    frozen = freeze(project)
    item = frozen.items.order_by("case__uid")[2]
    tamper(item)
    tamper(frozen.items.order_by("case__uid")[4])
    verdict = snapshots.verify(frozen)
    assert not verdict.ok
    assert item.case.uid in verdict.reason
    assert verdict.items == 2


def test_a_removed_case_is_found() -> None:
    project = builders.project()
    labelled(project, 3)
    frozen = freeze(project)
    frozen.items.order_by("case__uid")[1].delete()
    verdict = snapshots.verify(frozen)
    assert not verdict.ok
    assert "their list" in verdict.reason


def test_marks_name_their_series_by_uid() -> None:
    project = builders.project()
    case = builders.case(project)
    series = case.series.get()
    assert isinstance(series, Series)
    builders.reference(case, marks=[builders.labelmap(series, "ab" * 32)])
    _, line = snapshots.lines(freeze(project))
    assert json.loads(line)["reference"]["marks"][0]["series"] == series.series_uid

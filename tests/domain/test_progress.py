"""The overview's numbers, and the one thing that a project needs next."""

from __future__ import annotations

from typing import Any

import builders
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import progress
from annotation.models import Case, Import, ImportItem, Project, Slot

pytestmark = pytest.mark.django_db


def step(project: Project) -> progress.NextStep:
    return progress.overview(project).next_step


def quarantined(project: Project) -> None:
    batch = Import.objects.create(project=project)
    ImportItem.objects.create(batch=batch, name="x", size=1, state="quarantined")


def test_streams_reads_and_time_are_counted() -> None:
    project = builders.project()
    reader = builders.reader(project)
    for case in builders.cases(project, 3):
        builders.reference(case, builders.read(case, reader, active_seconds=60))
    builders.cases(project, 2, stream="holdout")
    builders.case(project, state=Case.State.ISSUE, slots=False)
    builders.case(project, state=Case.State.ARRIVING, slots=False)
    builders.case(project, state=Case.State.WITHDRAWN, slots=False)
    builders.case(builders.project())
    quarantined(project)
    seen = progress.overview(project)
    assert seen.streams["pool"] == progress.StreamProgress(cases=4, read=3, open=0)
    assert seen.streams["holdout"] == progress.StreamProgress(cases=2, read=0, open=2)
    assert (seen.reads, seen.readers, seen.reader_minutes) == (3, 1, 3.0)
    assert seen.patients == 8
    assert [day.reads for day in seen.reads_by_day] == [3]
    assert (seen.arriving, seen.issues, seen.quarantined) == (1, 1, 1)


def test_a_card_counts_each_project_apart() -> None:
    first, second = builders.project(), builders.project()
    reader = builders.reader(first)
    builders.read(builders.case(first), reader)
    builders.cases(first, 2)
    builders.case(second)
    numbers = progress.counts([first, second], reader)
    assert numbers[first.pk] == progress.Counts(cases=3, ready=3, reads=1, open=2, mine_done=1)
    assert numbers[second.pk] == progress.Counts(cases=1, ready=1, open=1)


def test_the_number_of_queries_does_not_grow() -> None:
    project = builders.project()
    for case in builders.cases(project, 5):
        builders.reference(case)
    with CaptureQueriesContext(connection) as overview:
        progress.overview(project)
    with CaptureQueriesContext(connection) as cards:
        progress.counts([project, builders.project(), builders.project()], builders.user())
    assert len(overview) <= 8
    assert len(cards) <= 5 + 5


def _empty(project: Project) -> None:
    pass


def _arriving(project: Project) -> None:
    builders.case(project, state=Case.State.ARRIVING, slots=False)


def _evaluation_open(project: Project) -> None:
    builders.cases(project, 2, stream="holdout")
    builders.case(project)


def _pool_open(project: Project) -> None:
    builders.reference(builders.case(project, stream="holdout"))
    builders.cases(project, 2)


def _issue(project: Project) -> None:
    builders.reference(builders.case(project))
    builders.case(project, state=Case.State.ISSUE, slots=False)


def _claimed(project: Project) -> None:
    case = builders.case(project)
    Slot.objects.filter(case=case).update(state="claimed", reader=builders.reader(project))


def _all_read(project: Project) -> None:
    builders.reference(builders.case(project))


@pytest.mark.parametrize(
    ("arrange", "code", "said"),
    [
        (_empty, "import_images", "Import images"),
        (_arriving, "images_arriving", "1 case"),
        (_evaluation_open, "read_evaluation", "2 readings"),
        (_pool_open, "read_on", "1 of 3 cases"),
        (_issue, "resolve_issues", "1 case"),
        (_claimed, "readers_at_work", "with their readers"),
        (_all_read, "all_read", "Freeze a dataset"),
    ],
)
def test_what_to_do_next(arrange: Any, code: str, said: str) -> None:
    project = builders.project()
    arrange(project)
    assert step(project).code == code
    assert said in step(project).text


def test_without_evaluation_first_the_pool_is_not_kept_waiting() -> None:
    project = builders.project(evaluation_first=False)
    _evaluation_open(project)
    assert step(project).code == "read_on"


def test_the_numbers_of_a_large_project_are_kept_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project, reader = builders.project(), builders.user()
    builders.case(project)
    assert progress.counts([project], reader)[project.pk].cases == 1
    builders.case(project)
    monkeypatch.setattr(progress, "MANY_CASES", 1)
    assert progress.counts([project], reader)[project.pk].cases == 2
    assert progress.overview(project).streams["pool"].cases == 2
    builders.read(builders.case(project), by=reader)
    kept = progress.counts([project], reader)[project.pk]
    assert (kept.cases, kept.mine_done) == (2, 1), "my own reads are always counted"
    assert progress.overview(project).streams["pool"].cases == 2

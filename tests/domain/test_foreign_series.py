"""Who knows a UID gets no further by it: neither into another project's case nor to its images."""

from __future__ import annotations

from pathlib import Path

import builders
import images
import pytest
from pydicom.uid import generate_uid

from annotation import imports, intake, orthanc
from annotation.models import Case, Project, Role, Series

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def in_an_empty_store(empty_store: None) -> None:
    """Each test has its own folders, and a store that holds nothing."""


@pytest.fixture
def theirs(tmp_path: Path) -> Project:
    """A project whose steward imported a series of three."""
    project = builders.project()
    images.write(tmp_path / "theirs", *images.series(3, **SAME))
    steward = builders.user(Role.STEWARD, project=project)
    imports.import_paths(project, [tmp_path / "theirs"], steward)
    return project


SAME = {
    "SeriesInstanceUID": generate_uid(),
    "StudyInstanceUID": generate_uid(),
    "PatientID": "P-1",
}


def test_a_fabricated_slice_is_refused_and_the_other_projects_case_stays_as_it_is(
    tmp_path: Path, theirs: Project
) -> None:
    mine = builders.project()
    images.write(tmp_path / "mine", images.slice_(**SAME))
    steward = builders.user(Role.STEWARD, project=mine)
    batch = imports.import_paths(mine, [tmp_path / "mine"], steward)
    assert batch.items.get().reason_code == "series_elsewhere"
    assert orthanc.statistics().instances == 3
    assert Case.objects.get().frame_count == 3


def test_who_may_import_into_both_may_add_to_the_series(tmp_path: Path, theirs: Project) -> None:
    mine = builders.project()
    steward = builders.user(Role.STEWARD, project=mine)
    theirs.memberships.create(user=steward, role=Role.STEWARD)
    images.write(tmp_path / "mine", images.slice_(**SAME))
    batch = imports.import_paths(mine, [tmp_path / "mine"], steward)
    assert imports.counts(batch) == {"stored": 1}
    assert Case.objects.get(project=theirs).frame_count == 4


def test_one_image_of_a_series_does_not_open_the_others(tmp_path: Path, theirs: Project) -> None:
    mine = builders.project()
    one, *_ = sorted((tmp_path / "theirs").iterdir())
    steward = builders.user(Role.STEWARD, project=mine)
    batch = imports.import_paths(mine, [one], steward)
    assert imports.counts(batch) == {"duplicate": 1}
    assert not Case.objects.filter(project=mine).exists()
    imports.import_paths(mine, [tmp_path / "theirs"], steward)
    assert Case.objects.get(project=mine).frame_count == 3


def test_a_series_of_its_own_may_not_slip_into_another_projects_study(tmp_path: Path) -> None:
    study = {"StudyInstanceUID": generate_uid(), "PatientID": "P-1"}
    theirs = builders.project(case_unit="study", intake_rule={"Modality": "CT"})
    orthanc.store(images.write(tmp_path / "a", images.slice_(**study))[0])
    intake.follow()
    intake.settle(Series.objects.get().pk)
    mine = builders.project()
    images.write(tmp_path / "b", images.slice_(**study))
    batch = imports.import_paths(mine, [tmp_path / "b"], None)
    assert batch.items.get().reason_code == "series_elsewhere"
    assert Case.objects.get(project=theirs).series.count() == 1

"""Hanging protocols stored and tried, and what may be looked at beside a case."""

from __future__ import annotations

from datetime import date
from typing import Any

import builders
import pytest

from annotation import hanging, ledger, surroundings
from annotation.errors import Conflict, NotFound
from annotation.models import Case, Comparison, Event, Project, Role

pytestmark = pytest.mark.django_db

CT = {
    "code": "ct",
    "name": "CT",
    "when": {"modality": ["CT"]},
    "layout": {"rows": 1, "columns": 1},
    "panes": [{}],
}
MR = {**CT, "code": "mr", "when": {"modality": ["MR"]}}


def lead(project: Project) -> Any:
    return builders.user(Role.LEAD, project=project)


def study(project: Project, patient: Any, made: date | None, *, number: int = 1) -> Case:
    """A case of one study with so many series."""
    uid = builders.uid()
    series = [builders.series(study_uid=uid, study_date=made) for _ in range(number)]
    return builders.case(project, patient=patient, series=series, uid=uid)


def project(comparison: Comparison = Comparison.DAYS, **fields: Any) -> Project:
    return builders.project(comparison=comparison, **{"case_unit": "study", **fields})


def test_each_version_is_kept_and_is_an_event() -> None:
    made = project()
    assert hanging.current(made).version == 0
    first = hanging.publish(made, {"protocols": [CT]}, base=0, user=lead(made))
    second = hanging.publish(made, {"protocols": [MR, CT]}, base=1, user=lead(made))
    assert (first.version, second.version) == (1, 2)
    assert made.hanging_protocols.get(version=1).document == {"protocols": [CT]}
    events = Event.objects.filter(verb="hanging_protocols.add").order_by("seq")
    assert [event.data["version"] for event in events] == [1, 2]
    assert ledger.verify(ledger.chain_of(made)).ok


def test_the_same_document_again_is_no_new_version() -> None:
    made = project()
    hanging.publish(made, {"protocols": [CT]}, base=0, user=lead(made))
    again = hanging.publish(made, {"protocols": [CT]}, base=1, user=lead(made))
    assert again.version == 1


def test_two_who_change_it_at_once_do_not_overwrite_each_other() -> None:
    made = project()
    hanging.publish(made, {"protocols": [CT]}, base=0, user=lead(made))
    with pytest.raises(Conflict, match="version 1 meanwhile"):
        hanging.publish(made, {"protocols": [MR]}, base=0, user=lead(made))
    assert hanging.current(made).document == {"protocols": [CT]}


def test_trying_counts_what_each_protocol_would_open_and_stores_nothing() -> None:
    made = project()
    cases = builders.cases(made, 3)
    mr = builders.case(made, series=[builders.series(modality="MR")])
    us = builders.case(made, series=[builders.series(modality="US")])
    builders.case(made, state=Case.State.WITHDRAWN)
    any_case = {**CT, "code": "again"}
    tried = hanging.try_out(made, {"protocols": [CT, any_case, MR]})
    assert [(one.code, one.fits, one.first) for one in tried.protocols] == [
        ("ct", 3, 3),
        ("again", 3, 0),
        ("mr", 1, 1),
    ]
    assert {case.pk for case in tried.protocols[0].examples} == {case.pk for case in cases}
    assert tried.protocols[2].examples == [mr]
    assert us.pk not in {case.pk for one in tried.protocols for case in one.examples}
    assert (tried.left, tried.checked, tried.of) == (1, 5, 5)
    assert hanging.current(made).version == 0


def test_earlier_studies_of_the_same_patient_are_seen_latest_first() -> None:
    made = project()
    patient = builders.patient(made)
    old = study(made, patient, date(2020, 1, 1))
    before = study(made, patient, date(2024, 3, 1), number=2)
    now = study(made, patient, date(2024, 3, 31))
    study(made, patient, date(2024, 4, 1))
    study(made, patient, None)
    study(made, builders.patient(made), date(2019, 1, 1))
    found = surroundings.of(now).beside
    assert [(one.origin, one.study, one.days) for one in found] == [
        ("prior", 1, 30),
        ("prior", 1, 30),
        ("prior", 2, 1551),
    ]
    assert {one.series.pk for one in found[:2]} == set(before.series.values_list("pk", flat=True))
    assert found[2].series.pk == old.series.get().pk
    assert surroundings.find(now, old.series.get().pk)[0] == old.series.get()


def test_of_the_same_study_the_series_that_are_other_cases_are_seen() -> None:
    made = project(case_unit="series")
    patient, uid = builders.patient(made), builders.uid()
    here, there = (
        builders.case(made, patient=patient, series=[builders.series(study_uid=uid)])
        for _ in range(2)
    )
    [found] = surroundings.of(here).beside
    assert (found.series.pk, found.origin, found.study) == (there.series.get().pk, "study", 0)


def test_the_project_says_whether_and_when() -> None:
    for comparison, expected in (
        (Comparison.NONE, []),
        (Comparison.IMAGES, [None]),
        (Comparison.DAYS, [366]),
    ):
        made = project(comparison)
        patient = builders.patient(made)
        study(made, patient, date(2024, 1, 1))
        now = study(made, patient, date(2025, 1, 1))
        assert [one.days for one in surroundings.of(now).beside] == expected


@pytest.mark.parametrize("state", [Case.State.ISSUE, Case.State.WITHDRAWN, Case.State.ARRIVING])
def test_what_is_not_ready_to_be_read_is_not_looked_at_either(state: Case.State) -> None:
    made = project()
    patient = builders.patient(made)
    hidden = study(made, patient, date(2024, 1, 1))
    now = study(made, patient, date(2025, 1, 1))
    Case.objects.filter(pk=hidden.pk).update(state=state)
    assert surroundings.of(now).beside == []
    with pytest.raises(NotFound):
        surroundings.find(now, hidden.series.get().pk)


def test_neighbours_of_a_case_that_is_one_image_stay_out_of_sight() -> None:
    made = project(case_unit="instance")
    patient = builders.patient(made)
    study(made, patient, date(2024, 1, 1))
    assert surroundings.of(study(made, patient, date(2025, 1, 1))).beside == []


def test_many_cases_are_asked_about_in_a_few_queries(django_assert_max_num_queries: Any) -> None:
    made = project()
    for _ in range(5):
        patient = builders.patient(made)
        study(made, patient, date(2024, 1, 1))
        study(made, patient, date(2025, 1, 1))
    with django_assert_max_num_queries(6):
        hanging.try_out(made, {"protocols": [{**CT, "when": {"prior": True}}]})

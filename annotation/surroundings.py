"""What a reader may look at beside a case: other series of its study, earlier studies of the patient.

Only images of the same project that are ready to be read, and only where the project allows it. When
a study was made stays here; what leaves is how many days before, if that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F

from .case_images import instance_of
from .errors import NotFound
from .hanging_rules import Facts, Origin, Shown
from .models import Case, CaseUnit, Comparison, Series

MOST = 60
_FIELDS = (
    "id", "modality", "body_part", "description", "frame_count", "study_uid", "study_date",
    "series_uid", "version",
)  # fmt: skip


@dataclass(frozen=True)
class Beside:
    """``study``: 0 for the case's own, 1 for the latest earlier one, and so on. ``days``: before it."""

    series: Series
    origin: Origin
    study: int
    days: int | None


@dataclass(frozen=True)
class Around:
    """``own``: the series of the case. ``beside``: the rest of the study, then earlier ones, latest first."""

    own: list[Series]
    beside: list[Beside]


def of(case: Case) -> Around:
    return of_all([case])[case.pk]


def of_all(cases: Sequence[Case]) -> dict[int, Around]:
    """By case; in two queries for all of them. The cases are of one project."""
    own = _own_series(cases)
    beside = _beside_all(cases, own)
    return {case.pk: Around(own.get(case.pk, []), beside.get(case.pk, [])) for case in cases}


def _beside_all(cases: Sequence[Case], own: Mapping[int, list[Series]]) -> dict[int, list[Beside]]:
    if not cases or not _may(cases[0]):
        return {}
    by_patient: dict[int, dict[int, Any]] = {}
    rows = _rows([case.patient_id for case in cases], cases[0].project_id)
    for patient, series in rows:
        by_patient.setdefault(patient, {})[series.pk] = series
    return {
        case.pk: _beside(
            case, own.get(case.pk, []), list(by_patient.get(case.patient_id, {}).values())
        )
        for case in cases
    }


def find(case: Case, series_id: int) -> tuple[Series, str]:
    """A series of the case or beside it, and the one instance of it that counts ('': all do)."""
    series = case.series.filter(pk=series_id, deleted_at=None).first()
    if series is not None:
        return series, instance_of(case)
    if not any(one.series.pk == series_id for one in of(case).beside):
        raise NotFound("There is no such series beside this case.")
    return Series.objects.get(pk=series_id), ""


def facts(case: Case, around: Around) -> Facts:
    """What hanging protocols may ask of the case."""
    return Facts(
        modality=case.modality,
        body_part=case.body_part,
        series=[
            *(_shown(series, "case") for series in around.own),
            *(_shown(one.series, one.origin) for one in around.beside),
        ],
    )


def facts_of_all(cases: Sequence[Case]) -> dict[int, Facts]:
    around = of_all(cases)
    return {case.pk: facts(case, around[case.pk]) for case in cases}


def _may(case: Case) -> bool:
    """Where the case is one image, its neighbours are cases of their own and stay out of sight."""
    project = case.project
    return project.comparison != Comparison.NONE and project.case_unit != CaseUnit.INSTANCE


def _rows(patients: Iterable[int], project_id: int) -> list[tuple[int, Series]]:
    """Each series of a case of these patients that is ready to be read, with its patient."""
    found = (
        Series.objects.filter(
            cases__patient__in=set(patients),
            cases__project=project_id,
            cases__state=Case.State.READY,
            deleted_at=None,
            display__isnull=False,
        )
        .only(*_FIELDS)
        .annotate(patient=F("cases__patient"))
        .order_by("series_uid")
    )
    return [(row.patient, row) for row in found]


def _own_series(cases: Sequence[Case]) -> dict[int, list[Series]]:
    found: dict[int, list[Series]] = {}
    rows = (
        Series.objects.filter(cases__in=[case.pk for case in cases], deleted_at=None)
        .only(*_FIELDS)
        .annotate(case=F("cases__pk"))
        .order_by("series_uid")
    )
    for row in rows:
        found.setdefault(row.case, []).append(row)
    return found


def _beside(case: Case, own: Sequence[Series], others: Sequence[Any]) -> list[Beside]:
    mine = {series.pk for series in own}
    studies = {series.study_uid for series in own}
    made = max((series.study_date for series in own if series.study_date), default=None)
    siblings = [one for one in others if one.study_uid in studies and one.pk not in mine]
    earlier = [
        one
        for one in others
        if one.study_uid not in studies and made and one.study_date and one.study_date < made
    ]
    latest: dict[str, date] = {}
    for one in earlier:
        latest[one.study_uid] = max(latest.get(one.study_uid, one.study_date), one.study_date)
    order = sorted(latest, key=lambda uid: (latest[uid], uid), reverse=True)
    dated = case.project.comparison == Comparison.DAYS
    found = [Beside(one, "study", 0, None) for one in siblings]
    for place, uid in enumerate(order, start=1):
        days = (made - latest[uid]).days if dated and made else None
        found += [Beside(one, "prior", place, days) for one in earlier if one.study_uid == uid]
    return found[:MOST]


def _shown(series: Series, origin: Origin) -> Shown:
    return Shown(series.pk, series.modality, series.description, series.body_part, origin)

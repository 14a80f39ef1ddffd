"""What a certificate may rest on: the calibration stream, scored. The only writer of CalibrationScore.

A fifth of its patients, by a keyed draw, serves to scale the networks; thresholds are tested on the
others alone. The stored probabilities carry a temperature that was fitted on the whole stream: it is
taken off again, to within the six digits that are stored, before anything else is done.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.fields.json import KeyTextTransform
from numpy.typing import NDArray

from annotation.models import Case, Project, Series
from learning import registry
from learning.engine import spec
from learning.engine.outputs import Predictions
from learning.engine.spec import LeftOut
from learning.models import CalibrationScore, GroupBy, Score, ScoringFailure, TrainedModel
from learning.pool import scoring
from learning.triage import Evidence, Scaling, fit_scaling, one_per_patient

FIT_SHARE = 0.2
SMALLEST = 1e-6
ROWS_AT_ONCE = 5000
UNKNOWN = "unknown"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """Cases in one order for all arrays; ``log_odds`` [N, K] for the positive answer, unscaled."""

    cases: list[int]
    patients: list[int]
    groups: list[str]
    log_odds: Floats

    def scaled(self, scalings: Sequence[Scaling]) -> Floats:
        """Probabilities [N, K]."""
        columns = [scaling(self.log_odds[:, place]) for place, scaling in enumerate(scalings)]
        return np.stack(columns, axis=1) if columns else np.zeros((len(self.cases), 0))


@dataclass(frozen=True)
class Calibration:
    """The calibration stream as an ensemble sees it; ``fit`` marks the part that scales."""

    rows: Rows
    positive: NDArray[np.bool_]
    fit: NDArray[np.bool_]

    def scalings(self) -> list[Scaling]:
        return [
            fit_scaling(self.rows.log_odds[self.fit, place], self.positive[self.fit])
            for place in range(self.rows.log_odds.shape[1])
        ]

    def evidence(self, scalings: Sequence[Scaling], *, seed: int) -> Evidence:
        """The part to test on, one case of each patient."""
        places = np.flatnonzero(~self.fit)
        patients = [self.rows.patients[place] for place in places]
        kept = one_per_patient(patients, [self.rows.cases[place] for place in places], seed=seed)
        places = places[kept]
        return Evidence(
            self.rows.scaled(scalings)[places],
            self.positive[places],
            tuple(self.rows.groups[place] for place in places),
        )


def misfit(model: TrainedModel) -> str:
    """Why triage cannot work with this ensemble, in a sentence; '' if it can."""
    recipe = recipe_of(model)
    if recipe.task != "classification" or len(recipe.classes) != 2:
        return "Triage is for questions with two answers, so every case goes to a reader."
    if len(recipe.networks) < 2:
        return "Triage needs two networks that can differ, so every case goes to a reader."
    return ""


def recipe_of(model: TrainedModel) -> spec.Recipe:
    return spec.parse(model.config["recipe"])


def latest(project: Project) -> TrainedModel | None:
    """The newest ensemble that has evidence."""
    scored = CalibrationScore.objects.filter(model=OuterRef("pk"))
    return project.trained_models.filter(Exists(scored)).order_by("-pk").first()


def without_score(cases: QuerySet[Case], model: TrainedModel) -> QuerySet[Case]:
    done = CalibrationScore.objects.filter(case=OuterRef("pk"), model=model)
    failed = ScoringFailure.objects.filter(case=OuterRef("pk"), model=model)
    return cases.filter(~Exists(done), ~Exists(failed))


def store(model: TrainedModel, said: Predictions, left_out: Sequence[LeftOut]) -> None:
    CalibrationScore.objects.bulk_create(
        (
            CalibrationScore(
                model=model,
                case_id=case,
                probabilities={
                    name: scoring.rounded(output.probabilities[row])
                    for name, output in said.networks.items()
                },
            )
            for row, case in enumerate(said.ids)
        ),
        ignore_conflicts=True,
    )
    scoring.store_embeddings(model, said, left_out)


def calibration(model: TrainedModel, group_by: str) -> Calibration:
    """All scored cases of the calibration stream whose current reference answers the question."""
    recipe, project = recipe_of(model), model.project
    answered = (
        CalibrationScore.objects.filter(model=model, case__references__current=True)
        .annotate(answer=KeyTextTransform(recipe.question, "case__references__answers"))
        .filter(answer__in=recipe.classes, case__state=Case.State.READY)
        .annotate(pseudonym=F("case__patient__pseudonym"))
        .order_by("case")
    )
    found = list(
        answered.values_list("case_id", "case__patient_id", "probabilities", "answer", "pseudonym")
    )
    cases = [row[0] for row in found]
    rows = Rows(
        cases,
        [row[1] for row in found],
        groups_of(cases, group_by),
        _log_odds([row[2] for row in found], model),
    )
    return Calibration(
        rows,
        np.array([row[3] == recipe.classes[-1] for row in found], bool),
        np.array([_fits(project, row[4]) for row in found], bool),
    )


def pool(model: TrainedModel, group_by: str) -> Rows:
    """The scored cases of the pool that still wait for a reader, by number."""
    waiting = Score.objects.filter(model=model, case__in=scoring.pool(model.project))
    rows = waiting.order_by("case").values_list("case_id", "case__patient_id", "probabilities")
    found = rows.iterator(ROWS_AT_ONCE)
    cases, patients, parts = [], [], [np.zeros((0, len(networks_of(model))))]
    while chunk := list(islice(found, ROWS_AT_ONCE)):
        cases += [row[0] for row in chunk]
        patients += [row[1] for row in chunk]
        parts.append(_log_odds([row[2] for row in chunk], model))
    return Rows(cases, patients, groups_of(cases, group_by), np.concatenate(parts))


def networks_of(model: TrainedModel) -> list[str]:
    return [member.network for member in registry.members(model)]


def groups_of(cases: Sequence[int], group_by: str) -> list[str]:
    """The site or the scanner of each case; '' where all are one group."""
    if group_by == GroupBy.NONE:
        return [""] * len(cases)
    known = _sites(cases) if group_by == GroupBy.SITE else _scanners(cases)
    return [known.get(case) or UNKNOWN for case in cases]


def _sites(cases: Sequence[int]) -> dict[int, str]:
    rows = Case.objects.filter(pk__in=cases, site__isnull=False)
    return dict(rows.values_list("pk", "site__name"))


def _scanners(cases: Sequence[int]) -> dict[int, str]:
    rows = Series.objects.filter(cases__in=cases, deleted_at=None).order_by("-pk")
    return {
        case: _scanner(attributes) for case, attributes in rows.values_list("cases", "attributes")
    }


def _scanner(attributes: Mapping[str, Any]) -> str:
    named = [attributes.get(name) for name in ("Manufacturer", "ManufacturerModelName")]
    return " ".join(str(one) for one in named if one)[:200]


def _log_odds(said: Sequence[Mapping[str, Sequence[float]]], model: TrainedModel) -> Floats:
    """[N, K] for the last class, before any temperature."""
    columns = [
        (
            member.temperature
            * _logit(np.array([row[member.network][-1] for row in said], np.float64))
        )
        for member in registry.members(model)
    ]
    return np.stack(columns, axis=1) if columns else np.zeros((len(said), 0))


def _logit(probabilities: Floats) -> Floats:
    inside = np.clip(probabilities, SMALLEST, 1 - SMALLEST)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _fits(project: Project, pseudonym: str) -> bool:
    drawn = hmac.digest(bytes(project.secret), f"triage:{pseudonym}".encode(), "sha256")
    return int.from_bytes(drawn[:8], "big") / 2**64 < FIT_SHARE

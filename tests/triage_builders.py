"""A project whose calibration stream was read and scored by two networks, and a pool that waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import builders
import learning_builders as lessons
import numpy as np
from django.utils import timezone

from annotation.models import (
    Answer,
    Case,
    Patient,
    Project,
    Read,
    Reference,
    Series,
    Site,
    Slot,
    User,
)
from annotation.models.projects import LabelSchema
from learning import recipes
from learning.models import (
    CalibrationScore,
    Round,
    Score,
    TrainedModel,
    TriageCertificate,
    TriageDecision,
    TriageLane,
    TriagePolicy,
)
from learning.triaging import policies, watch

NETWORKS = ("densenet", "vit")
POLICY: dict[str, Any] = {
    "is_on": True,
    "lanes": ["auto_negative"],
    "miss_level": 0.05,
    "group_by": "none",
}


@dataclass
class World:
    project: Project
    lead: User
    reader: User
    model: TrainedModel
    site: Site | None = None
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))


def world(
    *,
    positives: int = 150,
    negatives: int = 350,
    confident: int = 36,
    torn: int = 8,
    sites: dict[str, float] | None = None,
    **fields: Any,
) -> World:
    """Positives score above 0.6, negatives below 0.2, so that a lane can open where cases suffice."""
    project = lessons.project(lessons.RECIPE, **fields)
    lead = lessons.lead(project)
    made = World(project, lead, builders.reader(project), _ensemble(project, lead, 1))
    if sites:
        made.site = builders.site(next(iter(sites)))
    _calibration(made, positives, positive=True)
    _calibration(made, negatives, positive=False)
    for _ in range(confident):
        pool_case(made, [float(one) for one in made.rng.uniform(0.001, 0.15, 2)])
    for _ in range(torn):
        pool_case(made, [float(one) for one in made.rng.uniform(0.5, 0.9, 2)])
    return made


def sign(world: World, **changes: Any) -> Any:
    before = policies.current(world.project)
    return policies.sign(
        world.project,
        user=world.lead,
        reason="Agreed by the board",
        wanted={**POLICY, **changes},
        base=0 if before is None else before.version,
    )


def follow(project: Project) -> None:
    for _ in range(50):
        if not watch.is_due(Project.objects.get(pk=project.pk)):
            return
        watch.follow(project.pk)
    raise AssertionError("there is always more to do")


def pool_case(world: World, said: list[float], site: Site | None = None) -> Case:
    made = builders.case(world.project, site=site or world.site)
    Score.objects.create(
        case=made,
        model=world.model,
        probabilities=_said(said) | {"ensemble": [1 - sum(said) / 2, sum(said) / 2]},
        uncertainty=0.1,
        disagreement=abs(said[0] - said[1]),
    )
    return made


def calibration_case(world: World, *, positive: bool, site: Site | None = None) -> Case:
    [made] = _calibration(world, 1, positive=positive, site=site)
    return made


def confident(world: World) -> list[Score]:
    return [one for one in Score.objects.all() if one.probabilities["ensemble"][-1] < 0.3]


def claim_one_of(world: World, cases: set[int]) -> int:
    """A reader has one of the cases in hand."""
    case = min(cases)
    Slot.objects.filter(case=case).update(state=Slot.State.CLAIMED, reader=world.reader, token=1)
    return case


def read(case: Case, value: str) -> Reference:
    return builders.reference(case, builders.read(case, value=value), answers={"finding": value})


def read_case(world: World) -> Reference:
    """A case of the random arm with a reader's word, for a dataset to hold."""
    return builders.reference(builders.case(world.project, stream="control"))


def decided(case: Case, model: TrainedModel, lead: User) -> TriageDecision:
    """An open lane that accepted the case, written as rows."""
    policy = TriagePolicy.objects.create(
        project=case.project,
        version=1,
        reason="x",
        signed_by=lead,
        **{**policies.DEFAULT, "is_on": True},
    )
    certificate = TriageCertificate.objects.create(
        project=case.project,
        model=model,
        policy=policy,
        scalings={},
        fitted_on=0,
        expires_at=timezone.now() + timedelta(days=1),
        filled_at=timezone.now(),
    )
    lane = TriageLane.objects.create(
        certificate=certificate,
        name="auto_negative",
        state="open",
        n=500,
        positives=150,
        level=0.02,
        confidence=0.95,
        threshold=0.1,
        accepted_share=0.3,
        errors=0,
        trials=150,
        bound=0.0198,
        steps=[],
        tolerance=0.02,
        audit_rate=0.1,
    )
    return TriageDecision.objects.create(
        case=case, lane=lane, score=0.01, gap=0.01, label="no", audit=False
    )


def another_model(world: World) -> None:
    """The next round's ensemble says what the first one said."""
    before, world.model = world.model, _ensemble(world.project, world.lead, 2)
    for row in CalibrationScore.objects.filter(model=before):
        CalibrationScore.objects.create(
            model=world.model, case_id=row.case_id, probabilities=row.probabilities
        )
    for score in Score.objects.filter(model=before):
        score.pk, score.model = None, world.model
        score.save()


def _said(values: list[float]) -> dict[str, list[float]]:
    return {name: [1 - value, value] for name, value in zip(NETWORKS, values, strict=True)}


def _ensemble(project: Project, lead: User, number: int) -> TrainedModel:
    recipe = recipes.current(project)
    round_ = Round.objects.create(
        project=project,
        number=number,
        recipe=recipe,
        seed=number,
        state=Round.State.DONE,
        started_by=lead,
        trigger="button",
    )
    common: dict[str, Any] = {
        "project": project,
        "round": round_,
        "arm": "all",
        "weights_sha256": "0" * 64,
        "code_sha256": "0" * 64,
        "config": {"recipe": recipes.parsed(recipe).document()},
    }
    made = TrainedModel.objects.create(network="ensemble", **common)
    made.members.set([TrainedModel.objects.create(network=name, **common) for name in NETWORKS])
    return made


def _calibration(
    world: World, amount: int, *, positive: bool, site: Site | None = None
) -> list[Case]:
    """In bulk: hundreds are needed before anything may be certified."""
    project = world.project
    schema = LabelSchema.objects.filter(project=project).latest("version")
    numbers = [builders.number() for _ in range(amount)]
    patients = Patient.objects.bulk_create(
        Patient(project=project, pseudonym=f"{one:032x}", stream="calibration") for one in numbers
    )
    cases = Case.objects.bulk_create(
        Case(
            project=project,
            patient=patient,
            uid=builders.uid(),
            stream="calibration",
            state=Case.State.READY,
            modality="CT",
            site=site or world.site,
        )
        for patient in patients
    )
    shown = Series.objects.bulk_create(
        Series(series_uid=one.uid, study_uid=builders.uid(), orthanc_id=one.uid, modality="CT")
        for one in cases
    )
    Case.series.through.objects.bulk_create(
        Case.series.through(case=case, series=series)
        for case, series in zip(cases, shown, strict=True)
    )
    value = "yes" if positive else "no"
    reads = Read.objects.bulk_create(
        Read(
            case=case,
            reader=world.reader,
            purpose="primary",
            label_schema=schema,
            idempotency_key=builders.key(),
            content_sha256="0" * 64,
            active_seconds=1,
            instances_sha256="0" * 64,
        )
        for case in cases
    )
    Answer.objects.bulk_create(Answer(read=one, question="finding", value=value) for one in reads)
    Reference.objects.bulk_create(
        Reference(case=one, version=1, method="single", answers={"finding": value}, certainty=1)
        for one in cases
    )
    low, high = (0.6, 0.99) if positive else (0.001, 0.2)
    CalibrationScore.objects.bulk_create(
        CalibrationScore(
            model=world.model,
            case=one,
            probabilities=_said([float(p) for p in world.rng.uniform(low, high, 2)]),
        )
        for one in cases
    )
    return cases

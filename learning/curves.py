"""What labels were worth: a point for each arm and round. The only writer of CurvePoint."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet, Sum

from annotation.models import Project, Read, SnapshotItem, Stream

from . import registry
from .engine.metrics import Interval, higher_is_better
from .models import Arm, CurvePoint, Evaluation, Round

COMPARED = (Arm.ACTIVE, Arm.CONTROL)


@dataclass(frozen=True)
class Curve:
    metric: str
    holdout_patients: int
    points: list[CurvePoint]
    higher_is_better: bool = True


def add_point(
    round_: Round, arm: str, metric: str, value: Interval, *, learnt_from: QuerySet[SnapshotItem]
) -> CurvePoint:
    """The arm's ensemble on the hold-out, against its labels and the readers' time they took."""
    read = Read.objects.filter(references__in=learnt_from.values("reference")).values("pk")
    spent = Read.objects.filter(pk__in=read).aggregate(seconds=Sum("active_seconds"))["seconds"]
    return CurvePoint.objects.create(
        round=round_,
        arm=arm,
        labels=learnt_from.count(),
        reader_seconds=spent or 0,
        metric=metric,
        value=value.value,
        low=value.low,
        high=value.high,
        patients=value.patients,
    )


def of(project: Project) -> Curve:
    """The points of the metric that was measured last, in the order in which the rounds ran."""
    rows = CurvePoint.objects.filter(round__project=project).select_related("round")
    latest = rows.order_by("round__number").last()
    if latest is None:
        return Curve("", 0, [])
    same = rows.filter(metric=latest.metric).order_by("round__number", "arm")
    better = higher_is_better(latest.metric)
    return Curve(latest.metric, latest.patients, list(same), better)


def unmeasured(round_: Round) -> QuerySet[Evaluation]:
    """What says why points of the round have no value: the rows of its ensembles on the hold-out."""
    points = CurvePoint.objects.filter(
        round=round_, value=None, arm=OuterRef("model__arm"), metric=OuterRef("metric")
    )
    of_ensembles = Evaluation.objects.filter(
        model__round=round_, model__network=registry.ENSEMBLE, stream=Stream.HOLDOUT, subgroup=""
    )
    return of_ensembles.filter(Exists(points)).select_related("model").order_by("model__arm")

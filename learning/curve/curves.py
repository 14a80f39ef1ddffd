"""What labels were worth: a point for each arm and round. The only writer of CurvePoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, QuerySet, Sum

from annotation.models import Project, Read, SnapshotItem, Stream
from learning import registry
from learning.engine.metrics import Measured, higher_is_better
from learning.models import Arm, CurvePoint, Evaluation, Round

COMPARED = (Arm.ACTIVE, Arm.CONTROL)


@dataclass(frozen=True)
class Curve:
    metric: str
    holdout_patients: int
    points: list[CurvePoint]
    higher_is_better: bool = True
    by_class: dict[str, list[CurvePoint]] = field(default_factory=dict)
    """Class -> its points: of the metric, or of the share of the class that is found."""


def of_each_class(metric: str, measured: Sequence[Measured]) -> list[Measured]:
    """The metric as a whole, and what stands for it in each class: itself, or the share found."""
    rows = [row for row in measured if not row.grouping]
    whole = [row for row in rows if row.metric == metric and not row.subgroup]
    for name in (metric, "sensitivity"):
        if by_class := [row for row in rows if row.metric == name and row.subgroup]:
            return [*whole, *by_class]
    return whole


def add_points(
    round_: Round,
    arm: str,
    measured: Sequence[Measured],
    *,
    learnt_from: QuerySet[SnapshotItem],
) -> None:
    """The arm's ensemble on the hold-out, against its labels and the readers' time they took."""
    read = Read.objects.filter(references__in=learnt_from.values("reference")).values("pk")
    spent = Read.objects.filter(pk__in=read).aggregate(seconds=Sum("active_seconds"))["seconds"]
    labels = learnt_from.count()
    CurvePoint.objects.bulk_create(
        CurvePoint(
            round=round_,
            arm=arm,
            labels=labels,
            reader_seconds=spent or 0,
            metric=row.metric,
            subgroup=row.subgroup,
            value=row.interval.value,
            low=row.interval.low,
            high=row.interval.high,
            patients=row.interval.patients,
        )
        for row in measured
    )


def of(project: Project) -> Curve:
    """The points of the metric that was measured last, in the order in which the rounds ran."""
    rows = CurvePoint.objects.filter(round__project=project).select_related("round")
    latest = rows.filter(subgroup="").order_by("round__number").last()
    if latest is None:
        return Curve("", 0, [])
    ordered = rows.order_by("round__number", "arm")
    same = ordered.filter(metric=latest.metric, subgroup="")
    by_class: dict[str, list[CurvePoint]] = {}
    for point in ordered.exclude(subgroup=""):
        by_class.setdefault(point.subgroup, []).append(point)
    return Curve(
        latest.metric, latest.patients, list(same), higher_is_better(latest.metric), by_class
    )


def unmeasured(round_: Round) -> QuerySet[Evaluation]:
    """What says why points of the round have no value: the rows of its ensembles on the hold-out."""
    points = CurvePoint.objects.filter(
        round=round_, value=None, subgroup="", arm=OuterRef("model__arm"), metric=OuterRef("metric")
    )
    of_ensembles = Evaluation.objects.filter(
        model__round=round_,
        model__network=registry.ENSEMBLE,
        stream=Stream.HOLDOUT,
        subgroup="",
        grouping="",
    )
    return of_ensembles.filter(Exists(points)).select_related("model").order_by("model__arm")

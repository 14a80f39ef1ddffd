"""What labels were worth: a point for each arm and round. The only writer of CurvePoint."""

from __future__ import annotations

from django.db.models import QuerySet

from annotation.models import Project, Read, SnapshotItem

from .engine.metrics import Interval
from .models import Arm, CurvePoint, Round

COMPARED = (Arm.ACTIVE, Arm.CONTROL)


def add_point(
    round_: Round, arm: str, metric: str, value: Interval, *, learnt_from: QuerySet[SnapshotItem]
) -> CurvePoint:
    """The arm's ensemble on the hold-out, against its labels and the readers' time they took."""
    reads = Read.objects.filter(references__in=learnt_from.values("reference")).distinct()
    return CurvePoint.objects.create(
        round=round_,
        arm=arm,
        labels=learnt_from.count(),
        reader_seconds=sum(reads.values_list("active_seconds", flat=True)),
        metric=metric,
        value=value.value,
        low=value.low,
        high=value.high,
        patients=value.patients,
    )


def points(project: Project) -> QuerySet[CurvePoint]:
    """In the order in which the rounds ran."""
    return (
        CurvePoint.objects.filter(round__project=project)
        .select_related("round")
        .order_by("round__number", "arm")
    )

"""What readers did with each model's suggestions: how much was taken as it was, and what editing cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Avg, Count, F, Q, QuerySet

from annotation.models import Assistance, ItemOutcome, Outcome, Project, Suggestion
from learning.measuring.intervals import Share, clustered
from learning.models import TrainedModel

GROUPS = {"answer": "answers", "labelmap": "masks"}
OTHERS = "marks"
TAKEN = (Outcome.ACCEPTED, Outcome.EDITED)
MOST_MODELS = 50

Row = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """Suggested answers, masks or marks of one model; ``effort`` in the unit of the kind."""

    kind: str
    outcomes: dict[str, int]
    acceptance: Share
    dice: float | None
    moved_mm: float | None
    agreement: Share | None
    """Of answers: how often the final one was the suggested one."""


@dataclass(frozen=True)
class Use:
    """One model's suggestions in its readers' hands."""

    model: int
    round: int
    state: str
    waiting: int
    """Made and current, whether shown or not."""
    reads: int
    seconds: float | None
    """Mean active seconds a read took once the suggestion could be seen."""
    first_readings: int
    changed: int
    """Reads whose final reading differs from the reader's first one."""
    kinds: list[Kind]


def of(project: Project) -> list[Use]:
    """Newest model first; models that never suggested anything are left out."""
    made = Suggestion.objects.filter(project=project)
    models = project.trained_models.filter(pk__in=made.values("model")).order_by("-pk")
    return [_use(project, model) for model in models.select_related("round")[:MOST_MODELS]]


def _use(project: Project, model: TrainedModel) -> Use:
    made = Suggestion.objects.filter(project=project, model=model.pk)
    standing = Assistance.objects.filter(suggestion__in=made, read__superseded_by=None)
    numbers = standing.aggregate(
        reads=Count("read", distinct=True),
        seconds=Avg("seconds"),
        first=Count("pk", filter=Q(first_reading__isnull=False)),
        changed=Count("pk", filter=Q(changed__gt=0)),
    )
    return Use(
        model=model.pk,
        round=model.round.number,
        state=model.state,
        waiting=made.filter(current=True, problem="").count(),
        reads=numbers["reads"],
        seconds=numbers["seconds"],
        first_readings=numbers["first"],
        changed=numbers["changed"],
        kinds=_kinds(ItemOutcome.objects.filter(assistance__in=standing)),
    )


def _kinds(rows: QuerySet[ItemOutcome]) -> list[Kind]:
    """Counted by the database, one row for each patient, kind and outcome."""
    counted = rows.values(
        "kind", "outcome", "agrees", patient=F("assistance__read__case__patient")
    ).annotate(
        count=Count("pk"),
        dices=ArrayAgg("dice", filter=Q(dice__isnull=False), default=[]),
        moves=ArrayAgg("moved_mm", filter=Q(moved_mm__gt=0), default=[]),
    )
    by_kind: dict[str, list[Row]] = defaultdict(list)
    for row in counted.order_by("kind"):
        by_kind[GROUPS.get(row["kind"], OTHERS)].append({**row})
    return [_kind(name, found) for name, found in sorted(by_kind.items())]


def _kind(name: str, rows: Sequence[Row]) -> Kind:
    outcomes = dict.fromkeys(Outcome.values, 0)
    for row in rows:
        outcomes[row["outcome"]] += row["count"]
    answers = name == GROUPS["answer"]
    return Kind(
        kind=name,
        outcomes=outcomes,
        acceptance=_share(rows, "outcome", hit=Outcome.ACCEPTED),
        dice=_mean([one for row in rows if row["outcome"] in TAKEN for one in row["dices"]]),
        moved_mm=_mean([one for row in rows if row["outcome"] in TAKEN for one in row["moves"]]),
        agreement=_share(rows, "agrees", hit=True) if answers else None,
    )


def _share(rows: Sequence[Row], column: str, *, hit: object) -> Share:
    """With an interval over patients: what is said of one patient is not independent."""
    groups: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        group = groups[row["patient"]]
        group[0] += row["count"] if row[column] == hit else 0
        group[1] += row["count"]
    return clustered([(hits, count) for hits, count in groups.values()])


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None

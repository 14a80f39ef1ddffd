"""Which labels a recipe can learn from, and whether there are enough of them to start a round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from annotation.models import Case, Project, Reference, Snapshot, Stream

from .engine import spec
from .models import Arm
from .teaching import teacher_of

ARM_STREAMS: dict[str, tuple[str, ...]] = {
    Arm.ALL: (Stream.POOL, Stream.CONTROL),
    Arm.ACTIVE: (Stream.POOL,),
    Arm.CONTROL: (Stream.CONTROL,),
}
PER_CLASS = 2


@dataclass(frozen=True)
class Labels:
    """Usable labels of a project: stream -> class -> cases."""

    by_stream: dict[str, Counter[str]]

    def of(self, *streams: str) -> Counter[str]:
        return sum((self.by_stream.get(stream, Counter()) for stream in streams), Counter())

    def summary(self) -> dict[str, int]:
        """Counts by arm and by stream of evaluation, as people see them."""
        arms = {str(arm): self.of(*streams).total() for arm, streams in ARM_STREAMS.items()}
        return arms | {
            "holdout": self.of(Stream.HOLDOUT).total(),
            "calibration": self.of(Stream.CALIBRATION).total(),
        }


def count(project: Project, recipe: spec.Recipe) -> Labels:
    """Counted by the database: current references of cases that are ready, one per case."""
    references = Reference.objects.filter(
        case__project=project, case__state=Case.State.READY, current=True
    )
    by_stream: dict[str, Counter[str]] = {}
    for stream, target, cases in _counted(_usable(references, recipe, ""), "case__stream"):
        by_stream.setdefault(stream, Counter())[target] += cases
    return Labels(by_stream)


def items(snapshot: Snapshot, recipe: spec.Recipe, *streams: str) -> QuerySet[Any]:
    """The frozen cases of those streams that the recipe can learn from, each with its ``target``."""
    return _usable(snapshot.items.filter(stream__in=streams), recipe, "reference__")


def count_items(chosen: QuerySet[Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for _, target, cases in _counted(chosen, "snapshot"):
        counts[target] += cases
    return counts


def _usable(rows: QuerySet[Any], recipe: spec.Recipe, path: str) -> QuerySet[Any]:
    """Rows from whose reference the recipe can learn; with the ``target``."""
    found: QuerySet[Any] = teacher_of(recipe).usable(rows, recipe, path)
    return found


def _counted(rows: QuerySet[Any], by: str) -> QuerySet[Any]:
    counted: QuerySet[Any] = rows.order_by().values_list(by, "target").annotate(cases=Count("pk"))
    return counted


def shortage(labels: Labels, recipe: spec.Recipe) -> str:
    """What is missing before a round can start, in a sentence; '' if nothing is."""
    training = labels.of(*ARM_STREAMS[Arm.ALL])
    missing = recipe.minimum_labels - training.total()
    if missing > 0:
        return (
            f"{training.total()} of at least {recipe.minimum_labels} training labels are there. "
            f"Read {missing} more {_cases(missing)} of the pool or the control stream."
        )
    return next(_lacking(labels, training, recipe), "")


def arm_shortage(counts: Counter[str], recipe: spec.Recipe) -> str:
    """Why these labels cannot train a network of their own; '' if they can."""
    if counts.total() < recipe.minimum_labels:
        return f"{counts.total()} of at least {recipe.minimum_labels} labels are there."
    for name in teacher_of(recipe).counted(recipe):
        if counts[name] < PER_CLASS:
            return f"{counts[name]} of at least {PER_CLASS} labels say “{name}”."
    return ""


def _lacking(labels: Labels, training: Counter[str], recipe: spec.Recipe) -> Iterator[str]:
    counted = teacher_of(recipe).counted(recipe)
    for name in counted:
        if training[name] < PER_CLASS:
            yield (
                f"Only {training[name]} training labels say “{name}”, at least {PER_CLASS} are "
                "needed. Read more cases of the pool or the control stream."
            )
    holdout = labels.of(Stream.HOLDOUT)
    if holdout.total() < PER_CLASS:
        yield (
            f"The hold-out has {holdout.total()} labels, at least {PER_CLASS} are needed to measure "
            "a model. Read more cases of the hold-out."
        )
    for name in counted:
        if holdout[name] < PER_CLASS:
            yield (
                f"The hold-out has {holdout[name]} labels that say “{name}”, at least {PER_CLASS} "
                "are needed to measure a model. Read more cases of the hold-out."
            )


def _cases(number: int) -> str:
    return "case" if number == 1 else "cases"

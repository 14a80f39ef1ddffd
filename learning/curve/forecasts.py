"""What the next batch will bring and cost, said after each round and checked later. The only writer
of Forecast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet

from annotation.models import Project
from learning.curve.forecast import Expected, Fit, Point, fit
from learning.engine.metrics import higher_is_better
from learning.engine.spec import Recipe
from learning.models import Arm, CurvePoint, Forecast, Ranking, Round
from learning.pool import costs

KEPT = 100
"""Draws of a forecast that are stored, to tell later what it expected at any number of labels."""


@dataclass(frozen=True)
class Checked:
    """A past forecast beside the next measured point of its arm; ``expected`` is for as many labels."""

    forecast: Forecast
    labels: int | None = None
    expected: Expected | None = None
    measured: float | None = None

    @property
    def error(self) -> float | None:
        """Measured less expected."""
        if self.expected is None or self.measured is None:
            return None
        return self.measured - self.expected.value


def make(round_: Round, recipe: Recipe) -> Forecast | None:
    """From the points of the active arm so far, this round's included; None with too few."""
    points = _points(round_.project, recipe.metric)
    found = fit([_point(point) for point in points], rising=higher_is_better(recipe.metric))
    if found is None:
        return None
    labels = points[-1].labels
    gain = found.gain(labels, recipe.batch)
    return Forecast.objects.create(
        round=round_,
        metric=recipe.metric,
        labels=labels,
        batch=recipe.batch,
        gain=gain.value,
        low=gain.low,
        high=gain.high,
        minutes=price(round_.project, recipe.batch),
        draws=found.draws[:KEPT].round(5).tolist(),
        first=found.first,
    )


def price(project: Project, batch: int) -> float | None:
    """Minutes of reading that the next batch takes: of the cases that are ranked first, else of typical
    ones; None while too few reads were timed.
    """
    ranking = Ranking.objects.filter(project=project).order_by("-generation").first()
    ranked = sorted(pick["case"] for pick in ranking.batch[:batch]) if ranking else []
    took = costs.times(project)
    if took is None:
        return None
    each = float(costs.expected(project, ranked, took).mean()) if ranked else took.typical
    return each * batch / 60


def latest(project: Project) -> Forecast | None:
    return _of(project).last()


def checked(project: Project) -> list[Checked]:
    """Every forecast, the newest first, with what was measured next."""
    forecasts = list(_of(project))
    points = {metric: _points(project, metric) for metric in {each.metric for each in forecasts}}
    return [_check(each, points[each.metric]) for each in reversed(forecasts)]


def count(project: Project, metric: str) -> int:
    """Measured points of the active arm."""
    return len({point.labels for point in _points(project, metric)})


def _check(forecast: Forecast, points: list[CurvePoint]) -> Checked:
    later = [point for point in points if point.round.number > forecast.round.number]
    if not later or later[0].value is None:
        return Checked(forecast)
    rising = higher_is_better(forecast.metric)
    expected = Fit(np.array(forecast.draws), forecast.first, rising).at(later[0].labels)
    return Checked(forecast, later[0].labels, expected, later[0].value)


def _of(project: Project) -> QuerySet[Forecast]:
    rows = Forecast.objects.filter(round__project=project).select_related("round")
    return rows.order_by("round__number")


def _points(project: Project, metric: str) -> list[CurvePoint]:
    rows = CurvePoint.objects.filter(
        round__project=project, arm=Arm.ACTIVE, metric=metric, subgroup="", value__isnull=False
    )
    return list(rows.select_related("round").order_by("round__number"))


def _point(row: CurvePoint) -> Point:
    return Point(row.labels, row.value or 0.0, row.low, row.high)

"""Whether reading is enough, and what a lead decided. The only writer of StopDecision."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.db import transaction

from annotation import ledger
from annotation.models import Project, User
from learning import recipes, registry
from learning.curve import forecasts, stop_set
from learning.curve.forecast import Expected
from learning.curve.forecasts import Checked
from learning.curve.stopping import Condition, is_enough, judge
from learning.engine.metrics import higher_is_better
from learning.engine.spec import Recipe
from learning.errors import NotEnoughToStop
from learning.models import Arm, Evaluation, Forecast, StopDecision


@dataclass(frozen=True)
class Standing:
    """``forecast`` None: too few points. ``price``: minutes of reading of the next batch, if known."""

    metric: str
    higher_is_better: bool
    conditions: tuple[Condition, ...]
    is_enough: bool
    forecast: Forecast | None
    batch: int
    price: float | None
    past: list[Checked]
    decisions: list[StopDecision]


def of(project: Project) -> Standing:
    """As far as the rounds so far can tell. Raises RoundNotPossible without a recipe."""
    recipe = recipes.parsed(recipes.current(project))
    forecast = forecasts.latest(project)
    if forecast is not None and forecast.metric != recipe.metric:
        forecast = None
    price = forecasts.price(project, recipe.batch)
    conditions = judge(
        recipe.stop,
        stability=stop_set.stability(project),
        points=forecasts.count(project, recipe.metric),
        gain=None if forecast is None else Expected(forecast.gain, forecast.low, forecast.high),
        minutes=price,
        measured=_measured(project, recipe),
        rising=higher_is_better(recipe.metric),
    )
    return Standing(
        recipe.metric,
        higher_is_better(recipe.metric),
        conditions,
        is_enough(conditions),
        forecast,
        recipe.batch,
        price,
        forecasts.checked(project),
        list(decisions(project)),
    )


def decisions(project: Project) -> list[StopDecision]:
    """The newest first."""
    rows = project.stop_decisions.select_related("decided_by").order_by("-pk")
    return list(rows)


def standing_stop(project: Project) -> StopDecision | None:
    """The signed stop that holds, if the last decision was one."""
    latest = project.stop_decisions.select_related("decided_by").order_by("-pk").first()
    return latest if latest and latest.choice == StopDecision.Choice.STOP else None


@transaction.atomic
def decide(
    project: Project, *, choice: str, reason: str, user: User, against_rule: bool = False
) -> StopDecision:
    """Sign it. A stop while a condition does not hold has to be asked for: ``against_rule``."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    found = of(project)
    if choice == StopDecision.Choice.STOP and not found.is_enough and not against_rule:
        raise NotEnoughToStop(
            "Not all three conditions hold. Go on reading, or sign that you stop against the rule."
        )
    decision = StopDecision.objects.create(
        project=project,
        choice=choice,
        reason=reason,
        conditions=[asdict(condition) for condition in found.conditions],
        decided_by=user,
    )
    data = {
        "choice": choice,
        "reason": reason,
        "met": {condition.name: condition.met for condition in found.conditions},
    }
    ledger.record("learning.decide", project=project, actor=user, obj=decision, data=data)
    return decision


def _measured(project: Project, recipe: Recipe) -> Expected | None:
    """The newest ensemble of all labels on the hold-out, which was drawn at random."""
    row = (
        Evaluation.objects.filter(
            model__project=project,
            model__arm=Arm.ALL,
            model__network=registry.ENSEMBLE,
            metric=recipe.metric,
            stream="holdout",
            subgroup="",
            grouping="",
        )
        .defer("detail")
        .order_by("-model__round__number")
        .first()
    )
    if row is None or row.value is None or row.low is None or row.high is None:
        return None
    return Expected(row.value, row.low, row.high)

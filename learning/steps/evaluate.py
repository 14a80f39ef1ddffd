"""Third step: calibrate each arm's networks on the calibration stream, measure them on the hold-out."""

from __future__ import annotations

from annotation.models import Stream
from learning import labels, recipes, registry, stages
from learning.curve import curves, forecasts
from learning.engine.spec import Recipe
from learning.leases import Lease
from learning.measuring import calibrating, evaluation
from learning.measuring.evaluation import Result
from learning.models import Arm, Round, RoundLog


def run(lease: Lease, round_: Round) -> bool:
    recipe = recipes.of_round(round_)
    arms = list(dict.fromkeys(round_.trainings.order_by("pk").values_list("arm", flat=True)))
    for position, arm in enumerate(arms, start=1):
        if registry.find(round_, arm) is None:
            _evaluate(lease, round_, recipe, arm)
            lease.progress(stages.share_done(Round.Step.EVALUATE, position / len(arms)))
            lease.pause()
    return True


def _evaluate(lease: Lease, round_: Round, recipe: Recipe, arm: str) -> None:
    """All of an arm at once: its networks, its ensemble, and its point of the learning curve."""
    rows = {
        row.network: row
        for row in round_.trained_models.filter(arm=arm).exclude(network=registry.ENSEMBLE)
    }
    networks = evaluation.load(rows.values())
    calibration = evaluation.labelled(lease, round_, recipe, Stream.CALIBRATION)
    fitted = calibrating.calibrate(lease, recipe, networks, calibration)
    holdout = evaluation.labelled(lease, round_, recipe, Stream.HOLDOUT)
    result = evaluation.measure(
        lease,
        recipe,
        networks,
        fitted.scaling,
        holdout,
        seed=round_.seed,
        points=fitted.points,
    )
    with lease.fenced() as locked:
        ensemble = registry.add_ensemble(locked, rows.values(), fitted.scaling)
        rows[registry.ENSEMBLE] = ensemble
        registry.keep_calibration(rows, fitted.points, fitted.answers)
        evaluation.store(result, rows, recipe)
        if arm in curves.COMPARED:
            learnt_from = labels.items(
                registry.snapshot_of(round_), recipe, *labels.ARM_STREAMS[arm]
            )
            measured = curves.of_each_class(recipe.metric, result.measured[registry.ENSEMBLE])
            curves.add_points(locked, arm, measured, learnt_from=learnt_from)
        if arm == Arm.ACTIVE:
            forecasts.make(locked, recipe)
        _tell(locked, arm, recipe, result)


def _tell(round_: Round, arm: str, recipe: Recipe, result: Result) -> None:
    measured = result.main(recipe.metric)
    said = measured.note
    if measured.value is not None:
        said = f"{recipe.metric} {measured.value:.3f}"
        if measured.low is not None and measured.high is not None:
            said += f" ({measured.low:.3f} to {measured.high:.3f})"
        said += f" on the hold-out, {measured.patients} patients."
    RoundLog.objects.create(round=round_, text=f"{Arm(arm).label}: {said}")
    if result.left_out:
        cases = ", ".join(f"{case} ({reason})" for case, reason in result.left_out[:20])
        text = f"{len(result.left_out)} cases could not be used to measure: {cases}"
        RoundLog.objects.create(round=round_, text=text, level="warning")

"""Last step: the round's ensemble against the model in use, on the same cases of the hold-out.

The rule is the recipe's: it becomes the model in use if the lower end of the paired bootstrap interval
of its gain lies above a margin. As usual that is the 80 % interval and zero: better here, and in at
least nine of ten resamples of the patients. The first model needs nothing to beat. A person may choose
otherwise, with a reason.
"""

from __future__ import annotations

from annotation.models import Stream
from learning import registry
from learning.engine import metrics
from learning.engine.metrics import Interval
from learning.engine.spec import Recipe
from learning.leases import Lease
from learning.measuring import evaluation
from learning.measuring.evaluation import CaseSaid
from learning.measuring.measures import measure_of
from learning.models import Round, RoundLog, TrainedModel

NOTHING = CaseSaid(reference=0, values=[])


def run(lease: Lease, round_: Round) -> bool:
    candidate = registry.ensemble(round_)
    if candidate.state != TrainedModel.State.CANDIDATE:
        return True
    used = registry.in_use(round_.project)
    if used is None:
        better, reason = _first(candidate)
    else:
        better, reason = _compare(lease, round_, candidate, used)
    with lease.fenced() as locked:
        if not registry.settle(candidate, instead_of=used, better=better, reason=reason):
            return False
        RoundLog.objects.create(round=locked, text=reason)
    return True


def _first(candidate: TrainedModel) -> tuple[bool, str]:
    main = evaluation.main_of(candidate)
    if main.value is None:
        return False, f"Not taken into use: it could not be measured on the hold-out. {main.note}"
    return True, (
        f"The first model of the project: {main.metric} {main.value:.3f} on {main.patients} "
        "patients of the hold-out."
    )


def _compare(
    lease: Lease, round_: Round, candidate: TrainedModel, used: TrainedModel
) -> tuple[bool, str]:
    recipe, earlier = evaluation.recipe_of(candidate), evaluation.recipe_of(used)
    against = f"the model in use (round {used.round.number})"
    if _learnt(recipe) != _learnt(earlier):
        return (
            False,
            f"Not comparable with {against}: that answers another question. Choose by hand.",
        )
    new, old = evaluation.by_case(candidate), evaluation.by_case(used)
    if any(old.get(case, NOTHING).reference != said.reference for case, said in new.items()):
        _measure_again(lease, round_, earlier, used)
        old = evaluation.by_case(used)
    shared = [case for case in new if case in old]
    if not shared:
        return False, f"Not compared with {against}: no case of the hold-out could be used by both."
    task, patients = measure_of(recipe), evaluation.patients_of(round_, recipe, shared)
    truths = [new[case].truth for case in shared]
    known, said = task.arrays(recipe.metric, truths, [new[case].values for case in shared])
    _, before = task.arrays(recipe.metric, truths, [old[case].values for case in shared])
    gain = metrics.difference(
        metrics.by_name(recipe.metric),
        known,
        said,
        before,
        patients,
        seed=round_.seed,
        level=recipe.promote.level,
    )
    return _verdict(gain, recipe, against)


def _learnt(recipe: Recipe) -> tuple[object, ...]:
    return recipe.task, recipe.question, recipe.classes


def _verdict(gain: Interval, recipe: Recipe, against: str) -> tuple[bool, str]:
    rule = recipe.promote
    if gain.value is None or gain.low is None or gain.high is None:
        return False, f"Not compared with {against}: {gain.note}"
    measured = (
        f"{recipe.metric} {gain.value:+.3f} against {against} on the same {gain.patients} patients of the "
        f"hold-out ({rule.level:.0%} interval {gain.low:+.3f} to {gain.high:+.3f})"
    )
    low = gain.low if metrics.higher_is_better(recipe.metric) else -gain.high
    if low > rule.margin:
        if rule.margin:
            measured += f"; the recipe asks for more than {rule.margin:+.3f}"
        return True, f"Better: {measured}."
    return False, f"Not better beyond doubt, so the model in use stays: {measured}."


def _measure_again(lease: Lease, round_: Round, recipe: Recipe, used: TrainedModel) -> None:
    """The hold-out has grown or its references have changed since the model in use was measured."""
    rows = {row.network: row for row in registry.members(used)}
    scaling = {name: row.temperature for name, row in rows.items()}
    holdout = evaluation.labelled(lease, round_, recipe, Stream.HOLDOUT)
    result = evaluation.measure(
        lease,
        recipe,
        evaluation.load(rows.values()),
        scaling,
        holdout,
        seed=round_.seed,
        points={
            name: registry.point_of(row) for name, row in {**rows, registry.ENSEMBLE: used}.items()
        },
    )
    with lease.fenced() as locked:
        note = f"Measured again in round {locked.number}, when the hold-out had changed."
        evaluation.store(result, {**rows, registry.ENSEMBLE: used}, recipe, note=note)

"""Sixth step: put the pool into the order of what each case would teach, for the readers."""

from __future__ import annotations

from learning import labels, recipes, registry
from learning.engine import determinism
from learning.leases import Lease
from learning.models import Arm, Round
from learning.pool import cold_start, costs, ranking


def run(lease: Lease, round_: Round) -> bool:
    if round_.cold:
        return _cold(lease, round_)
    recipe = recipes.of_round(round_)
    model = registry.ensemble(round_)
    items = labels.items(registry.snapshot_of(round_), recipe, *labels.ARM_STREAMS[Arm.ALL])
    labelled = list(items.values_list("case_id", flat=True))
    pool = ranking.load(round_.project, model, rounds=round_.number - 1)
    if not pool.cases:
        lease.log("No scored case of the pool waits to be read, so there is nothing to rank.")
        return True
    choice = ranking.pick(
        model,
        recipe,
        ranking.in_circumstances(round_.project, recipe, pool, costs.times(round_.project)),
        labelled=labelled,
        seed=round_.seed,
        device=str(determinism.device()),
    )
    with lease.fenced() as locked:
        stored = ranking.store(locked, model, pool, choice)
    ranking.apply(stored, pool, choice.selection)
    lease.log(f"{stored.size} cases are ranked by {stored.acquisition}. {stored.reason}")
    return True


def _cold(lease: Lease, round_: Round) -> bool:
    """By the images alone."""
    recipe = recipes.of_round(round_)
    cold_start.embed(lease, round_, recipe)
    pool = cold_start.pool_of(round_, recipe)
    if not pool.cases:
        lease.log("No case of the pool waits to be read, so there is nothing to rank.")
        return True
    choice = cold_start.choice(recipe, pool, seed=round_.seed)
    with lease.fenced() as locked:
        stored = ranking.store(locked, None, pool, choice)
    ranking.apply(stored, pool, choice.selection)
    lease.log(f"{stored.size} cases are ranked by {stored.acquisition}. {stored.reason}")
    return True

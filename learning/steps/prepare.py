"""Second step: settle what the networks see and where their weights begin; pretrain them if asked."""

from __future__ import annotations

from learning import artifacts, datasets, recipes, stages
from learning.engine import checkpoint, pretrain
from learning.engine.errors import InvalidCheckpoint, NotEnoughData
from learning.engine.nets import build
from learning.engine.spec import PRETRAINED, Recipe
from learning.errors import SliceOver
from learning.leases import Lease
from learning.models import Pretraining, Round
from learning.preparing import plans, pretraining, starts


def run(lease: Lease, round_: Round) -> bool:
    plans.settle(lease, round_, recipes.parsed(round_.recipe))
    recipe = recipes.of_round(round_)
    if recipe.start == PRETRAINED:
        return _pretrained(lease, round_, recipe)
    if starts.STARTS not in round_.plan:
        given = starts.given(recipe)
        for network, start in given.items():
            path = artifacts.weights_path(start["sha256"])
            said = checkpoint.start_from(build(network, recipe), path)
            lease.log(f"{said} They are those of {start['of']}.")
        for network in recipe.networks:
            if given and network not in given:
                lease.log(f"{network} starts from random weights: there are none for it.")
        plans.keep(lease, round_, **{starts.STARTS: given})
    return True


def _pretrained(lease: Lease, round_: Round, recipe: Recipe) -> bool:
    found = dict(round_.plan.get(starts.STARTS, {}))
    for position, network in enumerate(recipe.networks):
        if network in found:
            continue
        row = pretraining.finished(round_.project, recipe, network)
        if row is not None:
            lease.log(f"{network} starts from what it learnt from {row.images} images before.")
        else:
            row = _learnt(lease, round_, recipe, network, position)
        if row is None:
            return False
        if row.weights_sha256:
            found[network] = starts.pretrained(
                row.weights_sha256, pretraining=row.pk, images=row.images
            )
            plans.keep(lease, round_, **{starts.STARTS: found})
    return True


def _learnt(
    lease: Lease, round_: Round, recipe: Recipe, network: str, position: int
) -> Pretraining | None:
    """None where it has to go on later; without weights where too few images are there."""
    row = pretraining.begun(lease, round_.project, recipe, network)
    data = datasets.of_cases(
        pretraining.cases(row, recipe), recipe, after_each=datasets.pausing(lease)
    )
    if not row.checkpoint:
        lease.log(f"{network} learns from the pool's images, before it sees a label.")
    history = list(row.history)

    def record(report: pretrain.Report) -> None:
        history.append(report.loss)
        pretraining.save(lease, row, report.checkpoint, history)
        within = (position + report.epoch / report.epochs) / len(recipe.networks)
        lease.progress(stages.share_done(Round.Step.PREPARE, within))

    try:
        result = pretrain.pretrain(
            recipe,
            network,
            data.samples,
            checkpoint_dir=pretraining.folder(row, lease.token),
            resume=pretraining.checkpoint_of(row),
            should_stop=lease.stop_after_some_work(),
            on_epoch=record,
        )
    except InvalidCheckpoint as problem:
        lease.log(f"{network} starts again from its first image: {problem}", level="warning")
        pretraining.start_again(lease, row)
        raise SliceOver from problem
    except NotEnoughData as problem:
        lease.log(f"{network} starts from random weights: {problem}", level="warning")
        return row
    pretraining.save(lease, row, result.checkpoint, list(result.history))
    if not result.finished:
        return None
    metadata = {"kind": PRETRAINED, "images": result.used}
    weights = checkpoint.extract_weights(result.checkpoint, artifacts.weights_dir(), metadata)
    pretraining.finish(lease, row, weights, images=result.used)
    lease.log(
        f"{network} has learnt from {result.used} images without their labels; its loss fell from"
        f" {result.history[0]:.2f} to {result.history[-1]:.2f}."
    )
    return row

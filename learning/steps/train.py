"""Second step: for each arm of labels, train each network of the recipe, from checkpoint to checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings

from annotation.models import Split
from learning import artifacts, datasets, labels, recipes, registry, stages
from learning.engine import checkpoint, determinism, loop
from learning.engine.errors import EngineError, InvalidCheckpoint
from learning.engine.spec import LeftOut, Recipe
from learning.engine.speed import Speed
from learning.errors import RoundFailure, SliceOver
from learning.leases import Lease
from learning.models import Arm, Round, RoundLog, Training
from learning.preparing import starts


def run(lease: Lease, round_: Round) -> bool:
    recipe = recipe_of(round_)
    _plan(lease, round_, recipe)
    trainings = list(round_.trainings.order_by("pk"))
    for position, training in enumerate(trainings):
        if _settled(round_, training):
            continue
        show = _progress(lease, position, len(trainings))
        if not _train(lease, round_, recipe, training, show):
            return False
    return True


def _settled(round_: Round, training: Training) -> bool:
    """Trained, or left out together with another network of its arm."""
    trained = registry.find(round_, training.arm, training.network) is not None
    return trained or not round_.trainings.filter(pk=training.pk).exists()


def recipe_of(round_: Round) -> Recipe:
    """The round's recipe with the round's seed: another round starts from other weights."""
    return replace(recipes.of_round(round_), seed=round_.seed)


def _plan(lease: Lease, round_: Round, recipe: Recipe) -> None:
    """One row for each network of each arm that has enough labels; the others are named in the log."""
    with lease.fenced() as locked:
        if locked.trainings.exists():
            return
        for arm, streams in labels.ARM_STREAMS.items():
            counts = labels.count_items(
                labels.items(registry.snapshot_of(round_), recipe, *streams)
            )
            if missing := labels.arm_shortage(counts, recipe):
                _leave_out(locked, arm, missing)
                continue
            for network in recipe.members_of:
                Training.objects.create(
                    round=locked,
                    arm=arm,
                    network=network,
                    epochs=recipe.epochs,
                    labels=counts.total(),
                )


def _leave_out(round_: Round, arm: str, reason: str) -> None:
    if arm == Arm.ALL:
        raise RoundFailure(f"{reason} Read more cases, then start a new round.")
    text = f"The arm “{Arm(arm).label}” is left out of this round: {reason}"
    RoundLog.objects.create(round=round_, text=text, level="warning")
    round_.trainings.filter(arm=arm).delete()


def _train(
    lease: Lease, round_: Round, recipe: Recipe, training: Training, show: Callable[[float], None]
) -> bool:
    """Trains one network for the rest of the slice; True when it is done or left out."""
    fit, validation = (
        _dataset(lease, round_, recipe, training.arm, split)
        for split in (Split.TRAIN, Split.VALIDATION)
    )
    left_out = fit.left_out + validation.left_out

    def record(report: loop.EpochReport) -> None:
        losses = {
            "epoch": report.epoch,
            "train_loss": report.train_loss,
            "validation_loss": report.validation_loss,
        }
        training.history = [*training.history, losses]
        _save(lease, training, report.checkpoint, report.epoch)
        show(report.epoch / report.epochs)

    try:
        result = loop.train(
            recipe,
            training.network,
            fit.samples,
            validation=validation.samples,
            checkpoint_dir=artifacts.checkpoint_dir(round_.pk, training.pk, lease.token),
            resume=_checkpoint_of(training),
            start=starts.of(round_, training.network),
            speed=Speed(settings.TRAINING_COMPILE, settings.TRAINING_DETERMINISTIC),
            should_stop=lease.stop_after_some_work(),
            on_epoch=record,
        )
    except InvalidCheckpoint as problem:
        return _start_again(lease, training, problem)
    except EngineError as problem:
        with lease.fenced() as locked:
            _leave_out(locked, training.arm, str(problem))
        return True
    training.history = list(result.history)
    training.left_out = _named(left_out + list(result.left_out))
    _save(lease, training, result.checkpoint, result.epoch)
    if not result.finished:
        return False
    _keep(lease, round_, recipe, training, result)
    return True


def _dataset(
    lease: Lease, round_: Round, recipe: Recipe, arm: str, split: Split
) -> datasets.Dataset:
    snapshot = registry.snapshot_of(round_)
    chosen = labels.items(snapshot, recipe, *labels.ARM_STREAMS[arm]).filter(split=split)
    return datasets.of_items(chosen, recipe, after_each=datasets.pausing(lease))


def _save(lease: Lease, training: Training, file: Path, epoch: int) -> None:
    """The row names the file only if the lease still holds, and older files go only after that.

    The file may be an earlier lease's, if there was nothing left to train.
    """
    written_under = int(file.parent.name)
    training.checkpoint, training.checkpoint_token = file.stem, written_under
    training.epoch = epoch
    with lease.fenced():
        training.save(
            update_fields=["checkpoint", "checkpoint_token", "epoch", "history", "left_out"]
        )
    artifacts.discard_older_checkpoints(training.round_id, training.pk, written_under)


def _checkpoint_of(training: Training) -> Path | None:
    if not training.checkpoint:
        return None
    folder = artifacts.checkpoint_dir(training.round_id, training.pk, training.checkpoint_token)
    return folder / f"{training.checkpoint}.safetensors"


def _start_again(lease: Lease, training: Training, problem: InvalidCheckpoint) -> bool:
    """Without a usable checkpoint the network is trained from its beginning, in this slice or the next."""
    if not training.checkpoint:
        raise problem
    training.checkpoint, training.epoch, training.history = "", 0, []
    with lease.fenced() as locked:
        training.save(update_fields=["checkpoint", "epoch", "history"])
        text = f"{training.network} ({training.arm}) starts again from its first epoch: {problem}"
        RoundLog.objects.create(round=locked, text=text, level="warning")
    raise SliceOver


def _keep(
    lease: Lease, round_: Round, recipe: Recipe, training: Training, result: loop.TrainResult
) -> None:
    metadata = {"arm": training.arm, "snapshot": registry.snapshot_of(round_).content_sha256}
    weights = checkpoint.extract_weights(result.checkpoint, artifacts.weights_dir(), metadata)
    with lease.fenced() as locked:
        registry.add_network(
            locked,
            training,
            weights_sha256=weights.stem,
            recipe=recipe,
            environment=determinism.environment(),
        )
        loss = result.history[-1]["train_loss"]
        text = (
            f"{training.network} ({Arm(training.arm).label}) is trained on {training.labels} labels; "
            f"last loss {loss:.3f}."
        )
        RoundLog.objects.create(round=locked, text=" ".join([text, *result.notes]))


def _named(left_out: Sequence[LeftOut]) -> list[dict[str, Any]]:
    reasons = dict(sorted(left_out))
    return [{"case": case, "reason": reason} for case, reason in reasons.items()]


def _progress(lease: Lease, position: int, total: int) -> Callable[[float], None]:
    def show(share: float) -> None:
        within = (position + share) / total
        lease.progress(stages.share_done(Round.Step.TRAIN, within))

    return show

"""The only writer of TrainedModel: trained networks, their ensembles, and which one is in use."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from annotation import ledger, suggestions
from annotation.models import Event, Project, Snapshot, User

from . import artifacts
from .engine.metrics import OperatingPoint
from .engine.spec import Recipe
from .errors import ModelNotUsable, RoundFailure
from .models import Arm, Round, TrainedModel, Training

ENSEMBLE = "ensemble"
PURPOSE = {
    Arm.ALL: "Member of the round's ensemble.",
    Arm.ACTIVE: "Trained to measure what ranked labels are worth.",
    Arm.CONTROL: "Trained to measure what labels drawn at random are worth.",
}


def snapshot_of(round_: Round) -> Snapshot:
    """The frozen snapshot, which every step after the first can count on."""
    if round_.snapshot is None:
        raise RoundFailure("The round has no snapshot. Start a new round.")
    return round_.snapshot


def find(round_: Round, arm: str, network: str = ENSEMBLE) -> TrainedModel | None:
    return round_.trained_models.filter(arm=arm, network=network).first()


def ensemble(round_: Round) -> TrainedModel:
    """The round's ensemble of all labels."""
    model = find(round_, Arm.ALL)
    if model is None:
        raise RoundFailure("The round has no trained ensemble. Start a new round.")
    return model


def members(model: TrainedModel) -> QuerySet[TrainedModel]:
    """The networks of an ensemble, or the network itself."""
    if model.network == ENSEMBLE:
        return model.members.order_by("network")
    return TrainedModel.objects.filter(pk=model.pk)


def in_use(project: Project) -> TrainedModel | None:
    return project.trained_models.filter(state=TrainedModel.State.IN_USE).first()


def files(model: TrainedModel) -> list[tuple[str, Path]]:
    """File name -> where its weights lie, for each network."""
    return [
        (f"{member.network}.safetensors", artifacts.weights_path(member.weights_sha256))
        for member in members(model)
    ]


def add_network(
    round_: Round,
    training: Training,
    *,
    weights_sha256: str,
    recipe: Recipe,
    environment: Mapping[str, Any],
) -> TrainedModel:
    return TrainedModel.objects.create(
        project_id=round_.project_id,
        round=round_,
        arm=training.arm,
        network=training.network,
        weights_sha256=weights_sha256,
        code_sha256=environment["code_sha256"],
        config={"recipe": recipe.document(), "environment": dict(environment)},
        state_reason=PURPOSE[Arm(training.arm)],
    )


def add_ensemble(
    round_: Round, networks: Iterable[TrainedModel], temperatures: Mapping[str, float]
) -> TrainedModel:
    """The mean of the networks' calibrated probabilities, as a model of its own."""
    networks = sorted(networks, key=lambda model: model.network)
    first = networks[0]
    for network in networks:
        network.temperature = temperatures[network.network]
        network.save(update_fields=["temperature"])
    hashes = "".join(network.weights_sha256 for network in networks)
    model = TrainedModel.objects.create(
        project_id=round_.project_id,
        round=round_,
        arm=first.arm,
        network=ENSEMBLE,
        weights_sha256=hashlib.sha256(hashes.encode()).hexdigest(),
        code_sha256=first.code_sha256,
        config=first.config,
        state_reason="" if first.arm == Arm.ALL else PURPOSE[Arm(first.arm)],
    )
    model.members.set(networks)
    return model


def keep_calibration(
    rows: Mapping[str, TrainedModel],
    points: Mapping[str, OperatingPoint],
    answers: Mapping[str, Any],
) -> None:
    """The operating point of each model, and what the ensemble answers on the stop set."""
    for name, row in rows.items():
        if point := points.get(name):
            row.operating_point = asdict(point)
        if name == ENSEMBLE and row.arm == Arm.ALL:
            row.stop_answers = dict(answers)
        row.save(update_fields=["operating_point", "stop_answers"])


def point_of(model: TrainedModel) -> OperatingPoint:
    stored = model.operating_point
    return OperatingPoint(stored["threshold"], stored["note"]) if stored else OperatingPoint(0.5)


def settle(
    candidate: TrainedModel, *, instead_of: TrainedModel | None, better: bool, reason: str
) -> bool:
    """The round's ensemble becomes the model in use, or is rejected. Within the caller's transaction.

    False, and nothing is written, if a person chose meanwhile: it was compared with another model.
    """
    _lock(candidate)
    fresh = TrainedModel.objects.get(pk=candidate.pk)
    if fresh.state != TrainedModel.State.CANDIDATE or in_use(candidate.project) != instead_of:
        return False
    if better:
        _put_in_use(fresh, reason)
        _record("model.promote", fresh, None, reason)
    else:
        fresh.state, fresh.state_reason = TrainedModel.State.REJECTED, reason
        fresh.save(update_fields=["state", "state_reason"])
        _record("model.reject", fresh, None, reason)
    return True


def use(model: TrainedModel, *, user: User, reason: str) -> TrainedModel:
    """A person decides: this one, from now on. The way back as well as forward."""
    with transaction.atomic():
        _lock(model)
        chosen = TrainedModel.objects.get(pk=model.pk)
        if chosen.state == TrainedModel.State.IN_USE:
            raise ModelNotUsable("This model is in use already.")
        if chosen.arm != Arm.ALL or chosen.network != ENSEMBLE:
            raise ModelNotUsable(
                "Only an ensemble trained on all labels can be in use; this one serves to measure. "
                "Choose the ensemble of a round."
            )
        _put_in_use(chosen, reason)
        _record("model.use", chosen, user, reason)
    return chosen


def before(model: TrainedModel) -> int | None:
    """The model that was in use before this one, which is: the way back."""
    decided = Event.objects.filter(
        project=model.project_id, verb__in=["model.use", "model.promote"]
    ).order_by("-seq")
    for object_id in decided.values_list("object_id", flat=True)[:2]:
        if object_id != str(model.pk):
            return int(object_id)
    return None


def _lock(model: TrainedModel) -> None:
    """Until the transaction ends nobody else decides which model of the project is in use."""
    Project.objects.select_for_update(no_key=True).get(pk=model.project_id)


def _put_in_use(model: TrainedModel, reason: str) -> None:
    previous = TrainedModel.objects.filter(
        project_id=model.project_id, state=TrainedModel.State.IN_USE
    )
    previous.update(
        state=TrainedModel.State.RETIRED,
        state_reason=f"Replaced by the ensemble of round {model.round.number}. {reason}",
    )
    model.state, model.state_reason = TrainedModel.State.IN_USE, reason
    model.save(update_fields=["state", "state_reason"])
    suggestions.retire(model.project, but_of=model.pk)


def _record(verb: str, model: TrainedModel, user: User | None, reason: str) -> None:
    data = {
        "round": model.round.number,
        "reason": reason,
        "weights_sha256": model.weights_sha256,
    }
    ledger.record(verb, project=model.project, actor=user, obj=model, data=data)

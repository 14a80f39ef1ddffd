"""Where a round's networks begin, as files that stay: an operator's weights, another model's, pretrained.

No path comes from a client: a recipe names a file of the operator's folder, or a model by number.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from annotation import access
from annotation.access import Action
from annotation.models import User
from learning import artifacts, registry
from learning.engine.spec import MODEL, PRETRAINED, WEIGHTS, Recipe, architecture_of
from learning.errors import RoundFailure
from learning.models import Round, TrainedModel

STARTS = "starts"
LARGEST_FILE = 8 * 2**30

Start = dict[str, Any]
"""``sha256`` of the file, ``kind``, ``of`` (a sentence's end: whose weights), and what names the source."""


def objections(recipe: Recipe, user: User | None) -> Iterator[str]:
    """Why the recipe's start cannot be had; of somebody else's model no more is said than of none."""
    if not isinstance(recipe.start, dict):
        return
    if WEIGHTS in recipe.start:
        name = recipe.start[WEIGHTS]
        if not any(_file(name, network).is_file() for network in recipe.networks):
            wanted = " or ".join(_file(name, network).name for network in recipe.networks)
            yield (
                f"There are no weights “{name}”. An operator puts {wanted} into the folder that the"
                " setting PRETRAINED_DIR names."
            )
        return
    model = _model(recipe.start[MODEL], user)
    if model is None:
        yield f"There is no model {recipe.start[MODEL]} that you may see."
    elif not _members(model, recipe):
        yield f"Model {model.pk} has no network of {', '.join(recipe.networks)} to start from."


def given(recipe: Recipe) -> dict[str, Start]:
    """Architecture → weights that exist already; others begin at random. They are kept from now on."""
    if not isinstance(recipe.start, dict):
        return {}
    if WEIGHTS in recipe.start:
        return _of_operator(recipe.start[WEIGHTS], recipe)
    model = _model(recipe.start[MODEL], None)
    if model is None:
        raise RoundFailure(
            f"Model {recipe.start[MODEL]}, from which the recipe starts, is not there any more. Store a"
            " recipe with another start."
        )
    return {
        member.network: {
            "sha256": member.weights_sha256,
            "kind": MODEL,
            "model": member.pk,
            "of": f"model {member.pk} (round {member.round.number} of {member.project.slug})",
        }
        for member in _members(model, recipe)
    }


def pretrained(sha256: str, *, pretraining: int, images: int) -> Start:
    said = f"{images} images of the pool without their labels"
    return {"sha256": sha256, "kind": PRETRAINED, "pretraining": pretraining, "of": said}


def of(round_: Round, network: str) -> Path | None:
    """The file that a network of the round starts from."""
    start = round_.plan.get(STARTS, {}).get(architecture_of(network))
    return artifacts.weights_path(start["sha256"]) if start else None


def _of_operator(name: str, recipe: Recipe) -> dict[str, Start]:
    found = {}
    for network in recipe.networks:
        file = _file(name, network)
        if file.is_file():
            found[network] = {
                "sha256": _kept(file),
                "kind": WEIGHTS,
                "weights": file.name,
                "of": f"the operator's file {file.name}",
            }
    if not found:
        raise RoundFailure(
            f"The weights “{name}”, from which the recipe starts, are not in PRETRAINED_DIR any more."
        )
    return found


def _kept(file: Path) -> str:
    """A copy by its hash: the operator may change the folder, the lineage stays true."""
    if file.stat().st_size > LARGEST_FILE:
        raise RoundFailure(f"{file.name} is larger than {LARGEST_FILE >> 30} GiB.")
    with file.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        if not artifacts.weights_path(sha256).exists():
            content.seek(0)
            artifacts.write(
                artifacts.weights_path(sha256), lambda copy: shutil.copyfileobj(content, copy)
            )
    return sha256


def _file(name: str, network: str) -> Path:
    folder: Path = settings.PRETRAINED_DIR
    return folder / f"{name}.{network}.safetensors"


def _model(number: int, user: User | None) -> TrainedModel | None:
    models = TrainedModel.objects.select_related("project", "round")
    if user is not None:
        models = access.visible_to(user, models, Action.VIEW_ROUNDS)
    return models.filter(pk=number).first()


def _members(model: TrainedModel, recipe: Recipe) -> list[TrainedModel]:
    members = registry.members(model).select_related("project", "round")
    return [member for member in members if member.network in recipe.networks]

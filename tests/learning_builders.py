"""A project that can learn: small labelled images, written where the round looks for its arrays.

Images differ by answer (a bright disc means yes), so that a network has something to find.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import builders
import numpy as np
import pytest
from django.conf import settings
from numpy.typing import NDArray
from safetensors.numpy import load_file

from annotation.models import Case, Mask, Patient, Project, Reference, Series, User
from learning import artifacts, datasets, leases, recipes, rounds
from learning.leases import Lease
from learning.models import Round

SIDE = 32
VOLUME = (8, 16, 16)
SECRET = b"the same split in every test run"
RECIPE: dict[str, Any] = {
    "task": "classification",
    "question": "finding",
    "classes": ["no", "yes"],
    "networks": ["densenet", "vit"],
    "input_size": [SIDE, SIDE],
    "epochs": 1,
    "minimum_steps": 1,
    "batch_size": 16,
    "batch": 4,
    "minimum_labels": 8,
    "augment": False,
}
SHORT_RECIPE = {**RECIPE, "networks": ["vit"]}
MASK_RECIPE: dict[str, Any] = {
    "task": "segmentation",
    "classes": ["lesion"],
    "networks": ["unet", "segresnet"],
    "input_size": [16, 16, 16],
    "epochs": 1,
    "minimum_steps": 1,
    "batch_size": 2,
    "batch": 2,
    "minimum_labels": 2,
    "augment": False,
}
LABELLED = {"pool": 16, "control": 16, "calibration": 10, "holdout": 12}


def artifacts_in(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Weights and arrays go there, however full the disk is."""
    patch.setattr(settings, "ARTIFACTS_DIR", folder)
    patch.setattr(settings, "FREE_SPACE_FLOOR", 0.0)


def lead(project: Project) -> User:
    return builders.user(builders.Role.LEAD, project=project)


def project(recipe: dict[str, Any] | None = None, **fields: Any) -> Project:
    made = builders.project(secret=SECRET, **fields)
    recipes.store(made, recipe or RECIPE)
    return made


def taught(recipe: dict[str, Any] | None = None, *, unread: int = 6, **labelled: int) -> Project:
    """A project with labels in every stream, enough for a round, and ``unread`` cases to rank."""
    made = project(recipe)
    for stream, amount in {**LABELLED, **labelled}.items():
        for index in range(amount):
            case(made, stream, index, value="yes" if index % 2 else "no")
    for index in range(unread):
        case(made, "pool", 1000 + index)
    return made


def quickly_taught(*, unread: int = 3, **recipe: Any) -> Project:
    """One network, and too few labels for the active and the control arm: the shortest real round."""
    return taught({**SHORT_RECIPE, **recipe}, unread=unread, pool=7, control=7)


def case(
    project: Project, stream: str, index: int, *, value: str | None = None, image: bool = True
) -> Case:
    """The ``index``-th case of a stream, the same in every project; read, if it has a ``value``."""
    pseudonym = hashlib.sha256(f"{stream} {index}".encode()).hexdigest()[:32]
    patient = Patient.objects.create(project=project, pseudonym=pseudonym, stream=stream)
    shown = builders.series(display=builders.display(rows=SIDE, columns=SIDE))
    made = builders.case(project, stream=stream, patient=patient, series=[shown])
    if image:
        store_image(made, picture(stream, index, bright=bool(index % 2)))
    if value is not None:
        answer(made, value)
    return made


def answer(case: Case, value: str) -> Reference:
    """One read and the reference that it makes."""
    by = builders.read(case, value=value)
    return builders.reference(case, by, answers={"finding": value})


def picture(stream: str, index: int, *, bright: bool) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.sha256(f"{stream} {index}".encode()).digest()[:4], "big")
    image = np.random.default_rng(seed).normal(0, 1, (SIDE, SIDE))
    if bright:
        image[8:20, 10:24] += 3
    return image.astype(np.float32)


def store_image(case: Case, pixels: NDArray[np.float32], recipe: Any = None) -> None:
    """Puts the array where a round expects it, as if it had been made from the image store."""
    parsed = recipe or recipes.parsed(recipes.current(case.project))
    fresh = Case.objects.prefetch_related("series__instances").get(pk=case.pk)
    path = datasets.image_of(fresh, parsed).path
    artifacts.write(path, lambda file: np.save(file, pixels))


def volume_case(project: Project, stream: str, index: int, *, masked: bool = True) -> Case:
    """A small volume with a bright block, and the mask a reader drew of it."""
    pseudonym = hashlib.sha256(f"{stream} {index}".encode()).hexdigest()[:32]
    patient = Patient.objects.create(project=project, pseudonym=pseudonym, stream=stream)
    slices, rows, columns = VOLUME
    display = builders.display(frames=slices, rows=rows, columns=columns)
    shown = builders.series(frames=slices, display=display)
    made = builders.case(project, stream=stream, patient=patient, series=[shown])
    mask = np.zeros(VOLUME, np.uint8)
    mask[2:6, 3 + index % 5 : 9 + index % 5, 4:11] = 1
    image = np.random.default_rng(index).normal(0, 1, VOLUME) + 3.0 * mask
    store_image(made, image.astype(np.float32))
    if masked:
        draw(made, shown, mask)
    return made


def draw(case: Case, series: Series, voxels: NDArray[np.uint8]) -> Reference:
    """A read whose mark is this labelmap, and the reference that it makes."""
    mark = builders.labelmap(series, store_mask(case.project, series, voxels).sha256)
    return builders.reference(case, builders.read(case), answers={}, marks=[mark])


def store_mask(project: Project, series: Series, voxels: NDArray[np.uint8]) -> Mask:
    return Mask.objects.create(
        project=project,
        series=series,
        sha256=hashlib.sha256(voxels.tobytes()).hexdigest(),
        shape=list(voxels.shape),
        labels=[int(value) for value in np.unique(voxels) if value],
        gzip=gzip.compress(voxels.tobytes()),
    )


def start(project: Project) -> Round:
    return rounds.start(project, user=lead(project), trigger="button")


def reopen(round_: Round, step: str) -> None:
    """As if the round had come so far and no further."""
    Round.objects.filter(pk=round_.pk).update(state=Round.State.RUNNING, step=step)


def finish(round_: Round, *, slices: int = 200) -> Round:
    """Works on the round until it is over or waits for something."""
    for _ in range(slices):
        if not rounds.advance(round_.pk):
            break
    return Round.objects.get(pk=round_.pk)


def until(round_: Round, reached: Callable[[Round], bool]) -> Round:
    """Works in slices of one unit until the round is so far."""
    for _ in range(500):
        now = Round.objects.get(pk=round_.pk)
        if reached(now):
            return now
        assert rounds.advance(round_.pk), f"the round stopped before: {now.state} {now.error}"
    raise AssertionError("the round does not get there")


def hold(round_: Round, *, seconds: float = 60) -> Lease:
    """The lease of a worker that has just taken the round."""
    taken = leases.take(round_.pk, seconds=seconds)
    assert taken is not None
    return taken[0]


def assert_same_weights(one: Round, other: Round) -> None:
    """Bit for bit, network by network; the file's header names the snapshot and may differ."""
    networks = list(one.trained_models.exclude(network="ensemble").order_by("arm", "network"))
    assert networks
    for mine in networks:
        theirs = other.trained_models.get(arm=mine.arm, network=mine.network)
        ours, its = (
            load_file(artifacts.weights_path(model.weights_sha256)) for model in (mine, theirs)
        )
        assert ours.keys() == its.keys()
        for name, tensor in ours.items():
            assert tensor.tobytes() == its[name].tobytes(), f"{mine.arm} {mine.network} {name}"

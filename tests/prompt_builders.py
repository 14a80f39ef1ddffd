"""Prompts and their answers, with the pixels that they need where a viewer would have left them."""

from __future__ import annotations

import gzip
import hashlib
from datetime import timedelta
from typing import Any

import builders
import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from annotation import frame_cache, label_schemas, prompts, queue, reading
from annotation.models import Case, Project, PromptedMask, Series, Slot, User
from learning.models import Arm, Round, TrainedModel

SHAPE = (5, 48, 56)
DISC = {"kind": "point", "positive": True, "frame": 2, "points_px": [[28, 24]]}


def painted_case(project: Project, **fields: Any) -> Case:
    """A volume with a bright block in it, whose frames lie in the cache."""
    frames, rows, columns = SHAPE
    display = builders.display(frames=frames, rows=rows, columns=columns)
    display["slice_spacing"] = 2.0
    for number, one in enumerate(display["sources"]["objects"]):
        one[1] = hashlib.sha256(f"{one[0]} {number}".encode()).hexdigest()
    series = builders.series(frames=frames, display=display)
    case = builders.case(project, series=[series], **fields)
    keep(series, volume())
    return case


def volume() -> NDArray[np.int16]:
    voxels = np.random.default_rng(1).normal(100, 8, SHAPE)
    voxels[truth()] += 200
    return voxels.astype(np.int16)


def truth() -> NDArray[np.bool_]:
    found = np.zeros(SHAPE, np.bool_)
    found[1:4, 16:33, 18:39] = True
    return found


def keep(series: Series, voxels: NDArray[np.int16]) -> None:
    """As if somebody had looked at each frame lately."""
    assert series.display is not None
    for source, frame in zip(frame_cache.sources(series.display), voxels, strict=True):
        place = frame_cache.path(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(frame.astype("<i2").tobytes())


def claimed(project: Project, reader: User | None = None) -> Slot:
    return queue.claim(project, reader or builders.reader(project))


def ask(slot: Slot, *given: dict[str, Any], **fields: Any) -> PromptedMask:
    assert slot.reader is not None
    slot = reading.slot_of(slot.pk, slot.reader)
    return prompts.ask(
        slot,
        slot.reader,  # type: ignore[arg-type]
        **{
            "token": slot.token,
            "schema": label_schemas.of_reading(slot, slot.reader),
            "series": slot.case.series.get().pk,
            "label_class": "lesion",
            "method": "random_walk",
            "volume": False,
            "prompts": list(given or [DISC]),
            **fields,
        },
    )


def answered(slot: Slot, reader: User, **fields: Any) -> PromptedMask:
    """As a worker would leave it."""
    voxels = np.ones((1, 4, 5), np.uint8).tobytes()
    return PromptedMask.objects.create(
        **{
            "slot": slot,
            "reader": reader,
            "series": slot.case.series.get(),
            "label_class": "lesion",
            "method": "random_walk",
            "algorithm": "Consilium: random walk from prompts",
            "volume": False,
            "prompts": [DISC],
            "state": "done",
            "start": [0, 1, 2],
            "shape": [1, 4, 5],
            "sha256": hashlib.sha256(voxels).hexdigest(),
            "gzip": gzip.compress(voxels),
            "expires_at": timezone.now() + timedelta(minutes=1),
            **fields,
        }
    )


def mask_of(asked: PromptedMask) -> NDArray[np.bool_]:
    """On the whole series."""
    asked.refresh_from_db()
    assert (asked.state, asked.problem) == ("done", "")
    part = np.frombuffer(gzip.decompress(bytes(asked.gzip)), np.uint8).reshape(asked.shape)
    whole = np.zeros(SHAPE, np.bool_)
    whole[tuple(slice(a, a + b) for a, b in zip(asked.start, asked.shape, strict=True))] = part == 1
    return whole


def model_in_use(project: Project, **recipe: Any) -> TrainedModel:
    """A model of whose networks there is nothing but the name."""
    from learning_builders import MASK_RECIPE

    from learning import recipes

    stored = recipes.store(project, MASK_RECIPE)
    round_ = Round.objects.create(
        project=project, number=1, recipe=stored, seed=1, trigger="api", state="done"
    )
    return TrainedModel.objects.create(
        project=project,
        round=round_,
        arm=Arm.ALL,
        network="ensemble",
        weights_sha256="ab" * 32,
        code_sha256="0" * 64,
        config={"recipe": {**MASK_RECIPE, **recipe}},
        state=TrainedModel.State.IN_USE,
    )

"""What a round settles once before it trains, kept with it: the grid and window of its networks."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings

from annotation.models import Split

from . import datasets, labels, registry
from .engine import fingerprint
from .engine.spec import Recipe
from .leases import Lease
from .models import Arm, Round, RoundLog

VOLUME, IMAGE = (16, 16, 16), (16, 16)


def settle(lease: Lease, round_: Round, recipe: Recipe) -> None:
    """Chooses window, batch and spacing from the training labels, where the recipe leaves them open."""
    if recipe.input_size or "input_size" in round_.plan:
        return
    chosen = labels.items(registry.snapshot_of(round_), recipe, *labels.ARM_STREAMS[Arm.ALL])
    chosen = chosen.filter(split=Split.TRAIN)
    frames = sorted(chosen.values_list("case__frame_count", flat=True))
    volumes = bool(frames) and frames[len(frames) // 2] > 1
    provisional = replace(recipe, input_size=VOLUME if volumes else IMAGE)
    data = datasets.of_items(chosen, provisional, after_each=datasets.pausing(lease))
    found = fingerprint.fingerprint(provisional, data.samples)
    plan = fingerprint.plan(found, provisional, fingerprint.budget(settings.TRAINING_MEMORY_GIB))
    keep(lease, round_, **plan.document())
    with lease.fenced() as locked:
        RoundLog.objects.create(round=locked, text=plan.said)


def keep(lease: Lease, round_: Round, **parts: object) -> None:
    with lease.fenced() as locked:
        locked.plan = round_.plan = {**locked.plan, **parts}
        locked.save(update_fields=["plan"])

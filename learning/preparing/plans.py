"""What a round settles once before it trains, kept with it: the grid and window of its networks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.conf import settings

from annotation.models import Case, Split
from learning import datasets, labels, registry
from learning.engine import fingerprint
from learning.engine.spec import Recipe
from learning.leases import Lease
from learning.models import Arm, Round
from learning.preparing import pretraining

VOLUME, IMAGE = (16, 16, 16), (16, 16)


def settle(lease: Lease, round_: Round, recipe: Recipe) -> None:
    """Chooses window, batch and spacing from the training labels, where the recipe leaves them open."""
    if recipe.input_size or "input_size" in round_.plan:
        return
    provisional, data = _looked_at(lease, round_, recipe)
    found = fingerprint.fingerprint(provisional, data.samples)
    plan = fingerprint.plan(found, provisional, fingerprint.budget(settings.TRAINING_MEMORY_GIB))
    keep(lease, round_, **plan.document())
    lease.log(plan.said)


def _looked_at(lease: Lease, round_: Round, recipe: Recipe) -> tuple[Recipe, datasets.Dataset]:
    """The training labels, of a round without them some of the pool; as many axes as most images have."""
    pausing = datasets.pausing(lease)
    if round_.cold:
        pool = pretraining.pool(round_.project)
        provisional = _with_axes(recipe, pool.values_list("frame_count", flat=True))
        some = pool.order_by("pk").values("pk")[: fingerprint.LOOKED_AT]
        return provisional, datasets.of_cases(
            Case.objects.filter(pk__in=some), provisional, after_each=pausing
        )
    chosen = labels.items(registry.snapshot_of(round_), recipe, *labels.ARM_STREAMS[Arm.ALL])
    chosen = chosen.filter(split=Split.TRAIN)
    provisional = _with_axes(recipe, chosen.values_list("case__frame_count", flat=True))
    return provisional, datasets.of_items(chosen, provisional, after_each=pausing)


def _with_axes(recipe: Recipe, frames: Iterable[int]) -> Recipe:
    counts = sorted(frames)
    volumes = bool(counts) and counts[len(counts) // 2] > 1
    return replace(recipe, input_size=VOLUME if volumes else IMAGE)


def keep(lease: Lease, round_: Round, **parts: object) -> None:
    with lease.fenced() as locked:
        locked.plan = round_.plan = {**locked.plan, **parts}
        locked.save(update_fields=["plan"])

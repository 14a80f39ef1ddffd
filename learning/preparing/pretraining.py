"""Networks that learn from the pool's images before labels are there. The only writer of Pretraining."""

from __future__ import annotations

from pathlib import Path

from django.db.models import QuerySet

from annotation.models import Case, Project, Stream
from learning import artifacts
from learning.engine.data import digest
from learning.engine.determinism import code_sha256, generator
from learning.engine.spec import Recipe
from learning.engine.tasks import TASKS
from learning.leases import Lease
from learning.models import Pretraining

UNCHANGED = 0.25
"""Share by which the pool may have grown or shrunk before it is worth to learn from it again."""
MOST = 20_000
"""Images that one pretraining looks at; of more, so many are drawn."""


def pool(project: Project) -> QuerySet[Case]:
    """Images of the pool, read or not: never those of the hold-out, calibration or control."""
    return project.cases.filter(stream=Stream.POOL, state=Case.State.READY)


def finished(project: Project, recipe: Recipe, network: str) -> Pretraining | None:
    """One of the same images at the same size that need not be made again."""
    row = _alike(project, recipe, network).exclude(weights_sha256="").order_by("-pk").first()
    if row is None or not artifacts.weights_path(row.weights_sha256).exists():
        return None
    changed = abs(pool(project).count() - row.cases)
    return row if changed <= UNCHANGED * row.cases else None


def begun(lease: Lease, project: Project, recipe: Recipe, network: str) -> Pretraining:
    """The one to go on with, or a new one on the pool as it is now."""
    row = _alike(project, recipe, network).filter(weights_sha256="").order_by("-pk").first()
    if row is not None:
        return row
    latest = pool(project).order_by("-pk").values_list("pk", flat=True).first()
    with lease.fenced():
        return Pretraining.objects.create(
            project=project,
            network=network,
            key=_key(recipe, network),
            epochs=recipe.pretraining_epochs,
            last_case=latest or 0,
            cases=pool(project).count(),
        )


def cases(row: Pretraining, recipe: Recipe) -> QuerySet[Case]:
    """What it learns from: the same in every slice."""
    known = pool(row.project).filter(pk__lte=row.last_case).order_by("pk")
    if known.count() <= MOST:
        return known
    pks = list(known.values_list("pk", flat=True))
    drawn = generator(recipe.seed, "pretraining").choice(len(pks), MOST, replace=False)
    return Case.objects.filter(pk__in=[pks[index] for index in sorted(drawn.tolist())])


def checkpoint_of(row: Pretraining) -> Path | None:
    if not row.checkpoint:
        return None
    return folder(row, row.checkpoint_token) / f"{row.checkpoint}.safetensors"


def folder(row: Pretraining, token: int) -> Path:
    return artifacts.pretraining_dir(row.pk, token)


def save(lease: Lease, row: Pretraining, file: Path, history: list[float]) -> None:
    """The row names the file only if the lease still holds; older files go after that."""
    row.checkpoint, row.checkpoint_token = file.stem, int(file.parent.name)
    row.epoch, row.history = len(history), history
    with lease.fenced():
        row.save(update_fields=["checkpoint", "checkpoint_token", "epoch", "history"])
    artifacts.discard_older_pretraining(row.pk, row.checkpoint_token)


def start_again(lease: Lease, row: Pretraining) -> None:
    with lease.fenced():
        row.delete()


def finish(lease: Lease, row: Pretraining, weights: Path, *, images: int) -> None:
    row.weights_sha256, row.images, row.code_sha256 = weights.stem, images, code_sha256()
    with lease.fenced():
        row.save(update_fields=["weights_sha256", "images", "code_sha256"])
    artifacts.discard_pretraining(row.pk)


def _alike(project: Project, recipe: Recipe, network: str) -> QuerySet[Pretraining]:
    return Pretraining.objects.filter(project=project, network=network, key=_key(recipe, network))


def _key(recipe: Recipe, network: str) -> str:
    """Of all that decides what the network sees."""
    seen = [recipe.input_size, recipe.spacing, recipe.channels, recipe.window, recipe.mirror]
    return digest([network, TASKS[recipe.task].windows, recipe.pretraining_epochs, *seen])

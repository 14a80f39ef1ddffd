"""What is to be learned from what: the recipe and the samples, as frozen dataclasses.

Torch-free, so that a recipe can be checked when a project is created. ``parse`` reports everything
that is wrong at once, each in a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from learning.engine.errors import InvalidRecipe

Task = Literal["classification", "segmentation"]

NETWORKS_OF: dict[str, tuple[str, ...]] = {
    "classification": ("densenet", "vit"),
    "segmentation": ("unet", "segresnet"),
}
METRICS_OF: dict[str, tuple[str, ...]] = {
    "classification": ("auroc", "auprc", "balanced_accuracy", "f1"),
    "segmentation": ("dice",),
}


@dataclass(frozen=True)
class Recipe:
    """How to learn one task. Sizes are voxels, outermost axis first: (rows, columns) or (slices, …)."""

    task: Task
    classes: tuple[str, ...]
    """Classification: every answer, the positive one last. Segmentation: foreground, values 1…n."""
    networks: tuple[str, ...]
    input_size: tuple[int, ...]
    question: str = ""
    channels: int = 1
    epochs: int = 12
    minimum_steps: int = 16
    """An epoch is one pass over the samples, and at least this many batches: small sets train too."""
    batch_size: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    augment: bool = True
    mirror: bool = False
    """Whether left and right may be swapped in augmentation; wrong where the side matters."""
    window: tuple[float, float] | None = None
    """Lowest and highest value of interest in real units; otherwise each image's own 0.5-99.5 %."""
    metric: str = ""
    acquisition: str = "auto"
    batch: int = 16
    seed: int = 0
    minimum_labels: int = 8

    @property
    def outputs(self) -> int:
        """Channels of the network's answer: the classes, for a mask the background as well."""
        return len(self.classes) + (self.task == "segmentation")

    def document(self) -> dict[str, Any]:
        """The recipe as plain JSON values; ``parse`` gives it back."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }


@dataclass(frozen=True)
class Sample:
    """One case: a float32 ``.npy`` of [channels,] [slices,] rows, columns, and what it is."""

    id: int
    patient: str
    image: Path
    spacing: tuple[float, ...] = ()
    """mm between voxels, one for each spatial axis; empty: unknown."""
    target: int | Path | None = None
    """Index into ``Recipe.classes``, or an integer mask ``.npy`` on the image's grid."""


LeftOut = tuple[int, str]
"""A sample's id and the sentence that says why it could not be used."""


def parse(document: Mapping[str, Any]) -> Recipe:
    raise NotImplementedError

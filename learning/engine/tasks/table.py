"""The torch-free half of the table of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

IMAGE_NETWORKS = ("densenet", "vit")
DENSE_NETWORKS = ("unet", "segresnet")


@dataclass(frozen=True)
class Task:
    """What a recipe for this task may say."""

    networks: tuple[str, ...]
    metrics: tuple[str, ...]
    """That a recipe may go by; higher is better. The first unless it says otherwise."""
    regime: str
    """By which an acquisition function suits it: see ``learning.acquisition.regimes``."""
    smallest_side: int
    """Of an input: what is left after the networks have halved it as often as they do."""
    fewest: int = 1
    most: int = 255
    """Classes that a recipe names."""
    excludes: bool = False
    """Whether one class excludes the others, so that a case is of one class."""
    per_class: int = 1
    """Channels of a network's answer for each class, …"""
    per_axis: int = 0
    """… for each axis of the image, …"""
    besides: int = 0
    """… and besides."""
    remembers: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """What a network keeps besides its weights, until training says otherwise: name → numbers."""

    def outputs(self, classes: int, axes: int) -> int:
        return self.per_class * classes + self.per_axis * axes + self.besides


TASKS: dict[str, Task] = {
    "classification": Task(
        IMAGE_NETWORKS,
        ("auroc", "auprc", "balanced_accuracy", "f1"),
        regime="classification",
        smallest_side=32,
        fewest=2,
        excludes=True,
    ),
    "segmentation": Task(
        DENSE_NETWORKS,
        ("dice",),
        regime="segmentation",
        smallest_side=16,
        besides=1,
    ),
}

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
    """That a recipe may go by: the first, unless it says otherwise."""
    regime: str
    """By which an acquisition function suits it: see ``learning.acquisition.regimes``."""
    smallest_side: int
    """Of an input: what is left after the networks have halved it as often as they do."""
    fewest: int = 1
    most: int = 255
    """Classes that a recipe names."""
    axes: tuple[int, ...] = (2, 3)
    """How many an image may have."""
    windows: bool = False
    """Whether networks see windows of an image, which a plan can size."""
    passes: bool = False
    """Whether answers with parts of a network left out say how sure it is."""
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
        passes=True,
        fewest=2,
        excludes=True,
    ),
    "segmentation": Task(
        DENSE_NETWORKS,
        ("dice",),
        regime="segmentation",
        smallest_side=16,
        windows=True,
        besides=1,
    ),
    "multilabel": Task(
        IMAGE_NETWORKS,
        ("macro_auroc", "micro_auroc"),
        regime="parts",
        smallest_side=32,
    ),
    "ordinal": Task(
        IMAGE_NETWORKS,
        ("quadratic_kappa", "auroc", "balanced_accuracy"),
        regime="classification",
        smallest_side=32,
        passes=True,
        fewest=3,
        excludes=True,
        besides=-1,
    ),
    "regression": Task(
        IMAGE_NETWORKS,
        ("r2", "mae", "rmse"),
        regime="parts",
        smallest_side=32,
        fewest=0,
        most=0,
        per_class=0,
        besides=2,
        remembers={"scale": (0.0, 1.0)},
    ),
    "landmarks": Task(
        DENSE_NETWORKS,
        ("mean_radial_error",),
        regime="parts",
        smallest_side=16,
        most=100,
    ),
    "detection": Task(
        DENSE_NETWORKS,
        ("mean_average_precision", "froc"),
        regime="detection",
        smallest_side=16,
        axes=(2,),
        per_axis=1,
    ),
}

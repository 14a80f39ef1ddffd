"""The training loop, readable in one sitting; see ``train``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from learning.engine.spec import LeftOut, Recipe, Sample


class EpochLosses(TypedDict):
    epoch: int
    train_loss: float
    validation_loss: float | None


@dataclass(frozen=True)
class EpochReport:
    """After each epoch, when its checkpoint is durable and before the previous one is removed."""

    epoch: int
    epochs: int
    train_loss: float
    validation_loss: float | None
    seconds: float
    checkpoint: Path


@dataclass(frozen=True)
class TrainResult:
    finished: bool
    epoch: int
    """Epochs done."""
    epochs: int
    checkpoint: Path
    """``<sha256>.safetensors``; give it as ``resume`` to go on, or to ``checkpoint.extract_weights``."""
    history: tuple[EpochLosses, ...]
    left_out: tuple[LeftOut, ...]
    used: int
    """Samples trained on."""


def train(
    recipe: Recipe,
    network: str,
    samples: Sequence[Sample],
    *,
    validation: Sequence[Sample],
    checkpoint_dir: Path,
    resume: Path | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_epoch: Callable[[EpochReport], None] = lambda report: None,
) -> TrainResult:
    raise NotImplementedError

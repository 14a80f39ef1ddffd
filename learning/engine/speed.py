"""What only changes how fast a network learns: chosen for the machine, never by the recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Speed:
    """The choices of whoever operates the machine."""

    compile: bool = False
    """Whether the step is compiled: pays on a GPU for long trainings, costs a minute at their start."""
    deterministic: bool = False
    """On a GPU, only algorithms that give the same again, which are slower. On the CPU always."""


AS_IT_IS = Speed()


def memory_format(dimensions: int) -> torch.memory_format:
    """How images and weights lie: channels last, on GPUs and, as measured, on processors as well."""
    return torch.channels_last if dimensions == 2 else torch.channels_last_3d


class Forward:
    """The network as it is called in a step: compiled where asked for, as it is where that fails."""

    def __init__(self, network: nn.Module, speed: Speed) -> None:
        self._plain = network
        self._compiled: Callable[..., Any] | None = (
            torch.compile(network) if speed.compile else None
        )
        self.note = ""

    def __call__(self, images: Tensor) -> Any:
        if self._compiled is None:
            return self._plain(images)
        try:
            return self._compiled(images)
        except (RuntimeError, ImportError) as problem:
            self._compiled = None
            said = " ".join(str(problem).split())[:200]
            self.note = f"The step could not be compiled and runs as it is ({said})."
            return self._plain(images)

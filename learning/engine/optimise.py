"""AdamW, its schedule, and its state as tensors of a checkpoint: alike for every way to learn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

STATE = "optimiser."
WARM_UP = 0.2
"""Share of the steps in which the learning rate climbs, before it falls along a cosine."""


def optimiser_of(*modules: nn.Module, weight_decay: float) -> torch.optim.AdamW:
    """Decay pulls on weight matrices only, not on biases, norms and positions."""
    parameters = [p for module in modules for p in module.parameters()]
    return torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ],
        fused=True,
    )


def rate(step: int, steps: int) -> float:
    """Learning rate as a share of its peak: up along half a cosine, then down to almost zero."""
    climb = max(1, round(WARM_UP * steps))
    if step < climb:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * (step + 1) / climb)) / 2
    return (1 + math.cos(math.pi * (step + 1 - climb) / (steps + 1 - climb))) / 2


def set_rate(optimiser: torch.optim.Optimizer, peak: float, step: int, steps: int) -> None:
    for group in optimiser.param_groups:
        group["lr"] = peak * rate(step, steps)


def tensors_of(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What the optimiser remembers of each weight, by names that ``remember`` understands."""
    return {
        f"{STATE}{index}.{key}": value
        for index, values in optimiser.state_dict()["state"].items()
        for key, value in values.items()
    }


def remember(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Undoes ``tensors_of``; other tensors of the checkpoint are passed over."""
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if name.startswith(STATE):
            index, key = name.removeprefix(STATE).split(".")
            state.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    for parameter, values in optimiser.state.items():
        for key, value in values.items():
            if value.shape == parameter.shape:
                values[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)

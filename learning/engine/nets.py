"""The table of architectures. A network is chosen by name from here and from nowhere else."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from learning.engine.spec import Recipe


class Network(nn.Module):
    """A named architecture whose ``forward`` gives (logits, embedding of each case)."""

    name: str

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError


NETWORKS: dict[str, Callable[[Recipe], Network]] = {}


def build(name: str, recipe: Recipe) -> Network:
    raise NotImplementedError

"""``Features`` on a device that torch knows. Imported only by whoever asks for such a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learning.acquisition.features import Features, FloatArray, Indices

ROWS = 65_536
"""Rows whose products with all centres lie on the device at once."""


@dataclass(frozen=True)
class TorchFeatures(Features):
    """[N, D] on a device, in single precision; answers come back as NumPy arrays."""

    array: Any

    def __getitem__(self, rows: Indices | slice) -> Features:
        return TorchFeatures(self.array[rows if isinstance(rows, slice) else self._there(rows)])

    def finite(self) -> bool:
        return all(bool(torch.isfinite(part).all()) for part in self.array.split(ROWS))

    def rows(self, index: Indices) -> FloatArray:
        return _back(self.array[self._there(index)])

    def mean(self) -> FloatArray:
        return _back(self.array.mean(dim=0) if len(self) else self.array.sum(dim=0))

    def squares(self) -> FloatArray:
        return self._over(lambda part: torch.linalg.vecdot(part, part))

    def products(self, vectors: FloatArray) -> FloatArray:
        there = self._there(vectors)
        return self._over(lambda part: part @ there.T).reshape(len(self), len(vectors))

    def nearest(self, centres: FloatArray, origin: FloatArray) -> tuple[FloatArray, Indices]:
        middle = self._there(origin)
        moved = self._there(centres) - middle
        lengths = torch.linalg.vecdot(moved, moved)
        squared, which = [], []
        for part in self.array.split(ROWS):
            rows = part - middle
            least, at = torch.addmm(lengths, rows, moved.T, alpha=-2).min(dim=1)
            squared.append((least + torch.linalg.vecdot(rows, rows)).clamp_(min=0))
            which.append(at)
        return _back(torch.cat(squared)), _back(torch.cat(which))

    def guessed(self, centres: FloatArray, origin: FloatArray, axes: FloatArray) -> FloatArray:
        middle, few = self._there(origin), self._there(axes)
        moved = self._there(centres) - middle
        low = moved @ few
        lengths = torch.linalg.vecdot(low, low)

        def look(part: Tensor) -> Tensor:
            rows = part - middle
            rows -= moved[torch.addmm(lengths, rows @ few, low.T, alpha=-2).argmin(dim=1)]
            squared: Tensor = torch.linalg.vecdot(rows, rows)
            return squared

        return self._over(look)

    def _there(self, values: Any) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(values), device=self.array.device)

    def _over(self, look: Any) -> FloatArray:
        return _back(torch.cat([look(part) for part in self.array.split(ROWS)]))


def moved(embeddings: Any, device: str) -> TorchFeatures:
    return TorchFeatures(torch.as_tensor(embeddings, dtype=torch.float32, device=device))


def _back(values: Tensor) -> NDArray[Any]:
    return np.asarray(values.cpu().numpy())

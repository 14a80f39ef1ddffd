"""Embeddings wherever they lie: the few passes over them that every acquisition function is made of.

``Features`` reads NumPy arrays; ``on_torch.TorchFeatures`` does the same on a GPU. What is large
stays there, what comes back is small, and the functions that ask are the same for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]

CHUNK = 2048
"""Rows looked at together: with their products they stay in the processor's cache."""


@dataclass(frozen=True)
class Features:
    """[N, D] on the CPU, never copied as a whole."""

    array: NDArray[Any]

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, rows: Indices | slice) -> Features:
        return type(self)(self.array[rows])

    @property
    def width(self) -> int:
        return int(self.array.shape[1])

    def finite(self) -> bool:
        return all(np.isfinite(self.array[part]).all() for part in self._parts())

    def rows(self, index: Indices) -> FloatArray:
        """[M, D] in single precision."""
        return np.ascontiguousarray(self.array[index], np.float32)

    def mean(self) -> FloatArray:
        """[D]."""
        total = np.zeros(self.width)
        for part in self._parts():
            total += self.array[part].sum(axis=0, dtype=np.float32)
        return np.asarray(total / max(len(self), 1), np.float32)

    def squares(self) -> FloatArray:
        """[N] squared lengths."""
        found = np.empty(len(self), np.float32)
        for part in self._parts():
            rows = np.asarray(self.array[part], np.float32)
            found[part] = np.einsum("ij,ij->i", rows, rows)
        return found

    def products(self, vectors: FloatArray) -> FloatArray:
        """[N, M] inner products with [M, D]."""
        found = np.empty((len(self), len(vectors)), np.float32)
        for part in self._parts():
            np.matmul(np.asarray(self.array[part], np.float32), vectors.T, out=found[part])
        return found

    def nearest(self, centres: FloatArray, origin: FloatArray) -> tuple[FloatArray, Indices]:
        """[N] squared distance to the nearest of [M, D] centres, and which it is.

        Distances do not depend on ``origin``; one amid the data keeps them exact in single
        precision, where |x|² + |c|² - 2xc would cancel.
        """
        moved = np.ascontiguousarray(centres - origin, np.float32)
        lengths = np.einsum("ij,ij->i", moved, moved)
        squared, which = np.empty(len(self), np.float32), np.empty(len(self), np.int64)
        for part in self._parts():
            rows = np.asarray(self.array[part] - origin, np.float32)
            gaps = rows @ moved.T
            gaps *= -2
            gaps += lengths
            which[part] = gaps.argmin(axis=1)
            least = np.take_along_axis(gaps, which[part, None], axis=1)[:, 0]
            squared[part] = least + np.einsum("ij,ij->i", rows, rows)
        return np.asarray(np.maximum(squared, 0)), which

    def guessed(self, centres: FloatArray, origin: FloatArray, axes: FloatArray) -> FloatArray:
        """[N] squared distance to the centre that is nearest along a few axes [D, W].

        So at least the distance to the nearest, and mostly just that, for a fraction of the work.
        """
        moved = np.ascontiguousarray(centres - origin, np.float32)
        low = moved @ axes
        lengths = np.einsum("ij,ij->i", low, low)
        squared = np.empty(len(self), np.float32)
        for part in self._parts():
            rows = np.asarray(self.array[part] - origin, np.float32)
            gaps = (rows @ axes) @ low.T
            gaps *= -2
            gaps += lengths
            rows -= moved[gaps.argmin(axis=1)]
            squared[part] = np.einsum("ij,ij->i", rows, rows)
        return squared

    def _parts(self) -> Iterator[slice]:
        for start in range(0, len(self), CHUNK):
            yield slice(start, min(start + CHUNK, len(self)))


def features(embeddings: Any, device: str = "cpu") -> Features:
    """``embeddings`` as what they are, or moved to a device that torch knows, such as "cuda"."""
    if isinstance(embeddings, Features):
        return embeddings
    if device == "cpu":
        return Features(np.asarray(embeddings))
    from learning.acquisition.on_torch import moved

    return moved(embeddings, device)


def squared_distances(first: FloatArray, second: FloatArray) -> FloatArray:
    """[N, M] between [N, D] and [M, D], in single precision."""
    origin = first.mean(axis=0) if len(first) else 0.0
    a = np.asarray(first - origin, np.float32)
    b = np.asarray(second - origin, np.float32)
    gaps = a @ b.T
    gaps *= -2
    gaps += np.einsum("ij,ij->i", a, a)[:, None]
    gaps += np.einsum("ij,ij->i", b, b)
    return np.asarray(np.maximum(gaps, 0, out=gaps))


def unit(vectors: FloatArray) -> FloatArray:
    """[N, D] scaled to length 1; a zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), np.float32)

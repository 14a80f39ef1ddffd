"""The embeddings of a pool on disk: single precision as they are, and scaled ones in half the bytes.

One pass over a million rows is bound by memory, so the pass reads bf16 where this processor
multiplies it faster; what is decided among the best rows is computed from the single precision.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from learning.head.errors import HeadError

EXACT, COARSE = "rows.f32", "rows.bf16"
CHUNK = 8192
PROBE = 65_536
"""Rows on which both ways are timed."""
FEW = 16_384
"""Rows below which the faster way is not worth looking for."""

Single = NDArray[np.float32]
Write = Callable[[Path, Callable[[IO[bytes]], object]], None]


@dataclass(frozen=True)
class Scale:
    """φ(x) = ((x - middle) / length, 1): centred, of about unit length, with a constant."""

    middle: Single
    length: float

    @classmethod
    def of(cls, parts: Iterable[Single]) -> Scale:
        """From all rows, in parts; of no rows, the identity."""
        count, total, squares = 0, np.zeros(0), 0.0
        for part in parts:
            if not len(total):
                total = np.zeros(part.shape[1])
            count += len(part)
            total += part.sum(axis=0, dtype=np.float64)
            squares += float(np.einsum("ij,ij->", part, part, dtype=np.float64))
        middle = total / max(count, 1)
        spread = squares / max(count, 1) - float(middle @ middle)
        return cls(middle.astype(np.float32), float(np.sqrt(max(spread, 1e-12))))

    def __call__(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """[N, D] → [N, D + 1]."""
        moved = (np.asarray(rows, np.float32) - self.middle) / np.float32(self.length)
        return np.concatenate([moved, np.ones((len(rows), 1))], axis=1, dtype=np.float64)


def write_rows(folder: Path, count: int, parts: Iterable[Single], write: Write) -> Scale:
    """Both files, from ``count`` rows that come in parts.

    ``write(path, fill)`` makes a file that is there whole or not at all. Raises HeadError where the
    rows are not as many, or hold what is not a number.
    """
    write(folder / EXACT, lambda file: _each(file, _checked(parts, count)))
    width = (folder / EXACT).stat().st_size // 4 // max(count, 1)
    whole = Rows(folder, count, width, Scale(np.zeros(width, np.float32), 1.0)).exact
    scale = Scale.of(_in_parts(whole))
    write(
        folder / COARSE,
        lambda file: _each(file, (coarse(part, scale) for part in _in_parts(whole))),
    )
    return scale


def coarse(rows: Single, scale: Scale) -> NDArray[np.uint16]:
    """[N, D] centred and scaled, as the upper half of single precision, rounded to even."""
    moved = np.ascontiguousarray((rows - scale.middle) / np.float32(scale.length), np.float32)
    bits = moved.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


@dataclass(frozen=True)
class Rows:
    """[N, D] in a folder, mapped: what is not in use costs no memory of the process."""

    folder: Path
    count: int
    width: int
    scale: Scale

    @cached_property
    def exact(self) -> Single:
        rows: Single = self._mapped(EXACT, np.float32)
        return rows

    def features(self, index: NDArray[np.int64]) -> NDArray[np.float64]:
        """[M, D + 1] of these rows, as ``Scale`` makes them."""
        return self.scale(self.exact[index])

    def products(self, vectors: NDArray[np.floating]) -> Single:
        """[N, K] of φ with [D + 1, K]: one pass over all rows."""
        if self._halved is None:
            return self._exactly(vectors, slice(None))
        return self._half(vectors, slice(None))

    def variances(self, covariance: NDArray[np.floating]) -> Single:
        """[N] of φ with a covariance [D + 1, D + 1], in parts: N D² operations."""
        found = np.empty(self.count, np.float32)
        matrix = covariance.astype(np.float32)
        for start in range(0, self.count, CHUNK):
            part = slice(start, start + CHUNK)
            phi = self.scale(self.exact[part]).astype(np.float32)
            found[part] = np.einsum("ij,ij->i", phi @ matrix, phi)
        return np.maximum(found, 0)

    @cached_property
    def _halved(self) -> Any:
        """The rows as torch's bf16 tensor, on a GPU if there is one, if that is the faster way; else None."""
        if self.count < FEW:
            return None
        try:
            import torch
        except ImportError:
            return None
        bits = self._mapped(COARSE, np.int16)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        tensor = torch.from_numpy(bits).view(torch.bfloat16).to(device)
        few = slice(0, PROBE)
        vectors = np.random.default_rng(0).normal(size=(self.width + 1, 2))
        fast = _seconds(lambda: self._half(vectors, few, tensor))
        return tensor if fast < _seconds(lambda: self._exactly(vectors, few)) else None

    def _half(self, vectors: NDArray[np.floating], part: slice, tensor: Any = None) -> Single:
        import torch

        rows = self._halved if tensor is None else tensor
        there = torch.from_numpy(np.ascontiguousarray(vectors[:-1], np.float32)).bfloat16()
        with torch.inference_mode():
            found: Single = (rows[part] @ there.to(rows.device)).float().cpu().numpy()
        found += vectors[-1].astype(np.float32)
        return found

    def _exactly(self, vectors: NDArray[np.floating], part: slice) -> Single:
        weights = np.asarray(vectors[:-1] / self.scale.length, np.float32)
        shift = (vectors[-1] - self.scale.middle @ weights).astype(np.float32)
        rows = self.exact[part]
        found = np.empty((len(rows), weights.shape[1]), np.float32)
        for start in range(0, len(rows), CHUNK):
            few = slice(start, start + CHUNK)
            np.matmul(rows[few], weights, out=found[few])
        found += shift
        return found

    def _mapped(self, name: str, kind: Any) -> Any:
        if not self.count:
            return np.zeros((0, self.width), kind)
        try:
            # Private: torch wants an array that may be written to, though nobody writes.
            return np.memmap(self.folder / name, kind, mode="c", shape=(self.count, self.width))
        except (OSError, ValueError) as problem:
            raise HeadError(f"{self.folder / name} is not the file that was written.") from problem


def _checked(parts: Iterable[Single], count: int) -> Iterator[Single]:
    seen = 0
    for part in parts:
        if not np.isfinite(part).all():
            raise HeadError("An embedding holds values that are not numbers.")
        seen += len(part)
        yield part
    if seen != count:
        raise HeadError(f"{seen} embeddings were there instead of {count}.")


def _in_parts(rows: Single) -> Iterator[Single]:
    for start in range(0, len(rows), CHUNK):
        yield np.asarray(rows[start : start + CHUNK])


def _each(file: IO[bytes], parts: Iterable[NDArray[Any]]) -> None:
    for part in filter(len, parts):
        file.write(np.ascontiguousarray(part).data.cast("B"))


def _seconds(work: Callable[[], object]) -> float:
    """The best of three, after a first one that warms up."""
    work()
    took = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took)

"""Batches on the device, the next one made by a thread while the network is busy with this one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

Batch = tuple[Tensor, ...]


class Feed:
    """``make(step)`` builds a batch on the CPU from the step's number alone, in any thread.

    For a GPU the batch is pinned and copied on a stream of its own, so that the copy, too, runs
    beside the network. With ``ahead`` false everything happens in the calling thread.
    """

    def __init__(
        self, make: Callable[[int], Batch], device: torch.device, *, ahead: bool = True
    ) -> None:
        self._make, self._device = make, device
        self._pool = ThreadPoolExecutor(1, "feed") if ahead else None
        self._waiting: tuple[int, Future[tuple[Batch, torch.cuda.Event | None]]] | None = None
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def batch(self, step: int, *, last: bool = False) -> Batch:
        """The batch of ``step`` on the device; unless it is the last, the next one is begun."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and waiting[0] == step:
            batch, copied = waiting[1].result()
        else:
            batch, copied = self._there(step)
        if self._pool is not None and not last:
            self._waiting = step + 1, self._pool.submit(self._there, step + 1)
        if copied is not None:
            stream = torch.cuda.current_stream(self._device)
            stream.wait_event(copied)
            for part in batch:
                part.record_stream(stream)
        return batch

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _there(self, step: int) -> tuple[Batch, torch.cuda.Event | None]:
        made = self._make(step)
        if self._stream is None:
            return made, None
        with torch.cuda.stream(self._stream):
            moved = tuple(self._copied(part) for part in made)
            return moved, self._stream.record_event()

    def _copied(self, part: Tensor) -> Tensor:
        if part.is_cuda:
            return part
        return part.pin_memory().to(self._device, non_blocking=True)

"""Several processes on one training, as ``torchrun`` starts them: one leads, the others follow.

Only the leader has a database, leases and folders to write; it tells the others what to train in a
JSON document, and before each step whether to go on. All see the same files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

GO_ON, STOP, JOB, LEAVE = 0, 1, 2, 3
PATIENCE = timedelta(days=7)
"""A follower waits for the next job as long as no training is due."""


def join() -> None:
    """Once in each process that ``torchrun`` started; elsewhere nothing happens."""
    if "RANK" not in os.environ or dist.is_initialized():
        return
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE)


def world() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def leads() -> bool:
    return rank() == 0


def shared_out(batch: int) -> int:
    """The batch of all processes together that is nearest above: two samples at least for each."""
    count = world()
    return batch if count == 1 else max(2, -(-batch // count)) * count


def mine(chosen: list[int]) -> list[int]:
    """This process's part of a batch."""
    return chosen[rank() :: world()]


def agreed(stop: bool) -> bool:
    """Whether to stop, as the leader has it."""
    if world() == 1:
        return stop
    return _told(STOP if stop else GO_ON) == STOP


def assign(job: Mapping[str, Any]) -> None:
    """The leader's: what all train next."""
    content = json.dumps(job).encode()
    _told(JOB)
    _sent(torch.tensor([len(content)], dtype=torch.int64))
    _sent(torch.frombuffer(bytearray(content), dtype=torch.uint8))


def call_off() -> None:
    """The leader's, when it leaves a training early: the others leave it, too."""
    if world() > 1 and leads():
        _told(STOP)


def leave() -> None:
    """The leader's last word: the others end."""
    if world() > 1:
        _told(LEAVE)
        dist.destroy_process_group()


def apart() -> tuple[int, ...]:
    """What tells this process's draws from the others'; of one process nothing."""
    return () if world() == 1 else (rank(),)


def follow(carry_out: Callable[[dict[str, Any]], object]) -> None:
    """The others' whole life: one job after the other, until the leader leaves. Does not return."""
    while True:
        word = _told(GO_ON)
        if word == LEAVE:
            dist.destroy_process_group()
            raise SystemExit(0)
        if word != JOB:
            continue
        length = int(_sent(torch.zeros(1, dtype=torch.int64)))
        content = _sent(torch.zeros(length, dtype=torch.uint8))
        carry_out(json.loads(content.cpu().numpy().tobytes()))


def in_step(network: nn.Module, device: torch.device) -> nn.Module:
    """The network with gradients that are the mean over the processes.

    On GPUs batch norm, too, sees the whole batch; gloo cannot do that, so on the CPU each process
    normalises by its own part of it.
    """
    if world() == 1:
        return network
    if device.type == "cpu":
        return DistributedDataParallel(network)
    whole = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return DistributedDataParallel(whole, device_ids=[torch.cuda.current_device()])


def mean(value: Tensor) -> Tensor:
    """Over the processes."""
    if world() > 1:
        value = value.detach().clone()
        dist.all_reduce(value)
        value /= world()
    return value


def _told(word: int) -> int:
    return int(_sent(torch.tensor([word], dtype=torch.int64)))


def _sent(value: Tensor) -> Tensor:
    """From the leader to all."""
    if dist.get_backend() == "nccl":
        value = value.cuda()
    dist.broadcast(value, src=0)
    return value

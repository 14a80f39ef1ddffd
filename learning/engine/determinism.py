"""Seeds, threads, device: everything besides data and code that a result depends on.

Randomness is drawn anew at each step from the seed and the step's number. So there is no generator
state to keep, and a training that resumes draws exactly what an undisturbed one would.
"""

from __future__ import annotations

import hashlib
import platform
from functools import lru_cache
from pathlib import Path
from typing import Any

import monai
import numpy as np
import torch


def seed_all(*parts: int | str) -> None:
    """Seeds torch (every device) from ``parts``, for example (seed, network, step)."""
    torch.manual_seed(derived_seed(*parts))


def derived_seed(*parts: int | str) -> int:
    """A 63-bit seed that differs with every part, the same on every machine."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(*parts: int | str) -> np.random.Generator:
    return np.random.default_rng(derived_seed(*parts))


def limit_threads(count: int) -> None:
    """Call once, early, in the process that trains. Results are bit-equal for an equal count."""
    torch.set_num_threads(max(1, count))


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def environment() -> dict[str, Any]:
    """Versions, device, threads and ``code_sha256`` of the engine's source, for a model's record."""
    cuda = torch.cuda.is_available()
    return {
        "torch": torch.__version__,
        "monai": monai.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "device": torch.cuda.get_device_name() if cuda else platform.machine(),
        "threads": torch.get_num_threads(),
        "code_sha256": code_sha256(),
    }


@lru_cache(maxsize=1)
def code_sha256() -> str:
    """Hash over the engine's source files, names included."""
    total = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        total.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def repeatable(*, always: bool = False) -> None:
    """On the CPU no algorithm that gives other results when run again; on a GPU if ``always``."""
    strict = always or not torch.cuda.is_available()
    torch.backends.cudnn.benchmark = not strict
    torch.use_deterministic_algorithms(strict, warn_only=True)

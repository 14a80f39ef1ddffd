"""Seeds, threads, device: everything besides data and code that a result depends on."""

from __future__ import annotations

from typing import Any


def seed_all(seed: int) -> None:
    raise NotImplementedError


def limit_threads(count: int) -> None:
    """Call once, early, in the process that trains."""
    raise NotImplementedError


def environment() -> dict[str, Any]:
    """Versions, device, threads and ``code_sha256`` of the engine's source, for a model's record."""
    raise NotImplementedError

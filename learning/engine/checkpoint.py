"""Files that a crash cannot spoil: safetensors named by their own SHA-256, written whole or not at all.

Nothing is ever unpickled. Temp file, fsync, rename, fsync of the folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from learning.engine.nets import Network


def save_weights(folder: Path, network: Network, metadata: dict[str, Any]) -> Path:
    """Writes ``<sha256>.safetensors`` into ``folder``; the stem is the weights' hash."""
    raise NotImplementedError


def load_weights(path: Path) -> tuple[Network, dict[str, Any]]:
    """The network (in eval mode) and the metadata it was saved with, which names its recipe.

    Raises InvalidCheckpoint when hash, names, shapes or architecture are not what they should be.
    """
    raise NotImplementedError


def extract_weights(checkpoint: Path, folder: Path, metadata: dict[str, Any]) -> Path:
    """The trained weights of a finished training, without what only resuming needs."""
    raise NotImplementedError


def prune(folder: Path, *, keep: Path | None) -> None:
    """Removes every checkpoint and unfinished file of ``folder`` but ``keep``."""
    raise NotImplementedError

"""Files that learning keeps: weights and arrays named by hash, and the work of a running round.

What the database names is on disk first: written whole to a temporary file, synced, then renamed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import IO

from django.conf import settings

from annotation.errors import StorageFull

UNFINISHED = "unfinished"
ABANDONED_SECONDS = 3600
SHORT = 2
"""Times the floor of free space: below, nothing is kept that can be made again."""
UNUSED_SECONDS = 7 * 24 * 3600


def weights_dir() -> Path:
    return _folder("sha256")


def weights_path(sha256: str) -> Path:
    return weights_dir() / f"{sha256}.safetensors"


def array_path(key: str) -> Path:
    """Where the array made from the inputs that ``key`` is the hash of lies, or will lie."""
    return _folder("arrays", key[:2]) / f"{key}.npy"


def pool_dir(model_id: int) -> Path:
    """The embeddings of a model in one file, which can be made again."""
    return _folder("pools", str(model_id))


def discard_pools(but: Collection[int]) -> None:
    """Those of models that are in use no more."""
    for folder in _folder("pools").iterdir():
        if int(folder.name) not in but:
            shutil.rmtree(folder, ignore_errors=True)


def card_dir(model_id: int) -> Path:
    return _folder("cards", str(model_id))


def checkpoint_dir(round_id: int, training_id: int, token: int) -> Path:
    """One folder for each lease: a worker that lost its lease cannot touch its successor's files."""
    return _folder("rounds", str(round_id), str(training_id), str(token))


def pretraining_dir(pretraining_id: int, token: int) -> Path:
    """As ``checkpoint_dir``; a pretraining may outlast the round that began it."""
    return _folder("pretraining", str(pretraining_id), str(token))


def discard_older_pretraining(pretraining_id: int, token: int) -> None:
    _discard_older(_folder("pretraining", str(pretraining_id)), token)


def discard_pretraining(pretraining_id: int) -> None:
    """Checkpoints of one that is finished."""
    shutil.rmtree(_folder("pretraining", str(pretraining_id)), ignore_errors=True)


def embeddings_dir(round_id: int) -> Path:
    return _folder("rounds", str(round_id), "0")


def discard_older_checkpoints(round_id: int, training_id: int, token: int) -> None:
    _discard_older(_folder("rounds", str(round_id), str(training_id)), token)


def sweep() -> None:
    """Files that a killed worker left unfinished; and arrays, which can be made again, that nobody has
    read for a week, the longest unread first, until the others fit into ARRAYS_BYTES.
    """
    now = time.time()
    for stat, file in _listed(_folder(UNFINISHED), "*") + _listed(weights_dir(), "*.tmp"):
        if now - stat.st_mtime > ABANDONED_SECONDS:
            file.unlink(missing_ok=True)
    arrays = _listed(_folder("arrays"), "*/*.npy")
    total = sum(stat.st_size for stat, _ in arrays)
    for stat, file in sorted(arrays, key=lambda one: one[0].st_atime):
        if total <= settings.ARRAYS_BYTES or now - stat.st_atime < UNUSED_SECONDS:
            return
        file.unlink(missing_ok=True)
        total -= stat.st_size


def discard_work(round_id: int) -> None:
    """Checkpoints of a round that is over. Its weights stay."""
    shutil.rmtree(settings.ARTIFACTS_DIR / "rounds" / str(round_id), ignore_errors=True)


def write(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """A file that is there whole after a crash at any moment, or not at all."""
    with tempfile.NamedTemporaryFile(dir=_folder(UNFINISHED), delete=False) as file:
        try:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            Path(file.name).unlink()
            raise
    Path(file.name).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def require_space() -> None:
    """Raise StorageFull below the floor, so that a round pauses before the disk is full."""
    usage, floor = shutil.disk_usage(_folder()), settings.FREE_SPACE_FLOOR
    if usage.free < usage.total * floor:
        raise StorageFull(
            f"Only {usage.free / 2**30:.1f} GiB are free on the disk of {settings.ARTIFACTS_DIR}, "
            f"less than {floor:.0%} of it. Free some space; the work then goes on by itself."
        )


def space_is_short() -> bool:
    """Whether what is made next may bring the disk to its floor."""
    usage = shutil.disk_usage(_folder())
    return usage.free < usage.total * settings.FREE_SPACE_FLOOR * SHORT


def _discard_older(folder: Path, token: int) -> None:
    for one in folder.iterdir():
        if int(one.name) < token:
            shutil.rmtree(one, ignore_errors=True)


def _listed(folder: Path, pattern: str) -> list[tuple[os.stat_result, Path]]:
    """Other workers finish and remove files meanwhile; those do not count."""
    found = []
    for file in folder.glob(pattern):
        with suppress(FileNotFoundError):
            found.append((file.stat(), file))
    return found


def _folder(*names: str) -> Path:
    folder: Path = settings.ARTIFACTS_DIR.joinpath(*names)
    folder.mkdir(parents=True, exist_ok=True)
    return folder

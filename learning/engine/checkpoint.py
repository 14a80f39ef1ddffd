"""Files that a crash cannot spoil: safetensors named by their own SHA-256, whole or not there.

Temp file, fsync, rename, fsync of the folder. What is not a number travels as JSON in the file's
header. Nothing is ever unpickled, and no architecture comes from a file but by its name.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from learning.engine.errors import EngineError, InvalidCheckpoint
from learning.engine.nets import Network, build
from learning.engine.spec import parse

SUFFIX = ".safetensors"
WEIGHTS = "network."
_FORMAT = "consilium 1"
_HEADER = "header"
"""The one metadata key: several would be written in any order, and the file's hash would vary."""
_MOST_TENSORS = 100_000
LEAST_TAKEN = 0.5


def write(folder: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> Path:
    """``<sha256>.safetensors`` in ``folder``, durable when this returns. OSError: the disk."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps({**header, "format": _FORMAT}, sort_keys=True)
    content = save(plain, metadata={_HEADER: text})
    path = folder / (hashlib.sha256(content).hexdigest() + SUFFIX)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{path.stem}.{os.getpid()}.tmp"
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync_folder(folder)
    return path


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and header of a file that ``write`` made; InvalidCheckpoint where it is not that."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidCheckpoint(f"{path.name} cannot be read: {error.strerror}.") from None
    if found != path.stem:
        raise InvalidCheckpoint(
            f"{path.name} is damaged or was changed: its content has the hash {found[:12]}…"
        )
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get(_HEADER, "null"))
            names = list(file.keys())
            ours = isinstance(header, dict) and header.get("format") == _FORMAT
            if not ours or len(names) > _MOST_TENSORS:
                raise InvalidCheckpoint(f"{path.name} was not written by this engine.")
            return {name: file.get_tensor(name) for name in names}, header
    except (SafetensorError, ValueError) as error:
        raise InvalidCheckpoint(f"{path.name} is not a weights file: {error}.") from None


def save_weights(folder: Path, network: Network, metadata: Mapping[str, Any]) -> Path:
    """Writes ``<sha256>.safetensors`` into ``folder``; the stem is the weights' hash."""
    header = {
        "kind": "weights",
        "network": network.name,
        "recipe": network.recipe.document(),
        "metadata": dict(metadata),
    }
    return write(folder, _prefixed(network.state_dict()), header)


def load_weights(path: Path) -> tuple[Network, dict[str, Any]]:
    """The network (in eval mode, with its recipe) and the metadata it was saved with.

    Raises InvalidCheckpoint when hash, names, shapes or architecture are not what they should be.
    """
    tensors, header = read(path)
    try:
        with torch.random.fork_rng(devices=[]):
            network = build(header["network"], parse(header["recipe"]))
        metadata = dict(header["metadata"])
    except (EngineError, KeyError, TypeError, ValueError) as error:
        raise InvalidCheckpoint(f"{path.name} names no network that is known: {error}") from None
    restore(network, tensors, path.name)
    return network.eval(), metadata


def extract_weights(checkpoint: Path, folder: Path, metadata: Mapping[str, Any]) -> Path:
    """The weights of a training's checkpoint, without what only resuming needs."""
    tensors, header = read(checkpoint)
    plain = {name: tensor for name, tensor in tensors.items() if name.startswith(WEIGHTS)}
    kept = {"kind": "weights", "network": header["network"], "recipe": header["recipe"]}
    return write(folder, plain, {**kept, "metadata": dict(metadata)})


def start_from(network: Network, path: Path) -> str:
    """Takes the weights of a file wherever name and shape fit, except the layer of the answer.

    ``path``: any safetensors file; names may lack the prefix that this engine writes. Returns a
    sentence that says how much was taken. Raises InvalidCheckpoint where less than half fits.
    """
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            if len(names) > _MOST_TENSORS:
                raise InvalidCheckpoint(f"{path.name} holds more tensors than any network has.")
            given = {n.removeprefix(WEIGHTS): n for n in names}
            state = network.state_dict()
            wanted = [name for name in state if not name.startswith(network.answer_layers)]
            taken = {}
            for name in wanted:
                if name in given:
                    tensor = file.get_tensor(given[name])
                    if tensor.shape == state[name].shape and bool(tensor.isfinite().all()):
                        taken[name] = tensor.to(state[name].dtype)
    except (SafetensorError, OSError, ValueError) as error:
        raise InvalidCheckpoint(f"{path.name} is not a weights file: {error}.") from None
    sizes = {name: state[name].numel() for name in wanted}
    share = sum(sizes[name] for name in taken) / max(1, sum(sizes.values()))
    if share < LEAST_TAKEN:
        raise InvalidCheckpoint(
            f"{path.name} fits only {share:.0%} of the network {network.name} (without its last"
            f" layer), at least {LEAST_TAKEN:.0%} are needed: it is of another architecture."
        )
    network.load_state_dict(taken, strict=False)
    return f"{network.name} started from weights learnt before ({share:.0%} of it)."


def restore(network: Network, tensors: Mapping[str, Tensor], source: str) -> None:
    """Gives the network its weights after comparing every name, shape and type."""
    wanted = _prefixed(network.state_dict())
    given = {name: tensor for name, tensor in tensors.items() if name.startswith(WEIGHTS)}
    for name in sorted(wanted.keys() | given.keys()):
        if name not in wanted or name not in given:
            raise InvalidCheckpoint(
                f"{source} does not fit the network {network.name}: {name} is"
                f" {'missing' if name in wanted else 'unknown'}."
            )
        have, want = given[name], wanted[name]
        if have.shape != want.shape or have.dtype != want.dtype:
            raise InvalidCheckpoint(
                f"{source} does not fit the network {network.name}: {name} is"
                f" {have.dtype} {list(have.shape)}, expected {want.dtype} {list(want.shape)}."
            )
        if have.is_floating_point() and not bool(torch.isfinite(have).all()):
            raise InvalidCheckpoint(f"{source} holds weights that are not numbers, in {name}.")
    network.load_state_dict({name.removeprefix(WEIGHTS): given[name] for name in wanted})


def prune(folder: Path, *, keep: Path | None) -> None:
    """Removes every checkpoint and unfinished file of ``folder`` but ``keep``."""
    for path in [*folder.glob("*" + SUFFIX), *folder.glob("*.tmp")]:
        if path != keep:
            path.unlink(missing_ok=True)


def _prefixed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {WEIGHTS + name: tensor for name, tensor in state.items()}


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

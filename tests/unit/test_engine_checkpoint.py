"""Checkpoints: whole or absent, verified before use, and nothing that arrives is trusted."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from engine_samples import make_mask_recipe, make_recipe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from learning.engine import checkpoint
from learning.engine.determinism import seed_all
from learning.engine.errors import InvalidCheckpoint
from learning.engine.nets import NETWORKS, Network, build
from learning.engine.tasks import TASKS


def make_network(name: str) -> Network:
    seed_all(0, name)
    recipe = make_recipe() if name in TASKS["classification"].networks else make_mask_recipe()
    return build(name, recipe)


def named_by_hash(folder: Path, content: bytes) -> Path:
    path = folder / f"{hashlib.sha256(content).hexdigest()}.safetensors"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_come_back_as_they_were_with_their_recipe(name: str, tmp_path: Path) -> None:
    network = make_network(name)
    path = checkpoint.save_weights(tmp_path, network, {"arm": "active"})
    assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()
    loaded, metadata = checkpoint.load_weights(path)
    assert metadata == {"arm": "active"}
    assert (loaded.name, loaded.recipe, loaded.training) == (name, network.recipe, False)
    for key, value in network.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[key])


def test_the_same_content_has_the_same_name(tmp_path: Path) -> None:
    tensors = {f"t{number}": torch.full((2,), float(number)) for number in range(20)}
    header = {"b": 1, "a": {"y": [1], "x": None}}
    names = {checkpoint.write(tmp_path, tensors, header).name for _ in range(10)}
    turned = dict(reversed(tensors.items()))
    names.add(checkpoint.write(tmp_path, turned, dict(reversed(header.items()))).name)
    assert len(names) == 1


def test_loading_does_not_disturb_the_random_numbers(tmp_path: Path) -> None:
    path = checkpoint.save_weights(tmp_path, make_network("densenet"), {})
    seed_all(5)
    expected = torch.rand(3)
    seed_all(5)
    checkpoint.load_weights(path)
    assert torch.equal(torch.rand(3), expected)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_changed_or_missing_byte_is_noticed(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("weights")
    path = checkpoint.write(folder, {"network.a": torch.arange(12.0)}, {"step": 3})
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del content[at:]
    path.write_bytes(content)
    with pytest.raises(InvalidCheckpoint, match="damaged or was changed"):
        checkpoint.read(path)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint, match="cannot be read: No such file"):
        checkpoint.load_weights(tmp_path / ("0" * 64 + ".safetensors"))


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("trapped",)


def test_a_pickle_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = named_by_hash(tmp_path, pickle.dumps(Trap()))
    with pytest.raises(InvalidCheckpoint, match="not a weights file"):
        checkpoint.load_weights(path)
    assert not (tmp_path / "trapped").exists()


def forged(folder: Path, header: object, tensors: dict[str, torch.Tensor] | None = None) -> Path:
    if isinstance(header, dict):
        header = {"format": "consilium 1", **header}
    metadata = {"header": json.dumps(header)}
    return named_by_hash(folder, save(tensors or {"network.x": torch.zeros(1)}, metadata=metadata))


@pytest.mark.parametrize(
    "header",
    [
        [],
        {},
        {"network": "os.system", "recipe": make_recipe().document(), "metadata": {}},
        {"network": "densenet", "recipe": {"task": "mischief"}, "metadata": {}},
        {"network": "densenet", "recipe": make_recipe().document()},
        {"network": ["densenet"], "recipe": make_recipe().document(), "metadata": {}},
    ],
)
def test_a_header_that_names_nothing_known_is_refused(header: object, tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint):
        checkpoint.load_weights(forged(tmp_path, header))


def test_a_safetensors_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = named_by_hash(tmp_path, save({"x": torch.zeros(1)}))
    with pytest.raises(InvalidCheckpoint, match="not written by this engine"):
        checkpoint.load_weights(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.popitem(), "is missing"),
        (lambda t: t.update({"network.extra": torch.zeros(1)}), "extra is unknown"),
        (lambda t: t.update({k: v[None] for k, v in list(t.items())[:1]}), "expected"),
        (lambda t: t.update({k: v.double() for k, v in list(t.items())[:1]}), "expected"),
        (lambda t: t.update({k: v * torch.nan for k, v in list(t.items())[:1]}), "not numbers"),
    ],
)
def test_weights_that_do_not_fit_the_named_network_are_refused(
    change: object, said: str, tmp_path: Path
) -> None:
    network = make_network("densenet")
    tensors, header = checkpoint.read(checkpoint.save_weights(tmp_path, network, {}))
    assert callable(change)
    change(tensors)
    with pytest.raises(InvalidCheckpoint, match=said):
        checkpoint.load_weights(checkpoint.write(tmp_path, tensors, header))


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_disk_leaves_nothing_half_written(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = checkpoint.write(tmp_path, {"a": torch.zeros(2)}, {})

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), fail)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.write(tmp_path, {"a": torch.ones(2)}, {})
    assert list(tmp_path.iterdir()) == [before]
    checkpoint.read(before)


def test_file_and_folder_are_on_the_disk_before_the_name_is_given_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def watch_fsync(handle: int) -> None:
        acts.append("folder" if Path(f"/proc/self/fd/{handle}").resolve().is_dir() else "file")
        fsync(handle)

    def watch_replace(path: Path, target: Path) -> Path:
        acts.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", watch_fsync)
    monkeypatch.setattr(Path, "replace", watch_replace)
    checkpoint.write(tmp_path / "new", {"a": torch.zeros(2)}, {})
    assert acts == ["file", "rename", "folder"]


def test_prune_keeps_only_what_it_is_told(tmp_path: Path) -> None:
    kept, other = (checkpoint.write(tmp_path, {"a": torch.full((1,), v)}, {}) for v in (1.0, 2.0))
    (tmp_path / "abc.77.tmp").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("not ours")
    checkpoint.prune(tmp_path, keep=kept)
    assert {path.name for path in tmp_path.iterdir()} == {kept.name, "notes.txt"}
    assert not other.exists()
    checkpoint.prune(tmp_path / "absent", keep=None)

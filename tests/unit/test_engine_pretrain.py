"""Pretraining: embeddings gain from images alone, it resumes bit-equal, and never sees a label."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from engine_samples import make_images, make_mask_recipe, make_recipe, make_volumes

from learning.engine import checkpoint, determinism, pretrain
from learning.engine.errors import InvalidCheckpoint, NotEnoughData
from learning.engine.nets import build
from learning.engine.pretrain import contrast
from learning.engine.spec import Sample, never
from learning.engine.views import view


@pytest.fixture(autouse=True)
def one_thread() -> None:
    determinism.limit_threads(1)


def run(
    folder: Path,
    samples: list[Sample],
    *,
    network: str = "vit",
    steps: int | None = None,
    resume: Path | None = None,
) -> pretrain.Pretrained:
    asked = iter(range(10**6))
    return pretrain.pretrain(
        make_recipe(pretraining_epochs=3),
        network,
        samples,
        checkpoint_dir=folder,
        resume=resume,
        should_stop=never if steps is None else lambda: next(asked) >= steps,
    )


def test_stopped_anywhere_and_resumed_it_ends_bit_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrain, "BATCH", 8)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    samples = make_images(tmp_path, 20)
    whole = run(tmp_path / "whole", samples)
    assert whole.finished
    assert len(whole.history) == whole.epoch == 3
    for steps in (0, 1, 4):
        part = run(tmp_path / "part", samples, steps=steps)
        assert not part.finished
        done = run(tmp_path / "part", samples, resume=part.checkpoint)
        assert done.checkpoint.name == whole.checkpoint.name


def test_answers_and_broken_images_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    samples = make_images(tmp_path, 18)
    blind = [replace(sample, target=None) for sample in samples]
    missing = Sample(99, "x", tmp_path / "none.npy")
    first = run(tmp_path / "a", samples)
    second = run(tmp_path / "b", [*blind, missing])
    assert first.checkpoint.name == second.checkpoint.name
    assert [case for case, _ in second.left_out] == [99]


def test_too_few_images_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match="5 usable images"):
        run(tmp_path / "a", make_images(tmp_path, 5))


def test_a_checkpoint_of_other_images_is_refused(tmp_path: Path) -> None:
    part = run(tmp_path / "a", make_images(tmp_path, 16), steps=1)
    with pytest.raises(InvalidCheckpoint, match="other images"):
        run(tmp_path / "a", make_images(tmp_path, 16, first=50), resume=part.checkpoint)


@pytest.mark.parametrize("network", ["densenet", "vit"])
def test_what_was_learnt_is_taken_without_the_answer(network: str, tmp_path: Path) -> None:
    samples = make_images(tmp_path, 16)
    done = run(tmp_path / "a", samples, network=network)
    weights = checkpoint.extract_weights(done.checkpoint, tmp_path / "w", {})
    three = make_recipe(classes=["a", "b", "c"])
    determinism.seed_all(5)
    fresh, started = build(network, three), build(network, three)
    head = {k: v.clone() for k, v in started.state_dict().items() if v.shape[:1] == (3,)}
    said = checkpoint.start_from(started, weights)
    assert "started from weights" in said
    learnt = checkpoint.load_weights(weights)[0].state_dict()
    state = started.state_dict()
    answers = started.answer_layers
    trunk = [name for name in state if not name.startswith(answers)]
    assert all(torch.equal(state[name].cpu(), learnt[name].cpu()) for name in trunk)
    assert any(not torch.equal(state[n], fresh.state_dict()[n]) for n in trunk)
    assert all(torch.equal(state[name], value) for name, value in head.items())


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    done = run(tmp_path / "a", make_images(tmp_path, 16))
    with pytest.raises(InvalidCheckpoint, match="another architecture"):
        checkpoint.start_from(build("densenet", make_recipe()), done.checkpoint)
    (tmp_path / "text.safetensors").write_text("nothing of the kind")
    with pytest.raises(InvalidCheckpoint, match="not a weights file"):
        checkpoint.start_from(build("densenet", make_recipe()), tmp_path / "text.safetensors")


def test_volumes_are_learnt_from_in_windows(tmp_path: Path) -> None:
    recipe = make_mask_recipe(pretraining_epochs=1)
    samples = [replace(one, target=None) for one in make_volumes(tmp_path, 16, size=20)]
    done = pretrain.pretrain(recipe, "unet", samples, checkpoint_dir=tmp_path / "a")
    assert done.finished
    assert done.used == 16


def test_the_contrast_is_least_where_partners_are_alike_and_others_are_not() -> None:
    views = torch.eye(6)
    same = float(contrast(views, views))
    shuffled = float(contrast(views, views.roll(1, dims=0)))
    collapsed = float(contrast(torch.ones(6, 6), torch.ones(6, 6)))
    assert same < collapsed < shuffled
    assert collapsed == pytest.approx(np.log(11), abs=1e-4)


def test_views_differ_keep_their_shape_and_follow_the_seed() -> None:
    for shape in ((4, 1, 32, 32), (2, 1, 16, 16, 16)):
        images = torch.randn(shape)
        determinism.seed_all(1)
        first, second = view(images, mirror=True), view(images, mirror=True)
        determinism.seed_all(1)
        assert torch.equal(view(images, mirror=True), first)
        assert first.shape == images.shape
        assert not torch.equal(first, second)
        assert bool(first.isfinite().all())

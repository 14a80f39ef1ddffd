"""Plans: a window that the memory holds, on a grid that suits the images, and prediction back on theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from engine_samples import make_mask_recipe, make_volumes

from learning.engine import determinism, fingerprint, images, masks
from learning.engine.errors import InvalidRecipe, NotEnoughData
from learning.engine.fingerprint import Fingerprint, budget, plan
from learning.engine.nets import build
from learning.engine.predict import predict
from learning.engine.spec import Sample, parse

LARGE = Fingerprint(
    cases=20,
    shape=(60, 320, 320),
    smallest=(40, 256, 256),
    largest=(90, 512, 512),
    spacing=(5.0, 0.8, 0.8),
    coarse=(3.0, 0.7, 0.7),
    foreground=0.02,
    intensities=(-50.0, 200.0),
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    determinism.limit_threads(1)


def test_a_fingerprint_says_what_is_typical(tmp_path: Path) -> None:
    samples = make_volumes(tmp_path, 5)
    found = fingerprint.fingerprint(make_mask_recipe(), samples)
    assert found.cases == 5
    assert found.shape == found.smallest == found.largest == (16, 16, 16)
    assert found.spacing == (1.0, 1.0, 2.0)
    masked = [float((np.load(one.target) > 0).mean()) for one in samples]  # type: ignore[arg-type]
    assert found.foreground == pytest.approx(np.median(masked))
    assert 30 < found.intensities[0] < found.intensities[1] < 120


def test_what_cannot_be_read_does_not_count_and_nothing_is_said_of_nothing(tmp_path: Path) -> None:
    samples = make_volumes(tmp_path, 3)
    broken = Sample(9, "x", tmp_path / "none.npy", (1.0, 1.0, 1.0), tmp_path / "none.npy")
    assert fingerprint.fingerprint(make_mask_recipe(), [*samples, broken]).cases == 3
    with pytest.raises(NotEnoughData, match="No image can be read"):
        fingerprint.fingerprint(make_mask_recipe(), [broken])


def test_the_coarse_axis_is_refined_and_the_window_keeps_the_images_form() -> None:
    chosen = plan(LARGE, make_mask_recipe(), 2**31)
    assert chosen.spacing == (3.0, 0.8, 0.8)
    slices, rows, columns = chosen.input_size
    assert rows == columns
    assert rows / slices == pytest.approx(320 / 100, rel=0.3)
    assert (
        "a median of 60 × 320 × 320 voxels of 5 × 0.8 × 0.8 mm, 2 % of them foreground"
        in chosen.said
    )


@pytest.mark.parametrize("memory", [2**27, 2**29, 2**31, 2**33])
def test_a_plan_stays_within_the_memory_and_more_memory_gives_more(memory: int) -> None:
    recipe = make_mask_recipe()
    chosen, larger = plan(LARGE, recipe, memory), plan(LARGE, recipe, 4 * memory)
    asked = replace(recipe, input_size=chosen.input_size)
    needed = max(fingerprint._activations(name, asked) for name in recipe.networks)
    assert needed * 4 * fingerprint.TENSORS * chosen.batch_size <= memory
    assert all(side % 8 == 0 for side in chosen.input_size)
    assert 2 <= chosen.batch_size <= 16
    seen = [one.batch_size * np.prod(one.input_size) for one in (chosen, larger)]
    assert seen[0] <= seen[1]
    parse(asked.document())


def test_small_images_are_seen_whole_and_many_at_a_time() -> None:
    small = replace(LARGE, shape=(60, 60), spacing=(), coarse=())
    chosen = plan(small, make_mask_recipe(input_size=[16, 16]), budget())
    assert chosen.input_size == (64, 64)
    assert chosen.batch_size == 16
    assert chosen.spacing == ()


def test_activations_are_counted_as_a_real_run_makes_them() -> None:
    recipe = make_mask_recipe()
    total = 0

    def count(_: torch.nn.Module, __: object, said: object) -> None:
        nonlocal total
        if isinstance(said, torch.Tensor):
            total += said.numel()

    network = build("unet", recipe)
    for module in network.modules():
        if not list(module.children()):
            module.register_forward_hook(count)
    network(torch.zeros(1, 1, *recipe.input_size))
    assert fingerprint._activations("unet", recipe) == total


def test_auto_is_for_windows_only_and_leaves_the_spacing_open() -> None:
    auto = make_mask_recipe(input_size="auto")
    assert auto.input_size == ()
    assert auto.document()["input_size"] == "auto"
    assert parse(auto.document()) == auto
    with pytest.raises(InvalidRecipe, match="leave it out"):
        make_mask_recipe(input_size="auto", spacing=[1, 1, 1])
    with pytest.raises(InvalidRecipe, match="one number for each"):
        make_mask_recipe(spacing=[1, 1])
    with pytest.raises(InvalidRecipe, match="input_size is 'auto'"):
        parse({**make_mask_recipe().document(), "task": "classification", "input_size": "auto"})


def test_images_are_brought_to_the_spacing_and_answers_back(tmp_path: Path) -> None:
    recipe = make_mask_recipe(spacing=[1, 1, 1])
    [sample] = make_volumes(tmp_path, 1)
    image = images.read_image(sample, recipe)
    seen = images.at_spacing(image, sample.spacing, recipe.spacing)
    assert tuple(seen.shape) == (1, 16, 16, 32)
    mask = images.read_mask(sample, recipe, (16, 16, 16))
    moved = images.at_spacing(mask, sample.spacing, recipe.spacing, classes=True)
    assert moved.dtype == mask.dtype
    assert torch.equal(moved[..., ::2], mask)
    logits, _ = masks.forward(build("unet", recipe), image, recipe, sample.spacing)
    assert logits.shape == (3, 16, 16, 16)


def test_predicted_volumes_are_on_the_images_own_grid(tmp_path: Path) -> None:
    """A network that marks what is bright finds the same mm³ whatever grid it sees."""
    samples = make_volumes(tmp_path, 3)

    class Bright(torch.nn.Module):
        name = "bright"

        def forward(self, windows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            value = (windows[:, 0] > 0.8).long() + (windows[:, 0] > 2.5).long()
            hot = torch.nn.functional.one_hot(value, 3).movedim(-1, 1).float()
            return 20 * hot, windows.flatten(1)[:, :4]

    plain = predict({"a": Bright()}, make_mask_recipe(), samples)  # type: ignore[dict-item]
    moved = predict({"a": Bright()}, make_mask_recipe(spacing=[1, 1, 1]), samples)  # type: ignore[dict-item]
    assert plain.ensemble.volumes is not None
    assert moved.ensemble.volumes is not None
    whole = [one.ensemble.volumes.sum(axis=1) for one in (plain, moved)]  # type: ignore[union-attr]
    assert whole[1] == pytest.approx(whole[0], rel=0.15)

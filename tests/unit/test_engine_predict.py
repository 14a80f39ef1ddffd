"""Prediction: networks alone and together, masks on the image's own grid, bad cases by name."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engine_samples import make_images, make_mask_recipe, make_recipe, make_volumes
from torch import Tensor, nn

from learning.engine import calibrate, determinism, images, masks, nets, outputs
from learning.engine.errors import EngineError
from learning.engine.nets import Network
from learning.engine.predict import BATCH, predict
from learning.engine.spec import Recipe, Sample, ignore


@pytest.fixture(autouse=True)
def one_thread() -> None:
    determinism.limit_threads(1)


def built(recipe: Recipe) -> dict[str, Network]:
    determinism.seed_all(1)
    return {name: nets.build(name, recipe).eval() for name in recipe.networks}


def test_the_ensemble_is_the_mean_of_the_calibrated_networks(tmp_path: Path) -> None:
    recipe, samples = make_recipe(), make_images(tmp_path, 5)
    heat = {"densenet": 2.0}
    found = predict(built(recipe), recipe, samples, temperatures=heat)
    assert found.ids == tuple(sample.id for sample in samples)
    one, other = found.networks["densenet"], found.networks["vit"]
    np.testing.assert_allclose(one.probabilities, calibrate.softmax(one.logits, 2.0), atol=1e-6)
    np.testing.assert_allclose(other.probabilities, calibrate.softmax(other.logits), atol=1e-6)
    mean = (one.probabilities + other.probabilities) / 2
    np.testing.assert_allclose(found.ensemble.probabilities, mean, atol=1e-6)
    np.testing.assert_allclose(np.exp(found.ensemble.logits), mean, atol=1e-6)
    assert found.disagreement.shape == (5,)
    assert (found.disagreement >= 0).all()


def test_the_batch_a_case_is_in_does_not_change_what_is_said_of_it(tmp_path: Path) -> None:
    recipe, samples = make_recipe(), make_images(tmp_path, BATCH + 3)
    networks = built(recipe)
    together = predict(networks, recipe, samples)
    alone = predict(networks, recipe, samples[-1:])
    np.testing.assert_allclose(
        together.ensemble.probabilities[-1:], alone.ensemble.probabilities, atol=1e-5
    )
    np.testing.assert_allclose(together.embeddings[-1:], alone.embeddings, atol=1e-4)


def test_embeddings_join_both_networks_with_equal_weight(tmp_path: Path) -> None:
    recipe = make_recipe()
    found = predict(built(recipe), recipe, make_images(tmp_path, 4))
    assert np.linalg.norm(found.embeddings, axis=1) == pytest.approx(np.full(4, np.sqrt(2)))
    assert found.embeddings.dtype == np.float32


def test_cases_that_cannot_be_read_are_named_and_the_others_scored(tmp_path: Path) -> None:
    recipe, samples = make_recipe(), make_images(tmp_path, BATCH + 4)
    samples[0].image.unlink()
    np.save(samples[BATCH].image, np.full((20, 20), np.nan, np.float32))
    progress: list[tuple[int, int]] = []
    found = predict(
        built(recipe), recipe, samples, on_batch=lambda done, total: progress.append((done, total))
    )
    assert [number for number, _ in found.left_out] == [0, BATCH]
    assert "missing" in found.left_out[0][1]
    assert found.ids == tuple(range(1, BATCH)) + tuple(range(BATCH + 1, BATCH + 4))
    assert len(found.ensemble.probabilities) == len(found.embeddings) == BATCH + 2
    assert progress == [(BATCH, BATCH + 4), (BATCH + 4, BATCH + 4)]


@pytest.mark.parametrize(
    ("recipe", "make"), [(make_recipe(), make_images), (make_mask_recipe(), make_volumes)]
)
def test_a_case_that_makes_a_network_lose_its_numbers_is_named_and_the_others_scored(
    recipe: Recipe, make: Callable[[Path, int], list[Sample]], tmp_path: Path
) -> None:
    networks, samples = built(recipe), make(tmp_path, 3)
    [*_, last] = networks.values()
    lowest = lowest_of(samples, recipe)[1]

    def poisoned(network: nn.Module, given: tuple[Tensor], answer: tuple[Tensor, Tensor]) -> Any:
        logits, embedding = answer
        bad = torch.isclose(given[0].flatten(1).amin(dim=1), lowest, atol=1e-6)
        return torch.where(bad.view(-1, *[1] * (logits.ndim - 1)), torch.nan, logits), embedding

    last.register_forward_hook(poisoned)
    found = predict(networks, recipe, samples)
    assert found.ids == (0, 2)
    assert [number for number, _ in found.left_out] == [1]
    assert "not made of numbers" in found.left_out[0][1]
    for output in (*found.networks.values(), found.ensemble):
        assert output.probabilities.shape == (2, recipe.outputs)
        assert np.isfinite(output.probabilities).all()
    assert len(found.embeddings) == len(found.disagreement) == 2


def lowest_of(samples: list[Sample], recipe: Recipe) -> list[Tensor]:
    """The lowest value of each image as a network sees it."""
    return [
        images.to_size(images.read_image(sample, recipe), recipe.input_size).min()
        for sample in samples
    ]


@pytest.mark.parametrize("make", [make_recipe, make_mask_recipe])
def test_no_usable_case_gives_empty_arrays(make: object, tmp_path: Path) -> None:
    assert callable(make)
    recipe = make()
    gone = [Sample(1, "p", tmp_path / "gone.npy")]
    for samples in ([], gone):
        found = predict(built(recipe), recipe, samples)
        assert found.ids == ()
        assert found.ensemble.probabilities.shape == (0, recipe.outputs)
        assert found.disagreement.shape == (0,)
        assert len(found.embeddings) == 0
        assert len(found.left_out) == len(samples)


def test_no_network_is_said(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="train one first"):
        predict({}, make_recipe(), [])


def test_the_progress_callback_can_stop_it(tmp_path: Path) -> None:
    recipe = make_recipe()

    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        predict(built(recipe), recipe, make_images(tmp_path, 2), on_batch=stop)


class Bright(nn.Module):
    """A "network" that knows: class 1 above 20, class 2 above 70, in the values of the file."""

    def __init__(self, sharpness: float = 9.0) -> None:
        super().__init__()
        self.sharpness = sharpness
        self.seen: list[tuple[int, ...]] = []

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        self.seen.append(tuple(windows.shape))
        values = windows[:, 0] * 100
        value = (values > 20).long() + (values > 70).long()
        hot = nn.functional.one_hot(value, 3).movedim(-1, 1).float()
        return hot * self.sharpness, windows.flatten(1)[:, :4]


def knowing(monkeypatch: pytest.MonkeyPatch, **networks: Bright) -> dict[str, Bright]:
    monkeypatch.setattr(
        masks.images,
        "_normalised",
        lambda pixels, recipe: np.asarray(pixels / 100, np.float32),
    )
    return networks


def test_a_large_volume_takes_a_bounded_share_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a computed tomography with 80 million voxels each byte counts 80 MB."""
    size = 64
    [sample] = make_volumes(tmp_path, 1, size=size)

    def forward(
        network: object, image: Tensor, recipe: Recipe, spacing: tuple[float, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        logits = np.zeros((3, *image.shape[1:]), np.float32)
        logits[0], logits[1, 30:34] = 9, 20
        return logits, np.ones(4, np.float32)

    monkeypatch.setattr(masks, "forward", forward)
    tracemalloc.start()
    masks.predict(dict.fromkeys("ab"), make_mask_recipe(), [sample], {}, ignore, ignore)  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(peak / size**3)
    assert peak < 80 * size**3


@pytest.mark.parametrize("size", [11, 16, 21, 30])
def test_masks_come_back_on_the_grid_of_the_image(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = knowing(monkeypatch, a=Bright())
    sample = make_volumes(tmp_path, 1, size=size)[0]
    kept: dict[int, np.ndarray] = {}
    found = predict(networks, make_mask_recipe(), [sample], on_mask=kept.__setitem__)  # type: ignore[arg-type]
    values = np.load(sample.image)
    expected = (values > 20).astype(np.uint8) + (values > 70)
    assert kept[0].shape == values.shape
    assert np.array_equal(kept[0], expected)
    assert found.ensemble.volumes is not None
    assert found.ensemble.volumes[0].tolist() == [2.0 * (expected == k).sum() for k in (1, 2)]
    windows = {shape[2:] for shape in networks["a"].seen}
    assert windows == {(16, 16, 16)}


def test_a_reference_mask_is_counted_and_its_absence_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = knowing(monkeypatch, a=Bright())
    with_mask, without = make_volumes(tmp_path, 2)
    found = predict(networks, make_mask_recipe(), [with_mask, replace(without, target=None)])  # type: ignore[arg-type]
    assert found.ensemble.overlap is not None
    assert isinstance(with_mask.target, Path)
    truth = np.load(with_mask.target)
    values = np.load(with_mask.image)
    predicted = (values > 20).astype(int) + (values > 70)
    for k in (1, 2):
        row = [((predicted == k) & (truth == k)).sum(), (predicted == k).sum(), (truth == k).sum()]
        assert found.ensemble.overlap[0, k - 1].tolist() == row
    assert (found.ensemble.overlap[1] == -1).all()


def test_a_reference_mask_that_does_not_fit_leaves_the_case_out(tmp_path: Path) -> None:
    recipe, samples = make_mask_recipe(), make_volumes(tmp_path, 2)
    assert isinstance(samples[0].target, Path)
    np.save(samples[0].target, np.zeros((3, 3, 3), np.uint8))
    found = predict(built(recipe), recipe, samples)
    assert found.ids == (1,)
    assert found.left_out[0][0] == 0


def test_networks_that_see_the_same_agree_and_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blind(Bright):
        def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
            logits, embedding = super().forward(windows)
            return torch.zeros_like(logits) + torch.tensor([9.0, 0, 0]).view(
                1, 3, 1, 1, 1
            ), embedding

    recipe, samples = make_mask_recipe(), make_volumes(tmp_path, 1)
    same = predict(knowing(monkeypatch, a=Bright(), b=Bright()), recipe, samples)  # type: ignore[arg-type]
    apart = predict(knowing(monkeypatch, a=Bright(), b=Blind()), recipe, samples)  # type: ignore[arg-type]
    assert same.disagreement.tolist() == [0.0]
    assert apart.disagreement.tolist() == [1.0]
    assert predict({"a": Bright()}, recipe, samples).disagreement.tolist() == [0.0]  # type: ignore[dict-item]


def doubtful(share: np.ndarray) -> masks._Row:
    """A 20³ case whose voxels may be foreground (class 1 of two) where ``share`` is above zero."""
    probabilities = np.stack([1 - share, share, np.zeros_like(share)], axis=-1)
    return masks._row(probabilities, None, Sample(1, "p", Path("x")))


def test_uncertainty_does_not_reward_an_empty_or_a_large_case() -> None:
    def region(side: int, chance: float) -> masks._Row:
        share = np.zeros((20, 20, 20))
        share[:side, :side, :side] = chance
        return doubtful(share)

    empty, speck, small, large = region(0, 0), region(1, 0.5), region(8, 0.5), region(20, 0.5)
    sure = region(20, 0.99)
    assert empty.uncertainty == 0.0
    assert speck.uncertainty < 0.1 * small.uncertainty
    assert large.uncertainty < 1.1 * small.uncertainty
    assert sure.uncertainty < 0.2 * small.uncertainty
    assert small.class_uncertainty[0] == pytest.approx(small.uncertainty)
    assert small.class_uncertainty[1] == 0.0
    assert empty.probabilities.tolist() == [1.0, 0.0, 0.0]


def test_entropy_and_divergence_reach_zero_and_one() -> None:
    sure, even = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    assert outputs.entropy(np.concatenate([sure, even])) == pytest.approx([0, 1], abs=1e-6)
    assert outputs.divergence([sure, sure[:, ::-1]]) == pytest.approx([1], abs=1e-6)
    assert outputs.divergence([even, even]) == pytest.approx([0], abs=1e-6)
    assert outputs.divergence([even]).tolist() == [0.0]
    zero = outputs.joined_embeddings([np.zeros((2, 3), np.float32)])
    assert np.isfinite(zero).all()


@pytest.mark.parametrize("name", nets.NETWORKS)
@pytest.mark.parametrize("dimensions", [2, 3])
def test_every_network_gives_logits_and_embeddings_in_two_and_three_dimensions(
    name: str, dimensions: int
) -> None:
    make = make_recipe if name in ("densenet", "vit") else make_mask_recipe
    recipe = make(input_size=[32] * (dimensions - 1) + [40], networks=[name], channels=3)
    network = built(recipe)[name]
    logits, embedding = network(torch.randn(2, 3, *recipe.input_size))
    spatial = recipe.input_size if recipe.task == "segmentation" else ()
    assert logits.shape == (2, recipe.outputs, *spatial)
    assert embedding.shape[0] == 2
    assert embedding.ndim == 2
    assert sum(p.numel() for p in network.parameters()) < 5_000_000


def test_an_unknown_network_is_said() -> None:
    with pytest.raises(EngineError, match="choose among densenet, vit"):
        nets.build("oracle", make_recipe())


def test_seeds_differ_by_every_part_and_are_the_same_everywhere() -> None:
    assert determinism.derived_seed(1, "vit", 23) != determinism.derived_seed(1, "vit", 2, 3)
    assert determinism.derived_seed(0) == 3456079177858693020
    record = determinism.environment()
    assert len(record["code_sha256"]) == 64
    assert record["threads"] == 1

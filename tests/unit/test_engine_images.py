"""From file to network input: what is unusable is named, what is usable arrives in shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engine_samples import make_images, make_mask_recipe, make_recipe, make_volumes
from hypothesis import given, settings
from hypothesis import strategies as st

from learning.engine import augment, data, images
from learning.engine.determinism import generator, seed_all
from learning.engine.spec import Sample
from learning.engine.tasks import segmentation


def saved(folder: Path, array: Any) -> Sample:
    path = folder / "image.npy"
    np.save(path, array)
    return Sample(1, "p", path, target=0)


GRADIENT = np.arange(400, dtype=np.float32).reshape(20, 20)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((9, 9), 7.0), "the same value \\(7\\) everywhere"),
        (np.where(GRADIENT == 3, np.nan, GRADIENT), "not numbers"),
        (np.where(GRADIENT == 3, np.inf, GRADIENT), "not numbers"),
        (GRADIENT.astype(float) * 1e300, "not numbers"),
        (np.zeros((0, 5)), "no voxels"),
        (np.zeros(5), "2-dimensional images of one or three channels"),
        (np.zeros((4, 20, 20)), "image is 4 × 20 × 20"),
        (np.zeros((1, 1, 20, 20)), "one or three channels"),
        (np.array("text"), "does not hold numbers"),
        (GRADIENT * 1j, "does not hold numbers"),
    ],
)
def test_an_unusable_image_is_named(array: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(images.Unusable, match=said):
        data.load(saved(tmp_path, array), make_recipe())


@pytest.mark.parametrize("content", [b"", b"rubbish", b"PK\x03\x04 no zip", b"\x93NUMPY\x01\x00"])
def test_an_unreadable_file_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "image.npy"
    path.write_bytes(content)
    with pytest.raises(images.Unusable, match=r"cannot be read: image\.npy"):
        images.read_image(Sample(1, "p", path), make_recipe())


def test_a_truncated_file_and_one_that_claims_to_be_huge_are_named(tmp_path: Path) -> None:
    sample = saved(tmp_path, GRADIENT)
    whole = sample.image.read_bytes()
    sample.image.write_bytes(whole[:-9])
    with pytest.raises(images.Unusable, match="cannot be read"):
        images.read_image(sample, make_recipe())
    sample.image.write_bytes(whole.replace(b"(20, 20)", b"(9**9,1)"[:8]))
    with pytest.raises(images.Unusable, match="cannot be read"):
        images.read_image(sample, make_recipe())
    header = whole.replace(b"(20, 20), }       ", b"(999999999, 9999)}")
    sample.image.write_bytes(header)
    with pytest.raises(images.Unusable, match="cannot be read"):
        images.read_image(sample, make_recipe())


def test_a_pickled_array_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "image.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(images.Unusable, match="cannot be read"):
        images.read_image(Sample(1, "p", path), make_recipe())


def test_the_normal_range_is_centred_and_outliers_are_cut(tmp_path: Path) -> None:
    spiked = GRADIENT.copy()
    spiked[0, 0] = 1e9
    image = images.read_image(saved(tmp_path, spiked), make_recipe())
    assert abs(float(image.mean())) < 1e-4
    assert float(image.std()) == pytest.approx(1, abs=0.01)
    assert float(image.max()) < 3


def test_an_image_that_is_flat_but_for_a_few_pixels_is_still_used(tmp_path: Path) -> None:
    sparse = np.zeros((50, 50), np.float32)
    sparse[3, 4] = 5
    image = images.read_image(saved(tmp_path, sparse), make_recipe())
    assert torch.isfinite(image).all()
    assert float(image[0, 3, 4]) == float(image.max())


def test_a_window_keeps_real_units_comparable_between_images(tmp_path: Path) -> None:
    recipe = make_recipe(window=[-1000, 400])
    values = [images.read_image(saved(tmp_path, GRADIENT + offset), recipe) for offset in (0, 100)]
    assert float(values[0][0, 0, 0]) == pytest.approx(2 * 1000 / 1400 - 1)
    assert float(values[1][0, 0, 0]) == pytest.approx(2 * 1100 / 1400 - 1)
    assert float(values[1].max()) == 1.0


@pytest.mark.parametrize(
    ("given", "wanted"), [(1, 1), (3, 1), (1, 3), (3, 3), (None, 1), (None, 3)]
)
def test_grey_and_colour_fit_either_kind_of_recipe(
    given: int | None, wanted: int, tmp_path: Path
) -> None:
    array = GRADIENT if given is None else np.stack([GRADIENT * (i + 1) for i in range(given)])
    image, target = data.load(saved(tmp_path, array), make_recipe(channels=wanted))
    assert image.shape == (wanted, 32, 32)
    assert target == 0


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float64, np.bool_, ">f4"])
def test_any_kind_of_number_is_read(kind: Any, tmp_path: Path) -> None:
    array = (GRADIENT % 200).astype(kind)
    image, _ = data.load(saved(tmp_path, array), make_recipe())
    assert image.dtype == torch.float32


def test_shrinking_a_volume_keeps_its_content_in_place(tmp_path: Path) -> None:
    volume = np.zeros((40, 64, 64), np.float32)
    volume[20:, :32] = 1.0
    recipe = make_recipe(input_size=[32, 32, 32])
    image, _ = data.load(saved(tmp_path, volume), recipe)
    assert image.shape == (1, 32, 32, 32)
    assert float(image[0, 24, 8, 16]) > float(image[0, 8, 8, 16])
    assert float(image[0, 24, 8, 16]) > float(image[0, 24, 24, 16])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda mask: mask[:-1], "mask is 15 × 16 × 16 voxels, the image 16 × 16 × 16"),
        (lambda mask: mask + 7, "value 9, which stands for no class"),
        (lambda mask: mask.astype(np.int16) - 1, "value -1, which stands for no class"),
        (lambda mask: mask.astype(np.float32), "must hold whole numbers"),
    ],
)
def test_a_mask_that_does_not_fit_is_named(
    change: Callable[[Any], Any], said: str, tmp_path: Path
) -> None:
    sample = make_volumes(tmp_path, 1)[0]
    assert isinstance(sample.target, Path)
    np.save(sample.target, change(np.load(sample.target)))
    with pytest.raises(images.Unusable, match=said):
        data.load(sample, make_mask_recipe())


@pytest.mark.parametrize("target", [None, 3, -1, True])
def test_an_answer_that_is_none_is_named(target: Any, tmp_path: Path) -> None:
    sample = replace(make_images(tmp_path, 1)[0], target=target)
    with pytest.raises(images.Unusable, match="answer"):
        data.load(sample, make_recipe())


def test_a_missing_mask_is_named(tmp_path: Path) -> None:
    sample = replace(make_volumes(tmp_path, 1)[0], target=None)
    with pytest.raises(images.Unusable, match="no mask"):
        data.load(sample, make_mask_recipe())


@settings(deadline=None, max_examples=50)
@given(shape=st.tuples(*[st.integers(1, 40)] * 3), size=st.tuples(*[st.sampled_from([16, 24])] * 3))
def test_padding_is_undone_exactly(shape: tuple[int, ...], size: tuple[int, ...]) -> None:
    image = torch.arange(float(np.prod(shape))).reshape(1, *shape)
    wide = images.padded(image, size)
    assert all(have >= want for have, want in zip(wide.shape[1:], size, strict=True))
    assert torch.equal(images.unpadded(wide, shape), image)


def test_masks_move_exactly_with_their_images() -> None:
    """A mask that equals its image before must equal it after, up to the voxels at its edge."""
    seed_all(3)
    grid = torch.stack(torch.meshgrid(*[torch.arange(24.0)] * 3, indexing="ij"))
    ball = ((grid - 12) ** 2).sum(0).sqrt() < 7
    batch = torch.stack([ball.float()[None]] * 8)
    moved, move = augment.augmented(batch, mirror=True)
    masks = move.masks(torch.stack([ball.byte()] * 8))
    assert masks is not None
    bright = moved[:, 0] > 0.5
    shared = (bright & (masks == 1)).sum()
    assert 2 * shared / (bright.sum() + (masks == 1).sum()) > 0.95
    assert len({int(mask.sum()) for mask in masks}) > 1


@pytest.mark.parametrize("sides", [(16, 48), (16, 24, 48)])
def test_turning_does_not_shear_an_image_that_is_not_square(sides: tuple[int, ...]) -> None:
    seed_all(1)
    matrix = augment._poses(50, sides, mirror=False)[..., :-1]
    lengths = torch.tensor(tuple(reversed(sides)), dtype=torch.float32)
    pixels = matrix * lengths[:, None] / lengths
    gram = pixels @ pixels.transpose(1, 2)
    scale = gram.diagonal(dim1=1, dim2=2).mean(dim=1)
    assert torch.allclose(gram, scale[:, None, None] * torch.eye(len(sides)), atol=1e-4)
    assert scale.sqrt().min() >= 1 - augment.SCALE - 1e-4
    assert scale.sqrt().max() <= 1 + augment.SCALE + 1e-4


def test_mirroring_happens_only_where_it_is_allowed_and_left_to_right() -> None:
    seed_all(2)
    plain = augment._poses(40, (32, 32), mirror=False)
    assert (plain[:, 0, 0] > 0).all()
    mirrored = augment._poses(40, (32, 32), mirror=True)
    assert 10 < (mirrored[:, 0, 0] < 0).sum() < 30
    assert (mirrored[:, 1, 1] > 0).all()


def test_every_sample_is_seen_once_before_any_is_seen_twice() -> None:
    for count, size in ((7, 3), (5, 5), (4, 3), (1, 1)):
        seen = [i for step in range(4 * count) for i in data.batch_indices(count, size, step, 9)]
        for start in range(0, len(seen) - count + 1, count):
            assert sorted(seen[start : start + count]) == list(range(count))
    assert data.batch_indices(50, 8, 2, 1) != data.batch_indices(50, 8, 2, 2)


def test_crops_favour_the_foreground_and_stay_inside() -> None:
    image = torch.arange(40.0**2).reshape(1, 40, 40)
    mask = torch.zeros(40, 40, dtype=torch.uint8)
    mask[37, 2] = 1
    hits = 0
    for number in range(200):
        part, cut = segmentation.crop((image, mask), (16, 16), generator("crop", number))
        assert part.shape == (1, 16, 16)
        hits += int(cut.sum())
        assert torch.equal(part[0] == 37 * 40 + 2, cut == 1)
    assert 120 < hits < 190


def test_only_what_fits_is_kept_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "CACHE_BYTES", 2 * 32 * 32 * 4 + 100)
    prepared = data.Prepared(make_recipe(), make_images(tmp_path, 5))
    assert len(prepared._cache) == 2
    for index in range(5):
        image, target = prepared.pair(index)
        again = data.load(prepared.samples[index], prepared.recipe)
        assert torch.equal(image, again[0])
        assert target == again[1]

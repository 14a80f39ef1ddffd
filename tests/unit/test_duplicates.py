"""Pairs that look like one image, against comparing all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from learning.acquisition.duplicates import near_pairs


def planted(count: int, pairs: int, width: int = 48) -> tuple[np.ndarray, set[tuple[int, int]]]:
    """All embeddings lie far on one side, as those of a network that has learnt little."""
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(count, width)).astype(np.float32) + 30
    at = rng.permutation(count)[: 2 * pairs].reshape(pairs, 2)
    vectors[at[:, 1]] = vectors[at[:, 0]] + 0.01 * rng.normal(size=(pairs, width))
    return vectors, {(min(a, b), max(a, b)) for a, b in at.tolist()}


@pytest.mark.parametrize("count", [2, 40, 6000])
def test_every_planted_pair_is_found_and_no_other(count: int) -> None:
    vectors, wanted = planted(count, max(1, count // 20))
    pairs, cosines = near_pairs(vectors, 0.995)
    moved = vectors - vectors.mean(axis=0)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    alike = np.triu(moved @ moved.T, 1) >= 0.995
    assert {tuple(pair) for pair in pairs.tolist()} == {
        tuple(pair) for pair in np.argwhere(alike).tolist()
    }
    assert wanted <= {tuple(pair) for pair in pairs.tolist()} or count == 2
    assert (np.diff(cosines) <= 0).all()


def test_one_image_many_times_ends_soon_and_is_seen() -> None:
    vectors = np.concatenate([np.ones((3000, 8)), np.zeros((3000, 8))]).astype(np.float32)
    pairs, _ = near_pairs(vectors, 0.995)
    assert 3000 < len(pairs) < 6000 * 24 * 10
    assert (np.sign(vectors[pairs[:, 0]]) == np.sign(vectors[pairs[:, 1]])).all()


@pytest.mark.parametrize("count", [0, 1])
def test_without_two_cases_there_is_no_pair(count: int) -> None:
    pairs, cosines = near_pairs(np.ones((count, 4), np.float32), 0.9)
    assert pairs.shape == (0, 2)
    assert len(cosines) == 0

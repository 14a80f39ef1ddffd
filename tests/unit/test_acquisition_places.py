"""Acquisition by embeddings: k-center, BADGE, herding, ProbCover, TypiClust against brute force."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learning.acquisition import PoolScores, core_set, coverage, select
from learning.acquisition import badge as gradients_of
from learning.acquisition.badge import Gradients, seeded
from learning.acquisition.clusters import k_means
from learning.acquisition.density import density
from learning.acquisition.features import Features, features


def bare(points: np.ndarray, labelled: np.ndarray | None = None) -> PoolScores:
    return PoolScores(np.zeros((len(points), 0)), embeddings=points, labelled=labelled)


def greedy_by_brute_force(points: np.ndarray, centres: np.ndarray, k: int) -> list[int]:
    chosen: list[int] = []
    for _ in range(k):
        all_centres = np.concatenate([centres, points[chosen]])
        gaps = np.linalg.norm(points[:, None] - all_centres[None], axis=2).min(axis=1)
        gaps[chosen] = -1
        chosen.append(int(gaps.argmax()))
    return chosen


def covering_radius(points: np.ndarray, centres: np.ndarray) -> float:
    return float(np.linalg.norm(points[:, None] - centres[None], axis=2).min(axis=1).max())


@pytest.mark.parametrize("active", [1, 3, 16, 4096])
@pytest.mark.parametrize(("guess", "axes"), [(256, 32), (0, 1), (0, 4)])
@pytest.mark.parametrize("seed", range(3))
def test_lazy_k_center_equals_brute_force(
    monkeypatch: pytest.MonkeyPatch, active: int, guess: int, axes: int, seed: int
) -> None:
    monkeypatch.setattr(core_set, "ACTIVE", active)
    monkeypatch.setattr(core_set, "GUESS", guess)
    monkeypatch.setattr(core_set, "AXES", axes)
    rng = np.random.default_rng(seed)
    points, centres = rng.normal(size=(150, 4)), rng.normal(size=(7, 4))
    found = select("kcenter", bare(points, centres), 25, seed=0)
    assert found.indices.tolist() == greedy_by_brute_force(points, centres, 25)
    everything = np.concatenate([centres, points[found.indices]])
    gaps = np.linalg.norm(points[:, None] - everything[None], axis=2).min(axis=1)
    rest = np.setdiff1d(np.arange(150), found.indices)
    assert (found.scores[rest] >= gaps[rest] - 1e-5).all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 999),
    n=st.integers(1, 80),
    clusters=st.integers(1, 6),
    tight=st.sampled_from([0.0, 1e-4, 1.0]),
    k=st.integers(1, 30),
)
def test_k_center_covers_as_well_as_brute_force_whatever_the_pool(
    seed: int, n: int, clusters: int, tight: float, k: int
) -> None:
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(clusters, 3)) * 5
    points = middles[rng.integers(0, clusters, n)] + tight * rng.normal(size=(n, 3))
    centres = rng.normal(size=(2, 3))
    k = min(k, n)
    ours = select("kcenter", bare(points, centres), k, seed=0).indices
    theirs = greedy_by_brute_force(points, centres, k)
    radius = covering_radius(points, np.concatenate([centres, points[theirs]]))
    found = covering_radius(points, np.concatenate([centres, points[ours]]))
    assert found <= radius * (1 + 1e-3) + 2e-3


def test_k_center_with_kept_distances_picks_the_same() -> None:
    rng = np.random.default_rng(1)
    points, old, new = (rng.normal(size=(size, 6)) for size in (300, 5, 4))
    kept = core_set.distances(Features(points), old)
    kept = core_set.distances(Features(points), new, kept)
    pool = PoolScores(np.zeros((300, 0)), embeddings=points, distance=kept)
    straight = select("kcenter", bare(points, np.concatenate([old, new])), 30, seed=0)
    assert select("kcenter", pool, 30, seed=0).indices.tolist() == straight.indices.tolist()


def test_k_center_without_labels_starts_in_the_middle_and_goes_far() -> None:
    points = np.array([[0.0, 0.1], [10.0, 0.0], [-10.0, 0.0], [0.1, 0.0], [10.1, 0.0]])
    found = select("kcenter", bare(points), 3, seed=0)
    assert found.indices[0] in (0, 3)
    assert {1, 4} & set(found.indices.tolist())
    assert 2 in found.indices


def test_k_center_is_not_fooled_by_features_far_from_zero() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(80, 3)) + 5000.0
    centres = points[:2] + 0.01
    assert select("kcenter", bare(points, centres), 10, seed=0).indices.tolist() == (
        greedy_by_brute_force(points, centres, 10)
    )


def test_k_center_covers_as_well_as_scikit_activeml() -> None:
    from skactiveml.pool import CoreSet

    rng = np.random.default_rng(2)
    points = rng.normal(size=(200, 5))
    answers = np.full(200, np.nan)
    answers[:10] = 0
    theirs = CoreSet(random_state=0).query(points, answers, batch_size=20)
    found = select("kcenter", bare(points[10:], points[:10]), 20, seed=0).indices + 10
    assert sorted(found.tolist()) == sorted(theirs.tolist())


def make_gradients(
    n: int, seed: int, classes: int = 3, width: int = 4
) -> tuple[PoolScores, np.ndarray]:
    """A pool, and its gradient embeddings written out: [N, C · D]."""
    rng = np.random.default_rng(seed)
    said = rng.dirichlet(np.ones(classes), size=n)
    points = rng.normal(size=(n, width)) + 1
    residual = said - np.eye(classes)[said.argmax(axis=1)]
    written = (residual[:, :, None] * points[:, None, :]).reshape(n, -1)
    return PoolScores(said, embeddings=points), written


def plus_plus(written: np.ndarray, k: int, rng: np.random.Generator) -> list[int]:
    """k-means++ as its authors wrote it, over all rows for each pick."""
    picks = [int((written**2).sum(axis=1).argmax())]
    while len(picks) < k:
        gaps = ((written[:, None] - written[picks][None]) ** 2).sum(axis=2).min(axis=1)
        picks.append(int(rng.choice(len(written), p=gaps / gaps.sum())))
    return picks


def test_factorised_distances_are_those_between_gradients_written_out() -> None:
    pool, written = make_gradients(50, 0)
    factors = Gradients.of(pool)
    found = factors.gaps(factors.take(np.array([3, 7])))
    gaps = ((written[:, None] - written[[3, 7]][None]) ** 2).sum(axis=2).min(axis=1)
    np.testing.assert_allclose(found, gaps, atol=1e-4)
    np.testing.assert_allclose(factors.squares, (written**2).sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize(("block", "patience"), [(1, 10**9), (4, 16), (256, 16)])
def test_badge_draws_exactly_as_k_means_plus_plus(
    monkeypatch: pytest.MonkeyPatch, block: int, patience: int
) -> None:
    """The frequency of every pair of later picks, against its probability: chi-square."""
    monkeypatch.setattr(gradients_of, "BLOCK", block)
    monkeypatch.setattr(gradients_of, "PATIENCE", patience)
    pool, written = make_gradients(6, 4)
    factors, runs = Gradients.of(pool), 4000
    first = int((written**2).sum(axis=1).argmax())
    gaps = ((written - written[first]) ** 2).sum(axis=1)
    expected, seen = np.zeros((6, 6)), np.zeros((6, 6))
    for second in np.flatnonzero(gaps > 0):
        left = np.minimum(gaps, ((written - written[second]) ** 2).sum(axis=1))
        expected[second] = gaps[second] / gaps.sum() * left / left.sum()
    for seed in range(runs):
        picks, _ = seeded(factors, 3, np.random.default_rng(seed), np.ones(6))
        assert picks[0] == first
        seen[picks[1], picks[2]] += 1
    assert seen[expected == 0].sum() == 0
    likely = expected > 0
    chi = ((seen - runs * expected)[likely] ** 2 / (runs * expected[likely])).sum()
    assert chi < 45, "19 degrees of freedom: one in a thousand is above 43.8"


def test_badge_spreads_as_well_as_brute_force() -> None:
    pool, written = make_gradients(400, 1)

    def potential(picks: list[int]) -> float:
        gaps = ((written[:, None] - written[picks][None]) ** 2).sum(axis=2)
        return float(gaps.min(axis=1).sum())

    ours = [potential(select("badge", pool, 20, seed=s).indices.tolist()) for s in range(60)]
    theirs = [potential(plus_plus(written, 20, np.random.default_rng(s))) for s in range(60)]
    assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=0.05)


def test_badge_asks_for_a_copy_only_when_nothing_else_is_left() -> None:
    said = np.array([[0.5, 0.5]] * 8 + [[0.6, 0.4]])
    points = np.array([[1.0, 2.0]] * 8 + [[-3.0, 1.0]])
    for seed in range(10):
        assert 8 in select("badge", PoolScores(said, embeddings=points), 2, seed=seed).indices


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), m=st.integers(1, 40), a=st.integers(1, 30), k=st.integers(1, 20))
def test_lazy_cover_is_greedy(seed: int, m: int, a: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    similar = np.round(rng.random((m, a)), 1).astype(np.float32)
    weights = rng.random(a).astype(np.float32)
    covered = np.round(rng.random(a) * 0.5, 1).astype(np.float32)
    found, gains = coverage.cover(similar, weights, covered, k, None)
    state = covered.copy()
    for pick, gain in zip(found, gains, strict=True):
        all_gains = (np.maximum(similar - state, 0) * weights).sum(axis=1)
        assert all_gains[pick] == pytest.approx(all_gains.max(), rel=1e-4, abs=1e-6)
        assert gain * weights.sum() == pytest.approx(all_gains[pick], rel=1e-3, abs=1e-5)
        state = np.maximum(state, similar[pick])
    if len(found) < min(k, m):
        assert np.maximum(similar - state, 0).max() < 1e-6


def make_heaps(sizes: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    middles = 20 * np.eye(len(sizes))
    heap = np.repeat(np.arange(len(sizes)), sizes)
    return middles[heap] + rng.normal(size=(len(heap), len(sizes))), heap


@pytest.mark.parametrize("name", ["herding", "typiclust", "probcover", "kcenter"])
def test_the_first_batch_reaches_every_heap_of_the_pool(name: str) -> None:
    points, heap = make_heaps([100, 60, 40, 30])
    classes = np.full((len(points), 4), 0.25)
    pool = PoolScores(classes, embeddings=points)
    assert set(heap[select(name, pool, 4, seed=0).indices]) == {0, 1, 2, 3}


@pytest.mark.parametrize("name", ["herding", "typiclust", "probcover"])
def test_what_is_labelled_already_is_not_asked_for_again(name: str) -> None:
    points, heap = make_heaps([100, 60, 40, 30])
    known = points[np.isin(heap, [0, 1])][::8]
    pool = PoolScores(np.full((len(points), 4), 0.25), embeddings=points, labelled=known)
    assert set(heap[select(name, pool, 2, seed=0).indices]) == {2, 3}


def test_typiclust_takes_the_middle_of_a_heap_not_its_edge() -> None:
    points, heap = make_heaps([200, 150])
    middles = [points[heap == one].mean(axis=0) for one in (0, 1)]
    for pick in select("typiclust", bare(points), 2, seed=0).indices:
        gaps = np.linalg.norm(points[heap == heap[pick]] - middles[heap[pick]], axis=1)
        own = np.linalg.norm(points[pick] - middles[heap[pick]])
        assert (gaps < own).mean() < 0.3


def test_herding_goes_where_the_doubt_is() -> None:
    points, heap = make_heaps([100, 100])
    sure = np.where(heap == 0, 0.99, 0.55)
    pool = PoolScores(np.stack([sure, 1 - sure], axis=1), embeddings=points)
    assert (heap[select("herding", pool, 10, seed=0).indices] == 1).sum() >= 8


def test_herding_over_samples_covers_nearly_as_much_as_over_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    middles = rng.normal(size=(40, 8)) * 3
    points = middles[rng.integers(0, 40, 3000)] + rng.normal(size=(3000, 8))
    first = rng.random(3000)
    said = np.stack([first, 1 - first], axis=1)
    pool = PoolScores(said, embeddings=points)
    exact = select("herding", pool, 30, seed=0).indices
    monkeypatch.setattr(coverage, "ANCHORS", 1000)
    monkeypatch.setattr(coverage, "CANDIDATES", 1000)
    sampled = select("herding", pool, 30, seed=0).indices
    doubt = 1 - np.abs(said[:, 0] - said[:, 1])

    def value(picks: np.ndarray) -> float:
        gaps = ((points[:, None] - points[picks][None]) ** 2).sum(axis=2).min(axis=1)
        return float((doubt * np.exp(-gaps / 16)).sum())

    assert value(sampled) > 0.95 * value(exact)


def test_probcover_covers_as_much_as_scikit_activeml() -> None:
    from skactiveml.pool import ProbCover

    points, _ = make_heaps([60, 40, 30], seed=2)
    points = points / np.linalg.norm(points, axis=1, keepdims=True)
    theirs = ProbCover(random_state=0, n_classes=3).query(
        points, np.full(len(points), np.nan), batch_size=6
    )
    ours = select("probcover", PoolScores(np.full((130, 3), 1 / 3), embeddings=points), 6, seed=0)

    def covered(picks: np.ndarray) -> float:
        gaps = np.linalg.norm(points[:, None] - points[picks][None], axis=2).min(axis=1)
        return float((gaps < 0.2).mean())

    assert covered(ours.indices) >= covered(theirs) - 0.1


def test_density_is_the_mean_cosine_similarity_to_all_cases() -> None:
    points = np.random.default_rng(0).normal(size=(40, 5)) + 0.5
    units = points / np.linalg.norm(points, axis=1, keepdims=True)
    np.testing.assert_allclose(
        density(Features(points)), (1 + (units @ units.T).mean(axis=1)) / 2, atol=1e-6
    )


def test_density_weighting_passes_over_an_odd_one_out() -> None:
    points = np.array([[1.0, 0.0]] * 20 + [[-1.0, 0.0]])
    said = np.array([[0.55, 0.45]] * 20 + [[0.5, 0.5]])
    pool = PoolScores(said, embeddings=points)
    assert 20 not in select("density", pool, 5, seed=0).indices
    assert select("margin", pool, 1, seed=0).indices.tolist() == [20]


def test_k_means_finds_the_heaps() -> None:
    points, heap = make_heaps([50, 60, 70])
    centres = k_means(Features(points), 3, np.random.default_rng(0))
    which = Features(points).nearest(centres, points.mean(axis=0))[1]
    assert len(set(zip(heap.tolist(), which.tolist(), strict=True))) == 3


NEED_EMBEDDINGS = ["kcenter", "badge", "typiclust", "probcover", "herding", "density"]


@pytest.mark.parametrize("name", NEED_EMBEDDINGS)
def test_the_same_is_picked_from_embeddings_on_a_torch_device(name: str) -> None:
    pool, _ = make_gradients(300, 5)
    known = np.random.default_rng(9).normal(size=(20, 4))
    points = np.asarray(pool.embeddings, np.float32)
    here = PoolScores(pool.ensemble, embeddings=points, labelled=known)
    there = PoolScores(pool.ensemble, embeddings=on_torch(points), labelled=known)
    assert "torch" in sys.modules
    expected = select(name, here, 12, seed=1)
    found = select(name, there, 12, seed=1)
    assert found.indices.tolist() == expected.indices.tolist()
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)


def on_torch(points: np.ndarray) -> Features:
    from learning.acquisition.on_torch import moved

    return moved(points, "cpu")


def test_features_on_torch_answer_like_those_in_numpy() -> None:
    rng = np.random.default_rng(0)
    points, centres = rng.normal(size=(70, 6)).astype(np.float32), rng.normal(size=(4, 6))
    here, there = Features(points), on_torch(points)
    origin = points.mean(axis=0)
    some = np.array([5, 2, 60])
    assert (len(there), there.width, there.finite()) == (70, 6, True)
    np.testing.assert_allclose(there.rows(some), points[some])
    np.testing.assert_allclose(there[some].rows(np.array([0])), points[[5]])
    np.testing.assert_allclose(there[10:20].rows(np.array([0])), points[[10]])
    np.testing.assert_allclose(there.squares(), here.squares(), rtol=1e-5)
    np.testing.assert_allclose(there.mean(), here.mean(), atol=1e-6)
    np.testing.assert_allclose(
        there.products(centres.astype(np.float32)), here.products(centres), atol=1e-4
    )
    axes = np.eye(6, 2, dtype=np.float32)
    np.testing.assert_allclose(
        there.guessed(centres.astype(np.float32), origin, axes),
        here.guessed(centres, origin, axes),
        atol=1e-4,
    )
    for ours, theirs in zip(
        there.nearest(centres.astype(np.float32), origin),
        here.nearest(centres, origin),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert not on_torch(np.array([[np.inf]], np.float32)).finite()
    assert features(there) is there

"""Acquisition by what networks say: scores by hand, draws by their frequencies, strata in turn."""

from __future__ import annotations

import numpy as np
import pytest

from learning.acquisition import PoolScores, select
from learning.acquisition.chance import thirds
from learning.acquisition.foreground import sharpness
from learning.acquisition.pool import highest, likely
from learning.acquisition.turns import in_turn


def dirichlet(n: int, classes: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(classes), size=n)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("margin", "margin_sampling"),
        ("entropy", "entropy"),
        ("least_confidence", "least_confident"),
    ],
)
def test_uncertainty_ranks_as_scikit_activeml_does(name: str, method: str) -> None:
    from skactiveml.pool import uncertainty_scores

    said = dirichlet(200)
    theirs = uncertainty_scores(said, method=method)
    found = select(name, PoolScores(said), 200, seed=0).indices
    assert found.tolist() == np.argsort(-theirs, kind="stable").tolist()


def test_least_confidence_looks_at_the_likeliest_class_alone() -> None:
    said = np.array([[0.5, 0.5, 0.0], [0.45, 0.3, 0.25]])
    assert select("least_confidence", PoolScores(said), 1, seed=0).indices.tolist() == [1]
    assert select("margin", PoolScores(said), 1, seed=0).indices.tolist() == [0]
    even = PoolScores(np.full((1, 3), 1 / 3))
    assert select("least_confidence", even, 1, seed=0).scores[0] == pytest.approx(1)


def test_bald_is_the_entropy_of_the_mean_less_the_mean_entropy() -> None:
    passes = np.stack([dirichlet(30, seed=seed) for seed in range(5)], axis=1)

    def entropy(p: np.ndarray) -> np.ndarray:
        return -(p * np.log(p)).sum(axis=-1)

    by_hand = entropy(passes.mean(axis=1)) - entropy(passes).mean(axis=1)
    found = select("bald", PoolScores(passes.mean(axis=1), samples=passes), 30, seed=0)
    np.testing.assert_allclose(found.scores, by_hand / np.log(4), atol=1e-9)
    networks = {str(i): passes[:, i] for i in range(5)}
    again = select("bald", PoolScores(passes.mean(axis=1), networks), 30, seed=0)
    np.testing.assert_allclose(again.scores, found.scores)
    assert again.indices.tolist() == found.indices.tolist()


def test_bald_passes_over_a_case_that_every_member_is_equally_unsure_of() -> None:
    """Noise in the data, which no label can take away, is not what BALD asks for."""
    unsure = np.full((20, 2, 2), 0.5)
    apart = np.array([[[0.95, 0.05], [0.05, 0.95]]] * 5)
    passes = np.concatenate([unsure, apart])
    pool = PoolScores(passes.mean(axis=1), samples=passes)
    for seed in range(10):
        assert (select("bald", pool, 5, seed=seed).indices >= 20).all()


@pytest.mark.parametrize("power", [1.0, 3.0])
def test_a_draw_by_weight_has_the_frequencies_of_the_weights(power: float) -> None:
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    first = np.zeros(4)
    for seed in range(4000):
        first[likely(weights, 1, np.random.default_rng(seed), sharpness=power)[0]] += 1
    expected = weights**power / (weights**power).sum()
    assert np.abs(first / 4000 - expected).max() < 0.03


def test_the_highest_of_equals_is_drawn() -> None:
    scores = np.array([1.0, 2.0, 2.0, 0.5])
    seen = {tuple(highest(scores, 2, np.random.default_rng(s)).tolist()) for s in range(20)}
    assert seen == {(1, 2), (2, 1)}
    assert len(highest(scores, 0, np.random.default_rng(0))) == 0


def test_power_margin_does_not_take_all_copies_of_the_most_doubtful_case() -> None:
    first = np.array([0.5] * 10 + [0.55] * 10)
    pool = PoolScores(np.stack([first, 1 - first], axis=1))
    others = [(select("power_margin", pool, 10, seed=s).indices >= 10).sum() for s in range(20)]
    assert 2 < np.mean(others) < 6
    assert not (select("margin", pool, 10, seed=0).indices >= 10).any()


def test_disagreement_of_masks_is_what_was_measured_of_them() -> None:
    said = np.full((3, 2), 0.5)
    pool = PoolScores(said, {"a": said, "b": said}, contradiction=np.array([0.1, 0.9, 0.4]))
    assert select("disagreement", pool, 3, seed=0).indices.tolist() == [1, 2, 0]


def test_stratified_random_takes_a_small_site_as_often_as_a_large_one() -> None:
    sites = np.array([1] * 90 + [2] * 6 + [3] * 4)
    pool = PoolScores(np.zeros((100, 0)), strata=sites)
    for seed in range(5):
        picks = sites[select("stratified_random", pool, 12, seed=seed).indices]
        assert np.bincount(picks)[1:].tolist() == [4, 4, 4]
    picks = sites[select("stratified_random", pool, 30, seed=0).indices]
    assert np.bincount(picks)[1:].tolist() == [20, 6, 4]


def test_stratified_random_goes_by_the_predicted_class_where_no_site_is_known() -> None:
    said = np.array([[0.9, 0.1]] * 40 + [[0.2, 0.8]] * 4)
    picks = select("stratified_random", PoolScores(said), 8, seed=0).indices
    assert (picks >= 40).sum() == 4


def make_volumes(background: list[float], classes: int = 1) -> PoolScores:
    said = np.array([[p, *[(1 - p) / classes] * classes] for p in background])
    doubt = np.full(len(said), 0.5)
    return PoolScores(said, uncertainty=doubt, class_uncertainty=np.full((len(said), classes), 0.5))


def test_foreground_random_draws_two_in_three_where_something_may_be() -> None:
    pool = make_volumes([1.0] * 90 + [0.4] * 10)
    hits = [
        (select("foreground_random", pool, 9, seed=seed).indices >= 90).sum() for seed in range(40)
    ]
    assert 6 <= np.mean(hits) <= 7


def test_the_draw_sharpens_over_the_rounds() -> None:
    assert [sharpness(rounds) for rounds in (0, 5, 10, 99)] == pytest.approx([1, 10, 100, 100])
    doubt = np.linspace(0.5, 0.6, 50)
    pool = PoolScores(np.zeros((50, 0)), uncertainty=doubt, class_uncertainty=doubt[:, None])

    def mean_doubt(rounds: int) -> float:
        late = PoolScores(
            pool.ensemble,
            uncertainty=doubt,
            class_uncertainty=doubt[:, None],
            round=rounds,
        )
        return float(
            np.mean(
                [
                    doubt[select("foreground_entropy", late, 5, seed=s).indices].mean()
                    for s in range(30)
                ]
            )
        )

    assert mean_doubt(10) > mean_doubt(0) + 0.03


@pytest.mark.parametrize(
    ("classes", "expected"),
    [(0, [0]), (1, [1, 1, 0]), (2, [1, 2, 0, 1, 2, 0]), (3, [1, 2, 0, 3, 1, 0, 2, 3, 0])],
)
def test_two_turns_in_three_go_to_the_classes_all_alike(classes: int, expected: list[int]) -> None:
    assert thirds(classes) == expected


def test_queues_take_turns_and_no_row_comes_twice() -> None:
    queues = [np.array([4, 1, 2]), np.array([4, 3]), np.array([], np.int64)]
    assert in_turn(queues, 9).tolist() == [4, 3, 1, 2]
    assert in_turn(queues, 2).tolist() == [4, 3]
    assert in_turn([], 3).tolist() == []


def test_falcun_picks_like_scikit_activeml() -> None:
    """The same rule, drawn by other lots: how doubtful and how far apart the picks are on average."""
    from skactiveml.classifier import ParzenWindowClassifier
    from skactiveml.pool import Falcun

    rng = np.random.default_rng(0)
    points = rng.normal(size=(200, 2))
    answers = np.full(200, np.nan)
    answers[:20] = points[:20, 0] > 0
    model = ParzenWindowClassifier(classes=[0, 1], random_state=0).fit(points, answers)
    said = model.predict_proba(points[20:])
    doubt = 1 - np.abs(said[:, 0] - said[:, 1])

    def theirs(seed: int) -> np.ndarray:
        asked = Falcun(random_state=seed)
        return asked.query(points, answers, model, fit_clf=False, batch_size=10) - 20

    ours = [doubt[select("falcun", PoolScores(said), 10, seed=s).indices].mean() for s in range(20)]
    others = [doubt[theirs(s)].mean() for s in range(20)]
    assert np.mean(ours) == pytest.approx(np.mean(others), abs=0.1)

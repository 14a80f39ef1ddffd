"""Acquisition: what each function picks, against brute force, and what holds for all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learning.acquisition import (
    ACQUISITIONS,
    AcquisitionError,
    Constraints,
    Detections,
    Need,
    PoolScores,
    choose,
    objection,
    select,
)

NAMES = sorted(ACQUISITIONS)
DRAWN = [
    "random", "stratified_random", "foreground_random", "power_margin", "bald", "falcun", "badge",
    "foreground_entropy", "part_doubt", "box_doubt",
]  # fmt: skip


def make_boxes(n: int, rng: np.random.Generator, classes: int = 2) -> Detections:
    low = rng.integers(0, 20, (2 * n, 2)).astype(float)
    case = rng.integers(0, n, 2 * n) if n else np.zeros(0, np.int64)
    return Detections(case, np.hstack([low, low + 8]), rng.random((2 * n, classes)))


def make_pool(n: int, *, classes: int = 3, seed: int = 0, coarse: bool = False) -> PoolScores:
    rng = np.random.default_rng(seed)
    members = {name: rng.dirichlet(np.ones(classes), size=n) for name in ("first", "second")}
    if coarse:
        members = {name: np.eye(classes)[p.argmax(axis=1)] for name, p in members.items()}
    embeddings = rng.normal(size=(n, 5))
    if coarse:
        embeddings = np.round(embeddings)
    boxes = {name: make_boxes(n, rng) for name in members}
    return PoolScores(
        ensemble=np.mean(list(members.values()), axis=0).reshape(n, classes),
        probabilities=members,
        embeddings=embeddings,
        labelled=rng.normal(size=(3, 5)),
        uncertainty=rng.random(n) * (not coarse),
        class_uncertainty=rng.random((n, classes - 1)) * (not coarse),
        detections=boxes,
        strata=rng.integers(0, 3, n),
        patients=rng.integers(0, max(n // 2, 1), n),
        ids=rng.permutation(10 * n)[:n],
    )


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(n=st.integers(0, 40), k=st.integers(0, 50), seed=st.integers(0, 99), coarse=st.booleans())
def test_picks_are_different_rows_in_a_full_order_with_finite_scores(
    name: str, n: int, k: int, seed: int, coarse: bool
) -> None:
    found = select(name, make_pool(n, seed=seed, coarse=coarse), k, seed=seed)
    assert len(found.indices) == len(set(found.indices.tolist())) == min(n, k)
    assert sorted(found.order().tolist()) == list(range(n))
    assert found.order()[: len(found.indices)].tolist() == found.indices.tolist()
    assert found.scores.shape == (n,)
    assert np.isfinite(found.scores).all()
    picked = len(found.indices)
    assert all(
        np.isfinite(part).all() and len(part) == picked for part in found.components.values()
    )


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 40), k=st.integers(1, 20), seed=st.integers(0, 99), coarse=st.booleans())
def test_picks_do_not_depend_on_the_order_of_the_rows(
    name: str, n: int, k: int, seed: int, coarse: bool
) -> None:
    pool = make_pool(n, seed=seed, coarse=coarse)
    shuffled = np.random.default_rng(seed + 1).permutation(n)
    straight = select(name, pool, k, seed=seed)
    crooked = select(name, pool.take(shuffled), k, seed=seed)
    assert shuffled[crooked.indices].tolist() == straight.indices.tolist()
    np.testing.assert_allclose(crooked.scores, straight.scores[shuffled], atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_picks(name: str) -> None:
    pool = make_pool(60)
    first, again = (select(name, pool, 10, seed=4) for _ in range(2))
    assert first.indices.tolist() == again.indices.tolist()


@pytest.mark.parametrize("name", DRAWN)
def test_functions_that_draw_differ_between_seeds(name: str) -> None:
    pool = make_pool(200)
    picks = {tuple(select(name, pool, 10, seed=seed).indices.tolist()) for seed in range(5)}
    assert len(picks) == 5


def test_random_gives_every_case_the_same_chance() -> None:
    pool = make_pool(10)
    counts = np.zeros(10)
    for seed in range(2000):
        counts[select("random", pool, 3, seed=seed).indices] += 1
    assert np.abs(counts / 2000 - 0.3).max() < 0.05


def test_margin_picks_the_closest_calls_in_order() -> None:
    ensemble = np.array([[0.9, 0.1], [0.5, 0.5], [0.45, 0.55], [0.2, 0.8]])
    found = select("margin", PoolScores(ensemble), 3, seed=0)
    assert found.indices.tolist() == [1, 2, 3]
    np.testing.assert_allclose(found.components["uncertainty"], [1.0, 0.9, 0.4])
    np.testing.assert_allclose(found.scores, [0.2, 1.0, 0.9, 0.4])


def test_entropy_counts_all_classes_and_margin_only_two() -> None:
    ensemble = np.array([[0.45, 0.45, 0.1], [0.4, 0.3, 0.3]])
    assert select("margin", PoolScores(ensemble), 1, seed=0).indices.tolist() == [0]
    assert select("entropy", PoolScores(ensemble), 1, seed=0).indices.tolist() == [1]


def test_disagreement_is_one_when_certain_networks_contradict_each_other() -> None:
    first = np.array([[1.0, 0.0], [0.5, 0.5], [0.9, 0.1]])
    second = np.array([[0.0, 1.0], [0.5, 0.5], [0.6, 0.4]])
    pool = PoolScores((first + second) / 2, {"a": first, "b": second})
    found = select("disagreement", pool, 3, seed=0)
    assert found.indices.tolist() == [0, 2, 1]
    np.testing.assert_allclose(found.scores[:2], [1.0, 0.0], atol=1e-9)
    mean = (first[2] + second[2]) / 2
    by_hand = sum((p * np.log2(p / mean)).sum() for p in (first[2], second[2])) / 2
    assert found.scores[2] == pytest.approx(by_hand)


def test_a_case_that_takes_twice_as_long_must_be_twice_as_worth_it() -> None:
    ensemble = np.array([[0.5, 0.5], [0.7, 0.3]])
    cheap = PoolScores(ensemble, cost=np.array([10.0, 10.0]))
    dear = PoolScores(ensemble, cost=np.array([30.0, 10.0]))
    assert select("margin", cheap, 1, seed=0).indices.tolist() == [0]
    assert select("margin", dear, 1, seed=0).indices.tolist() == [1]


@pytest.mark.parametrize("name", NAMES)
def test_every_pick_says_how_sure_and_how_agreed_the_networks_are(name: str) -> None:
    found = select(name, make_pool(20), 5, seed=0)
    assert {"uncertainty", "disagreement"} <= set(found.components)


def test_falcun_spreads_over_what_the_networks_say() -> None:
    """Nine copies of the most uncertain case and another: a copy is hardly asked after the first."""
    ensemble = np.array([[0.5, 0.5]] * 9 + [[0.7, 0.3]])
    picked_odd = [9 in select("falcun", PoolScores(ensemble), 2, seed=s).indices for s in range(50)]
    assert np.mean(picked_odd) > 0.9
    by_margin = select("margin", PoolScores(ensemble), 2, seed=0)
    assert 9 not in by_margin.indices


def test_falcun_starts_with_uncertain_cases() -> None:
    rng = np.random.default_rng(0)
    certain = rng.uniform(0.97, 1.0, 95)
    ensemble = np.stack([np.append(certain, [0.5] * 5), 1 - np.append(certain, [0.5] * 5)], axis=1)
    first = [select("falcun", PoolScores(ensemble), 1, seed=s).indices[0] for s in range(50)]
    assert np.mean(np.array(first) >= 95) > 0.95


def make_masks(uncertainty: list[float], per_class: list[list[float]]) -> PoolScores:
    return PoolScores(
        np.zeros((len(uncertainty), 0)),
        uncertainty=np.array(uncertainty),
        class_uncertainty=np.array(per_class),
    )


def test_foreground_entropy_gives_a_rare_class_its_turn() -> None:
    """A hundred cases doubtful about the organ, three about the rare lesion."""
    organ = [[0.6, 0.0]] * 100 + [[0.0, 0.5]] * 3
    pool = make_masks([0.6] * 100 + [0.1] * 3, organ)
    hits = [np.sum(select("foreground_entropy", pool, 9, seed=s).indices >= 100) for s in range(20)]
    assert np.mean(hits) >= 2.5


def test_foreground_entropy_leaves_certain_and_empty_cases_last() -> None:
    pool = make_masks([0.0] * 50 + [0.5] * 10, [[0.0]] * 50 + [[0.5]] * 10)
    assert (select("foreground_entropy", pool, 10, seed=0).indices >= 50).all()


@pytest.mark.parametrize(
    ("name", "pool"),
    [
        ("margin", PoolScores(np.zeros((3, 0)))),
        ("disagreement", PoolScores(np.full((3, 2), 0.5))),
        ("kcenter", PoolScores(np.full((3, 2), 0.5))),
        ("foreground_entropy", PoolScores(np.full((3, 2), 0.5))),
        ("magic", PoolScores(np.full((3, 2), 0.5))),
    ],
)
def test_what_is_missing_is_said(name: str, pool: PoolScores) -> None:
    with pytest.raises(AcquisitionError, match=r"needs|no acquisition function"):
        select(name, pool, 1, seed=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ensemble": np.array([[0.5, np.nan]])},
        {"embeddings": np.array([[np.inf]])},
        {"labelled": np.array([[np.nan]])},
        {"embeddings": np.zeros((2, 3))},
        {"probabilities": {"a": np.zeros((2, 2))}},
        {"cost": np.array([0.0])},
        {"samples": np.array([[[np.nan, 0.5]]])},
        {"distance": np.array([np.inf])},
        {"embeddings": np.zeros((1, 3)), "labelled": np.zeros((2, 4))},
        {"detections": {"a": Detections(np.array([1]), np.zeros((1, 4)), np.ones((1, 1)))}},
        {"detections": {"a": Detections(np.array([0]), np.zeros((1, 4)), np.full((1, 1), np.nan))}},
        {"detections": {"a": Detections(np.array([0]), np.zeros((2, 4)), np.ones((1, 1)))}},
    ],
)
def test_a_pool_that_does_not_fit_together_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(AcquisitionError):
        PoolScores(**{"ensemble": np.array([[0.5, 0.5]]), **wrong})  # type: ignore[arg-type]


def test_an_id_that_appears_twice_is_refused() -> None:
    with pytest.raises(AcquisitionError, match="twice"):
        PoolScores(np.full((2, 2), 0.5), ids=np.array([7, 7]))


@pytest.mark.parametrize(
    ("regime", "expected"),
    [
        ({"task": "classification", "labelled": 0, "networks": 0}, "random"),
        ({"task": "classification", "labelled": 7, "networks": 2}, "random"),
        ({"task": "classification", "labelled": 30, "networks": 2}, "falcun"),
        ({"task": "classification", "labelled": 0, "networks": 0, "embeddings": True}, "herding"),
        ({"task": "classification", "labelled": 7, "networks": 2, "embeddings": True}, "herding"),
        ({"task": "classification", "labelled": 39, "networks": 2, "embeddings": True}, "herding"),
        ({"task": "classification", "labelled": 40, "networks": 2, "embeddings": True}, "falcun"),
        ({"task": "segmentation", "labelled": 30, "networks": 2}, "foreground_entropy"),
        ({"task": "segmentation", "labelled": 7, "networks": 2}, "foreground_random"),
        ({"task": "segmentation", "labelled": 0, "networks": 0}, "random"),
        ({"task": "detection", "labelled": 30, "networks": 2}, "box_doubt"),
        ({"task": "parts", "labelled": 7, "networks": 2}, "random"),
        ({"task": "parts", "labelled": 7, "networks": 2, "embeddings": True}, "herding"),
        ({"task": "parts", "labelled": 40, "networks": 2, "embeddings": True}, "part_doubt"),
    ],
)
def test_the_default_suits_the_regime_and_gives_its_reason(
    regime: dict[str, object], expected: str
) -> None:
    name, reason = choose(**regime, pool=500, classes=2)  # type: ignore[arg-type]
    assert name == expected
    assert name in ACQUISITIONS
    assert reason.endswith(".")


@pytest.mark.parametrize("task", ["classification", "segmentation", "detection", "parts"])
@pytest.mark.parametrize("networks", [1, 2])
@pytest.mark.parametrize("name", [*NAMES, "magic"])
def test_a_function_is_objected_to_exactly_where_it_cannot_rank(
    name: str, task: str, networks: int
) -> None:
    whole = make_pool(6)
    pool = replace(
        whole,
        probabilities=dict(list(whole.probabilities.items())[:networks]),
        class_uncertainty=whole.class_uncertainty if task in ("segmentation", "parts") else None,
        detections=whole.detections if task == "detection" else {},
    )
    if task in ("detection", "parts"):
        nothing = np.zeros((len(pool), 0))
        members = dict.fromkeys(pool.probabilities, nothing)
        apart = np.linspace(0, 1, len(pool))
        pool = replace(pool, ensemble=nothing, probabilities=members, contradiction=apart)
    said = objection(name, task=task, networks=networks)
    if not said:
        assert len(select(name, pool, 3, seed=0).indices) == 3
        return
    assert said.endswith(".")
    with pytest.raises(AcquisitionError):
        select(name, pool, 3, seed=0)


@pytest.mark.parametrize("need", list(Need))
def test_each_function_says_what_it_misses_of_what_it_needs(need: Need) -> None:
    bare = PoolScores(np.zeros((3, 0)))
    for name, entry in ACQUISITIONS.items():
        if need in entry.needs:
            with pytest.raises(AcquisitionError, match=need.value):
                select(name, bare, 1, seed=0)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 30), k=st.integers(0, 35), seed=st.integers(0, 99), share=st.floats(0, 1))
def test_a_row_that_is_not_open_is_never_picked_nor_ordered(
    name: str, n: int, k: int, seed: int, share: float
) -> None:
    whole = make_pool(n, seed=seed)
    may = np.random.default_rng(seed).random(n) < share
    found = select(name, replace(whole, open=may), k, seed=seed)
    assert may[found.indices].all()
    assert len(found.indices) == min(k, may.sum())
    assert sorted(found.order().tolist()) == np.flatnonzero(may).tolist()
    assert np.isnan(found.scores).tolist() == (~may).tolist()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_open_does_not_change_the_picks(name: str) -> None:
    whole = make_pool(40, seed=3)
    may = np.arange(40) % 3 > 0
    rows = np.flatnonzero(may)
    closed = select(name, replace(whole, open=may), 8, seed=5)
    without = select(name, whole.take(rows), 8, seed=5)
    assert closed.indices.tolist() == rows[without.indices].tolist()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [1, 30])
def test_cases_that_are_all_alike_are_all_asked_for(name: str, n: int) -> None:
    even = np.full((n, 2), 0.5)
    pool = PoolScores(
        ensemble=even,
        probabilities={"a": even, "b": even},
        embeddings=np.ones((n, 4)),
        labelled=np.ones((2, 4)),
        uncertainty=np.zeros(n),
        class_uncertainty=np.zeros((n, 1)),
        detections={"a": make_boxes(0, np.random.default_rng(0))},
    )
    found = select(name, pool, n, seed=0)
    assert sorted(found.indices.tolist()) == list(range(n))
    assert np.isfinite(found.scores).all()


CONSTRAINTS = st.builds(
    Constraints,
    distinct=st.sampled_from([None, 0.9]),
    one_per_patient=st.booleans(),
    balance=st.booleans(),
    rare=st.sampled_from([None, 0]),
)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, deadline=None)
@given(n=st.integers(0, 40), k=st.integers(0, 50), seed=st.integers(0, 99), asked=CONSTRAINTS)
def test_constraints_leave_as_many_picks_and_no_row_twice(
    name: str, n: int, k: int, seed: int, asked: Constraints
) -> None:
    pool = make_pool(n, seed=seed)
    found = select(name, pool, k, seed=seed, constraints=asked)
    assert len(found.indices) == len(set(found.indices.tolist())) == min(n, k)
    assert sorted(found.order().tolist()) == list(range(n))
    shuffled = np.random.default_rng(seed + 1).permutation(n)
    crooked = select(name, pool.take(shuffled), k, seed=seed, constraints=asked)
    assert shuffled[crooked.indices].tolist() == found.indices.tolist()

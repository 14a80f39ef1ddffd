"""Constraints on a batch: no copies, one case a patient, even sites, a share for the rare class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learning.acquisition import AcquisitionError, Constraints, PoolScores, select


def by_margin(n: int, **facts: np.ndarray) -> PoolScores:
    """Row 0 is the most doubtful, the last one the least."""
    first = np.linspace(0.5, 0.99, n)
    return PoolScores(np.stack([first, 1 - first], axis=1), **facts)  # type: ignore[arg-type]


def picked(pool: PoolScores, k: int, **asked: object) -> list[int]:
    constraints = Constraints(**asked)  # type: ignore[arg-type]
    return select("margin", pool, k, seed=0, constraints=constraints).indices.tolist()


def test_of_copies_one_is_asked_for() -> None:
    points = np.array([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0], [0.01, 1.0], [-1.0, 0.0]])
    pool = by_margin(5, embeddings=points)
    assert picked(pool, 3) == [0, 1, 2]
    assert picked(pool, 3, distinct=0.99) == [0, 2, 4]


def test_copies_of_labelled_cases_come_last() -> None:
    points = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    pool = by_margin(3, embeddings=points, labelled=np.array([[2.0, 0.001]]))
    assert picked(pool, 2, distinct=0.99) == [1, 2]
    assert picked(pool, 3, distinct=0.99) == [1, 2, 0]


def test_a_patient_comes_once_while_there_are_others() -> None:
    pool = by_margin(5, patients=np.array([7, 7, 8, 8, 9]))
    assert picked(pool, 3, one_per_patient=True) == [0, 2, 4]
    assert sorted(picked(pool, 5, one_per_patient=True)) == [0, 1, 2, 3, 4]


def test_sites_share_the_batch_evenly_as_far_as_they_have_cases() -> None:
    sites = np.array([1] * 50 + [2] * 10 + [3] * 1)
    pool = by_margin(61, strata=sites)
    picks = picked(pool, 9, balance=True)
    assert np.bincount(sites[picks])[1:].tolist() == [4, 4, 1]
    assert sorted(picks)[:4] == [0, 1, 2, 3]


def test_a_share_of_the_batch_goes_to_the_rare_class_and_not_all_at_the_end() -> None:
    rng = np.random.default_rng(0)
    first = np.concatenate([rng.uniform(0.5, 0.9, 95), rng.uniform(0.05, 0.1, 5)])
    pool = PoolScores(np.stack([first, 1 - first], axis=1))
    rare = np.arange(100) >= 95
    assert not rare[picked(pool, 10)].any()
    picks = picked(pool, 10, rare=1, rare_share=0.3)
    assert rare[picks].sum() == 3
    assert rare[picks[:5]].any()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"distinct": 0.9}, "embeddings"),
        ({"one_per_patient": True}, "patient"),
        ({"balance": True}, "site"),
        ({"rare": 5}, "rare class"),
    ],
)
def test_what_a_constraint_misses_is_said(asked: dict[str, object], said: str) -> None:
    with pytest.raises(AcquisitionError, match=said):
        picked(by_margin(4), 2, **asked)


@pytest.mark.parametrize("wrong", [{"distinct": 0.0}, {"distinct": 1.5}, {"rare_share": 2.0}])
def test_a_constraint_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(AcquisitionError):
        Constraints(**wrong)  # type: ignore[arg-type]


def test_a_constraint_says_what_a_batch_is_held_to() -> None:
    everything = Constraints(distinct=0.98, one_per_patient=True, balance=True, rare=1)
    assert everything.said() == (
        "No case is a copy of another or of a labelled one. No patient comes twice. Sites share the"
        " batch evenly. 30% of the batch goes to the rare class."
    )
    assert Constraints().said() == ""


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 999),
    n=st.integers(1, 60),
    k=st.integers(1, 20),
    sites=st.integers(1, 5),
    patients=st.integers(1, 60),
)
def test_constraints_hold_wherever_they_can(
    seed: int, n: int, k: int, sites: int, patients: int
) -> None:
    rng = np.random.default_rng(seed)
    site, patient = rng.integers(0, sites, n), rng.integers(0, patients, n)
    pool = by_margin(n, strata=site, patients=patient)
    alone = picked(pool, k, one_per_patient=True)
    assert len(set(patient[alone].tolist())) == min(k, len(set(patient.tolist())))
    even = np.bincount(site[picked(pool, k, balance=True)], minlength=sites)
    sizes = np.bincount(site, minlength=sites)
    full = even == sizes
    assert even.sum() == min(k, n)
    if (~full).sum() > 1:
        assert even[~full].max() - even[~full].min() <= 1
    if full.any() and (~full).any():
        assert even[full].max() <= even[~full].max() + 1

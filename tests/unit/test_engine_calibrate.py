"""Temperature: recovered when known, never worse than none, harmless where it cannot be known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from learning.engine.calibrate import HIGHEST, LOWEST, fit_temperature, softmax


@pytest.mark.parametrize("true", [0.7, 1.0, 3.0])
def test_a_known_temperature_is_recovered(true: float) -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (20_000, 3))
    targets = (softmax(honest).cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    assert fit_temperature(honest * true, targets) == pytest.approx(true, rel=0.05)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10_000), n=st.integers(10, 60), spread=st.floats(0.1, 30))
def test_log_loss_is_never_worse_than_without(seed: int, n: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    logits, targets = rng.normal(0, spread, (n, 2)), rng.integers(0, 2, n)
    temperature = fit_temperature(logits, targets)
    assert LOWEST <= temperature <= HIGHEST
    before, after = (
        log_loss(targets, softmax(logits, t).clip(1e-15, 1), labels=[0, 1])
        for t in (1, temperature)
    )
    assert after <= before + 1e-6


@pytest.mark.parametrize(
    ("logits", "targets"),
    [
        (np.zeros((0, 2)), []),
        (np.random.default_rng(0).normal(size=(9, 2)), [0, 1] * 4 + [0]),
        (np.random.default_rng(0).normal(size=(20, 2)), [1] * 20),
        (np.zeros((20, 2)), [0, 1] * 10),
        (np.full((20, 2), np.nan), [0, 1] * 10),
    ],
)
def test_data_that_cannot_tell_change_nothing(logits: np.ndarray, targets: list[int]) -> None:
    assert fit_temperature(logits, targets) == 1.0


def test_logits_that_are_not_numbers_do_not_count() -> None:
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(0, 5, (40, 2)), rng.integers(0, 2, 40)
    spoiled = np.concatenate([logits, np.full((5, 2), np.inf)])
    assert fit_temperature(spoiled, [*targets, 0, 0, 0, 0, 0]) == fit_temperature(logits, targets)


def test_perfect_answers_do_not_run_away() -> None:
    logits = np.array([[2.0, -2.0], [-2.0, 2.0]] * 10)
    assert fit_temperature(logits, [0, 1] * 10) == pytest.approx(LOWEST, rel=0.01)


def test_arrays_that_do_not_belong_together_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="do not belong together"):
        fit_temperature(np.zeros((3, 2)), [0, 1])


def test_softmax_survives_huge_logits() -> None:
    np.testing.assert_allclose(softmax([[1e4, -1e4], [0, 0]]), [[1, 0], [0.5, 0.5]])

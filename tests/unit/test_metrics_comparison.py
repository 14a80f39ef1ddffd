"""Operating points, the parts of the Brier score, and paired tests of two models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as reference

from learning.engine import metrics
from learning.engine.errors import NotComputable
from learning.engine.metrics import compare, operating
from learning.engine.policy import Goal


def drawn(seed: int, number: int = 120) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, number)
    return targets, np.round(targets + rng.normal(0, 1, number), 1)


@pytest.mark.parametrize("wanted", [0.5, 0.8, 0.95, 1.0])
def test_the_threshold_reaches_its_goal_and_gives_away_the_least(wanted: float) -> None:
    targets, scores = drawn(0)
    pairs: tuple[tuple[Goal, str], ...] = (
        ("sensitivity", "specificity"),
        ("specificity", "sensitivity"),
    )
    for goal, other in pairs:
        reached, given = (getattr(metrics, name) for name in (goal, other))
        cut = operating.threshold_at(targets, scores, goal, wanted)
        assert reached(targets, scores >= cut) >= wanted
        best = max(
            given(targets, scores >= one)
            for one in [*np.unique(scores), np.inf]
            if reached(targets, scores >= one) >= wanted
        )
        assert given(targets, scores >= cut) == best


def test_a_chosen_point_says_how_it_was_chosen() -> None:
    targets, scores = drawn(1)
    point = operating.choose(targets, scores, "sensitivity", 0.9)
    assert "sensitivity of at least 0.9 on 120 cases of the calibration stream" in point.note
    assert operating.choose(targets, scores).threshold == metrics.youden_threshold(targets, scores)
    assert operating.choose(targets, scores, "threshold", 0.3).threshold == 0.3
    with pytest.raises(NotComputable, match="with and without"):
        operating.choose(np.ones(3), np.arange(3), "sensitivity", 0.9)


def test_predictive_values_are_those_of_the_stated_prevalence() -> None:
    targets = np.array([1] * 10 + [0] * 10)
    called = np.array([1] * 9 + [0] + [1] * 2 + [0] * 8)
    assert metrics.ppv(targets, called, 0.5) == pytest.approx(
        reference.precision_score(targets, called)
    )
    assert metrics.ppv(targets, called, 0.03) == pytest.approx(0.027 / (0.027 + 0.2 * 0.97))
    assert metrics.npv(targets, called, 0.03) == pytest.approx(0.776 / (0.776 + 0.003))


def test_the_parts_of_the_brier_score_add_up() -> None:
    rng = np.random.default_rng(2)
    stated = rng.random(400)
    targets = (rng.random(400) < stated**2).astype(int)
    parts = metrics.brier_parts(targets, stated)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert total == pytest.approx(metrics.brier(targets, stated))
    assert parts.uncertainty == pytest.approx(targets.mean() * (1 - targets.mean()))
    in_bins = np.floor(stated * 10) / 10 + 0.05
    assert metrics.brier_parts(targets, in_bins).within == pytest.approx(0, abs=1e-12)


def _delong_by_definition(targets: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """DeLong 1988, the structural components written out."""
    pairs = scores[targets == 1][:, None] - scores[targets == 0][None, :]
    wins = (pairs > 0) + 0.5 * (pairs == 0)
    area = wins.mean()
    variance = wins.mean(1).var(ddof=1) / len(wins) + wins.mean(0).var(ddof=1) / wins.shape[1]
    return float(area), float(variance)


@pytest.mark.parametrize("seed", range(4))
def test_delong_equals_its_definition_where_every_patient_has_one_case(seed: int) -> None:
    targets, scores = drawn(seed)
    patients = [str(row) for row in range(len(targets))]
    own = compare.delong_variance(targets, scores, patients)
    assert own == pytest.approx(_delong_by_definition(targets, scores))
    assert own[0] == pytest.approx(reference.roc_auc_score(targets, scores))


def p_of(*given: Any) -> float:
    found = compare.delong(*given).p
    assert found is not None
    return found


def test_delong_keeps_its_level_when_the_cases_of_a_patient_are_alike() -> None:
    """No difference in truth: about one in twenty is significant, where a naive test cries three times."""
    rng = np.random.default_rng(7)
    clustered = naive = 0
    for _ in range(300):
        kind = np.repeat(rng.integers(0, 2, 60), 4)
        first, second = (
            kind + np.repeat(rng.normal(0, 1, 60), 4) + rng.normal(0, 0.2, 240) for _ in range(2)
        )
        patients = np.repeat(np.arange(60), 4).astype(str).tolist()
        clustered += p_of(kind, first, second, patients) < 0.05
        alone = [str(row) for row in range(240)]
        naive += p_of(kind, first, second, alone) < 0.05
    assert clustered / 300 < 0.09
    assert naive / 300 > 0.2


def test_delong_and_the_paired_bootstrap_agree_on_a_steady_gain() -> None:
    rng = np.random.default_rng(3)
    targets = rng.integers(0, 2, 300)
    old = targets + rng.normal(0, 1.2, 300)
    new = old + 0.3 * (targets - 0.5)
    patients = [str(row) for row in range(300)]
    exact = compare.delong(targets, new, old, patients)
    drawn = compare.paired_bootstrap(metrics.auroc, [targets], new, old, patients, seed=0)
    assert exact.value == pytest.approx(drawn.value)
    assert exact.low == pytest.approx(drawn.low, abs=0.01)
    assert exact.high == pytest.approx(drawn.high, abs=0.01)
    assert p_of(targets, new, old, patients) < 0.001
    assert drawn.p == pytest.approx(0, abs=0.01)
    same = compare.delong(targets, old, old, patients)
    assert (same.value, same.p) == (0.0, 1.0)
    assert compare.paired_bootstrap(metrics.auroc, [targets], old, old, patients, seed=0).p == 1


def test_what_cannot_be_compared_says_why() -> None:
    said = compare.delong(np.ones(4), np.arange(4.0), np.arange(4.0), list("abcd"))
    assert said.value is None
    assert "two without it" in said.note
    one = compare.paired_bootstrap(
        metrics.auroc,
        [np.array([0, 1])],
        np.array([0.1, 0.9]),
        np.array([0.9, 0.1]),
        list("aa"),
        seed=0,
    )
    assert (one.value, one.low) == (2.0 - 1.0, None)
    assert "Too few patients" in one.note


def test_mcnemar_is_the_exact_binomial_test_of_the_discordant_cases() -> None:
    first = np.array([1] * 12 + [0] * 3 + [1] * 20)
    second = np.array([0] * 12 + [1] * 3 + [1] * 20)
    assert compare.mcnemar(first, second) == pytest.approx(stats.binomtest(12, 15).pvalue)
    assert compare.mcnemar(first, first) == 1.0

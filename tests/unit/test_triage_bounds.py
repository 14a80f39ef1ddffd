"""Triage without a database: exact bounds, tests that keep their level, drift found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from learning.triage import (
    NEGATIVE,
    POSITIVE,
    Evidence,
    Lane,
    Monitor,
    Promise,
    Scaling,
    TriageError,
    audit_rate,
    audits_needed,
    cases_needed,
    certify,
    fit_scaling,
    fixed_sequence,
    grid,
    holm,
    lower_bound,
    one_per_patient,
    upper_bound,
)
from learning.triage import drift as drifts
from learning.triage.bounds import p_value

COUNTS = st.integers(0, 60).flatmap(
    lambda errors: st.tuples(st.just(errors), st.integers(errors, 300))
)
LEVELS = st.floats(0.005, 0.3)


def cases(seed: int, size: int = 2000, prevalence: float = 0.3, apart: float = 3.0) -> Evidence:
    """Two networks that see positives ``apart`` standard deviations off."""
    rng = np.random.default_rng(seed)
    positive = rng.random(size) < prevalence
    x = rng.normal(size=(size, 1)) * 0.8 + rng.normal(size=(size, 2)) * 0.6
    odds = apart * (x + apart * positive[:, None]) - apart**2 / 2
    return Evidence(Scaling()(odds), positive, ("",) * size)


def lanes_of(evidence: Evidence, promise: Promise | None = None) -> dict[str, Lane]:
    promise = promise or Promise()
    thresholds = {name: grid(cases(99).score, name) for name in promise.lanes}
    return {lane.name: lane for lane in certify(evidence, promise, thresholds)}


@given(COUNTS, st.floats(0.6, 0.999))
def test_bounds_are_those_of_clopper_and_pearson(
    counts: tuple[int, int], confidence: float
) -> None:
    errors, trials = counts
    high = upper_bound(errors, trials, confidence)
    assert lower_bound(errors, trials, confidence) <= errors / max(trials, 1) <= high
    if trials:
        known = binomtest(errors, trials, alternative="less").proportion_ci(confidence, "exact")
        assert high == pytest.approx(known.high)


@given(COUNTS, st.floats(0.6, 0.999))
def test_an_error_more_raises_the_bound_and_a_case_more_lowers_it(
    counts: tuple[int, int], confidence: float
) -> None:
    errors, trials = counts
    high = upper_bound(errors, trials, confidence)
    assert upper_bound(errors + 1, trials + 1, confidence) >= high
    assert upper_bound(errors, trials + 1, confidence) <= high


@given(st.integers(0, 20), LEVELS, st.floats(0.7, 0.99))
def test_the_cases_needed_show_it_and_one_fewer_does_not(
    errors: int, level: float, confidence: float
) -> None:
    needed = cases_needed(errors, level, confidence)
    assert p_value(errors, needed, level) <= 1 - confidence + 1e-9
    assert needed == errors + 1 or p_value(errors, needed - 1, level) > 1 - confidence - 1e-9


def test_the_numbers_of_the_table() -> None:
    assert [cases_needed(errors, 0.02, 0.95) for errors in range(4)] == [149, 236, 313, 386]
    assert audits_needed(0.02) == 149
    assert audits_needed(0.01 * 0.03 / 0.5) == 4992
    assert audit_rate(0.02, 10_000) == pytest.approx(0.02)
    assert audit_rate(0.02, 500) == pytest.approx(149 / 500)
    assert audit_rate(0.02, 10) == 1


def test_what_means_nothing_is_refused() -> None:
    for refused in (
        lambda: upper_bound(3, 2, 0.95),
        lambda: cases_needed(0, 1.5, 0.95),
        lambda: Monitor(0.0),
        lambda: Monitor(0.02, audited=1, errors=2),
        lambda: Evidence(np.zeros((2, 2)), np.zeros(3, bool), ("", "")),
        lambda: Evidence(np.full((1, 2), np.nan), np.zeros(1, bool), ("",)),
    ):
        with pytest.raises(TriageError):
            refused()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.01, 0.2))
def test_holm_rejects_no_fewer_than_bonferroni_and_sequences_stop(
    values: list[float], level: float
) -> None:
    rejected = holm(values, level)
    assert all(
        found or value > level / len(values) for value, found in zip(values, rejected, strict=True)
    )
    sequence = fixed_sequence(values, level, [0])
    assert sequence == sorted(sequence, reverse=True)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_order_of_the_cases_does_not_matter(seed: int, shuffle: int) -> None:
    evidence = cases(seed % 50, size=600)
    order = np.random.default_rng(shuffle).permutation(600)
    mixed = Evidence(evidence.probabilities[order], evidence.positive[order], ("",) * 600)
    assert lanes_of(evidence) == lanes_of(mixed)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 40))
def test_a_stricter_level_never_accepts_more(seed: int) -> None:
    evidence = cases(seed)
    shares = [
        lanes_of(evidence, Promise(miss_level=level))[NEGATIVE].accepted_share
        for level in (0.01, 0.02, 0.05, 0.1)
    ]
    assert shares == sorted(shares)


@given(st.integers(0, 148), st.integers(300, 2000))
def test_a_lane_never_opens_with_too_few_positives(positives: int, negatives: int) -> None:
    """Even where the networks are never wrong."""
    said = np.concatenate([np.full((positives, 2), 0.99), np.full((negatives, 2), 0.01)])
    positive = np.arange(positives + negatives) < positives
    evidence = Evidence(said, positive, ("",) * len(positive))
    lanes = certify(evidence, Promise(lanes=(NEGATIVE,)), {NEGATIVE: (0.01, 0.5)})
    assert lanes[0].threshold is None
    assert lanes[0].needs.positives >= 149 - positives > 0
    assert lanes[0].needs.cases >= lanes[0].needs.positives


def test_a_perfect_pair_opens_with_enough_positives() -> None:
    said = np.concatenate([np.full((149, 2), 0.99), np.full((400, 2), 0.01)])
    evidence = Evidence(said, np.arange(549) < 149, ("",) * 549)
    [lane] = certify(evidence, Promise(lanes=(NEGATIVE,)), {NEGATIVE: (0.01, 0.5)})
    assert (lane.threshold, lane.errors, lane.trials) == (0.01, 0, 149)
    assert lane.bound <= 0.02


def test_a_group_with_fewer_than_300_cases_stays_with_people() -> None:
    large, small = cases(1), cases(2, size=299)
    both = Evidence(
        np.concatenate([large.probabilities, small.probabilities]),
        np.concatenate([large.positive, small.positive]),
        ("large",) * 2000 + ("small",) * 299,
    )
    grids = {NEGATIVE: grid(cases(99).score, NEGATIVE)}
    wide = Promise(miss_level=0.2, lanes=(NEGATIVE,))
    found = {lane.group: lane for lane in certify(both, wide, grids)}
    assert found["large"].threshold is not None
    assert found["small"].threshold is None
    assert found["small"].needs.cases >= 1
    assert found["large"].confidence == pytest.approx(0.95)


def test_groups_share_the_level() -> None:
    one, other = cases(1), cases(2)
    both = Evidence(
        np.concatenate([one.probabilities, other.probabilities]),
        np.concatenate([one.positive, other.positive]),
        ("a",) * 2000 + ("b",) * 2000,
    )
    found = certify(both, Promise(lanes=(NEGATIVE,)), {NEGATIVE: (0.01,)})
    assert {lane.confidence for lane in found} == {0.975}


def test_a_gap_between_the_networks_vetoes() -> None:
    evidence = cases(3)
    lane = lanes_of(evidence)[NEGATIVE]
    assert lane.threshold is not None
    score, gap = np.array([0.001, 0.001]), np.array([0.0, 0.9])
    assert lane.accepts(score, gap, 0.3).tolist() == [True, False]


def test_the_promise_holds_at_least_as_often_as_it_says() -> None:
    """The truth is known; a promise is broken where the true rate of misses is above the level."""
    promise = Promise(miss_level=0.05, confidence=0.9, gap=1.0)
    truth = cases(10_001, size=60_000)
    opened = broken = 0
    for seed in range(200):
        lanes = lanes_of(cases(seed, size=500, prevalence=0.4, apart=2.0), promise)
        said = cases(20_000, size=20_000, prevalence=0.5, apart=2.0)
        for name, lane in lanes.items():
            taken = lane.accepts(said.score, said.gap, promise.gap)
            if lane.threshold is None or not taken.any():
                continue
            wrong = (
                taken[said.positive].mean() if name == NEGATIVE else (~said.positive)[taken].mean()
            )
            opened += 1
            broken += wrong > 0.05
    assert truth.positive.any()
    assert opened > 50
    assert broken / (2 * 200) <= binom.ppf(0.999, 400, 0.1) / 400


def test_one_case_of_each_patient_counts_whatever_their_order() -> None:
    patients, numbers = [1, 1, 1, 2, 3, 3], [10, 11, 12, 13, 14, 15]
    chosen = {numbers[place] for place in one_per_patient(patients, numbers, seed=4)}
    order = [5, 3, 0, 4, 2, 1]
    again = one_per_patient([patients[i] for i in order], [numbers[i] for i in order], seed=4)
    assert {numbers[order[place]] for place in again} == chosen
    assert len(chosen) == 3
    assert len({tuple(one_per_patient(patients, numbers, seed=seed)) for seed in range(20)}) > 1


def test_a_scaling_keeps_the_order_and_finds_the_odds() -> None:
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 2, 4000)
    positive = rng.random(4000) < 1 / (1 + np.exp(-odds))
    found = fit_scaling(3 * odds + 1, positive)
    assert (found.slope, found.shift) == (
        pytest.approx(1 / 3, rel=0.1),
        pytest.approx(-1 / 3, abs=0.1),
    )
    assert (np.diff(found(np.linspace(-9, 9, 50))) > 0).all()
    assert fit_scaling([0.0, 1.0], [False, True]) == Scaling()


@given(st.integers(0, 400), st.integers(0, 400), LEVELS)
def test_the_audit_is_consistent(errors: int, right: int, tolerance: float) -> None:
    audit = Monitor(tolerance, 0.01, errors + right, errors)
    assert audit.low <= errors / max(1, errors + right) <= audit.high
    assert audit.is_broken == (audit.low > tolerance) or abs(audit.low - tolerance) < 1e-6
    assert not (audit.is_broken and audit.is_shown)
    worse = Monitor(tolerance, 0.01, errors + right + 1, errors + 1)
    assert worse.low >= audit.low - 1e-6
    better = Monitor(tolerance, 0.01, errors + right + 1, errors)
    assert better.high <= audit.high + 1e-6


def test_the_audit_seldom_cries_for_nothing_and_notices_three_times_the_error() -> None:
    rng = np.random.default_rng(5)
    false = sum(_alarm(rng.random(5000) < 0.02) is not None for _ in range(200))
    assert false <= binom.ppf(0.999, 200, 0.01)
    closing = [_alarm(rng.random(5000) < 0.06) for _ in range(50)]
    assert np.median([one for one in closing if one is not None]) <= 300
    assert None not in closing


def _alarm(wrong: np.ndarray) -> int | None:
    for errors, place in enumerate(np.flatnonzero(wrong), start=1):
        if Monitor(0.02, 0.01, int(place) + 1, errors).is_broken:
            return int(place) + 1
    return None


def test_drift_of_embeddings_scores_and_sites_is_found_and_sameness_is_not() -> None:
    rng = np.random.default_rng(2)
    one, same = rng.normal(size=(300, 16)), rng.normal(size=(300, 16))
    assert drifts.embeddings(one, same, seed=1).p > 0.01
    assert drifts.embeddings(one, same + 0.5, seed=1).p <= 0.01
    assert drifts.embeddings(np.ones((50, 3)), np.ones((60, 3)), seed=1).p == 1
    assert drifts.scores(one[:, 0], same[:, 0]).p > 0.01
    assert drifts.scores(one[:, 0], same[:, 0] + 1).p < 0.001
    sites = list(rng.choice(["a", "b"], 300))
    assert drifts.mix("sites", sites, list(rng.choice(["a", "b"], 200)), seed=1).p > 0.01
    assert drifts.mix("sites", sites, ["c"] * 60, seed=1).p <= 0.01
    assert drifts.mix("sites", sites, [], seed=1).p == 1


def test_tests_side_by_side_are_adjusted() -> None:
    tests = [drifts.Drift(str(p), 0, p, 1, 1) for p in (0.01, 0.04, 0.5)]
    assert [test.adjusted for test in drifts.together(tests)] == pytest.approx([0.03, 0.08, 0.5])


def test_the_share_of_positives_is_estimated_without_labels() -> None:
    known, later = cases(4, prevalence=0.3), cases(5, prevalence=0.6)
    found = drifts.prevalence(known.score, known.positive, later.score)
    assert found == pytest.approx(later.positive.mean(), abs=0.05)
    assert drifts.prevalence(known.score, np.zeros(2000, bool), later.score) is None


def test_an_empty_pool_has_no_thresholds() -> None:
    assert grid(np.zeros(0), NEGATIVE) == ()
    [lane] = certify(cases(1), Promise(lanes=(POSITIVE,)), {POSITIVE: ()})
    assert lane.threshold is None

"""Metrics: against scikit-learn and MONAI, and a sentence where there is no number."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from monai.metrics.meandice import compute_dice
from sklearn import calibration
from sklearn import metrics as reference

from learning.engine import masks, metrics
from learning.engine.errors import NotComputable
from learning.engine.metrics import intervals

cases = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=1, max_size=60)


def split(drawn: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Targets, and scores in steps of 0.05, so that many tie."""
    targets, scores = (np.array(column) for column in zip(*drawn, strict=True))
    return targets, scores / 20


@settings(deadline=None)
@given(cases)
def test_ranking_metrics_equal_scikit_learn(drawn: list[tuple[int, int]]) -> None:
    targets, scores = split(drawn)
    assume(0 < targets.sum() < len(targets))
    assert metrics.auroc(targets, scores) == pytest.approx(reference.roc_auc_score(targets, scores))
    assert metrics.auprc(targets, scores) == pytest.approx(
        reference.average_precision_score(targets, scores)
    )
    rates = metrics.roc_points(targets, scores)
    false, true, _ = reference.roc_curve(targets, scores, drop_intermediate=False)
    assert rates["false_positive_rate"] == pytest.approx(false.tolist())
    assert rates["true_positive_rate"] == pytest.approx(true.tolist())


@settings(deadline=None)
@given(cases)
def test_decision_metrics_equal_scikit_learn(drawn: list[tuple[int, int]]) -> None:
    targets, scores = split(drawn)
    assume(0 < targets.sum() < len(targets))
    found = (scores >= 0.5).astype(int)
    assert metrics.sensitivity(targets, found) == pytest.approx(
        reference.recall_score(targets, found)
    )
    assert metrics.specificity(targets, found) == pytest.approx(
        reference.recall_score(targets, found, pos_label=0)
    )
    assert metrics.f1(targets, found) == pytest.approx(reference.f1_score(targets, found))
    assert metrics.balanced_accuracy(targets, found) == pytest.approx(
        reference.balanced_accuracy_score(targets, found)
    )
    assert metrics.brier(targets, scores) == pytest.approx(
        reference.brier_score_loss(targets, scores)
    )


@settings(deadline=None)
@given(cases)
def test_youden_threshold_is_the_best_of_all(drawn: list[tuple[int, int]]) -> None:
    targets, scores = split(drawn)
    assume(0 < targets.sum() < len(targets))
    index = [
        metrics.sensitivity(targets, scores >= cut) + metrics.specificity(targets, scores >= cut)
        for cut in scores
    ]
    cut = metrics.youden_threshold(targets, scores)
    at_cut = metrics.sensitivity(targets, scores >= cut) + metrics.specificity(
        targets, scores >= cut
    )
    assert at_cut == pytest.approx(max(index))


def test_calibration_bins_equal_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    stated = rng.random(500)
    targets = (rng.random(500) < stated**2).astype(int)
    table = metrics.reliability(targets, stated)
    observed, mean = calibration.calibration_curve(targets, stated, n_bins=10)
    assert [row["observed"] for row in table] == pytest.approx(observed.tolist())
    assert [row["stated"] for row in table] == pytest.approx(mean.tolist())
    by_hand = sum(r["cases"] / 500 * abs(r["stated"] - r["observed"]) for r in table)
    assert metrics.ece(targets, stated) == pytest.approx(by_hand)
    assert metrics.ece(targets, targets.astype(float)) == 0


def test_several_classes_are_averaged_one_against_the_rest() -> None:
    rng = np.random.default_rng(1)
    targets = rng.integers(0, 4, 200)
    probabilities = rng.dirichlet(np.ones(4), 200) + 0.3 * np.eye(4)[targets]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = probabilities.argmax(axis=1)
    rows = {
        (row.metric, row.subgroup): row.interval.value
        for row in metrics.classification(
            targets, probabilities, [str(i) for i in range(200)], classes="abcd", seed=0
        )
    }
    assert rows["auroc", ""] == pytest.approx(
        reference.roc_auc_score(targets, probabilities, multi_class="ovr")
    )
    assert rows["auprc", ""] == pytest.approx(
        reference.average_precision_score(np.eye(4)[targets], probabilities)
    )
    assert rows["f1", ""] == pytest.approx(reference.f1_score(targets, found, average="macro"))
    assert rows["brier", ""] == pytest.approx(
        reference.brier_score_loss(targets, probabilities, scale_by_half=False)
    )
    each = reference.recall_score(targets, found, average=None)
    assert [rows["sensitivity", name] for name in "abcd"] == pytest.approx(each.tolist())


def test_dice_equals_monai_case_by_case() -> None:
    rng = np.random.default_rng(2)
    predicted, true = rng.integers(0, 3, (2, 6, 5, 5, 5)).astype(np.uint8)
    true[0][true[0] == 2] = 0
    overlaps = np.stack([masks.overlap(p, t, 2) for p, t in zip(predicted, true, strict=True)])
    hot = [torch.tensor(np.eye(3)[stack]).movedim(-1, 1) for stack in (predicted, true)]
    expected = compute_dice(*hot, include_background=False, ignore_empty=False).numpy()
    own = [[metrics.dice(row[None, [k]]) for k in range(2)] for row in overlaps]
    np.testing.assert_allclose(own, expected)
    assert metrics.dice(overlaps) == pytest.approx(expected.mean())


def test_dice_ignores_what_is_in_neither_mask_and_punishes_what_was_made_up() -> None:
    absent, invented, half = [0, 0, 0], [0, 9, 0], [2, 4, 4]
    assert metrics.dice(np.array([[half, absent]])) == pytest.approx(0.5)
    assert metrics.dice(np.array([[half, invented]])) == pytest.approx(0.25)
    assert metrics.dice(np.array([[half, half], [absent, absent]])) == pytest.approx(0.5)
    without_reference = [-1, -1, -1]
    assert metrics.dice(np.array([[half], [without_reference]])) == pytest.approx(0.5)
    with pytest.raises(NotComputable, match="reference mask"):
        metrics.dice(np.array([[absent], [without_reference]]))


@pytest.mark.parametrize(
    ("metric", "targets", "said"),
    [
        (metrics.auroc, [1, 1], "all 2 are alike"),
        (metrics.auprc, [0, 0], "there is none"),
        (metrics.sensitivity, [0, 0], "with the finding"),
        (metrics.specificity, [1, 1], "without the finding"),
        (metrics.f1, [0, 0], "true or predicted"),
        (metrics.youden_threshold, [0, 0], "with and without"),
        (metrics.auroc, [], "no case"),
        (metrics.ece, [], "no case"),
    ],
)
def test_what_cannot_be_computed_is_said(
    metric: metrics.Metric, targets: list[int], said: str
) -> None:
    values = np.zeros(len(targets))
    with pytest.raises(NotComputable, match=said):
        metric(np.array(targets), values)
    interval = metrics.bootstrap(
        metric, [np.array(targets), values], [str(i) for i in range(len(targets))], seed=0
    )
    assert interval.value is None
    assert said in interval.note


def test_scores_that_are_not_numbers_give_a_sentence_for_every_metric() -> None:
    probabilities = np.array([[0.5, 0.5], [np.nan, np.nan]])
    rows = metrics.classification(
        np.array([0, 1]), probabilities, ["a", "b"], classes=["no", "yes"], seed=0
    )
    ranked = {row.metric: row.interval for row in rows}
    assert ranked["auroc"].value is None
    assert "not numbers" in ranked["auroc"].note


def test_interval_is_that_of_a_plain_bootstrap_over_patients() -> None:
    """Three images per patient that say the same: the interval must be as wide as one image's."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=200)
    single = metrics.bootstrap(
        lambda x: float(x.mean()), [values], [str(i) for i in range(200)], seed=0, n=2000
    )
    tripled = metrics.bootstrap(
        lambda x: float(x.mean()),
        [np.repeat(values, 3)],
        [str(i) for i in range(200) for _ in range(3)],
        seed=0,
        n=2000,
    )
    error = values.std() / math.sqrt(200)
    for interval in (single, tripled):
        assert interval.patients == 200
        assert interval.low is not None
        assert interval.high is not None
        assert (interval.high - interval.low) == pytest.approx(2 * 1.96 * error, rel=0.1)
    naive = metrics.bootstrap(
        lambda x: float(x.mean()),
        [np.repeat(values, 3)],
        [str(i) for i in range(600)],
        seed=0,
        n=2000,
    )
    assert naive.high is not None
    assert naive.low is not None
    assert naive.high - naive.low < 0.7 * (2 * 1.96 * error)


def test_resampling_draws_whole_patients_in_proportion() -> None:
    patients = np.array([0, 1, 1, 2, 2, 2])
    seen = set()
    for rows in intervals._resamples(patients, 3, 300, np.random.default_rng(0)):
        drawn = np.bincount(patients[rows], minlength=3)
        assert (drawn % [1, 2, 3] == 0).all()
        assert (drawn // [1, 2, 3]).sum() == 3
        for rows_of in (rows[patients[rows] == 2],):
            assert (np.bincount(rows_of, minlength=6)[3:] == len(rows_of) // 3).all()
        seen.add(tuple(drawn))
    assert len(seen) == 10


def test_the_same_seed_gives_the_same_interval_whatever_the_order_of_columns() -> None:
    rng = np.random.default_rng(4)
    targets, scores = rng.integers(0, 2, 50), rng.random(50)
    patients = [f"p{i // 2}" for i in range(50)]
    first, again = (
        metrics.bootstrap(metrics.auroc, [targets, scores], patients, seed=9) for _ in range(2)
    )
    assert first == again
    assert first != metrics.bootstrap(metrics.auroc, [targets, scores], patients, seed=10)


def test_one_sided_resamples_are_left_out_and_counted() -> None:
    targets = np.array([1, 1] + [0] * 20)
    scores = np.linspace(0, 1, 22)
    interval = metrics.bootstrap(
        metrics.auroc, [targets, scores], [str(i) for i in range(22)], seed=0
    )
    assert interval.low is not None
    assert "of 1000 resamples could not be computed" in interval.note
    lone = metrics.bootstrap(metrics.auroc, [targets[1:4], scores[1:4]], ["a", "b", "b"], seed=0)
    assert lone.value is not None
    assert (lone.low, lone.high) == (None, None)
    assert "one-sided" in lone.note


def test_one_patient_has_a_value_but_no_interval() -> None:
    interval = metrics.bootstrap(
        metrics.auroc, [np.array([0, 1]), np.array([0.1, 0.9])], ["a", "a"], seed=0
    )
    assert (interval.value, interval.low) == (1.0, None)
    assert "One patient" in interval.note


def test_a_paired_difference_sees_a_small_but_steady_gain() -> None:
    """Both intervals overlap widely; the paired one excludes zero."""
    rng = np.random.default_rng(5)
    targets = rng.integers(0, 2, 400)
    old = targets + rng.normal(0, 1.2, 400)
    new = old + 0.15 * (targets - 0.5)
    patients = [str(i) for i in range(400)]
    gain = metrics.difference(metrics.auroc, [targets], new, old, patients, seed=0)
    assert gain.value is not None
    assert gain.low is not None
    assert 0 < gain.low < gain.value
    alone = [
        metrics.bootstrap(metrics.auroc, [targets, scores], patients, seed=0)
        for scores in (old, new)
    ]
    assert alone[0].high is not None
    assert alone[1].low is not None
    assert alone[0].high > alone[1].low


def test_the_classification_report_names_all_metrics_once() -> None:
    rng = np.random.default_rng(6)
    targets = rng.integers(0, 2, 40)
    positive = np.clip(targets * 0.4 + rng.random(40) * 0.6, 0, 1)
    rows = metrics.classification(
        targets,
        np.stack([1 - positive, positive], axis=1),
        [str(i) for i in range(40)],
        classes=["normal", "tuberculosis"],
        seed=0,
        threshold=0.3,
    )
    assert [row.metric for row in rows] == [
        "auroc", "auprc", "balanced_accuracy", "f1", "brier", "ece", "sensitivity", "specificity",
    ]  # fmt: skip
    by_metric = {row.metric: row for row in rows}
    assert by_metric["sensitivity"].interval.value == metrics.sensitivity(targets, positive >= 0.3)
    assert (
        by_metric["balanced_accuracy"].detail["confusion"]
        == reference.confusion_matrix(targets, positive >= 0.3).tolist()
    )
    assert by_metric["auroc"].detail["true_positive_rate"][-1] == 1.0
    assert sum(row["cases"] for row in by_metric["ece"].detail["bins"]) == 40


def test_the_segmentation_report_gives_the_mean_and_each_class() -> None:
    overlap = np.array([[[5, 10, 10], [8, 10, 10]], [[10, 10, 10], [0, 0, 0]]])
    mean, first, second = metrics.segmentation(
        overlap, ["a", "b"], classes=["anterior", "posterior"], seed=0
    )
    assert (mean.metric, mean.subgroup) == ("dice", "")
    assert mean.interval.value == pytest.approx(((0.5 + 0.8) / 2 + 1.0) / 2)
    assert (first.subgroup, first.interval.value) == ("anterior", pytest.approx(0.75))
    assert (second.subgroup, second.interval.value) == ("posterior", pytest.approx(0.8))


def test_the_metric_of_a_recipe_is_found_by_name() -> None:
    targets = np.array([0, 1, 1, 0])
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
    assert metrics.by_name("auroc")(targets, probabilities) == 1.0
    assert metrics.by_name("balanced_accuracy")(targets, probabilities) == 0.75
    assert metrics.by_name("dice") is metrics.dice

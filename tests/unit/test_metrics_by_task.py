"""Surfaces, boxes, points, numbers, grades and several findings: against MONAI, scikit-learn and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.apps.detection.metrics.coco import COCOMetric
from monai.apps.detection.metrics.matching import matching_batch
from monai.data.box_utils import box_iou
from monai.metrics.froc import compute_froc_curve_data
from monai.metrics.hausdorff_distance import compute_hausdorff_distance
from monai.metrics.surface_dice import compute_surface_dice
from monai.metrics.surface_distance import compute_average_surface_distance
from sklearn import metrics as reference

from learning.engine import metrics
from learning.engine.errors import NotComputable
from learning.engine.metrics import (
    detection,
    landmarks,
    multilabel,
    ordinal,
    regression,
    reports,
    surfaces,
)

SPACINGS = [(1.0, 1.0, 1.0), (3.0, 0.7, 0.7), (1.0, 2.0, 0.5)]


def blobs(seed: int, shape: tuple[int, ...] = (9, 14, 13)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    middle, radius = np.array(shape) / 2 - 0.5, rng.uniform(2, 4)
    first = np.linalg.norm(grid - middle, axis=-1) < radius
    second = np.linalg.norm(grid - middle - rng.uniform(-2, 2, len(shape)), axis=-1) < radius * 0.9
    return first ^ (rng.random(shape) > 0.995), second


def hot(mask: np.ndarray) -> torch.Tensor:
    return torch.tensor(np.stack([~mask, mask])[None]).float()


@pytest.mark.filterwarnings("ignore:monai.metrics.utils get_mask_edges:FutureWarning")
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(4))
def test_surface_metrics_equal_monai_with_uneven_spacing(
    seed: int, spacing: tuple[float, ...]
) -> None:
    found, true = blobs(seed)
    between = surfaces.distances(found, true, spacing)
    known: Any = {"include_background": False, "spacing": spacing}
    assert surfaces.hausdorff95(between) == pytest.approx(
        float(compute_hausdorff_distance(hot(found), hot(true), percentile=95, **known)), rel=1e-5
    )
    assert surfaces.mean_distance(between) == pytest.approx(
        float(compute_average_surface_distance(hot(found), hot(true), symmetric=True, **known)),
        rel=1e-5,
    )
    assert surfaces.surface_dice(between, 1.5) == pytest.approx(
        float(compute_surface_dice(hot(found), hot(true), [1.5], **known)), rel=1e-5
    )


def test_surface_metrics_of_a_shifted_plate_are_the_shift_in_millimetres() -> None:
    true, found = np.zeros((2, 20, 10, 10), bool)
    true[5, 2:8, 2:8] = found[7, 2:8, 2:8] = True
    between = surfaces.distances(found, true, (2.5, 1, 1))
    assert surfaces.hausdorff95(between) == surfaces.mean_distance(between) == 5.0
    assert surfaces.surface_dice(between, 4.9) == 0
    assert surfaces.surface_dice(between, 5.0) == 1


def test_a_structure_that_one_mask_lacks_has_no_distance_and_no_surface_in_common() -> None:
    true, found = np.zeros((2, 6, 6), bool)
    true[2, 2] = True
    between = surfaces.distances(found, true, (1, 1))
    assert surfaces.surface_dice(between, 100) == 0
    with pytest.raises(NotComputable, match="both masks"):
        surfaces.hausdorff95(between)
    with pytest.raises(NotComputable, match="both are empty"):
        surfaces.surface_dice(surfaces.distances(found, found, (1, 1)), 1)


def images(seed: int, number: int = 25, dimensions: int = 2) -> list[detection.Boxes]:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(number):
        true = _boxes(rng, rng.integers(0, 4), dimensions)
        near = true + rng.uniform(-4, 4, true.shape)
        predicted = np.concatenate([near, _boxes(rng, rng.integers(0, 4), dimensions)])
        made.append(detection.Boxes(predicted, rng.random(len(predicted)), true))
    return made


def _boxes(rng: np.random.Generator, number: int | np.integer, dimensions: int) -> np.ndarray:
    low = rng.uniform(0, 80, (number, dimensions))
    return np.concatenate([low, low + rng.uniform(8, 24, (number, dimensions))], axis=1)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_average_precision_equals_monai_coco(seed: int, dimensions: int) -> None:
    made = images(seed, dimensions=dimensions)
    metric = COCOMetric(["box"], iou_list=[0.1, 0.3, 0.5], max_detection=[100])
    zeros = [np.zeros(len(image.true), int) for image in made]
    results = matching_batch(
        iou_fn=lambda a, b: np.asarray(box_iou(a, b)),
        iou_thresholds=list(metric.iou_thresholds),
        pred_boxes=[image.predicted for image in made],
        pred_classes=[np.zeros(len(image.scores), int) for image in made],
        pred_scores=[image.scores for image in made],
        gt_boxes=[image.true for image in made],
        gt_classes=zeros,
    )
    theirs, _ = metric(results)
    for least in (0.1, 0.3, 0.5):
        own = detection.average_precision(detection.matched(made, least))
        name = f"AP_IoU_{least:.2f}_MaxDet_100"
        assert own == pytest.approx(float(theirs[name]), abs=1e-6), (least, theirs)
    table = detection.matched_at(made, (0.1, 0.5))
    each = [detection.average_precision(detection.matched(made, least)) for least in (0.1, 0.5)]
    assert detection.mean_average_precision(table) == pytest.approx(np.mean(each))


@pytest.mark.parametrize("seed", range(3))
def test_froc_equals_monai_from_the_same_hits(seed: int) -> None:
    made = images(seed)
    hits = detection.matched(made, 0.2)
    scores = np.concatenate([image.scores for image in hits])
    hit = np.concatenate([image.hit for image in hits])
    true = sum(image.true for image in hits)
    theirs_false, theirs_found = compute_froc_curve_data(
        scores[~hit], scores[hit], num_targets=true, num_images=len(made)
    )
    false, found = detection._froc(hits)
    whole = slice(0, -1)  # MONAI leaves out the lowest score
    np.testing.assert_allclose(false[whole], np.sort(theirs_false))
    np.testing.assert_allclose(found[whole], np.sort(theirs_found))
    for at, best in zip(detection.FROC_AT, detection.froc_sensitivities(hits), strict=True):
        by_hand = max(
            (hit[scores >= cut].sum() / true)
            if (~hit[scores >= cut]).sum() / len(made) <= at
            else 0.0
            for cut in [*scores, 2.0]
        )
        assert best == pytest.approx(by_hand)


def test_each_true_box_is_found_once_and_a_second_box_on_it_is_a_false_alarm() -> None:
    true = np.array([[0.0, 0, 10, 10]])
    twice = detection.Boxes(
        np.array([[0.0, 0, 10, 10], [0.0, 0, 10, 9]]), np.array([0.6, 0.9]), true
    )
    (only,) = detection.matched([twice], 0.5)
    assert only.hit.tolist() == [False, True]
    nothing = detection.Boxes(np.zeros((0, 4)), np.zeros(0), true)
    assert detection.average_precision(detection.matched([nothing], 0.5)) == 0
    assert detection.froc_sensitivities(detection.matched([nothing], 0.5)).tolist() == [0] * 7
    empty = detection.Boxes(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 4)))
    with pytest.raises(NotComputable, match="something to find"):
        detection.froc_score(detection.matched([empty], 0.5))


def test_landmark_errors_are_in_millimetres_and_leave_out_what_is_unknown() -> None:
    true = np.array([[[0.0, 0], [3, 4]], [[0, 0], [np.nan, np.nan]]])
    errors = landmarks.radial_errors(np.zeros_like(true), true)
    assert landmarks.mean_radial_error(errors) == pytest.approx(5 / 3)
    assert landmarks.success_rate(errors, 4.9) == pytest.approx(2 / 3)
    assert landmarks.success_rate(errors, 5) == 1
    with pytest.raises(NotComputable, match="predicted point"):
        landmarks.mean_radial_error(np.full((2, 2), np.nan))


def test_numbers_equal_scikit_learn_and_their_limits_hold_ninety_five_in_a_hundred() -> None:
    rng = np.random.default_rng(0)
    targets = rng.normal(50, 10, 4000)
    predicted = targets + rng.normal(2, 3, 4000)
    assert regression.mae(targets, predicted) == pytest.approx(
        reference.mean_absolute_error(targets, predicted)
    )
    assert regression.rmse(targets, predicted) == pytest.approx(
        reference.root_mean_squared_error(targets, predicted)
    )
    assert regression.r2(targets, predicted) == pytest.approx(
        reference.r2_score(targets, predicted)
    )
    limits = regression.bland_altman(targets, predicted)
    inside = (predicted - targets > limits.low) & (predicted - targets < limits.high)
    assert limits.bias == pytest.approx(2, abs=0.15)
    assert inside.mean() == pytest.approx(0.95, abs=0.01)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40))
def test_kappas_equal_scikit_learn(drawn: list[tuple[int, int]]) -> None:
    targets, found = (np.array(column) for column in zip(*drawn, strict=True))
    if len(np.unique(np.concatenate([targets, found]))) < 2:
        with pytest.raises(NotComputable):
            ordinal.quadratic_kappa(targets, found, 4)
        return
    for own, weights in ((ordinal.quadratic_kappa, "quadratic"), (ordinal.kappa, None)):
        theirs = reference.cohen_kappa_score(targets, found, labels=[0, 1, 2, 3], weights=weights)
        assert own(targets, found, 4) == pytest.approx(theirs)


def test_missing_labels_are_masked_finding_by_finding() -> None:
    rng = np.random.default_rng(1)
    targets = rng.integers(0, 2, (60, 3)).astype(float)
    scores = targets * 0.3 + rng.random((60, 3))
    complete = reference.roc_auc_score(targets, scores, average="macro")
    assert multilabel.macro_auroc(targets, scores) == pytest.approx(complete)
    assert multilabel.micro_auroc(targets, scores) == pytest.approx(
        reference.roc_auc_score(targets, scores, average="micro")
    )
    unknown = targets.copy()
    unknown[:30, 0] = np.nan
    unknown[:, 2] = np.nan
    each = multilabel.by_finding(metrics.auroc, unknown, scores)
    assert each[0] == pytest.approx(reference.roc_auc_score(targets[30:, 0], scores[30:, 0]))
    assert np.isnan(each[2])
    assert multilabel.macro_auroc(unknown, scores) == pytest.approx(np.nanmean(each))
    with pytest.raises(NotComputable, match="No finding"):
        multilabel.macro_auroc(np.full((3, 2), np.nan), np.zeros((3, 2)))


def test_reports_of_every_task_name_their_metrics_and_give_intervals() -> None:
    rng = np.random.default_rng(2)
    patients = [str(row) for row in range(25)]
    found = reports.detection(images(5), patients, seed=0)
    assert [row.metric for row in found[:2]] == ["mean_average_precision", "average_precision_10"]
    assert {row.subgroup for row in found if row.metric == "froc_sensitivity"} == {
        "0.125", "0.25", "0.5", "1", "2", "4", "8",
    }  # fmt: skip
    curve = next(row for row in found if row.metric == "froc").detail
    assert len(curve["sensitivity"]) == len(curve["false_positives_per_image"]) > 2
    points = reports.landmarks(rng.random((25, 2)) * 4, patients, names=["a", "b"], seed=0)
    assert {row.metric for row in points} >= {"mean_radial_error", "success_2_mm", "success_2.5_mm"}
    values = rng.normal(0, 1, 25)
    numbers = reports.regression(values, values + 0.1, patients, seed=0)
    assert [row.metric for row in numbers] == ["mae", "rmse", "r2", "bias"]
    assert numbers[-1].detail["limits"] == pytest.approx([0.1, 0.1])
    grades = rng.integers(0, 3, 25)
    graded = reports.ordinal(grades, np.eye(3)[grades], patients, classes="abc", seed=0)
    assert (graded[0].metric, graded[0].interval.value) == ("quadratic_kappa", 1.0)
    several = reports.multilabel(
        rng.integers(0, 2, (25, 2)).astype(float),
        rng.random((25, 2)),
        patients,
        classes="ab",
        seed=0,
    )
    assert [(row.metric, row.subgroup) for row in several[3:]] == [
        ("auroc", "a"), ("auprc", "a"), ("auroc", "b"), ("auprc", "b"),
    ]  # fmt: skip
    for row in (*found[:3], points[0], *numbers, several[0]):
        low, value, high = row.interval.low, row.interval.value, row.interval.high
        assert low is not None
        assert value is not None
        assert high is not None
        assert low <= value <= high


def test_the_report_of_masks_counts_the_cases_that_lack_a_surface() -> None:
    overlap = np.array([[[5, 10, 10]], [[0, 0, 9]], [[9, 10, 10]]])
    distances = np.array([[[2.0, 1.0, 0.5]], [[np.nan, np.nan, 0.0]], [[4.0, 2.0, 0.9]]])
    rows = {
        (row.metric, row.subgroup): row
        for row in reports.segmentation(
            overlap, ["a", "b", "c"], classes=["organ"], seed=0, surfaces=distances
        )
    }
    assert rows["hd95", ""].interval.value == 3.0
    assert rows["surface_dice", "organ"].interval.value == pytest.approx(1.4 / 3)
    assert rows["hd95", "organ"].detail["spread"]["without"] == 1
    assert sum(rows["dice", "organ"].detail["spread"]["counts"]) == 3


def test_lower_is_better_where_the_metric_is_an_error() -> None:
    assert reports.higher_is_better("auroc")
    assert not reports.higher_is_better("hd95")
    assert not reports.higher_is_better("mean_radial_error")

"""Acquisition within images: patches and slices of a volume, boxes of a detection."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from learning.acquisition import AcquisitionError, Detections, PoolScores, select
from learning.acquisition.boxes import doubts, matches, overlaps
from learning.acquisition.patches import aggregate, patches, slices


def means_by_hand(volume: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    shape = tuple(whole - side + 1 for whole, side in zip(volume.shape, size, strict=True))
    found = np.empty(shape)
    for corner in np.ndindex(shape):
        part = tuple(slice(at, at + side) for at, side in zip(corner, size, strict=True))
        found[corner] = volume[part].mean()
    return found


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), side=st.integers(1, 4), k=st.integers(1, 6))
def test_patches_are_the_best_that_do_not_overlap(seed: int, side: int, k: int) -> None:
    volume = np.random.default_rng(seed).random((6, 7, 8))
    size = (min(side, 2), side, side)
    corners, scores = patches(volume, size, k)
    means = means_by_hand(volume, size)
    np.testing.assert_allclose(scores, means[tuple(corners.T)], rtol=1e-4)
    assert scores[0] == pytest.approx(means.max(), rel=1e-5)
    assert (np.diff(scores) <= 1e-6).all()
    for one, other in itertools.combinations(corners, 2):
        assert (np.abs(one - other) >= size).any()
    if len(corners) < k:
        for corner in np.ndindex(means.shape):
            assert any((np.abs(np.array(corner) - one) < size).all() for one in corners)


def test_a_patch_is_not_asked_for_again() -> None:
    volume = np.zeros((4, 8, 8))
    volume[:, 2:4, 2:4] = 1
    first, _ = patches(volume, (4, 2, 2), 1)
    assert first.tolist() == [[0, 2, 2]]
    again, _ = patches(volume, (4, 2, 2), 3, taken=first)
    assert all((np.abs(one - first[0]) >= (4, 2, 2)).any() for one in again)


def test_a_patch_counts_the_doubt_of_what_may_be_foreground() -> None:
    """A small doubtful lesion beside a large region that cannot be foreground at all."""
    doubt, foreground = np.full((1, 20, 20), 0.4), np.zeros((1, 20, 20))
    doubt[0, 3:7, 3:7], foreground[0, 3:7, 3:7] = 0.9, 0.5
    [corner], _ = patches(doubt, (1, 8, 8), 1, foreground=foreground)
    assert (corner[1:] <= 3).all()
    assert (corner[1:] + 8 >= 7).all()


def test_a_rare_class_gets_its_patches() -> None:
    doubt, classes = np.zeros((1, 40, 40)), np.zeros((1, 40, 40), np.int64)
    classes[0, :, :30], doubt[0, :, :30] = 1, 0.9
    classes[0, 4:8, 34:38], doubt[0, 4:8, 34:38] = 2, 0.5
    plain, _ = patches(doubt, (1, 6, 6), 4)
    balanced, _ = patches(doubt, (1, 6, 6), 4, classes=classes)

    def hits(corners: np.ndarray) -> int:
        return sum(x + 5 > 30 and x >= 30 and y <= 7 and y + 5 >= 4 for _, y, x in corners)

    assert hits(plain) == 0
    assert hits(balanced) >= 1


def test_patches_are_drawn_anew_with_each_seed_and_alike_with_the_same() -> None:
    volume = np.random.default_rng(0).random((1, 20, 20))

    def drawn(seed: int) -> list[list[int]]:
        rng = np.random.default_rng(seed)
        return patches(volume, (1, 5, 5), 4, sharpness=4.0, rng=rng)[0].tolist()

    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)


@pytest.mark.parametrize("size", [(2, 9, 9), (0, 1, 1), (2, 2)])
def test_a_patch_that_does_not_fit_is_refused(size: tuple[int, ...]) -> None:
    with pytest.raises(AcquisitionError, match="does not fit"):
        patches(np.zeros((4, 8, 8)), size, 1)


def test_uncertainty_that_is_no_number_is_refused() -> None:
    with pytest.raises(AcquisitionError, match="not numbers"):
        patches(np.full((4, 8, 8), np.nan), (1, 2, 2), 1)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_are_the_most_doubtful_and_keep_their_distance(axis: int) -> None:
    volume = np.zeros((10, 10, 10))
    for at, value in ((4, 0.9), (5, 0.8), (8, 0.5)):
        np.moveaxis(volume, axis, 0)[at] = value
    assert slices(volume, 2, axis=axis)[0].tolist() == [4, 5]
    found, scores = slices(volume, 2, axis=axis, apart=3)
    assert found.tolist() == [4, 8]
    np.testing.assert_allclose(scores, [0.9, 0.5], rtol=1e-5)
    assert len(slices(volume, 99, axis=axis, apart=5)[0]) == 2


def test_neither_an_empty_nor_a_huge_volume_is_rewarded() -> None:
    doubt = np.full((8, 40, 40), 0.5)
    empty = np.zeros_like(doubt)
    organ, lesion, speck = empty.copy(), empty.copy(), empty.copy()
    organ[:, 2:38, 2:38] = lesion[2:8, 10:20, 10:20] = speck[4, 4, 4] = 0.8
    found = [aggregate(doubt, where) for where in (empty, speck, lesion, organ)]
    assert found[0] == 0
    assert found[1] < 0.05
    assert found[2] == pytest.approx(found[3], rel=0.06)


def test_overlap_of_boxes_by_counting_pixels() -> None:
    rng = np.random.default_rng(0)
    low = rng.integers(0, 6, (8, 2))
    boxes = np.hstack([low, low + rng.integers(1, 6, (8, 2))]).astype(float)
    grids = np.zeros((8, 12, 12), bool)
    for grid, (y0, x0, y1, x1) in zip(grids, boxes.astype(int), strict=True):
        grid[y0:y1, x0:x1] = True
    for i, j in np.ndindex(8, 8):
        by_hand = (grids[i] & grids[j]).sum() / (grids[i] | grids[j]).sum()
        assert overlaps(boxes, boxes)[i, j] == pytest.approx(by_hand)


def test_matching_finds_what_the_best_assignment_finds_where_boxes_stand_apart() -> None:
    rng = np.random.default_rng(1)
    low = np.array(list(np.ndindex(3, 3)))[:, :2] * 20.0
    first = np.hstack([low, low + 10])
    order = rng.permutation(9)
    second = first[order] + rng.uniform(-2, 2, (9, 4))
    rows, columns = linear_sum_assignment(-overlaps(first, second))
    assert sorted(matches(first, second)) == sorted(
        zip(rows.tolist(), columns.tolist(), strict=True)
    )


def found(*boxes: tuple[int, float, float, int]) -> Detections:
    """(case, left edge, probability, class), all of ten by ten."""
    case, left, sure, kind = (np.array(column) for column in zip(*boxes, strict=True))
    corners = np.stack([np.zeros(len(left)), left, np.full(len(left), 10.0), left + 10], axis=1)
    return Detections(case, corners, np.eye(2)[kind] * sure[:, None])


def test_a_case_is_as_doubtful_as_its_boxes_not_as_many() -> None:
    sure, apart = (0, 0.0, 0.99, 0), (1, 0.0, 0.99, 0)
    first = found(sure, apart, *[(2, 40.0 * i, 0.99, 0) for i in range(20)])
    second = found(sure, (1, 6.0, 0.99, 0), *[(2, 40.0 * i, 0.99, 0) for i in range(20)])
    whole, _ = doubts({"a": first, "b": second}, 4)
    assert whole[0] < 0.1
    assert whole[1] > 0.5
    assert whole[2] == pytest.approx(whole[0])
    assert whole[3] == 0


def test_a_box_that_one_network_lacks_is_doubtful() -> None:
    first = found((0, 0.0, 0.95, 0), (1, 0.0, 0.95, 0))
    second = found((0, 0.0, 0.95, 0))
    whole, _ = doubts({"a": first, "b": second}, 2)
    assert whole[1] > 0.9 > whole[0] + 0.5


def test_a_box_that_hardly_anyone_believes_in_matters_little() -> None:
    whole, _ = doubts({"a": found((0, 0.0, 0.05, 0)), "b": found((1, 0.0, 0.9, 0))}, 2)
    assert whole[0] < 0.25 < 0.9 < whole[1]


def test_doubt_is_kept_by_class_and_difficult_classes_count_more() -> None:
    boxes = {"a": found((0, 0.0, 0.9, 0), (1, 0.0, 0.9, 1)), "b": found((2, 50.0, 0.2, 0))}
    whole, by_class = doubts(boxes, 3, difficulty=[1.0, 0.5])
    assert (by_class[0, 0], by_class[1, 1]) == pytest.approx((whole[0], whole[1]))
    assert by_class[0, 1] == by_class[1, 0] == 0
    assert whole[1] == pytest.approx(whole[0] / 2)


def test_box_doubt_asks_for_each_class_in_turn() -> None:
    common = [(case, 0.0, 0.9, 0) for case in range(40)]
    rare = [(case, 0.0, 0.6, 1) for case in range(40, 43)]
    boxes = {"a": found(*common, *rare), "b": found((43, 0.0, 0.99, 0))}
    pool = PoolScores(np.zeros((60, 0)), detections=boxes)
    hits = [
        np.isin(select("box_doubt", pool, 9, seed=s).indices, [40, 41, 42]).sum() for s in range(9)
    ]
    assert np.mean(hits) > 2.5


def test_boxes_follow_their_cases_when_the_rows_are_taken() -> None:
    boxes = found((0, 0.0, 0.9, 0), (2, 5.0, 0.8, 1), (1, 7.0, 0.7, 0))
    taken = boxes.take(np.array([2, 0]), 3)
    assert taken.case.tolist() == [1, 0]
    assert taken.boxes[:, 1].tolist() == [0.0, 5.0]

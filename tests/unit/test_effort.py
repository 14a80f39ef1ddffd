"""How far the final reading is from the suggestion."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from annotation import effort


def packed(voxels: np.ndarray) -> bytes:
    return gzip.compress(voxels.astype(np.uint8).tobytes())


def test_dice_is_told_for_each_class_alone() -> None:
    first, second = np.zeros((2, 4, 5)), np.zeros((2, 4, 5))
    first[0, :2, :4] = 1
    second[0, 1:3, :4] = 1
    first[1] = second[1] = 2
    found = effort.dice(packed(first), packed(second), [1, 2, 3])
    assert found == {1: pytest.approx(2 * 4 / 16), 2: 1.0, 3: 1.0}


def test_dice_of_masks_longer_than_a_block_counts_every_voxel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(effort, "BLOCK", 7)
    first = np.random.default_rng(1).integers(0, 3, 100)
    second = np.random.default_rng(2).integers(0, 3, 100)
    shared = int(((first == 1) & (second == 1)).sum())
    expected = 2 * shared / int((first == 1).sum() + (second == 1).sum())
    assert effort.dice(packed(first), packed(second), [1])[1] == pytest.approx(expected)


def test_moved_points_are_measured_in_millimetres_along_both_axes() -> None:
    count, mm = effort.moved([[0, 0], [10, 10]], [[0, 0], [14, 13]], [0.5, 0.25])
    assert count == 1
    assert mm == pytest.approx(float(np.hypot(4 * 0.25, 3 * 0.5)))


def test_nothing_moved_is_no_distance() -> None:
    assert effort.moved([[1, 2], [3, 4]], [[1, 2], [3, 4.001]], [1, 1]) == (0, 0.0)


def test_without_a_calibration_points_are_counted_only() -> None:
    assert effort.moved([[0, 0]], [[5, 5]], None) == (1, None)


def test_a_contour_drawn_anew_is_measured_to_the_nearest_points() -> None:
    square = [[0, 0], [10, 0], [10, 10], [0, 10]]
    count, mm = effort.moved(square, [[0, 0], [10, 0], [10, 10], [0, 10], [0, 12]], [1, 1])
    assert (count, mm) == (1, pytest.approx(2.0))

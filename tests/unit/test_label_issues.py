"""Doubtful labels against cleanlab, on probabilities with labels turned on purpose."""

from __future__ import annotations

import numpy as np
import pytest
from cleanlab.count import compute_confident_joint
from cleanlab.filter import find_label_issues

from learning.measuring.label_issues import confident


def turned(seed: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, 300)
    stated = rng.dirichlet(np.ones(classes), 300) + 1.5 * np.eye(classes)[truth]
    labels, wrong = truth.copy(), rng.choice(300, 20, replace=False)
    labels[wrong] = (labels[wrong] + 1) % classes
    return labels, stated / stated.sum(axis=1, keepdims=True), wrong


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_the_doubtful_labels_are_those_of_confident_learning(seed: int, classes: int) -> None:
    labels, stated, wrong = turned(seed, classes)
    _, theirs = compute_confident_joint(
        labels, stated, calibrate=False, return_indices_of_off_diagonals=True
    )
    own = np.flatnonzero(confident(labels, stated) >= 0)
    assert own.tolist() == sorted(theirs)
    assert len(set(wrong) & set(own)) >= 10
    ranked = find_label_issues(
        labels,
        stated,
        filter_by="confident_learning",
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    by_probability = own[np.argsort(stated[own, labels[own]])]
    assert set(ranked) <= set(own)
    assert [case for case in by_probability if case in set(ranked)] == ranked.tolist()


def test_a_label_is_not_doubtful_where_no_other_class_is_confident() -> None:
    labels = np.array([0, 0, 1, 1])
    stated = np.array([[0.9, 0.1], [0.45, 0.55], [0.1, 0.9], [0.2, 0.8]])
    assert confident(labels, stated).tolist() == [-1, -1, -1, -1]
    stated[1] = [0.1, 0.9]
    assert confident(labels, stated).tolist() == [-1, 1, -1, -1]
    assert confident(np.zeros(2, int), stated[:2]).tolist() == [-1, -1]

"""How well scores put cases with the finding above those without it."""

from __future__ import annotations

import numpy as np

from learning.engine.errors import NotComputable

from .arrays import Array, checked, counts_by_threshold, ranks

MOST_POINTS = 200
"""Of a curve kept for drawing."""


def auroc(targets: Array, scores: Array) -> float:
    """Probability that a positive case scores above a negative one; ties count half."""
    positive = checked(targets, scores)
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        raise NotComputable(
            f"AUROC needs cases with and without the finding; all {len(positive)} are alike."
        )
    rank_sum = float(ranks(scores)[positive].sum())
    return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def auprc(targets: Array, scores: Array) -> float:
    """Average precision: precision at each threshold, weighted by the recall it adds."""
    positive = checked(targets, scores)
    if not positive.any():
        raise NotComputable("Average precision needs a case with the finding; there is none.")
    true, false, _ = counts_by_threshold(positive, scores)
    recall = true / positive.sum()
    return float(np.sum(np.diff(recall, prepend=0.0) * true / (true + false)))


def roc_points(targets: Array, scores: Array) -> dict[str, list[float]]:
    """False and true positive rates for drawing, at most some 200 points."""
    positive = checked(targets, scores)
    true, false, _ = counts_by_threshold(positive, scores)
    kept = _kept(len(true))
    return {
        "false_positive_rate": [0.0, *(false[kept] / max(1, (~positive).sum())).tolist()],
        "true_positive_rate": [0.0, *(true[kept] / max(1, positive.sum())).tolist()],
    }


def pr_points(targets: Array, scores: Array) -> dict[str, list[float]]:
    """Recall and precision for drawing, from the highest threshold on, at most some 200 points."""
    positive = checked(targets, scores)
    true, false, _ = counts_by_threshold(positive, scores)
    kept = _kept(len(true))
    return {
        "recall": (true[kept] / max(1, positive.sum())).tolist(),
        "precision": (true[kept] / (true + false)[kept]).tolist(),
    }


def _kept(length: int) -> Array:
    return np.unique(np.linspace(0, length - 1, MOST_POINTS).astype(int))

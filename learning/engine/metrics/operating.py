"""Calling cases positive from a threshold on: how the threshold is chosen, and what it is worth.

A threshold is chosen on cases of which none is measured afterwards (the calibration stream).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learning.engine.errors import NotComputable
from learning.engine.policy import Goal

from .arrays import Array, checked, counts_by_threshold


@dataclass(frozen=True)
class OperatingPoint:
    """From ``threshold`` on a case is called positive; ``note`` says how it was chosen."""

    threshold: float
    note: str = ""


def choose(
    targets: Array, scores: Array, goal: Goal = "youden", value: float | None = None
) -> OperatingPoint:
    """The threshold for ``goal``, on [N] calibration cases.

    ``sensitivity``: the highest threshold that finds at least ``value`` of the positives;
    ``specificity``: the lowest that leaves at least ``value`` of the negatives alone; ``youden``: the
    one with the largest sum of both; ``threshold``: ``value`` itself, whatever the cases are.
    """
    if goal == "threshold":
        return OperatingPoint(0.5 if value is None else value, "Set by the recipe.")
    if goal == "youden":
        threshold = youden_threshold(targets, scores)
    else:
        threshold = threshold_at(targets, scores, goal, 0.9 if value is None else value)
    wanted = "the largest sensitivity + specificity"
    if goal != "youden":
        wanted = f"{goal} of at least {0.9 if value is None else value:g}"
    return OperatingPoint(
        threshold, f"Chosen for {wanted} on {len(targets)} cases of the calibration stream."
    )


def youden_threshold(targets: Array, scores: Array) -> float:
    """The score from which calling a case positive maximises sensitivity + specificity."""
    positive, true, false, thresholds = _both_kinds(targets, scores)
    best = np.argmax(true / positive.sum() - false / (~positive).sum())
    return float(thresholds[best])


def threshold_at(targets: Array, scores: Array, goal: Goal, value: float) -> float:
    """The threshold that reaches ``value`` of the goal and gives away least of the other."""
    positive, true, false, thresholds = _both_kinds(targets, scores)
    if goal == "sensitivity":
        reached = np.flatnonzero(true / positive.sum() >= value)
        return float(thresholds[reached[0]])
    reached = np.flatnonzero(1 - false / (~positive).sum() >= value)
    if not len(reached):
        return float(np.nextafter(thresholds[0], np.inf))
    return float(thresholds[reached[-1]])


def sensitivity(targets: Array, predicted: Array) -> float:
    """Share of the cases with the finding that were called positive."""
    positive = checked(targets, predicted)
    if not positive.any():
        raise NotComputable("Sensitivity needs a case with the finding; there is none.")
    return float(np.asarray(predicted, bool)[positive].mean())


def specificity(targets: Array, predicted: Array) -> float:
    """Share of the cases without the finding that were called negative."""
    positive = checked(targets, predicted)
    if positive.all():
        raise NotComputable("Specificity needs a case without the finding; there is none.")
    return float((~np.asarray(predicted, bool)[~positive]).mean())


def f1(targets: Array, predicted: Array) -> float:
    """Harmonic mean of precision and recall."""
    positive, found = checked(targets, predicted), np.asarray(predicted, bool)
    if not positive.any() and not found.any():
        raise NotComputable("F1 needs a case with the finding, true or predicted; there is none.")
    return float(2 * (positive & found).sum() / (positive.sum() + found.sum()))


def balanced_accuracy(targets: Array, predicted: Array) -> float:
    """Mean over the classes of the share found; classes without a case do not count."""
    checked(targets, predicted)
    return float(np.mean([np.mean(predicted[targets == c] == c) for c in np.unique(targets)]))


def ppv(targets: Array, predicted: Array, prevalence: float) -> float:
    """Probability of the finding after a positive call, where ``prevalence`` of patients have it."""
    found = sensitivity(targets, predicted) * prevalence
    alarms = (1 - specificity(targets, predicted)) * (1 - prevalence)
    if found + alarms == 0:
        raise NotComputable("The predictive value needs a case that was called positive.")
    return found / (found + alarms)


def npv(targets: Array, predicted: Array, prevalence: float) -> float:
    """Probability of no finding after a negative call, where ``prevalence`` of patients have it."""
    cleared = specificity(targets, predicted) * (1 - prevalence)
    missed = (1 - sensitivity(targets, predicted)) * prevalence
    if cleared + missed == 0:
        raise NotComputable("The predictive value needs a case that was called negative.")
    return cleared / (cleared + missed)


def _both_kinds(targets: Array, scores: Array) -> tuple[Array, Array, Array, Array]:
    positive = checked(targets, scores)
    if positive.all() or not positive.any():
        raise NotComputable("A threshold needs cases with and without the finding.")
    return positive, *counts_by_threshold(positive, scores)

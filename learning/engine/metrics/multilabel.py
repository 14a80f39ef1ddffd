"""Several findings at once, of which some are not known of some cases."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from learning.engine.errors import NotComputable

from .arrays import Array
from .ranking import auprc, auroc

Ranked = Callable[[Array, Array], float]


def macro(metric: Ranked, targets: Array, scores: Array) -> float:
    """Mean over the findings of [N, K] targets (0, 1, or not a number: unknown).

    A finding that no known case has, or that all have, does not count.
    """
    each = by_finding(metric, targets, scores)
    if np.isnan(each).all():
        raise NotComputable("No finding has both cases with it and cases without it.")
    return float(np.nanmean(each))


def micro(metric: Ranked, targets: Array, scores: Array) -> float:
    """Over all known pairs of case and finding together."""
    known = ~np.isnan(np.asarray(targets, float))
    return metric(targets[known], scores[known])


def by_finding(metric: Ranked, targets: Array, scores: Array) -> Array:
    """[K]; not a number where the metric cannot be computed."""
    found = np.full(targets.shape[1], np.nan)
    for place in range(targets.shape[1]):
        known = ~np.isnan(np.asarray(targets[:, place], float))
        try:
            found[place] = metric(targets[known, place], scores[known, place])
        except NotComputable:
            continue
    return found


def macro_auroc(targets: Array, scores: Array) -> float:
    return macro(auroc, targets, scores)


def micro_auroc(targets: Array, scores: Array) -> float:
    return micro(auroc, targets, scores)


def macro_auprc(targets: Array, scores: Array) -> float:
    return macro(auprc, targets, scores)

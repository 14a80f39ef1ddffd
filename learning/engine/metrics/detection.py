"""Boxes against true boxes: average precision, and sensitivity at given false positives per image.

A box is its lowest and its highest corner, [x, y, x, y] or [x, y, z, x, y, z], in any one unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from learning.engine.errors import NotComputable

from .arrays import Array

FROC_AT = (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8)
"""False positives per image at which sensitivities are stated."""
IOUS = (0.1, 0.2, 0.3, 0.4, 0.5)
"""Small lesions: what counts is that they are found, more than how tightly they are framed."""
RECALLS = np.linspace(0, 1, 101)
"""At which precision is averaged, as COCO does."""
MOST_POINTS = 200
NONE_TRUE = "Detection needs an image with something to find; there is none."


@dataclass(frozen=True)
class Boxes:
    """One image: predicted [n, 4 or 6] with scores [n], and true [m, 4 or 6]."""

    predicted: Array
    scores: Array
    true: Array


@dataclass(frozen=True)
class Matched:
    """One image at one IoU: each prediction's score and whether it found a box; how many there are."""

    scores: Array
    hit: Array
    true: int


def iou(first: Array, second: Array) -> Array:
    """[n, m] intersection over union of [n, 2D] and [m, 2D] boxes."""
    dimensions = first.shape[1] // 2
    low = np.maximum(first[:, None, :dimensions], second[None, :, :dimensions])
    high = np.minimum(first[:, None, dimensions:], second[None, :, dimensions:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    together = _size(first)[:, None] + _size(second)[None, :] - shared
    return np.asarray(np.divide(shared, together, out=np.zeros_like(shared), where=together > 0))


def matched(images: Sequence[Boxes], least: float) -> Array:
    """[N] of ``Matched``: the surest prediction first takes the free true box that it covers best.

    An array of objects, so that images can be drawn again for an interval.
    """
    found = np.empty(len(images), object)
    for place, image in enumerate(images):
        found[place] = _match(image, least)
    return found


def matched_at(images: Sequence[Boxes], ious: Sequence[float] = IOUS) -> Array:
    """[N, I] of ``Matched``: every image at every IoU."""
    return np.stack([matched(images, least) for least in ious], axis=1)


def average_precision(images: Array) -> float:
    """Of [N] ``Matched``: precision, made falling, averaged over 101 recalls (COCO's definition)."""
    scores, hit, true = _joined(images)
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(hit[order])
    precision = hits / np.arange(1, len(hits) + 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(hits / true, RECALLS, side="left")
    reached = place < len(falling)
    return float(
        np.where(reached, np.append(falling, 0)[np.minimum(place, len(falling))], 0).mean()
    )


def mean_average_precision(images: Array) -> float:
    """The mean over the IoUs of [N, I] ``Matched``."""
    return float(np.mean([average_precision(column) for column in images.T]))


def froc_points(images: Array) -> dict[str, list[float]]:
    """False positives per image and sensitivity, from the surest call on, at most some 200 points."""
    false, found = _froc(images)
    kept = np.unique(np.linspace(0, len(false) - 1, MOST_POINTS).astype(int))
    return {
        "false_positives_per_image": false[kept].tolist(),
        "sensitivity": found[kept].tolist(),
    }


def froc_sensitivities(images: Array, at: Sequence[float] = FROC_AT) -> Array:
    """[len(at)] the best sensitivity with no more than so many false positives per image."""
    false, found = _froc(images)
    return found[np.searchsorted(false, at, side="right") - 1]


def froc_score(images: Array, at: Sequence[float] = FROC_AT) -> float:
    """The mean of those sensitivities."""
    return float(np.mean(froc_sensitivities(images, at)))


def _match(image: Boxes, least: float) -> Matched:
    order = np.argsort(-np.asarray(image.scores), kind="stable")
    hit = np.zeros(len(order), bool)
    if len(image.true) and len(order):
        overlap = iou(np.asarray(image.predicted, float), np.asarray(image.true, float))
        for place in order:
            best = int(overlap[place].argmax())
            if overlap[place, best] >= least:
                hit[place] = True
                overlap[:, best] = -1.0
    return Matched(np.asarray(image.scores, float), hit, len(image.true))


def _joined(images: Array) -> tuple[Array, Array, int]:
    true = sum(image.true for image in images)
    if not true:
        raise NotComputable(NONE_TRUE)
    scores = np.concatenate([image.scores for image in images])
    return scores, np.concatenate([image.hit for image in images]), true


def _froc(images: Array) -> tuple[Array, Array]:
    """Rising false positives per image and sensitivity, beginning with no call at all."""
    scores, hit, true = _joined(images)
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, [True] * bool(len(order))))
    false = np.cumsum(~hit[order])[ends] / len(images)
    found = np.cumsum(hit[order])[ends] / true
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], found])


def _size(boxes: Array) -> Array:
    dimensions = boxes.shape[1] // 2
    return np.asarray(np.clip(boxes[:, dimensions:] - boxes[:, :dimensions], 0, None).prod(axis=1))

"""Boxes: for each class a map of where the middle of one may be, and beside it how large it is.

After CenterNet (Zhou, Wang, Krähenbühl 2019): no anchors, so that nothing has to be tuned to the sizes
of what is sought, and every network that draws maps can find boxes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import ndimage
from scipy.special import expit, logit
from torch import Tensor, nn

from learning.engine import images
from learning.engine.augment import Moved
from learning.engine.calibrate import fit_temperature
from learning.engine.metrics.detection import iou
from learning.engine.nets import Network
from learning.engine.outputs import FloatArray, Output, binary_entropy, worst
from learning.engine.spec import Box, Recipe, Sample
from learning.engine.tasks.heat import Heat, bumps, to_image, to_input
from learning.engine.whole import Said, Seen

if TYPE_CHECKING:
    from learning.engine.data import Prepared

MOST = 100
"""Boxes of one image that are learned from, the largest first, and that are kept of what is found."""
RARE = -2.2
"""Logit of a middle before anything is learned: most places are none."""
TYPICAL = 8
"""A box takes this part of a side before anything is learned."""
FAINTEST = 0.05
"""Probability below which a box is not kept."""
SAME = 0.5
"""Overlap from which two boxes of one class are one."""
HIT = 0.3
"""Overlap from which a box is right about what was drawn."""


class Detection(Heat):
    def target(self, sample: Sample, recipe: Recipe, shape: tuple[int, ...]) -> Tensor:
        given = sample.target
        if not isinstance(given, tuple):
            raise images.Unusable("Nobody has said which boxes there are in this case.")
        rows = []
        for box in given:
            _require_fit(box, recipe, shape)
            rows.append((float(box.label), box.score, *box.low, *box.high))  # type: ignore[union-attr]
        found = torch.full((MOST, 2 + 2 * len(shape)), torch.nan)
        if rows:
            known = torch.tensor(rows)
            axes = len(shape)
            low, high = known[:, 2 : 2 + axes], known[:, 2 + axes :]
            sizes = (high - low).prod(dim=1)
            order = sizes.argsort(descending=True, stable=True)[:MOST]
            places = [to_input(edge, shape, recipe.input_size) for edge in (low, high)]
            found[: len(order)] = torch.cat([known[:, :2], *places], dim=1)[order]
        return found

    def classes_in(self, target: Tensor, recipe: Recipe) -> list[int]:
        labels = target[:, 0]
        return sorted({int(label) for label in labels[~labels.isnan()]})

    def moved(self, targets: Tensor, move: Moved) -> Tensor:
        """The middle goes where the image goes; a box that has left it is gone."""
        axes = (targets.shape[2] - 2) // 2
        low, high = targets[..., 2 : 2 + axes], targets[..., 2 + axes :]
        middle = move.points((low + high) / 2)
        reach = (high - low) / 2 * move.scale()[:, None, None]
        there = ~middle.isnan().any(dim=2, keepdim=True)
        head = torch.where(there, targets[..., :2], torch.nan)
        return torch.cat([head, middle - reach, middle + reach], dim=2)

    def loss(self, recipe: Recipe, training: Prepared) -> nn.Module:
        return BoxesLoss(len(recipe.classes), recipe.input_size)

    def refusal(self, recipe: Recipe, training: Prepared) -> str:
        if training.counts:
            return ""
        return (
            f"None of the {len(training)} cases has a box; at least one is needed before a network"
            " can learn. Read more cases."
        )

    def read(
        self,
        answers: Mapping[str, FloatArray],
        networks: Mapping[str, Network],
        recipe: Recipe,
        temperatures: Mapping[str, float],
        cases: Sequence[Seen],
    ) -> Said:
        size, classes = recipe.input_size, len(recipe.classes)
        heats = {
            name: expit((maps[:, :classes] + RARE) / temperatures.get(name, 1.0))
            for name, maps in answers.items()
        }
        sizes = {name: maps[:, classes:] for name, maps in answers.items()}
        heat, mean = (np.mean(list(maps.values()), axis=0) for maps in (heats, sizes))
        shapes = [case.shape for case in cases]
        outputs = {
            name: _output(heats[name], sizes[name], shapes, size, temperatures.get(name, 1.0))
            for name in answers
        }
        apart = [
            [disagreement(a, b) for a, b in zip(one.boxes, other.boxes, strict=True)]
            for one, other in combinations(outputs.values(), 2)
            if one.boxes is not None and other.boxes is not None
        ]
        gaps = np.mean(apart, axis=0) if apart else np.zeros(len(cases))
        together = _output(heat, mean, shapes, size, 1.0)
        return Said(outputs, together, np.asarray(gaps, np.float32))

    def temperature(self, said: Output, targets: Sequence[Any], recipe: Recipe) -> float:
        """How sure boxes were, against whether they were right."""
        logits, right = [], []
        for found, drawn in zip(said.boxes if said.boxes is not None else [], targets, strict=True):
            for box, hit in zip(found, hits(found, drawn, HIT), strict=True):
                logits.append(float(logit(min(max(box.score, 1e-6), 1 - 1e-6))))
                right.append(hit)
        values = np.array(logits, np.float64)
        return fit_temperature(np.stack([0 * values, values], axis=1), np.array(right, np.int64))


class BoxesLoss(nn.Module):
    """Focal loss of the middles (Law and Deng 2018) and the error of the log of the sizes there."""

    def __init__(self, classes: int, size: Sequence[int]) -> None:
        super().__init__()
        self.classes, self.size = classes, tuple(size)

    def forward(self, answers: Tensor, targets: Tensor) -> Tensor:
        """[B, classes + axes, …] and [B, MOST, 2 + 2 axes], not a number beyond the last box."""
        parts = [self._of(maps, boxes) for maps, boxes in zip(answers, targets, strict=True)]
        return torch.stack(parts).mean()

    def _of(self, maps: Tensor, boxes: Tensor) -> Tensor:
        axes, heat = len(self.size), (maps[: self.classes] + RARE).float()
        boxes = boxes[~boxes.isnan().any(dim=1)]
        wanted = torch.zeros_like(heat)
        if len(boxes):
            low, high = boxes[:, 2 : 2 + axes], boxes[:, 2 + axes :]
            limits = torch.tensor(self.size, device=boxes.device) - 1
            middle = ((low + high) / 2).round().clamp_min(0).minimum(limits)
            bump = bumps(middle, ((high - low) / 6).clamp_min(1.0), self.size)
            for label, share, one in zip(boxes[:, 0].long(), boxes[:, 1], bump, strict=True):
                wanted[label] = torch.maximum(wanted[label], share * one)
        loss = focal(heat, wanted)
        if not len(boxes):
            return loss
        strides = [math.prod(self.size[axis + 1 :]) for axis in range(axes)]
        place = (middle.long() * torch.tensor(strides, device=boxes.device)).sum(dim=1)
        said = maps[self.classes :].flatten(1)[:, place].T
        true = torch.log((high - low).clamp_min(1.0) * TYPICAL / (limits + 1))
        return loss / len(boxes) + (said - true).abs().mean()


def focal(logits: Tensor, wanted: Tensor) -> Tensor:
    """Sum; what is nearly a middle is hardly held against a network. ``wanted``: 1 at the middles."""
    chances = logits.sigmoid()
    there, absent = nn.functional.logsigmoid(logits), nn.functional.logsigmoid(-logits)
    local = (wanted == _highest_around(wanted)) & (wanted > 0)
    hit = torch.where(local, wanted * (1 - chances) ** 2 * there, 0.0)
    far = torch.where(local, 1 - wanted, (1 - wanted) ** 4)
    return -(hit + far * chances**2 * absent).sum()


def _highest_around(maps: Tensor) -> Tensor:
    pool = nn.functional.max_pool2d if maps.ndim == 3 else nn.functional.max_pool3d
    return pool(maps[None], 3, stride=1, padding=1)[0]


def hits(found: Sequence[Box], drawn: Sequence[Box], least: float) -> list[bool]:
    """For each box found, the surest first: whether it covers one drawn of its class that is still free."""
    right = [False] * len(found)
    if not found or not drawn:
        return right
    overlap = overlaps(found, drawn)
    for place in sorted(range(len(found)), key=lambda at: -found[at].score):
        best = int(overlap[place].argmax())
        if overlap[place, best] >= least:
            right[place] = True
            overlap[:, best] = -1.0
    return right


def overlaps(first: Sequence[Box], second: Sequence[Box]) -> FloatArray:
    """[n, m] intersection over union; 0 where the classes differ."""
    shared = iou(*(np.array([[*box.low, *box.high] for box in boxes]) for boxes in (first, second)))
    labels = [np.array([box.label for box in boxes]) for boxes in (first, second)]
    return np.where(labels[0][:, None] == labels[1][None, :], shared, 0.0)


def disagreement(first: Sequence[Box], second: Sequence[Box]) -> float:
    """1 - how much of the boxes' scores the other network shares, by overlap."""
    total = sum(box.score for box in (*first, *second))
    if not total:
        return 0.0
    if not first or not second:
        return 1.0
    overlap, shared = overlaps(first, second), 0.0
    while overlap.size and overlap.max() > 0:
        one, other = divmod(int(overlap.argmax()), len(second))
        shared += 2 * overlap[one, other] * min(first[one].score, second[other].score)
        overlap[one, :] = overlap[:, other] = -1.0
    return float(np.clip(1 - shared / total, 0, 1))


def _require_fit(box: Any, recipe: Recipe, shape: tuple[int, ...]) -> None:
    fits = isinstance(box, Box) and len(box.low) == len(box.high) == len(shape)
    if not fits or not 0 <= box.label < len(recipe.classes):
        raise images.Unusable("A box of this case does not fit its image or the recipe's classes.")
    edges = zip(box.low, box.high, shape, strict=True)
    if not all(
        math.isfinite(low) and math.isfinite(high) and low < high and high > -0.5 and low < side
        for low, high, side in edges
    ):
        raise images.Unusable("A box of this case has no size, or lies outside its image.")


def _output(
    heat: FloatArray,
    sizes: FloatArray,
    shapes: Sequence[tuple[int, ...]],
    size: Sequence[int],
    temperature: float,
) -> Output:
    boxes = np.empty(len(shapes), object)
    for row, shape in enumerate(shapes):
        boxes[row] = _decoded(heat[row], sizes[row], shape, size)
    classes = heat.shape[1]
    sure = np.zeros((len(shapes), classes), np.float32)
    doubt = np.zeros((len(shapes), classes), np.float32)
    whole = np.zeros(len(shapes), np.float32)
    for row, found in enumerate(boxes):
        doubts = binary_entropy(np.array([box.score for box in found])) if found else np.zeros(0)
        whole[row] = worst(doubts.tolist())
        for k in range(classes):
            mine = [at for at, box in enumerate(found) if box.label == k]
            sure[row, k] = max((found[at].score for at in mine), default=0.0)
            doubt[row, k] = worst([float(doubts[at]) for at in mine])
    nothing = np.zeros((len(shapes), 0), np.float32)
    return Output(nothing, sure, whole, doubt, boxes=boxes)


def _decoded(
    heat: FloatArray, sizes: FloatArray, shape: tuple[int, ...], size: Sequence[int]
) -> tuple[Box, ...]:
    """The highest places of each class, each once, on the grid of the image."""
    around = ndimage.maximum_filter(heat, size=(1, *[3] * len(size)), mode="constant")
    labels, *places = np.nonzero((heat == around) & (heat >= FAINTEST))
    scores = heat[(labels, *places)]
    order = np.argsort(-scores, kind="stable")[: 2 * MOST]
    found: list[Box] = []
    for at in order.tolist():
        place = tuple(int(axis[at]) for axis in places)
        middle = _refined(heat[labels[at]], place)
        logs = np.array([one[place] for one in sizes])
        extent = np.array(size) / TYPICAL * np.exp(np.clip(logs, -4, 4))
        low, high = (to_image(middle + sign * extent / 2, shape, size) for sign in (-1, 1))
        label, score = int(labels[at]), float(scores[at])
        one = Box(label, tuple(low.tolist()), tuple(high.tolist()), score)
        if not found or overlaps([one], found).max() < SAME:
            found.append(one)
        if len(found) == MOST:
            break
    return tuple(found)


def _refined(heat: FloatArray, place: tuple[int, ...]) -> FloatArray:
    """The middle of the heat in the voxels around its highest one."""
    low = [max(0, at - 1) for at in place]
    part = heat[tuple(slice(a, at + 2) for a, at in zip(low, place, strict=True))]
    weight = part / part.sum()
    grid = np.meshgrid(
        *[np.arange(n) + a for n, a in zip(part.shape, low, strict=True)], indexing="ij"
    )
    return np.array([(weight * axis).sum() for axis in grid])

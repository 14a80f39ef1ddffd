"""Prediction of masks: whole images or overlapping windows, and where the networks are unsure.

Uncertainty is the mean over the voxels that may be foreground, so that a large organ does not
outrank a small lesion; a handful of doubtful voxels counts less than a region.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from monai.inferers.utils import sliding_window_inference
from numpy.typing import NDArray
from torch import Tensor

from learning.engine import images
from learning.engine.calibrate import softmax
from learning.engine.determinism import device
from learning.engine.metrics import surfaces
from learning.engine.nets import Network
from learning.engine.outputs import (
    NO_NUMBERS,
    FloatArray,
    Output,
    Predictions,
    entropy,
    joined_embeddings,
)
from learning.engine.spec import LeftOut, Recipe, Sample

POSSIBLE = 0.1
"""Probability of any foreground from which a voxel counts as possibly foreground."""
SPECK = 3
"""A doubtful region of this many voxels a side counts half."""
OVERLAP = 0.25
"""Of neighbouring windows, where an image is larger than the recipe's input size."""

ENSEMBLE = ""
Mask = NDArray[np.uint8]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class _Row:
    """One case's row of an Output."""

    probabilities: FloatArray
    uncertainty: float
    class_uncertainty: FloatArray
    overlap: Counts
    surfaces: FloatArray
    volumes: FloatArray


@dataclass(frozen=True)
class _Answer:
    """What all networks say of one case."""

    rows: Mapping[str, _Row]
    embedding: FloatArray
    disagreement: float
    mask: Mask


def predict(
    networks: Mapping[str, Network],
    recipe: Recipe,
    samples: Sequence[Sample],
    temperatures: Mapping[str, float],
    on_batch: Callable[[int, int], object],
    on_mask: Callable[[int, Mask], object],
) -> Predictions:
    ids: list[int] = []
    left_out: list[LeftOut] = []
    answers: list[_Answer] = []
    for done, sample in enumerate(samples, start=1):
        try:
            answer = _answer(networks, recipe, sample, temperatures)
        except images.Unusable as reason:
            left_out.append((sample.id, str(reason)))
        else:
            ids.append(sample.id)
            on_mask(sample.id, answer.mask)
            answers.append(answer)
        on_batch(done, len(samples))
    outputs = {
        name: _output([answer.rows[name] for answer in answers], recipe)
        for name in (*networks, ENSEMBLE)
    }
    return Predictions(
        ids=tuple(ids),
        ensemble=outputs.pop(ENSEMBLE),
        networks=outputs,
        disagreement=np.array([answer.disagreement for answer in answers], np.float32),
        embeddings=_stacked([answer.embedding for answer in answers], 0),
        left_out=tuple(left_out),
    )


def overlap(predicted: Mask, truth: Mask, classes: int) -> Counts:
    """[classes, 3] voxels in both, in the first, in the second, for the values 1 … classes."""
    values = np.arange(1, classes + 1)[:, None]
    first, second = predicted.reshape(1, -1) == values, truth.reshape(1, -1) == values
    return np.stack([(first & second).sum(1), first.sum(1), second.sum(1)], axis=1)


def _answer(
    networks: Mapping[str, Network],
    recipe: Recipe,
    sample: Sample,
    temperatures: Mapping[str, float],
) -> _Answer:
    image = images.read_image(sample, recipe)
    truth: Mask | None = None
    if sample.target is not None:
        truth = images.read_mask(sample, recipe, tuple(image.shape[1:])).numpy()
    maps: dict[str, FloatArray] = {}
    embeddings = []
    for name, network in networks.items():
        logits, embedding = forward(network, image, recipe)
        if not (np.isfinite(logits).all() and np.isfinite(embedding).all()):
            raise images.Unusable(NO_NUMBERS)
        maps[name] = probabilities(logits, temperatures.get(name, 1.0))
        embeddings.append(embedding[None])
    found = [chances.argmax(axis=-1).astype(np.uint8) for chances in maps.values()]
    maps[ENSEMBLE] = np.zeros_like(next(iter(maps.values())))
    for name in networks:
        maps[ENSEMBLE] += maps[name] / len(networks)
    return _Answer(
        rows={
            name: _row(chances, truth, sample, recipe.surface_tolerance)
            for name, chances in maps.items()
        },
        embedding=joined_embeddings(embeddings)[0],
        disagreement=_disagreement(found, len(recipe.classes)),
        mask=maps[ENSEMBLE].argmax(axis=-1).astype(np.uint8),
    )


@torch.inference_mode()
def forward(network: Network, image: Tensor, recipe: Recipe) -> tuple[FloatArray, FloatArray]:
    """Logits [C, …] on the image's grid, and the embedding, averaged over the windows."""
    where = device()
    network.to(where).eval()
    embeddings: list[Tensor] = []

    def look(windows: Tensor) -> Tensor:
        with torch.autocast(where.type, torch.bfloat16, enabled=where.type == "cuda"):
            answer: tuple[Tensor, Tensor] = network(windows)
        embeddings.append(answer[1].float())
        return answer[0].float()

    whole = images.padded(image, recipe.input_size)[None].to(where)
    if tuple(whole.shape[2:]) == recipe.input_size:
        logits = look(whole)
    else:
        windows = sliding_window_inference(
            whole, recipe.input_size, 4, look, overlap=OVERLAP, mode="gaussian"
        )
        logits = torch.as_tensor(windows)
    logits = images.unpadded(logits[0], tuple(image.shape[1:]))
    return logits.cpu().numpy(), torch.cat(embeddings).mean(dim=0).cpu().numpy()


def probabilities(logits: FloatArray, temperature: float) -> FloatArray:
    """[…, C], made slice by slice: a whole volume in double precision would not fit beside others."""
    parts = np.moveaxis(logits, 0, -1)
    found = np.empty(parts.shape, np.float32)
    for index, part in enumerate(parts):
        found[index] = softmax(part, temperature)
    return found


def _row(
    probabilities: FloatArray, truth: Mask | None, sample: Sample, tolerance: float = 0.0
) -> _Row:
    classes = probabilities.shape[-1] - 1
    predicted = probabilities.argmax(axis=-1).astype(np.uint8)
    region = probabilities[1 - probabilities[..., 0] > POSSIBLE]
    doubt, likeliest = entropy(region), region[:, 1:].argmax(axis=-1)
    speck = SPECK**predicted.ndim
    sizes = np.array([(predicted == value).sum() for value in range(1, classes + 1)], np.float32)
    voxel = math.prod(sample.spacing) if sample.spacing else 1.0
    return _Row(
        probabilities=_mean_over(region, classes),
        uncertainty=float(doubt.sum() / (len(doubt) + speck)),
        class_uncertainty=np.array(
            [
                doubt[likeliest == k].sum() / ((likeliest == k).sum() + speck)
                for k in range(classes)
            ],
            np.float32,
        ),
        overlap=np.full((classes, 3), -1) if truth is None else overlap(predicted, truth, classes),
        surfaces=_surfaces(predicted, truth, sample, classes, tolerance),
        volumes=sizes * np.float32(voxel),
    )


def _surfaces(
    predicted: Mask, truth: Mask | None, sample: Sample, classes: int, tolerance: float
) -> FloatArray:
    """[K, 3] as Output.surfaces; without a reference or a spacing nothing can be said in mm."""
    if truth is None or len(sample.spacing) != predicted.ndim:
        return np.full((classes, 3), np.nan, np.float32)
    return np.array(
        [
            surfaces.summary(
                surfaces.distances(predicted == value, truth == value, sample.spacing),
                tolerance,
            )
            for value in range(1, classes + 1)
        ],
        np.float32,
    )


def _mean_over(region: FloatArray, classes: int) -> FloatArray:
    if len(region):
        return np.asarray(region.mean(axis=0, dtype=np.float64), np.float32)
    return np.asarray(np.eye(1, classes + 1)[0], np.float32)


def _disagreement(found: Sequence[Mask], classes: int) -> float:
    """1 - mean Dice over pairs of networks and the classes that either of them sees."""
    gaps = []
    for first, second in combinations(found, 2):
        shared, one, other = overlap(first, second, classes).T
        seen = one + other > 0
        gaps += list(1 - 2 * shared[seen] / (one + other)[seen])
    return float(np.mean(gaps)) if gaps else 0.0


def _output(rows: Sequence[_Row], recipe: Recipe) -> Output:
    classes = len(recipe.classes)
    overlaps = [row.overlap for row in rows]
    return Output(
        logits=np.zeros((len(rows), 0), np.float32),
        probabilities=_stacked([row.probabilities for row in rows], classes + 1),
        uncertainty=np.array([row.uncertainty for row in rows], np.float32),
        class_uncertainty=_stacked([row.class_uncertainty for row in rows], classes),
        overlap=np.stack(overlaps) if overlaps else np.zeros((0, classes, 3), np.int64),
        surfaces=np.stack([row.surfaces for row in rows])
        if rows
        else np.zeros((0, classes, 3), np.float32),
        volumes=_stacked([row.volumes for row in rows], classes),
    )


def _stacked(rows: Sequence[FloatArray], width: int) -> FloatArray:
    return np.stack(rows) if rows else np.zeros((0, width), np.float32)

"""What trained networks say of cases, one by one and together.

Cases are read batch by batch, so any number fits; one that cannot be read is left out by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learning.engine import images, masks
from learning.engine.calibrate import softmax
from learning.engine.determinism import device
from learning.engine.errors import EngineError
from learning.engine.nets import Network
from learning.engine.outputs import (
    NO_NUMBERS,
    SMALLEST,
    FloatArray,
    Output,
    Predictions,
    divergence,
    entropy,
    joined_embeddings,
)
from learning.engine.spec import LeftOut, Recipe, Sample, ignore

__all__ = ["Output", "Predictions", "predict"]

BATCH = 32


def predict(
    networks: Mapping[str, Network],
    recipe: Recipe,
    samples: Sequence[Sample],
    *,
    temperatures: Mapping[str, float] | None = None,
    on_batch: Callable[[int, int], object] = ignore,
    on_mask: Callable[[int, NDArray[np.uint8]], object] = ignore,
) -> Predictions:
    """What each network and their ensemble (the mean probability) say of each sample.

    ``on_batch(done, total)`` may raise to stop. ``on_mask(id, mask)`` receives the ensemble's mask
    on the image's own grid. For segmentation, samples with a mask are compared with it.
    """
    if not networks:
        raise EngineError("There is no network to predict with; train one first.")
    if recipe.task == "segmentation":
        return masks.predict(networks, recipe, samples, temperatures or {}, on_batch, on_mask)
    return _classify(networks, recipe, samples, temperatures or {}, on_batch)


def _classify(
    networks: Mapping[str, Network],
    recipe: Recipe,
    samples: Sequence[Sample],
    temperatures: Mapping[str, float],
    on_batch: Callable[[int, int], object],
) -> Predictions:
    ids: list[int] = []
    left_out: list[LeftOut] = []
    logits: dict[str, list[FloatArray]] = {name: [] for name in networks}
    features: dict[str, list[FloatArray]] = {name: [] for name in networks}
    for start in range(0, len(samples), BATCH):
        batch, given = _read(samples[start : start + BATCH], recipe, left_out)
        if batch is not None:
            said = {name: _forward(network, batch) for name, network in networks.items()}
            sound = np.all(
                [np.isfinite(part).all(axis=1) for pair in said.values() for part in pair], 0
            )
            ids += [case for case, one in zip(given, sound, strict=True) if one]
            left_out += [
                (case, NO_NUMBERS) for case, one in zip(given, sound, strict=True) if not one
            ]
            for name, (answer, embedding) in said.items():
                logits[name].append(answer[sound])
                features[name].append(embedding[sound])
        on_batch(min(start + BATCH, len(samples)), len(samples))
    outputs = {
        name: _output(_stacked(logits[name], recipe.outputs), temperatures.get(name, 1.0))
        for name in networks
    }
    mean = np.mean([output.probabilities for output in outputs.values()], axis=0)
    return Predictions(
        ids=tuple(ids),
        networks=outputs,
        ensemble=Output(np.log(np.maximum(mean, SMALLEST)), mean, entropy(mean)),
        disagreement=divergence([output.probabilities for output in outputs.values()]),
        embeddings=joined_embeddings([_stacked(features[name], 0) for name in networks]),
        left_out=tuple(left_out),
    )


def _read(
    samples: Sequence[Sample], recipe: Recipe, left_out: list[LeftOut]
) -> tuple[Tensor | None, list[int]]:
    """What can be read, at network size, and whose it is."""
    usable, ids = [], []
    for sample in samples:
        try:
            image = images.read_image(sample, recipe)
        except images.Unusable as reason:
            left_out.append((sample.id, str(reason)))
            continue
        usable.append(images.to_size(image, recipe.input_size))
        ids.append(sample.id)
    return (torch.stack(usable) if usable else None), ids


@torch.inference_mode()
def _forward(network: Network, batch: Tensor) -> tuple[FloatArray, FloatArray]:
    where = device()
    network.to(where).eval()
    with torch.autocast(where.type, torch.bfloat16, enabled=where.type == "cuda"):
        logits, embedding = network(batch.to(where))
    return logits.float().cpu().numpy(), embedding.float().cpu().numpy()


def _output(logits: FloatArray, temperature: float) -> Output:
    probabilities = softmax(logits, temperature).astype(np.float32)
    return Output(logits, probabilities, entropy(probabilities))


def _stacked(parts: list[FloatArray], width: int) -> FloatArray:
    return np.concatenate(parts) if parts else np.zeros((0, width), np.float32)

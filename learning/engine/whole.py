"""Tasks whose networks see the whole image, brought to the input's size; prediction batch by batch.

Any number of cases fits; one that cannot be read is left out by name.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from learning.engine import images
from learning.engine.determinism import device, seed_all
from learning.engine.nets import Network
from learning.engine.outputs import (
    NO_NUMBERS,
    FloatArray,
    Output,
    Predictions,
    joined,
    joined_embeddings,
)
from learning.engine.spec import LeftOut, Recipe, Sample
from learning.engine.tasks.learner import Learner, OnBatch, OnMask

BATCH = 32
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Seen:
    """A case that was read, and the size of its image."""

    sample: Sample
    shape: Shape


@dataclass(frozen=True)
class Said:
    """What is said of the cases of one batch."""

    networks: Mapping[str, Output]
    ensemble: Output
    disagreement: FloatArray


@dataclass
class _Collected:
    """Row by row, as batches are read."""

    ids: list[int] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    features: list[FloatArray] = field(default_factory=list)
    samples: list[FloatArray] = field(default_factory=list)


class Whole(Learner):
    """``read`` makes of a batch of answers what is said of its cases."""

    @abstractmethod
    def read(
        self,
        answers: Mapping[str, FloatArray],
        networks: Mapping[str, Network],
        recipe: Recipe,
        temperatures: Mapping[str, float],
        cases: Sequence[Seen],
    ) -> Said:
        """``answers``: each network's [N, outputs, …], all finite, for N ``cases``."""

    def answer_shape(self, recipe: Recipe) -> Shape:
        """Of one network's answer for one case."""
        return (recipe.outputs,)

    def at_once(self, recipe: Recipe) -> int:
        """Cases in a batch."""
        return BATCH

    def predict(
        self,
        networks: Mapping[str, Network],
        recipe: Recipe,
        samples: Sequence[Sample],
        temperatures: Mapping[str, float],
        on_batch: OnBatch,
        on_mask: OnMask,
    ) -> Predictions:
        found, step = _Collected(), self.at_once(recipe)
        for start in range(0, len(samples), step):
            batch, cases = _read(samples[start : start + step], recipe, found.left_out)
            if batch is not None:
                said = {name: _forward(network, batch) for name, network in networks.items()}
                sound = np.all([_finite(part) for pair in said.values() for part in pair], 0)
                found.left_out += [
                    (case.sample.id, NO_NUMBERS)
                    for case, one in zip(cases, sound, strict=True)
                    if not one
                ]
                cases = [case for case, one in zip(cases, sound, strict=True) if one]
                found.ids += [case.sample.id for case in cases]
                answers = {name: pair[0][sound] for name, pair in said.items()}
                found.said.append(self.read(answers, networks, recipe, temperatures, cases))
                if recipe.passes:
                    kept = batch[torch.from_numpy(sound)]
                    drawn = self._passes(networks, recipe, temperatures, kept, cases)
                    found.samples.append(drawn)
                found.features.append(joined_embeddings([e[sound] for _, e in said.values()]))
            on_batch(min(start + step, len(samples)), len(samples))
        if not found.said:
            nothing = np.zeros((0, *self.answer_shape(recipe)), np.float32)
            found.said.append(
                self.read(dict.fromkeys(networks, nothing), networks, recipe, temperatures, [])
            )
        return _together(found, networks)

    def _passes(
        self,
        networks: Mapping[str, Network],
        recipe: Recipe,
        temperatures: Mapping[str, float],
        batch: Tensor,
        cases: Sequence[Seen],
    ) -> FloatArray:
        """[N, networks × passes, C]."""
        found = []
        ids = [case.sample.id for case in cases]
        for name, network in networks.items():
            for number in range(recipe.passes):
                seed: list[int | str] = [recipe.seed, name, "pass", number, *ids]
                answers = {name: _with_dropout(network, batch, seed)}
                said = self.read(answers, {name: network}, recipe, temperatures, cases)
                found.append(said.networks[name].probabilities)
        return np.stack(found, axis=1)


@torch.inference_mode()
def _with_dropout(network: Network, batch: Tensor, seed: Sequence[int | str]) -> FloatArray:
    """Logits with parts of the network left out, the same ones whenever the same is asked."""
    where = device()
    network.to(where).eval()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    seed_all(*seed)
    with torch.autocast(where.type, torch.bfloat16, enabled=where.type == "cuda"):
        logits = network(batch.to(where))[0]
    network.eval()
    return np.asarray(logits.float().cpu().numpy())


def _together(found: _Collected, networks: Mapping[str, Network]) -> Predictions:
    return Predictions(
        ids=tuple(found.ids),
        networks={name: joined([said.networks[name] for said in found.said]) for name in networks},
        ensemble=joined([said.ensemble for said in found.said]),
        disagreement=np.concatenate([said.disagreement for said in found.said]),
        embeddings=np.concatenate(found.features or [np.zeros((0, 0), np.float32)]),
        left_out=tuple(found.left_out),
        samples=np.concatenate(found.samples) if found.samples else None,
    )


def _read(
    samples: Sequence[Sample], recipe: Recipe, left_out: list[LeftOut]
) -> tuple[Tensor | None, list[Seen]]:
    """What can be read, at network size, and whose it is."""
    usable, cases = [], []
    for sample in samples:
        try:
            image = images.read_image(sample, recipe)
        except images.Unusable as reason:
            left_out.append((sample.id, str(reason)))
            continue
        usable.append(images.to_size(image, recipe.input_size))
        cases.append(Seen(sample, tuple(image.shape[1:])))
    return (torch.stack(usable) if usable else None), cases


@torch.inference_mode()
def _forward(network: Network, batch: Tensor) -> tuple[FloatArray, FloatArray]:
    where = device()
    network.to(where).eval()
    with torch.autocast(where.type, torch.bfloat16, enabled=where.type == "cuda"):
        logits, embedding = network(batch.to(where))
    return logits.float().cpu().numpy(), embedding.float().cpu().numpy()


def _finite(rows: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(rows).reshape(len(rows), -1).all(axis=1))

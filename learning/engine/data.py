"""The samples of one training: each checked once, kept in memory as far as it fits, batched.

What cannot be used is left out with a sentence; only when too little remains does training refuse.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from learning.engine import images
from learning.engine.determinism import generator
from learning.engine.errors import EngineError, NotEnoughData
from learning.engine.spec import LeftOut, Recipe, Sample
from learning.engine.tasks.learner import Pair, Places
from learning.engine.tasks.learners import learner_of

CACHE_BYTES = 2 * 1024**3
"""Prepared images beyond this are read again whenever they are needed."""

RESIDENT_SHARE = 0.25

FEWEST = 2
"""Samples that a network can be trained on at all: a batch of one has no statistics."""


class Prepared:
    """The usable samples, in the order of their ids, whatever order they came in."""

    def __init__(self, recipe: Recipe, samples: Iterable[Sample]) -> None:
        self.recipe = recipe
        self.samples: list[Sample] = []
        self.left_out: list[LeftOut] = []
        self.counts: Counter[int] = Counter()
        """Samples per class; for masks, samples in which the class appears."""
        self._cache: dict[int, Pair] = {}
        self._cached_bytes = 0
        self._places: dict[int, Places | None] = {}
        self._resident: tuple[Tensor, Tensor] | None = None
        seen: set[int] = set()
        for sample in sorted(samples, key=lambda sample: sample.id):
            if sample.id in seen:
                self.left_out.append((sample.id, "The case is listed twice; it is used once."))
                continue
            seen.add(sample.id)
            self._admit(sample)

    def __len__(self) -> int:
        return len(self.samples)

    def pair(self, index: int) -> Pair:
        """The image [C, …] at network size (a mask task: at least that), and its target."""
        if index in self._cache:
            return self._cache[index]
        return load(self.samples[index], self.recipe)

    def window(self, index: int, rng: np.random.Generator) -> Pair:
        """The part of it that one step sees."""
        return learner_of(self.recipe).window(
            self.pair(index), self.recipe, rng, self._places.get(index)
        )

    @property
    def in_memory(self) -> bool:
        """Whether no image has to be read again."""
        return len(self._cache) == len(self.samples)

    def resident(self, device: torch.device) -> tuple[Tensor, Tensor] | None:
        """All images and all targets on the GPU, where they fit into a quarter of its free memory."""
        shapes = {(tuple(one.shape[1:]), t.shape) for one, t in self._cache.values()}
        if device.type != "cuda" or not self.in_memory or len(shapes) != 1:
            return None
        if shapes.pop()[0] != self.recipe.input_size:
            return None
        free, _ = torch.cuda.mem_get_info(device)
        if self._resident is None and self._cached_bytes <= RESIDENT_SHARE * free:
            pairs = [self._cache[index] for index in range(len(self))]
            parts = (torch.stack([one for one, _ in pairs]), torch.stack([t for _, t in pairs]))
            self._resident = parts[0].to(device), parts[1].to(device)
        return self._resident

    def fingerprint(self) -> list[str]:
        """Names what is trained on, to tell whether a checkpoint belongs to it."""
        return [f"{s.id} {s.image.name} {_target_name(s)}" for s in self.samples]

    def _admit(self, sample: Sample) -> None:
        try:
            pair = load(sample, self.recipe)
        except images.Unusable as reason:
            self.left_out.append((sample.id, str(reason)))
            return
        self.counts.update(learner_of(self.recipe).classes_in(pair[1], self.recipe))
        size = sum(part.nbytes for part in pair)
        if self._cached_bytes + size <= CACHE_BYTES:
            self._cache[len(self.samples)] = pair
            self._places[len(self.samples)] = learner_of(self.recipe).places(pair[1], self.recipe)
            self._cached_bytes += size
        self.samples.append(sample)


def load(sample: Sample, recipe: Recipe) -> Pair:
    """Raises ``images.Unusable`` with the reason."""
    return learner_of(recipe).load(sample, recipe)


Key = tuple[Recipe, tuple[Sample, ...], tuple[Sample, ...], tuple[int, ...]]
_KEPT: list[tuple[Key, tuple[Prepared, Prepared]]] = []


def kept(
    recipe: Recipe, samples: Sequence[Sample], validation: Sequence[Sample]
) -> tuple[Prepared, Prepared]:
    """``prepare_training``, or what it gave last, if that was asked for the same unchanged files.

    A training comes in slices, and the other network of its round learns from the same samples.
    """
    key = recipe, tuple(samples), tuple(validation), _changed(samples, validation)
    if not _KEPT or _KEPT[0][0] != key:
        _KEPT.clear()
        _KEPT.append((key, prepare_training(recipe, samples, validation)))
    return _KEPT[0][1]


def _changed(*samples: Sequence[Sample]) -> tuple[int, ...]:
    """When each file was written; 0 for one that is missing."""
    every = (one for group in samples for one in group)
    files = (path for one in every for path in (one.image, one.target) if isinstance(path, Path))
    return tuple(path.stat().st_mtime_ns if path.is_file() else 0 for path in files)


def prepare_training(
    recipe: Recipe, samples: Sequence[Sample], validation: Sequence[Sample]
) -> tuple[Prepared, Prepared]:
    """Both sets, refused with NotEnoughData where nothing could be learned from them."""
    shared = {sample.patient for sample in samples} & {sample.patient for sample in validation}
    if shared:
        raise EngineError(
            f"{len(shared)} patients are in both training and validation (for example"
            f" {min(shared)}); split by patient."
        )
    training, held = Prepared(recipe, samples), Prepared(recipe, validation)
    _require_enough(training, held)
    return training, held


def batch_indices(count: int, size: int, step: int, seed: int) -> list[int]:
    """Which samples step ``step`` sees: full batches out of one shuffled pass after the other."""
    wanted = range(step * size, (step + 1) * size)
    passes = {
        p: generator(seed, "pass", p).permutation(count) for p in {i // count for i in wanted}
    }
    return [int(passes[i // count][i % count]) for i in wanted]


def _require_enough(training: Prepared, held: Prepared) -> None:
    """``minimum_labels`` counts all labels, as people do before they start; some fall to validation."""
    recipe, count, usable = training.recipe, len(training), len(training) + len(held)
    if usable < recipe.minimum_labels or count < FEWEST:
        out = [*training.left_out, *held.left_out]
        reason = f" ({len(out)} left out; the first: {out[0][1]})" if out else ""
        fewest = f"{recipe.minimum_labels}, of them {FEWEST} for training,"
        raise NotEnoughData(
            f"{usable} usable labels{reason}, {count} of them for training, but at least {fewest} are"
            " needed before a network can learn. Read more cases."
        )
    if reason := learner_of(recipe).refusal(recipe, training):
        raise NotEnoughData(reason)


def _target_name(sample: Sample) -> str:
    return sample.target.name if isinstance(sample.target, Path) else str(sample.target)


def digest(document: object) -> str:
    """SHA-256 over canonical JSON."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

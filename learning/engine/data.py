"""The samples of one training: each checked once, kept in memory as far as it fits, batched.

What cannot be used is left out with a sentence; only when too little remains does training refuse.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from learning.engine import images
from learning.engine.determinism import generator
from learning.engine.errors import EngineError, NotEnoughData
from learning.engine.spec import LeftOut, Recipe, Sample
from learning.engine.tasks.learner import Pair
from learning.engine.tasks.learners import learner_of

CACHE_BYTES = 2 * 1024**3
"""Prepared images beyond this are read again whenever they are needed."""

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
            self._cached_bytes += size
        self.samples.append(sample)


def load(sample: Sample, recipe: Recipe) -> Pair:
    """Raises ``images.Unusable`` with the reason."""
    return learner_of(recipe).load(sample, recipe)


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

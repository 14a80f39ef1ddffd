"""Networks that learn from images without an answer, so that embeddings mean something before labels.

SimCLR (Chen, Kornblith, Norouzi, Hinton, ICML 2020): among all views of a batch, each should find the
other view of its own case. It fits any network that gives an embedding, and of the methods tried on
the tuberculosis demo it needed the fewest steps; see the guide for ML engineers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from learning.engine import checkpoint, images, optimise
from learning.engine.data import batch_indices, digest
from learning.engine.determinism import device, generator, repeatable, seed_all
from learning.engine.errors import EngineError, InvalidCheckpoint, NotEnoughData
from learning.engine.nets import Network, build
from learning.engine.spec import LeftOut, Recipe, Sample, ignore, never
from learning.engine.tasks import TASKS
from learning.engine.views import view

FEWEST = 16
"""Images below which nothing is learnt that another case would have, too."""
BATCH = 64
WIDTH = 128
"""Of the head that the loss looks at; it is thrown away afterwards."""
TEMPERATURE = 0.2
LEARNING_RATE, WEIGHT_DECAY = 3e-3, 1e-4
CACHE_BYTES = 2 * 1024**3
HEAD = "expander."
KIND = "pretraining"


@dataclass(frozen=True)
class Report:
    """After each pass, when its checkpoint is durable and before the previous one is removed."""

    epoch: int
    epochs: int
    loss: float
    checkpoint: Path


@dataclass(frozen=True)
class Pretrained:
    finished: bool
    epoch: int
    checkpoint: Path
    """For ``resume``, or for ``extract_weights`` when finished."""
    history: tuple[float, ...]
    """The loss of each pass."""
    used: int
    left_out: tuple[LeftOut, ...]


@dataclass
class _Progress:
    step: int = 0
    loss_sum: float = 0.0
    history: list[float] = field(default_factory=list)


def pretrain(
    recipe: Recipe,
    network: str,
    samples: Sequence[Sample],
    *,
    checkpoint_dir: Path,
    resume: Path | None = None,
    should_stop: Callable[[], bool] = never,
    on_epoch: Callable[[Report], object] = ignore,
) -> Pretrained:
    """Trains, or goes on training, until ``recipe.pretraining_epochs`` are done or ``should_stop()``.

    Targets of ``samples`` are not looked at. Killed and resumed from the last checkpoint it ends
    bit-equal on the CPU, as ``loop.train`` does. Raises NotEnoughData for fewer than 16 images.
    """
    repeatable()
    run = _Run(recipe, network, Pictures(recipe, samples))
    checkpoint.prune(checkpoint_dir, keep=resume)
    if resume is not None:
        run.restore(resume)
    previous = resume
    while run.progress.step < run.steps:
        if not run.one_epoch(should_stop):
            break
        saved = run.save(checkpoint_dir)
        done = len(run.progress.history)
        on_epoch(Report(done, recipe.pretraining_epochs, run.progress.history[-1], saved))
        if previous is not None and previous != saved:
            previous.unlink(missing_ok=True)
        previous = saved
    return run.result(checkpoint_dir)


class Pictures:
    """Images at network size (a mask task: windows of them), by ascending id, without answers."""

    def __init__(self, recipe: Recipe, samples: Sequence[Sample]) -> None:
        self.recipe = recipe
        self.samples: list[Sample] = []
        self.left_out: list[LeftOut] = []
        self._kept: dict[int, Tensor] = {}
        room = CACHE_BYTES
        for sample in sorted({one.id: one for one in samples}.values(), key=lambda one: one.id):
            try:
                image = self._read(sample)
            except images.Unusable as reason:
                self.left_out.append((sample.id, str(reason)))
                continue
            if image.nbytes <= room:
                self._kept[len(self.samples)] = image
                room -= image.nbytes
            self.samples.append(sample)
        if len(self.samples) < FEWEST:
            raise NotEnoughData(
                f"{len(self.samples)} usable images; pretraining needs at least {FEWEST}. Import more"
                " cases, or start from random weights."
            )

    def __len__(self) -> int:
        return len(self.samples)

    def batch(self, step: int, size: int) -> Tensor:
        """[B, C, …]"""
        chosen = batch_indices(len(self), size, step, self.recipe.seed)
        rng = generator(self.recipe.seed, "window", step)
        return torch.stack([self._window(self._image(index), rng) for index in chosen])

    def _image(self, index: int) -> Tensor:
        kept = self._kept.get(index)
        return self._read(self.samples[index]) if kept is None else kept

    def _read(self, sample: Sample) -> Tensor:
        image, size = images.read_image(sample, self.recipe), self.recipe.input_size
        if TASKS[self.recipe.task].windows:
            return images.padded(image, size)
        return images.to_size(image, size)

    def _window(self, image: Tensor, rng: np.random.Generator) -> Tensor:
        for axis, want in enumerate(self.recipe.input_size, start=1):
            spare = image.shape[axis] - want
            if spare:
                image = image.narrow(axis, int(rng.integers(spare + 1)), want)
        return image


class _Run:
    def __init__(self, recipe: Recipe, name: str, pictures: Pictures) -> None:
        self.recipe, self.pictures, self.device = recipe, pictures, device()
        self.batch = min(BATCH, len(pictures))
        self.epoch_steps = math.ceil(len(pictures) / self.batch)
        self.steps = self.epoch_steps * recipe.pretraining_epochs
        self.progress = _Progress()
        seed_all(recipe.seed, name, "pretraining")
        self.network: Network = build(name, recipe).to(self.device)
        self.expander = _expander(self._width()).to(self.device)
        self.optimiser = optimise.optimiser_of(
            self.network, self.expander, weight_decay=WEIGHT_DECAY
        )

    def one_epoch(self, should_stop: Callable[[], bool]) -> bool:
        """The rest of the current pass; False if it was stopped before its end."""
        self.network.train()
        end = (self.progress.step // self.epoch_steps + 1) * self.epoch_steps
        while self.progress.step < end:
            if should_stop():
                return False
            self.progress.loss_sum += self._one_step()
            self.progress.step += 1
        self.progress.history.append(self.progress.loss_sum / self.epoch_steps)
        self.progress.loss_sum = 0.0
        return True

    def save(self, folder: Path) -> Path:
        tensors = {checkpoint.WEIGHTS + k: v for k, v in self.network.state_dict().items()}
        tensors |= {HEAD + k: v for k, v in self.expander.state_dict().items()}
        tensors |= optimise.tensors_of(self.optimiser)
        header = {
            "kind": KIND,
            "network": self.network.name,
            "recipe": self.recipe.document(),
            "belongs_to": self._belongs_to(),
            "step": self.progress.step,
            "loss_sum": self.progress.loss_sum,
            "history": self.progress.history,
        }
        return checkpoint.write(folder, tensors, header)

    def restore(self, path: Path) -> None:
        tensors, header = checkpoint.read(path)
        if header.get("kind") != KIND or header.get("belongs_to") != self._belongs_to():
            raise InvalidCheckpoint(
                f"{path.name} belongs to a pretraining on other images or with another recipe; start"
                " this one from the beginning."
            )
        checkpoint.restore(self.network, tensors, path.name)
        head = {k.removeprefix(HEAD): v for k, v in tensors.items() if k.startswith(HEAD)}
        self.expander.load_state_dict(head)
        optimise.remember(self.optimiser, tensors)
        self.progress = _Progress(header["step"], header["loss_sum"], header["history"])

    def result(self, folder: Path) -> Pretrained:
        return Pretrained(
            finished=self.progress.step == self.steps,
            epoch=len(self.progress.history),
            checkpoint=self.save(folder),
            history=tuple(self.progress.history),
            used=len(self.pictures),
            left_out=tuple(self.pictures.left_out),
        )

    def _one_step(self) -> float:
        step = self.progress.step
        batch = self.pictures.batch(step, self.batch).to(self.device, non_blocking=True)
        seed_all(self.recipe.seed, self.network.name, "pretraining", step)
        optimise.set_rate(self.optimiser, LEARNING_RATE, step, self.steps)
        mirror = self.recipe.mirror
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            both = torch.cat([view(batch, mirror=mirror), view(batch, mirror=mirror)])
            said = self.expander(self.network(both)[1]).float()
        loss = contrast(*said.chunk(2))
        value = float(loss.detach())
        if not math.isfinite(value):
            raise EngineError(
                f"The pretraining of {self.network.name} is not made of numbers any more (step"
                f" {step}); start from random weights."
            )
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        return value

    def _width(self) -> int:
        """Features of the network's embedding."""
        was = self.network.training
        with torch.no_grad():
            blank = torch.zeros(1, self.recipe.channels, *self.recipe.input_size)
            found = self.network.eval()(blank.to(self.device))[1].shape[1]
        self.network.train(was)
        return int(found)

    def _belongs_to(self) -> str:
        names = [f"{one.id} {one.image.name}" for one in self.pictures.samples]
        return digest([self.network.name, self.recipe.document(), names])


def contrast(first: Tensor, second: Tensor) -> Tensor:
    """How hard it is to find each view's other one among all; [B, D] features of two views."""
    count = len(first)
    said = functional.normalize(torch.cat([first, second]), dim=1)
    alike = said @ said.T / TEMPERATURE
    alike = alike.masked_fill(
        torch.eye(2 * count, dtype=torch.bool, device=alike.device), -torch.inf
    )
    partner = torch.arange(2 * count, device=alike.device).roll(count)
    return functional.cross_entropy(alike, partner)


def _expander(width: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(width, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH)
    )

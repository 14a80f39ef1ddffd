"""The training loop, readable in one sitting; see ``train``."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

from learning.engine import checkpoint
from learning.engine.augment import augmented
from learning.engine.data import Prepared, batch_indices, digest, prepare_training
from learning.engine.determinism import device, generator, repeatable, seed_all
from learning.engine.errors import EngineError, InvalidCheckpoint
from learning.engine.nets import Network, build
from learning.engine.spec import LeftOut, Recipe, Sample, ignore, never
from learning.engine.tasks.learners import learner_of

WARM_UP = 0.2
"""Share of the steps in which the learning rate climbs, before it falls along a cosine."""
OPTIMISER = "optimiser."


class EpochLosses(TypedDict):
    epoch: int
    train_loss: float
    validation_loss: float | None


@dataclass(frozen=True)
class EpochReport:
    """After each epoch, when its checkpoint is durable and before the previous one is removed."""

    epoch: int
    epochs: int
    train_loss: float
    validation_loss: float | None
    seconds: float
    checkpoint: Path


@dataclass(frozen=True)
class TrainResult:
    finished: bool
    epoch: int
    """Epochs done."""
    epochs: int
    checkpoint: Path
    """``<sha256>.safetensors``: ``resume`` for the next call, or for ``extract_weights``."""
    history: tuple[EpochLosses, ...]
    left_out: tuple[LeftOut, ...]
    used: int
    """Samples trained on."""
    notes: tuple[str, ...] = ()
    """What a person should know of this training, for example classes without a label yet."""


@dataclass
class _Progress:
    """Where a training stands besides its weights; JSON in the checkpoint."""

    step: int = 0
    loss_sum: float = 0.0
    history: list[EpochLosses] = field(default_factory=list)


def train(
    recipe: Recipe,
    network: str,
    samples: Sequence[Sample],
    *,
    validation: Sequence[Sample],
    checkpoint_dir: Path,
    resume: Path | None = None,
    should_stop: Callable[[], bool] = never,
    on_epoch: Callable[[EpochReport], object] = ignore,
) -> TrainResult:
    """Trains, or goes on training, until done or ``should_stop()``, which is asked at each step.

    The weights after the last epoch are the result, not those of the best one: with the few
    validation cases of a young project "best" is luck, and the learning rate has fallen to zero.
    Killed anywhere and resumed from the last checkpoint, the weights are bit-equal to those of an
    undisturbed run on the same CPU with as many threads. An exception from ``on_epoch`` ends the
    call and leaves both the new and the previous checkpoint.
    """
    repeatable()
    training, held = prepare_training(recipe, samples, validation)
    run = _Run(recipe, network, training, held)
    checkpoint.prune(checkpoint_dir, keep=resume)
    if resume is not None:
        run.restore(resume)
    previous = resume
    while run.progress.step < run.steps:
        started = time.monotonic()
        if not run.one_epoch(should_stop):
            break
        losses = run.end_epoch()
        saved = run.save(checkpoint_dir)
        on_epoch(
            EpochReport(
                losses["epoch"],
                recipe.epochs,
                losses["train_loss"],
                losses["validation_loss"],
                time.monotonic() - started,
                saved,
            )
        )
        if previous is not None and previous != saved:
            previous.unlink(missing_ok=True)
        previous = saved
    return run.result(checkpoint_dir)


class _Run:
    """One network being trained: everything that a checkpoint keeps, and what it is fed."""

    def __init__(self, recipe: Recipe, name: str, training: Prepared, held: Prepared) -> None:
        self.recipe, self.training, self.held = recipe, training, held
        self.learner = learner_of(recipe)
        self.device = device()
        self.batch_size = min(recipe.batch_size, len(training))
        self.epoch_steps = max(math.ceil(len(training) / self.batch_size), recipe.minimum_steps)
        self.steps = self.epoch_steps * recipe.epochs
        self.progress = _Progress()
        self._saved: tuple[int, Path] | None = None
        seed_all(recipe.seed, name, "weights")
        self.network: Network = build(name, recipe).to(self.device)
        if self.device.type == "cuda":
            layout = torch.channels_last if recipe.dimensions == 2 else torch.channels_last_3d
            self.network.to(memory_format=layout)  # type: ignore[call-overload]
        self.optimiser = torch.optim.AdamW(_parameter_groups(self.network, recipe))
        for remembered, value in self.learner.measured(training).items():
            self.network.get_buffer(remembered).copy_(value)
        self.loss = self.learner.loss(recipe, training).to(self.device)

    def one_epoch(self, should_stop: Callable[[], bool]) -> bool:
        """The rest of the current epoch; False if it was stopped before its end."""
        self.network.train()
        end = (self.progress.step // self.epoch_steps + 1) * self.epoch_steps
        while self.progress.step < end:
            if should_stop():
                return False
            self.progress.loss_sum += self._one_step()
            self.progress.step += 1
        return True

    def end_epoch(self) -> EpochLosses:
        losses = EpochLosses(
            epoch=self.progress.step // self.epoch_steps,
            train_loss=self.progress.loss_sum / self.epoch_steps,
            validation_loss=self._validation_loss(),
        )
        self.progress.history.append(losses)
        self.progress.loss_sum = 0.0
        return losses

    def save(self, folder: Path) -> Path:
        if self._saved is not None and self._saved[0] == self.progress.step:
            return self._saved[1]
        if not all(bool(weights.isfinite().all()) for weights in self.network.parameters()):
            raise self._exploded()
        tensors = {checkpoint.WEIGHTS + k: v for k, v in self.network.state_dict().items()}
        for index, values in self.optimiser.state_dict()["state"].items():
            tensors |= {f"{OPTIMISER}{index}.{key}": value for key, value in values.items()}
        header = {
            "kind": "training",
            "network": self.network.name,
            "recipe": self.recipe.document(),
            "belongs_to": self._belongs_to(),
            "step": self.progress.step,
            "loss_sum": self.progress.loss_sum,
            "history": self.progress.history,
        }
        path = checkpoint.write(folder, tensors, header)
        self._saved = self.progress.step, path
        return path

    def restore(self, path: Path) -> None:
        tensors, header = checkpoint.read(path)
        if header.get("kind") != "training" or header.get("belongs_to") != self._belongs_to():
            raise InvalidCheckpoint(
                f"{path.name} belongs to a training with other samples, recipe or network; start"
                " this one from the beginning."
            )
        checkpoint.restore(self.network, tensors, path.name)
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith(OPTIMISER):
                index, key = name.removeprefix(OPTIMISER).split(".")
                state.setdefault(int(index), {})[key] = tensor
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": state})
        self.progress = _Progress(header["step"], header["loss_sum"], header["history"])
        self._saved = self.progress.step, path

    def result(self, folder: Path) -> TrainResult:
        return TrainResult(
            finished=self.progress.step == self.steps,
            epoch=self.progress.step // self.epoch_steps,
            epochs=self.recipe.epochs,
            checkpoint=self.save(folder),
            history=tuple(self.progress.history),
            left_out=(*self.training.left_out, *self.held.left_out),
            used=len(self.training),
            notes=tuple(self.learner.notes(self.recipe, self.training)),
        )

    def _one_step(self) -> float:
        step, recipe = self.progress.step, self.recipe
        seed_all(recipe.seed, self.network.name, "step", step)
        inputs, targets = self._batch(step)
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.learning_rate * _rate(step, self.steps)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            loss = self.loss(self.network(inputs)[0].float(), targets)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise self._exploded()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        return value

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        recipe = self.recipe
        chosen = batch_indices(len(self.training), self.batch_size, step, recipe.seed)
        rng = generator(recipe.seed, "crop", step)
        pairs = [self.learner.window(self.training.pair(at), recipe, rng) for at in chosen]
        images = torch.stack([image for image, _ in pairs]).to(self.device)
        targets = torch.stack([target for _, target in pairs]).to(self.device)
        if recipe.augment:
            images, move = augmented(images, mirror=recipe.mirror)
            targets = self.learner.moved(targets, move)
        return images, self.learner.batch(targets)

    @torch.no_grad()
    def _validation_loss(self) -> float | None:
        """Over the cases whose answer the network can know; None where that is none, or no number."""
        self.network.eval()
        total, counted = 0.0, 0
        for index in range(len(self.held)):
            image, target = self.held.pair(index)
            if not self.learner.is_known(target, self.training):
                continue
            rng = generator(self.recipe.seed, "validation", index)
            image, target = self.learner.window((image, target), self.recipe, rng)
            logits = self.network(image[None].to(self.device))[0].float()
            total += float(self.loss(logits, self.learner.batch(target[None]).to(self.device)))
            counted += 1
        return total / counted if counted and math.isfinite(total) else None

    def _belongs_to(self) -> str:
        held = self.held.fingerprint()
        parts = [self.network.name, self.recipe.document(), self.training.fingerprint(), held]
        return digest(parts)

    def _exploded(self) -> EngineError:
        return EngineError(
            f"{self.network.name} is not made of numbers any more (step {self.progress.step}); lower"
            f" the recipe's learning_rate ({self.recipe.learning_rate:g})."
        )


def _parameter_groups(network: Network, recipe: Recipe) -> list[dict[str, Any]]:
    """Decay pulls on weight matrices only, not on biases, norms and positions."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def _rate(step: int, steps: int) -> float:
    """Learning rate as a share of its peak: up along half a cosine, then down to almost zero."""
    climb = max(1, round(WARM_UP * steps))
    if step < climb:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * (step + 1) / climb)) / 2
    return (1 + math.cos(math.pi * (step + 1 - climb) / (steps + 1 - climb))) / 2

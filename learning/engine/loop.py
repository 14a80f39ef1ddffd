"""The training loop, readable in one sitting; see ``train``."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

from learning.engine import checkpoint, optimise, parallel
from learning.engine.augment import augmented
from learning.engine.data import Prepared, batch_indices, digest, kept
from learning.engine.determinism import device, generator, repeatable, seed_all
from learning.engine.errors import EngineError, InvalidCheckpoint
from learning.engine.feed import Feed
from learning.engine.jobs import Job
from learning.engine.nets import Network, build
from learning.engine.spec import LeftOut, Recipe, Sample, ignore, never
from learning.engine.speed import AS_IT_IS, Forward, Speed, memory_format
from learning.engine.tasks.learners import learner_of

LOOK_EVERY = 50
"""Steps after which a GPU is asked for its losses: asking at each step would leave it idle."""


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
    start: Path | None = None,
    speed: Speed = AS_IT_IS,
    should_stop: Callable[[], bool] = never,
    on_epoch: Callable[[EpochReport], object] = ignore,
) -> TrainResult:
    """Trains, or goes on training, until done or ``should_stop()``, which is asked at each step.

    ``start``: a weights file whose weights are taken where they fit, except the answer's layer.

    The weights after the last epoch are the result, not those of the best one: with the few
    validation cases of a young project "best" is luck, and the learning rate has fallen to zero.
    Killed anywhere and resumed from the last checkpoint, the weights are bit-equal to those of an
    undisturbed run on the same CPU with as many threads. An exception from ``on_epoch`` ends the
    call and leaves both the new and the previous checkpoint.
    """
    if parallel.leads() and parallel.world() > 1:
        job = Job(recipe, network, samples, validation, checkpoint_dir, resume, start)
        parallel.assign(job.document())
    try:
        repeatable(always=speed.deterministic)
        training, held = kept(recipe, samples, validation)
        run = _Run(recipe, network, training, held, start, speed)
        try:
            return _through(run, checkpoint_dir, resume, should_stop, on_epoch)
        finally:
            run.feed.close()
    except BaseException:
        parallel.call_off()
        raise


def follow(speed: Speed = AS_IT_IS) -> None:
    """What every process but the leader does: the leader's trainings, until the leader ends."""

    def carry_out(document: dict[str, Any]) -> None:
        job = Job.of(document)
        with suppress(EngineError):
            train(
                job.recipe,
                job.network,
                job.samples,
                validation=job.validation,
                checkpoint_dir=job.folder,
                resume=job.resume,
                start=job.start,
                speed=speed,
            )

    parallel.follow(carry_out)


def _through(
    run: _Run,
    folder: Path,
    resume: Path | None,
    should_stop: Callable[[], bool],
    on_epoch: Callable[[EpochReport], object],
) -> TrainResult:
    if parallel.leads():
        checkpoint.prune(folder, keep=resume)
    if resume is not None:
        run.restore(resume)
    previous = resume
    while run.progress.step < run.steps:
        started = time.monotonic()
        if not run.one_epoch(should_stop):
            break
        losses = run.end_epoch()
        if not parallel.leads():
            continue
        saved = run.save(folder)
        on_epoch(
            EpochReport(
                losses["epoch"],
                run.recipe.epochs,
                losses["train_loss"],
                losses["validation_loss"],
                time.monotonic() - started,
                saved,
            )
        )
        if previous is not None and previous != saved:
            previous.unlink(missing_ok=True)
        previous = saved
    return run.result(folder)


class _Run:
    """One network being trained: everything that a checkpoint keeps, and what it is fed."""

    def __init__(
        self,
        recipe: Recipe,
        name: str,
        training: Prepared,
        held: Prepared,
        start: Path | None,
        speed: Speed,
    ) -> None:
        self.recipe, self.training, self.held, self.start = recipe, training, held, start
        self.learner = learner_of(recipe)
        self.device = device()
        self.batch_size = parallel.shared_out(min(recipe.batch_size, len(training)))
        samples = self.batch_size * recipe.accumulate
        self.epoch_steps = max(math.ceil(len(training) / samples), recipe.minimum_steps)
        self.steps = self.epoch_steps * recipe.epochs
        self.progress = _Progress()
        self._saved: tuple[int, Path] | None = None
        self._losses: list[Tensor] = []
        seed_all(recipe.seed, name, "weights")
        self.network: Network = build(name, recipe).to(self.device)
        self._note_of_start = ""
        if start is not None:
            self._note_of_start = checkpoint.start_from(self.network, start)
        self.layout = memory_format(recipe.dimensions)
        self.network.to(memory_format=self.layout)  # type: ignore[call-overload]
        for remembered, value in self.learner.measured(training).items():
            self.network.get_buffer(remembered).copy_(value)
        self.forward = Forward(parallel.in_step(self.network, self.device), speed)
        self.optimiser = optimise.optimiser_of(self.network, weight_decay=recipe.weight_decay)
        at_once = self.device.type == "cpu" or speed.deterministic
        self._look_every = 1 if at_once else LOOK_EVERY
        self.resident = training.resident(self.device)
        ahead = self.device.type == "cuda" or not training.in_memory
        self.feed = Feed(self._made, self.device, ahead=ahead)
        self.loss = self.learner.loss(recipe, training).to(self.device)

    def one_epoch(self, should_stop: Callable[[], bool]) -> bool:
        """The rest of the current epoch; False if it was stopped before its end."""
        self.network.train()
        end = (self.progress.step // self.epoch_steps + 1) * self.epoch_steps
        while self.progress.step < end:
            if parallel.agreed(should_stop()):
                return False
            self._one_step()
            self.progress.step += 1
            if len(self._losses) >= self._look_every:
                self._look_at_losses()
        return True

    def end_epoch(self) -> EpochLosses:
        self._look_at_losses()
        losses = EpochLosses(
            epoch=self.progress.step // self.epoch_steps,
            train_loss=self.progress.loss_sum / self.epoch_steps,
            validation_loss=self._validation_loss() if parallel.leads() else None,
        )
        self.progress.history.append(losses)
        self.progress.loss_sum = 0.0
        return losses

    def save(self, folder: Path) -> Path:
        if self._saved is not None and self._saved[0] == self.progress.step:
            return self._saved[1]
        self._look_at_losses()
        if not all(bool(weights.isfinite().all()) for weights in self.network.parameters()):
            raise self._exploded()
        tensors = {checkpoint.WEIGHTS + k: v for k, v in self.network.state_dict().items()}
        tensors |= optimise.tensors_of(self.optimiser)
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
        optimise.remember(self.optimiser, tensors)
        self.progress = _Progress(header["step"], header["loss_sum"], header["history"])
        self._saved = self.progress.step, path

    def result(self, folder: Path) -> TrainResult:
        return TrainResult(
            finished=self.progress.step == self.steps,
            epoch=self.progress.step // self.epoch_steps,
            epochs=self.recipe.epochs,
            checkpoint=self.save(folder) if parallel.leads() else folder,
            history=tuple(self.progress.history),
            left_out=(*self.training.left_out, *self.held.left_out),
            used=len(self.training),
            notes=tuple(filter(None, self._notes())),
        )

    def _one_step(self) -> None:
        step, recipe = self.progress.step, self.recipe
        optimise.set_rate(self.optimiser, recipe.learning_rate, step, self.steps)
        self.optimiser.zero_grad(set_to_none=True)
        for part in range(recipe.accumulate):
            micro = step * recipe.accumulate + part
            self._learn_from(micro, *self._batch(micro))
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()

    def _learn_from(self, micro: int, inputs: Tensor, targets: Tensor) -> None:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            said = self.forward(inputs)[0].float()
        loss = self.loss(said, targets) / self.recipe.accumulate
        loss.backward()
        self._losses.append(loss.detach())

    def _look_at_losses(self) -> None:
        """Into the sum, and stops a training that has left the numbers."""
        if not self._losses:
            return
        value = float(parallel.mean(torch.stack(self._losses).double().sum()))
        self._losses.clear()
        if not math.isfinite(value):
            raise self._exploded()
        self.progress.loss_sum += value

    def _made(self, micro: int) -> tuple[Tensor, ...]:
        """The samples of a batch as they are before augmentation; runs beside the network."""
        recipe = self.recipe
        chosen = batch_indices(len(self.training), self.batch_size, micro, recipe.seed)
        chosen = parallel.mine(chosen)
        if self.resident is not None:
            rows = torch.tensor(chosen).pin_memory().to(self.device, non_blocking=True)
            return tuple(part[rows] for part in self.resident)
        rng = generator(recipe.seed, "crop", micro, *parallel.apart())
        pairs = [self.training.window(at, rng) for at in chosen]
        return torch.stack([image for image, _ in pairs]), torch.stack([t for _, t in pairs])

    def _batch(self, micro: int) -> tuple[Tensor, Tensor]:
        recipe = self.recipe
        images, targets = self.feed.batch(micro, last=micro + 1 == self.steps * recipe.accumulate)
        seed_all(recipe.seed, self.network.name, "step", micro, *parallel.apart())
        images = images.contiguous(memory_format=self.layout)
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
        return digest(parts if self.start is None else [*parts, self.start.name])

    def _exploded(self) -> EngineError:
        return EngineError(
            f"{self.network.name} is not made of numbers any more (step {self.progress.step}); lower"
            f" the recipe's learning_rate ({self.recipe.learning_rate:g})."
        )

    def _notes(self) -> list[str]:
        learnt = self.learner.notes(self.recipe, self.training)
        return [self._note_of_start, self.forward.note, *learnt]

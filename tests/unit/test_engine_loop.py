"""Training: it learns, it resumes bit-equal wherever it was stopped, it refuses what is hopeless."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from engine_samples import make_images, make_mask_recipe, make_recipe, make_volumes

from learning.engine import checkpoint, determinism, loop, metrics, optimise, spec
from learning.engine.errors import EngineError, InvalidCheckpoint, NotEnoughData
from learning.engine.predict import predict
from learning.engine.speed import Speed
from learning.engine.tasks.classification import class_weights

TASKS = {
    "densenet": (make_recipe, make_images),
    "vit": (make_recipe, make_images),
    "unet": (make_mask_recipe, make_volumes),
    "segresnet": (make_mask_recipe, make_volumes),
}
STEPS = {"densenet": 2, "vit": 2, "unet": 3, "segresnet": 3}
"""In an epoch of six samples."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    determinism.limit_threads(1)


class Training:
    """One network on six samples, two for validation; every call is a slice of it."""

    def __init__(self, network: str, folder: Path, **changes: object) -> None:
        make, samples = TASKS[network]
        folder.mkdir()
        self.network, self.folder = network, folder
        self.recipe = make(**changes)
        self.samples, self.validation = samples(folder, 6), samples(folder, 2, first=6)

    def run(
        self,
        name: str,
        *,
        resume: Path | None = None,
        steps: int | None = None,
        on_epoch: Callable[[loop.EpochReport], object] = spec.ignore,
    ) -> loop.TrainResult:
        asked = iter(range(10**6))
        return loop.train(
            self.recipe,
            self.network,
            self.samples,
            validation=self.validation,
            checkpoint_dir=self.folder / name,
            resume=resume,
            speed=Speed(deterministic=True),
            should_stop=lambda: steps is not None and next(asked) >= steps,
            on_epoch=on_epoch,
        )


@pytest.mark.parametrize("network", TASKS)
def test_stopped_at_any_step_and_resumed_it_ends_bit_equal(network: str, tmp_path: Path) -> None:
    """The checkpoint's name is the hash of weights, optimiser, history and position together."""
    training = Training(network, tmp_path / "data")
    whole = training.run("whole")
    assert whole.finished
    assert whole.epoch == whole.epochs == training.recipe.epochs
    stopped = 0
    while not (part := training.run("parts", steps=stopped)).finished:
        done = training.run("parts", resume=part.checkpoint)
        assert done.checkpoint.name == whole.checkpoint.name
        assert done.history == whole.history
        stopped += 1
    assert stopped == whole.epochs * STEPS[network]


def test_one_step_at_a_time_is_the_same_training(tmp_path: Path) -> None:
    training = Training("vit", tmp_path / "data")
    whole, resume, calls = training.run("whole"), None, 0
    while True:
        part = training.run("parts", resume=resume, steps=1)
        resume, calls = part.checkpoint, calls + 1
        if part.finished:
            break
    assert calls == training.recipe.epochs * training.recipe.minimum_steps
    assert part.checkpoint.name == whole.checkpoint.name


@pytest.mark.parametrize("network", ["densenet", "unet"])
def test_another_seed_or_order_of_samples(network: str, tmp_path: Path) -> None:
    training = Training(network, tmp_path / "data")
    first = training.run("first")
    training.samples.reverse()
    assert training.run("reversed").checkpoint.name == first.checkpoint.name
    training.recipe = replace(training.recipe, seed=1)
    other, _ = checkpoint.read(training.run("other").checkpoint)
    same, _ = checkpoint.read(first.checkpoint)
    assert any(not torch.equal(other[name], same[name]) for name in same)


def test_a_report_comes_when_its_checkpoint_is_durable_and_the_last_one_still_there(
    tmp_path: Path,
) -> None:
    training = Training("densenet", tmp_path / "data")
    seen: list[loop.EpochReport] = []

    def look(report: loop.EpochReport) -> None:
        assert report.checkpoint.exists()
        assert all(previous.checkpoint.exists() for previous in seen[-1:])
        seen.append(report)

    result = training.run("run", on_epoch=look)
    assert [report.epoch for report in seen] == [1, 2, 3]
    assert [report.train_loss for report in seen] == [row["train_loss"] for row in result.history]
    assert all(report.validation_loss is not None for report in seen)
    assert [path.name for path in (tmp_path / "data/run").iterdir()] == [result.checkpoint.name]


def test_an_exception_from_the_report_leaves_both_checkpoints(tmp_path: Path) -> None:
    training = Training("densenet", tmp_path / "data")
    known: list[Path] = []

    def lose_the_lease(report: loop.EpochReport) -> None:
        if known:
            raise PermissionError("another worker has the round")
        known.append(report.checkpoint)

    with pytest.raises(PermissionError):
        training.run("run", on_epoch=lose_the_lease)
    assert len(list((tmp_path / "data/run").iterdir())) == 2
    resumed = training.run("run", resume=known[0])
    assert resumed.checkpoint.name == training.run("whole").checkpoint.name


def test_a_finished_training_may_be_asked_again(tmp_path: Path) -> None:
    training = Training("densenet", tmp_path / "data")
    done = training.run("run")
    again = training.run("run", resume=done.checkpoint)
    assert (again.finished, again.checkpoint, again.history) == (
        True,
        done.checkpoint,
        done.history,
    )


def test_a_checkpoint_of_other_samples_recipe_or_network_is_refused(tmp_path: Path) -> None:
    training = Training("densenet", tmp_path / "data")
    part = training.run("run", steps=3)
    other = tmp_path / "other.safetensors"
    other.write_bytes(part.checkpoint.read_bytes())
    for change in (
        {"samples": training.samples[:-1]},
        {"recipe": replace(training.recipe, learning_rate=1e-4)},
        {"network": "vit"},
    ):
        changed = Training("densenet", tmp_path / f"data-{len(list(tmp_path.iterdir()))}")
        changed.__dict__.update({"samples": training.samples, "validation": training.validation})
        changed.__dict__.update(change)
        copy = changed.folder / "run" / part.checkpoint.name
        copy.parent.mkdir()
        copy.write_bytes(other.read_bytes())
        with pytest.raises(InvalidCheckpoint, match="belongs to a training with other"):
            changed.run("run", resume=copy)


@pytest.mark.parametrize("network", ["densenet", "vit"])
def test_both_classifiers_learn_what_a_child_could_see(network: str, tmp_path: Path) -> None:
    recipe = make_recipe(epochs=8, minimum_steps=10, augment=False)
    samples, others = (
        make_images(tmp_path, 24, size=32),
        make_images(tmp_path, 20, first=24, size=32),
    )
    result = loop.train(
        recipe, network, samples, validation=others[:4], checkpoint_dir=tmp_path / "run"
    )
    weights = checkpoint.extract_weights(result.checkpoint, tmp_path / "weights", {})
    found = predict({network: checkpoint.load_weights(weights)[0]}, recipe, others)
    targets = np.array([sample.target for sample in others])
    assert metrics.auroc(targets, found.ensemble.probabilities[:, 1]) > 0.95
    assert result.history[-1]["train_loss"] < result.history[0]["train_loss"]


@pytest.mark.parametrize("network", ["unet", "segresnet"])
def test_both_segmenters_find_ball_and_core(network: str, tmp_path: Path) -> None:
    recipe = make_mask_recipe(epochs=4, minimum_steps=12, learning_rate=5e-3, augment=False)
    samples, others = make_volumes(tmp_path, 6), make_volumes(tmp_path, 4, first=6)
    result = loop.train(recipe, network, samples, validation=[], checkpoint_dir=tmp_path / "run")
    weights = checkpoint.extract_weights(result.checkpoint, tmp_path / "weights", {})
    found = predict({network: checkpoint.load_weights(weights)[0]}, recipe, others)
    assert found.ensemble.overlap is not None
    assert metrics.dice(found.ensemble.overlap) > 0.75


def test_bad_samples_are_left_out_and_named_and_the_rest_is_trained_on(tmp_path: Path) -> None:
    samples = make_images(tmp_path, 8)
    np.save(samples[1].image, np.full((20, 20), np.nan, np.float32))
    samples[2].image.unlink()
    samples[3] = replace(samples[3], target=9)
    result = loop.train(
        make_recipe(),
        "densenet",
        [*samples, samples[0]],
        validation=[replace(samples[1], id=50, patient="elsewhere")],
        checkpoint_dir=tmp_path / "run",
    )
    assert result.used == 5
    reasons = dict(result.left_out)
    assert set(reasons) == {0, 1, 2, 3, 50}
    assert "listed twice" in reasons[0]
    assert "not numbers" in reasons[1]
    assert "missing" in reasons[2]
    assert "stands for no class" in reasons[3]
    assert result.history[-1]["validation_loss"] is None


def test_too_few_labels_are_refused_with_what_was_left_out(tmp_path: Path) -> None:
    samples = make_images(tmp_path, 4)
    samples[0].image.unlink()
    with pytest.raises(NotEnoughData, match=r"3 usable labels \(1 left out.*at least 4") as failure:
        loop.train(
            make_recipe(), "densenet", samples, validation=[], checkpoint_dir=tmp_path / "run"
        )
    assert "missing" in str(failure.value)


def test_labels_that_fall_to_validation_count_towards_the_least_number(tmp_path: Path) -> None:
    samples = make_images(tmp_path, 4)
    result = loop.train(
        make_recipe(epochs=1),
        "densenet",
        samples[:3],
        validation=samples[3:],
        checkpoint_dir=tmp_path / "run",
    )
    assert result.finished
    with pytest.raises(NotEnoughData, match="1 of them for training"):
        loop.train(
            make_recipe(),
            "densenet",
            samples[:1],
            validation=samples[1:],
            checkpoint_dir=tmp_path / "run",
        )


def test_one_kind_of_answer_is_refused(tmp_path: Path) -> None:
    bright = [sample for sample in make_images(tmp_path, 12) if sample.target == 1]
    with pytest.raises(NotEnoughData, match="All 6 labels say “bright”"):
        loop.train(make_recipe(), "vit", bright, validation=[], checkpoint_dir=tmp_path / "run")


def test_no_samples_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match="0 usable labels"):
        loop.train(make_recipe(), "vit", [], validation=[], checkpoint_dir=tmp_path / "run")


def test_masks_without_any_foreground_are_refused(tmp_path: Path) -> None:
    samples = make_volumes(tmp_path, 3)
    for sample in samples:
        assert isinstance(sample.target, Path)
        np.save(sample.target, np.zeros((16, 16, 16), np.uint8))
    with pytest.raises(NotEnoughData, match="None of the 3 masks has any foreground"):
        loop.train(
            make_mask_recipe(), "unet", samples, validation=[], checkpoint_dir=tmp_path / "run"
        )


def test_a_class_without_a_label_yet_is_noted(tmp_path: Path) -> None:
    recipe = make_recipe(classes=["dark", "bright", "striped"])
    result = loop.train(
        recipe,
        "densenet",
        make_images(tmp_path, 6),
        validation=[],
        checkpoint_dir=tmp_path / "run",
    )
    assert result.notes == ("No label of striped yet: the network cannot know it.",)


def test_validation_cases_of_a_class_without_a_label_do_not_spoil_the_loss(tmp_path: Path) -> None:
    recipe = make_recipe(classes=["dark", "bright", "striped"])
    samples = make_images(tmp_path, 8)
    striped = replace(samples[7], target=2)
    known, mixed, unknown = (
        loop.train(
            recipe,
            "densenet",
            samples[:6],
            validation=validation,
            checkpoint_dir=tmp_path / "run",
        ).history[-1]["validation_loss"]
        for validation in ([samples[6]], [samples[6], striped], [striped])
    )
    assert known is not None
    assert mixed == known
    assert unknown is None


def test_a_patient_in_both_sets_is_refused(tmp_path: Path) -> None:
    samples = make_images(tmp_path, 8)
    validation = [replace(samples[7], patient=samples[0].patient)]
    with pytest.raises(EngineError, match=r"1 patients are in both.*patient-0"):
        loop.train(
            make_recipe(),
            "densenet",
            samples[:7],
            validation=validation,
            checkpoint_dir=tmp_path / "run",
        )


def test_images_of_any_size_train_together(tmp_path: Path) -> None:
    small, large = make_images(tmp_path, 3, size=20), make_images(tmp_path, 3, first=3, size=45)
    np.save(large[0].image, np.load(large[0].image)[:33])
    result = loop.train(
        make_recipe(), "vit", small + large, validation=[], checkpoint_dir=tmp_path / "run"
    )
    assert result.used == 6
    assert result.left_out == ()


def test_volumes_smaller_and_larger_than_the_input_train_together(tmp_path: Path) -> None:
    small = make_volumes(tmp_path, 2, size=13)
    large = make_volumes(tmp_path, 2, first=2, size=22)
    result = loop.train(
        make_mask_recipe(),
        "unet",
        small + large,
        validation=make_volumes(tmp_path, 1, first=4, size=19),
        checkpoint_dir=tmp_path / "run",
    )
    assert (result.used, result.left_out) == (4, ())
    assert result.history[-1]["validation_loss"] is not None


def test_two_samples_are_enough_for_a_batch(tmp_path: Path) -> None:
    recipe = make_recipe(minimum_labels=2, batch_size=16)
    result = loop.train(
        recipe, "densenet", make_images(tmp_path, 2), validation=[], checkpoint_dir=tmp_path / "run"
    )
    assert result.finished


def test_a_loss_that_explodes_is_said_and_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training("densenet", tmp_path / "data")
    part = training.run("run", steps=2)

    def explode(step: int, steps: int) -> float:
        return float("inf") if step == 3 else 1.0

    monkeypatch.setattr(optimise, "rate", explode)
    with pytest.raises(EngineError, match="lower the recipe's learning_rate"):
        training.run("run", resume=part.checkpoint)
    checkpoint.read(part.checkpoint)


def test_rare_classes_weigh_more_but_not_without_limit() -> None:
    assert class_weights([90, 10, 0]).tolist() == pytest.approx([50 / 90, 5.0, 0.0])
    assert class_weights([100_000, 1, 1]).tolist()[1:] == [10.0, 10.0]


def test_the_learning_rate_climbs_once_and_ends_near_zero() -> None:
    for steps in (1, 2, 7, 120):
        rates = [optimise.rate(step, steps) for step in range(steps)]
        top = rates.index(max(rates))
        assert rates[: top + 1] == sorted(rates[: top + 1])
        assert rates[top:] == sorted(rates[top:], reverse=True)
        assert all(0 < rate <= 1 for rate in rates)
    assert rates[-1] < 0.01

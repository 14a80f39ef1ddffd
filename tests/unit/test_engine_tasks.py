"""Findings, grades, numbers, points and boxes: learned, resumed, missing, said by several readers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engine_samples import make_mask_recipe, make_squares, make_task_recipe, make_volumes
from PIL import Image

from learning.engine import checkpoint, data, determinism, images, loop, metrics, nets
from learning.engine.augment import augmented
from learning.engine.errors import NotEnoughData
from learning.engine.metrics import reports
from learning.engine.outputs import Output, Predictions
from learning.engine.predict import predict
from learning.engine.spec import Box, Recipe, Sample
from learning.engine.tasks import TASKS, heat
from learning.engine.tasks.detection import Detection, disagreement
from learning.engine.tasks.landmarks import PlacesLoss
from learning.engine.tasks.learners import learner_of
from learning.engine.tasks.multilabel import FindingsLoss
from learning.engine.tasks.ordinal import Ordinal, StepsLoss
from learning.engine.tasks.regression import NumberLoss
from learning.measuring import measures

NEW = ("multilabel", "ordinal", "regression", "landmarks", "detection")
CELLS = Path(__file__).parents[1] / "data" / "blood-cells"


@pytest.fixture(autouse=True)
def one_thread() -> None:
    determinism.limit_threads(1)


def trained(
    recipe: Recipe, network: str, samples: list[Sample], folder: Path, **more: Any
) -> nets.Network:
    result = loop.train(
        recipe, network, samples, validation=[], checkpoint_dir=folder / network, **more
    )
    weights = checkpoint.extract_weights(result.checkpoint, folder / "weights", {})
    return checkpoint.load_weights(weights)[0]


def measured(recipe: Recipe, said: Predictions, samples: list[Sample], metric: str) -> float:
    task = measures.MEASURES[recipe.task]
    truths = [task.truth(sample) for sample in samples]
    patients = [sample.patient for sample in samples]
    values = task.values(said.ensemble, samples)
    rows = task.rows(measures.Judged(recipe, truths, values, patients, 0, said.ensemble))
    [value] = [r.interval.value for r in rows if r.metric == metric and not r.subgroup]
    assert value is not None
    return value


LEARNT: dict[str, tuple[str, Callable[[float], bool]]] = {
    "multilabel": ("macro_auroc", lambda value: value > 0.9),
    "ordinal": ("quadratic_kappa", lambda value: value > 0.8),
    "regression": ("r2", lambda value: value > 0.6),
    "landmarks": ("mean_radial_error", lambda value: value < 1.0),
    "detection": ("mean_average_precision", lambda value: value > 0.8),
}


@pytest.mark.parametrize(
    ("task", "network"), [(task, name) for task in NEW for name in TASKS[task].networks]
)
def test_each_network_learns_each_task(task: str, network: str, tmp_path: Path) -> None:
    rate = 5e-3 if network in ("unet", "segresnet", "densenet") else 2e-3
    recipe = make_task_recipe(task, epochs=10, minimum_steps=14, learning_rate=rate, batch_size=12)
    samples = make_squares(tmp_path, 24, task)
    network_ = trained(recipe, network, samples, tmp_path)
    said = predict({network: network_}, recipe, samples)
    metric, learnt = LEARNT[task]
    assert learnt(measured(recipe, said, samples, metric))
    assert said.ensemble.uncertainty.shape == said.disagreement.shape == (24,)
    assert ((said.ensemble.uncertainty >= 0) & (said.ensemble.uncertainty <= 1)).all()


@pytest.mark.parametrize("task", NEW)
def test_stopped_anywhere_and_resumed_it_ends_bit_equal(task: str, tmp_path: Path) -> None:
    recipe = make_task_recipe(task, augment=True)
    samples, held = make_squares(tmp_path, 6, task), make_squares(tmp_path, 2, task, first=6)
    network = recipe.networks[0]

    def run(name: str, resume: Path | None = None, steps: int | None = None) -> loop.TrainResult:
        asked = iter(range(10**6))
        return loop.train(
            recipe,
            network,
            samples,
            validation=held,
            checkpoint_dir=tmp_path / name,
            resume=resume,
            should_stop=lambda: steps is not None and next(asked) >= steps,
        )

    whole = run("whole")
    for steps in range(4):
        part = run("parts", steps=steps)
        assert not part.finished
        assert run("parts", resume=part.checkpoint).checkpoint.name == whole.checkpoint.name
    assert whole.history[-1]["validation_loss"] is not None


@pytest.mark.parametrize("task", NEW)
def test_two_networks_speak_together_and_a_case_they_cannot_read_is_named(
    task: str, tmp_path: Path
) -> None:
    recipe = make_task_recipe(task)
    samples = make_squares(tmp_path, 3, task)
    samples[1].image.unlink()
    networks = {name: nets.build(name, recipe).eval() for name in recipe.networks}
    said = predict(networks, recipe, samples)
    assert said.ids == (0, 2)
    assert [case for case, _ in said.left_out] == [1]
    assert said.disagreement.shape == (2,)
    assert ((said.disagreement >= 0) & (said.disagreement <= 1)).all()
    nothing = predict(networks, recipe, [])
    assert nothing.ids == ()
    for one, none in zip(
        vars(said.ensemble).values(), vars(nothing.ensemble).values(), strict=True
    ):
        assert (one is None) == (none is None)
        assert none is None or (len(none) == 0 and none.shape[1:] == one.shape[1:])


@pytest.mark.parametrize(
    ("task", "target", "said"),
    [
        ("multilabel", None, "no answer"),
        ("multilabel", (None, None), "no answer"),
        ("multilabel", (1.0,), "each class"),
        ("multilabel", (0.5, float("nan")), "not numbers"),
        ("ordinal", 3, "stands for no class"),
        ("regression", None, "no answer"),
        ("regression", float("nan"), "not a number"),
        ("regression", "tall", "not a number"),
        ("landmarks", None, "No point"),
        ("landmarks", (None, None), "No point"),
        ("landmarks", ((1.0, 2.0),), "do not fit"),
        ("landmarks", ((1.0, 2.0, 3.0), None), "do not fit"),
        ("landmarks", ((1.0, 99.0), None), "outside its image"),
        ("detection", None, "Nobody has said"),
        ("detection", (Box(5, (0.0, 0.0), (3.0, 3.0)),), "does not fit"),
        ("detection", (Box(0, (3.0, 3.0), (3.0, 9.0)),), "has no size"),
        ("detection", (Box(0, (50.0, 50.0), (60.0, 60.0)),), "outside its image"),
        ("detection", (Box(0, (float("nan"), 0.0), (6.0, 6.0)),), "has no size"),
    ],
)
def test_what_cannot_be_learned_from_is_said(
    task: str, target: Any, said: str, tmp_path: Path
) -> None:
    [sample] = make_squares(tmp_path, 1, task)
    with pytest.raises(images.Unusable, match=said) as failure:
        data.load(replace(sample, target=target), make_task_recipe(task))
    assert str(failure.value).endswith(".")


@pytest.mark.parametrize(
    ("task", "target", "said"),
    [
        ("multilabel", (1.0, 0.0), "say the same of every finding"),
        ("ordinal", 1, "All 6 labels say “middling”"),
        ("regression", 7.5, "All 6 labels are 7.5"),
        ("detection", (), "None of the 6 cases has a box"),
    ],
)
def test_labels_that_are_all_alike_are_refused(
    task: str, target: Any, said: str, tmp_path: Path
) -> None:
    alike = [replace(sample, target=target) for sample in make_squares(tmp_path, 6, task)]
    recipe = make_task_recipe(task)
    with pytest.raises(NotEnoughData, match=said):
        loop.train(
            recipe, recipe.networks[0], alike, validation=[], checkpoint_dir=tmp_path / "run"
        )


@pytest.mark.parametrize("task", ["multilabel", "landmarks", "detection"])
def test_a_class_that_no_label_has_is_noted_and_the_others_are_learned(
    task: str, tmp_path: Path
) -> None:
    recipe = make_task_recipe(task)
    never = {
        "multilabel": lambda given: (given[0], None),
        "landmarks": lambda given: (given[0], None),
        "detection": lambda given: given[:1],
    }[task]
    samples = [replace(s, target=never(s.target)) for s in make_squares(tmp_path, 6, task)]
    result = loop.train(
        recipe, recipe.networks[0], samples, validation=[], checkpoint_dir=tmp_path / "run"
    )
    assert result.finished
    assert result.notes == (f"No label of {recipe.classes[1]} yet: the network cannot know it.",)


def test_images_without_boxes_are_learned_from_as_well(tmp_path: Path) -> None:
    samples = make_squares(tmp_path, 6, "detection")
    samples = [replace(s, target=() if s.id % 2 else s.target) for s in samples]
    recipe = make_task_recipe("detection", epochs=1)
    result = loop.train(recipe, "unet", samples, validation=[], checkpoint_dir=tmp_path / "run")
    assert (result.used, result.left_out) == (6, ())


def test_what_is_missing_moves_no_weight() -> None:
    torch.manual_seed(0)
    logits = torch.randn(4, 3, requires_grad=True)
    loss = FindingsLoss(torch.ones(3))
    loss(logits, torch.tensor([[1.0, torch.nan, 0.0]] * 4)).backward()
    assert logits.grad is not None
    assert not logits.grad[:, 1].any()
    assert logits.grad[:, ::2].all()
    maps = torch.randn(2, 2, 8, 8, requires_grad=True)
    PlacesLoss((8, 8))(maps, torch.tensor([[[3.0, 4.0], [torch.nan] * 2]] * 2)).backward()
    assert maps.grad is not None
    assert not maps.grad[:, 1].any()
    assert maps.grad[:, 0].any()
    empty = PlacesLoss((8, 8))(maps, torch.full((2, 2, 2), torch.nan))
    assert float(empty.detach()) == 0.0


def test_grades_never_come_out_of_order() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 5, (200, 4)).astype(np.float32)
    for temperature in (0.5, 1.0, 8.0):
        chances = Ordinal().chances(logits, temperature)
        assert chances.shape == (200, 5)
        assert (chances >= 0).all()
        np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-5)


def test_a_grade_far_off_costs_more_than_its_neighbour() -> None:
    loss = StepsLoss(torch.ones(5))
    sure_of_first = torch.tensor([[-6.0, 1.0, 1.0, 1.0]])
    costs = [float(loss(sure_of_first, torch.tensor([grade]))) for grade in range(5)]
    assert costs == sorted(costs)
    assert costs[4] > 2 * costs[1]


def test_a_share_of_readers_is_the_mean_of_what_each_alone_would_cost() -> None:
    logits = torch.randn(1, 4, generator=torch.Generator().manual_seed(1))
    loss = StepsLoss(torch.ones(5))
    both = loss(logits, torch.tensor([[0.0, 0.5, 0.0, 0.5, 0.0]]))
    alone = [loss(logits, torch.tensor([grade])) for grade in (1, 3)]
    assert float(both) == pytest.approx(float(sum(alone) / 2))


def test_numbers_come_back_in_their_own_unit_with_an_honest_spread() -> None:
    loss = NumberLoss(torch.tensor([100.0, 20.0]))
    right = loss(torch.tensor([[1.0, 0.0]]), torch.tensor([120.0]))
    wrong = loss(torch.tensor([[0.0, 0.0]]), torch.tensor([120.0]))
    assert float(right) < float(wrong)
    recipe = make_task_recipe("regression")
    learner = TASKS["regression"]
    network = nets.build("vit", recipe)
    network.get_buffer("scale").copy_(torch.tensor([100.0, 20.0]))
    answers = {"vit": np.array([[0.5, 0.0], [0.0, 2.0]], np.float32)}
    said = learner_of(recipe).read(answers, {"vit": network}, recipe, {"vit": 2.0}, [])  # type: ignore[attr-defined]
    np.testing.assert_allclose(said.ensemble.probabilities[0], [110, 40], rtol=1e-5)
    assert said.ensemble.uncertainty[1] > said.ensemble.uncertainty[0]
    assert learner.remembers


def test_a_spread_that_is_too_small_is_stretched_by_calibration() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 1, 400)
    nothing = np.zeros(400, np.float32)
    off = Output(np.stack([nothing, nothing + 0.25], 1), np.zeros((400, 2), np.float32), nothing)
    recipe = make_task_recipe("regression")
    assert learner_of(recipe).temperature(off, truth.tolist(), recipe) == pytest.approx(4, abs=0.4)
    few = Output(off.logits[:3], off.probabilities[:3], nothing[:3])
    assert learner_of(recipe).temperature(few, truth[:3].tolist(), recipe) == 1.0


def test_networks_that_differ_about_a_number_say_so() -> None:
    recipe = make_task_recipe("regression")
    networks = {name: nets.build(name, recipe) for name in recipe.networks}
    answers = {"densenet": np.array([[0, 0], [2, 0]]), "vit": np.array([[0, 0], [-2, 0]])}
    said = learner_of(recipe).read(answers, networks, recipe, {}, [])  # type: ignore[attr-defined]
    assert said.disagreement[0] == 0 < said.disagreement[1] < 1
    assert said.ensemble.probabilities[1, 1] > said.ensemble.probabilities[0, 1]


@pytest.mark.parametrize("size", [(24, 32), (16, 24, 32)])
def test_points_move_exactly_with_their_images(size: tuple[int, ...]) -> None:
    determinism.seed_all(5)
    points = torch.rand(6, 1, len(size)) * torch.tensor(size) * 0.4 + torch.tensor(size) * 0.3
    bumps = [heat.bumps(one, torch.full((1, len(size)), 1.5), size) for one in points]
    moved, move = augmented(torch.stack(bumps), mirror=True)
    found = move.points(points)
    assert not found.isnan().any()
    grid = torch.stack(torch.meshgrid(*[torch.arange(float(s)) for s in size], indexing="ij"))
    for image, point in zip(moved[:, 0], found[:, 0], strict=True):
        weight = torch.where(image > image.max() * 0.4, image - image.max() * 0.4, 0)
        middle = (grid * weight).flatten(1).sum(1) / weight.sum()
        assert float((middle - point).norm()) < 0.5
    outside = move.points(torch.full((6, 1, len(size)), -30.0))
    assert outside.isnan().all()


def test_places_come_back_on_the_grid_of_images_of_any_size() -> None:
    points = torch.tensor([[10.0, 20.0, 5.0]])
    there = heat.to_input(points, (40, 60, 17), (16, 32, 24))
    back = heat.to_image(there.numpy(), (40, 60, 17), (16, 32, 24))
    np.testing.assert_allclose(back, points.numpy(), atol=1e-4)


def test_points_of_volumes_are_found_between_voxels(tmp_path: Path) -> None:
    recipe = make_task_recipe(
        "landmarks", classes=["core"], input_size=[16, 16, 16], epochs=6, minimum_steps=12,
        learning_rate=5e-3, batch_size=4,
    )  # fmt: skip
    samples = []
    for sample in make_volumes(tmp_path, 8):
        assert isinstance(sample.target, Path)
        middle = np.argwhere(np.load(sample.target) == 2).mean(axis=0)
        samples.append(replace(sample, target=(tuple(middle.tolist()),)))
    said = predict({"unet": trained(recipe, "unet", samples, tmp_path)}, recipe, samples)
    assert said.ensemble.points is not None
    assert said.ensemble.points.shape == (8, 1, 3)
    assert measured(recipe, said, samples, "mean_radial_error") < 1.5


def test_a_point_nobody_can_see_is_uncertain(tmp_path: Path) -> None:
    recipe = make_task_recipe("landmarks", epochs=8, minimum_steps=12, learning_rate=5e-3)
    samples = make_squares(tmp_path, 24, "landmarks")
    network = trained(recipe, "unet", samples, tmp_path)
    empty = replace(samples[0], id=99, image=tmp_path / "empty.npy")
    np.save(empty.image, np.random.default_rng(1).normal(100, 5, (40, 40)).astype(np.float32))
    said = predict({"unet": network}, recipe, [*samples, empty])
    assert said.ensemble.class_uncertainty is not None
    assert said.ensemble.class_uncertainty[-1].min() > said.ensemble.class_uncertainty[:-1].max()
    assert said.ensemble.probabilities[-1].max() < said.ensemble.probabilities[:-1].min()


def test_masks_of_several_readers_are_learned_by_their_shares(tmp_path: Path) -> None:
    samples = []
    for sample in make_volumes(tmp_path, 4):
        assert isinstance(sample.target, Path)
        mask = np.load(sample.target)
        shares = np.stack([(mask == 1) * 0.5 + (mask == 2) * 0.25, (mask == 2) * 0.75])
        np.save(sample.target, shares.astype(np.float32))
        samples.append(sample)
    recipe = make_mask_recipe(labels="soft", augment=True)
    result = loop.train(
        recipe, "unet", samples[:3], validation=samples[3:], checkpoint_dir=tmp_path / "run"
    )
    assert (result.used, result.left_out) == (3, ())
    assert result.history[-1]["validation_loss"] is not None
    network = {"unet": nets.build("unet", recipe).eval()}
    said = predict(network, recipe, samples)
    assert said.ensemble.overlap is not None
    core = int((np.load(samples[0].target)[1] > 0.5).sum())  # type: ignore[arg-type]
    assert said.ensemble.overlap[0, :, 2].tolist() == [0, core]


def test_half_a_reader_s_voxel_is_half_as_loud() -> None:
    recipe = make_mask_recipe(labels="soft")
    learner = learner_of(recipe)
    shares = torch.full((1, 2, 4, 4, 4), 0.25)
    wanted = learner.batch(shares)
    assert wanted.shape == (1, 3, 4, 4, 4)
    torch.testing.assert_close(wanted[:, 0], torch.full((1, 4, 4, 4), 0.5))


@pytest.mark.parametrize("task", ["multilabel", "ordinal", "detection"])
def test_soft_labels_train_every_task(task: str, tmp_path: Path) -> None:
    def softened(given: Any) -> Any:
        if task == "multilabel":
            return tuple(abs(one - 0.25) for one in given)
        if task == "ordinal":
            return tuple(0.75 if k == given else 0.125 for k in range(3))
        return tuple(replace(box, score=0.5) for box in given)

    samples = [replace(s, target=softened(s.target)) for s in make_squares(tmp_path, 6, task)]
    recipe = make_task_recipe(task, labels="soft", augment=True)
    result = loop.train(
        recipe, recipe.networks[0], samples, validation=[], checkpoint_dir=tmp_path / "run"
    )
    assert (result.used, result.left_out) == (6, ())


def test_boxes_of_half_the_readers_are_found_half_as_surely(tmp_path: Path) -> None:
    recipe = make_task_recipe(
        "detection", labels="soft", epochs=10, minimum_steps=14, learning_rate=5e-3, batch_size=12
    )
    samples = make_squares(tmp_path, 24, "detection")
    halved = [
        replace(s, target=tuple(replace(b, score=0.5 if b.label else 1.0) for b in s.target))  # type: ignore[union-attr,arg-type]
        for s in samples
    ]
    said = predict({"unet": trained(recipe, "unet", halved, tmp_path)}, recipe, samples)
    assert said.ensemble.boxes is not None
    sure = [
        [max((b.score for b in found if b.label == k), default=0) for found in said.ensemble.boxes]
        for k in (0, 1)
    ]
    assert np.mean(sure[0]) > np.mean(sure[1][1::2]) + 0.1


def test_networks_disagree_about_boxes_by_what_they_do_not_share() -> None:
    one = Box(0, (0.0, 0.0), (10.0, 10.0), 0.8)
    assert disagreement([one], [one]) == 0.0
    assert disagreement([], []) == 0.0
    assert disagreement([one], []) == 1.0
    assert disagreement([one], [replace(one, label=1)]) == 1.0
    half = disagreement([one], [replace(one, low=(0.0, 5.0))])
    assert half == pytest.approx(0.5)


def test_sure_boxes_that_are_wrong_are_calibrated() -> None:
    rng = np.random.default_rng(0)
    boxes, drawn = np.empty(60, object), []
    for row in range(60):
        box = Box(0, (0.0, 0.0), (10.0, 10.0), 0.97)
        boxes[row] = (box,)
        drawn.append((box,) if rng.random() < 0.6 else ())
    nothing = np.zeros((60, 0), np.float32)
    said = Output(nothing, nothing, np.zeros(60, np.float32), boxes=boxes)
    recipe = make_task_recipe("detection")
    assert Detection().temperature(said, drawn, recipe) > 3


def blood_cells(folder: Path, classes: list[str]) -> list[Sample]:
    samples = []
    for number, (name, drawn) in enumerate(json.loads((CELLS / "boxes.json").read_text()).items()):
        image = Image.open(CELLS / f"{name}.jpg").resize((320, 240))
        path = folder / f"{name}.npy"
        np.save(path, np.asarray(image).transpose(2, 0, 1))
        boxes = tuple(
            Box(classes.index(label), (top / 2, left / 2), (bottom / 2 + 0.5, right / 2 + 0.5))
            for label, left, top, right, bottom in drawn
        )
        samples.append(Sample(number, name, path, (), boxes))
    return samples


def test_cells_are_found_in_blood_smears(tmp_path: Path) -> None:
    """Real images, other than those learned from."""
    classes = ["RBC", "WBC", "Platelets"]
    recipe = make_task_recipe(
        "detection", classes=classes, channels=3, input_size=[72, 96], batch_size=4,
        networks=["segresnet"], epochs=24, minimum_steps=4, learning_rate=5e-3,
        augment=True, mirror=True,
    )  # fmt: skip
    samples = blood_cells(tmp_path, classes)
    network = trained(recipe, "segresnet", samples[:14], tmp_path)
    said = predict({"segresnet": network}, recipe, samples[14:])
    task = measures.MEASURES["detection"]
    table = task.arrays("froc", [], task.values(said.ensemble, samples[14:]))[1]
    assert metrics.by_name("froc")(table) > 0.3
    images_ = [measures._image(one, only=1) for one in task.values(said.ensemble, samples[14:])]
    white = reports.detection(images_, [s.patient for s in samples[14:]], seed=0)[0]
    assert white.interval.value is not None
    assert white.interval.value > 0.6

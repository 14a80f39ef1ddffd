"""Where networks begin: pretrained on the pool, from an operator's file, from another project's model."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import learning_builders as lessons
import numpy as np
import pytest

from annotation.errors import InvalidInput
from annotation.models import Case, Membership, Role, Slot, Stream
from learning import artifacts, overview, recipes, registry, rounds
from learning.engine import checkpoint, pretrain
from learning.engine.spec import architecture_of
from learning.measuring import cards
from learning.models import Arm, Pretraining, Ranking, Round, Score, TrainedModel
from learning.pool import ranking
from learning.preparing import pretraining

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("artifacts_folder"),
]
PRETRAINED = {"start": "pretrained", "pretraining_epochs": 2}


def unread(recipe: dict[str, Any], cases: int = 18) -> Any:
    """A project with images and not one label."""
    project = lessons.project({**lessons.SHORT_RECIPE, **PRETRAINED, **recipe})
    for index in range(cases):
        lessons.case(project, "pool", index)
    return project


def said(round_: Round) -> str:
    return "\n".join(round_.log.order_by("pk").values_list("text", flat=True))


def test_without_a_label_the_images_alone_rank_the_pool() -> None:
    project = unread({})
    assert overview.of(project).can_start
    done = lessons.finish(lessons.start(project))
    assert (done.state, done.error, done.cold) == (Round.State.DONE, "", True)
    made = Ranking.objects.get(round=done)
    assert (made.model, made.acquisition, made.size) == (None, "herding", 18)
    assert "no network has been trained yet" in made.reason
    queue = Slot.objects.filter(case__project=project).order_by("-priority")
    first = [slot.case_id for slot in queue[:4]]
    assert first == [entry["case"] for entry in made.batch]
    assert not TrainedModel.objects.exists()
    assert "Until then the images alone" in said(done)


def test_a_cold_round_comes_once_and_then_labels_are_needed() -> None:
    project = unread({})
    lessons.finish(lessons.start(project))
    assert "0 of at least 8 training labels" in rounds.why_not(project)


def test_without_a_wish_to_pretrain_there_is_no_cold_round() -> None:
    project = unread({"start": "random"})
    assert "0 of at least 8 training labels" in rounds.why_not(project)


def test_pretraining_never_looks_beyond_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    project = unread({})
    for stream in ("holdout", "calibration", "control"):
        for index in range(3):
            lessons.case(project, stream, index)
    looked_at: set[int] = set()
    real = pretrain.pretrain

    def watched(recipe: Any, network: str, samples: Any, **more: Any) -> Any:
        looked_at.update(sample.id for sample in samples)
        return real(recipe, network, samples, **more)

    monkeypatch.setattr(pretrain, "pretrain", watched)
    lessons.finish(lessons.start(project))
    pool = Case.objects.filter(project=project, stream=Stream.POOL).values_list("pk", flat=True)
    assert looked_at == set(pool)


def test_slices_of_one_pass_give_the_same_network(settings: Any) -> None:
    whole, sliced = unread({}), unread({})
    lessons.finish(lessons.start(whole))
    settings.TRAINING_SLICE_SECONDS = 0
    done = lessons.finish(lessons.start(sliced))
    assert done.state == Round.State.DONE
    one, other = (Pretraining.objects.get(project=project) for project in (whole, sliced))
    assert one.images == other.images == 18
    assert len(other.history) == 2
    assert one.history == pytest.approx(other.history, abs=0.5)
    assert not list(artifacts.pretraining_dir(other.pk, 0).parent.glob("*/*.safetensors"))


def test_a_round_with_labels_starts_from_it_once_and_the_next_reuses_it() -> None:
    project = lessons.quickly_taught(unread=16, **PRETRAINED)
    first = lessons.finish(lessons.start(project))
    assert (first.state, first.error, first.cold) == (Round.State.DONE, "", False)
    row = Pretraining.objects.get(project=project)
    model = registry.find(first, Arm.ALL)
    assert model is not None
    start = model.config["starts"]["vit"]
    assert (start["kind"], start["sha256"]) == ("pretrained", row.weights_sha256)
    assert row.weights_sha256 in cards.card(model)
    second = lessons.finish(lessons.start(project))
    assert second.state == Round.State.DONE
    assert Pretraining.objects.count() == 1
    assert "starts from what it learnt from 23 images before" in said(second)


def test_a_pool_that_has_grown_much_is_learnt_from_again() -> None:
    project = lessons.quickly_taught(unread=16, **PRETRAINED)
    recipe = recipes.parsed(recipes.current(project))
    lessons.finish(lessons.start(project))
    assert pretraining.finished(project, recipe, "vit") is not None
    for index in range(12):
        lessons.case(project, "pool", 3000 + index)
    assert pretraining.finished(project, recipe, "vit") is None


def test_too_few_images_are_no_reason_to_stop() -> None:
    project = lessons.quickly_taught(unread=2, **PRETRAINED)
    done = lessons.finish(lessons.start(project))
    assert done.state == Round.State.DONE
    assert "9 usable images; pretraining needs at least 16" in said(done)


def test_another_projects_model_is_a_start_for_those_who_may_see_it() -> None:
    elsewhere = lessons.quickly_taught()
    taught = registry.find(lessons.finish(lessons.start(elsewhere)), Arm.ALL)
    assert taught is not None
    project = lessons.quickly_taught()
    document = {**lessons.SHORT_RECIPE, "start": {"model": taught.pk}}
    stranger = lessons.lead(project)
    with pytest.raises(InvalidInput, match=r"no model \d+ that you may see"):
        recipes.store(project, document, user=stranger)
    both = lessons.lead(project)
    Membership.objects.create(user=both, project=elsewhere, role=Role.ML_ENGINEER)
    recipes.store(project, document, user=both)
    done = lessons.finish(lessons.start(project))
    model = registry.find(done, Arm.ALL)
    assert model is not None
    assert model.config["starts"]["vit"]["model"] == taught.members.get().pk
    assert f"of {elsewhere.slug}" in cards.card(model)


def test_an_operators_file_is_a_start_by_its_name_alone(settings: Any, tmp_path: Path) -> None:
    settings.PRETRAINED_DIR = tmp_path / "given"
    settings.PRETRAINED_DIR.mkdir()
    project = lessons.quickly_taught()
    wish = {**lessons.SHORT_RECIPE, "start": {"weights": "chest"}}
    with pytest.raises(InvalidInput, match="into the folder that the setting PRETRAINED_DIR"):
        recipes.store(project, wish)
    for bad in ("../chest", "/etc/passwd", "a/b", ""):
        with pytest.raises(InvalidInput, match="start"):
            recipes.store(project, {**wish, "start": {"weights": bad}})
    taught = registry.find(lessons.finish(lessons.start(project)), Arm.ALL)
    assert taught is not None
    source = artifacts.weights_path(taught.members.get().weights_sha256)
    shutil.copy(source, settings.PRETRAINED_DIR / "chest.vit.safetensors")
    recipes.store(project, wish)
    done = lessons.finish(lessons.start(project))
    assert done.state == Round.State.DONE
    assert done.plan["starts"]["vit"]["sha256"] == source.stem
    assert "operator's file chest.vit.safetensors" in said(done)


def test_members_and_passes_reach_the_ranking() -> None:
    project = lessons.taught(
        {**lessons.SHORT_RECIPE, "members": 2, "passes": 3, "acquisition": "bald"},
        pool=7,
        control=7,
    )
    done = lessons.finish(lessons.start(project))
    assert (done.state, done.error) == (Round.State.DONE, "")
    model = registry.find(done, Arm.ALL)
    assert model is not None
    names = [member.network for member in registry.members(model)]
    assert names == ["vit", "vit-2"]
    weights = [checkpoint.load_weights(p)[0].state_dict() for _, p in registry.files(model)]
    assert any(not np.array_equal(weights[0][k], weights[1][k]) for k in weights[0])
    assert {architecture_of(name) for name in names} == {"vit"}
    score = Score.objects.filter(model=model).first()
    assert score is not None
    assert np.array(score.probabilities["passes"]).shape == (6, 2)
    pool = ranking.load(project, model)
    assert pool.scores.members.shape == (8, len(pool.cases), 2)
    assert Ranking.objects.get(round=done).acquisition == "bald"


def test_one_network_with_passes_may_use_bald_and_without_may_not() -> None:
    one = {**lessons.SHORT_RECIPE, "acquisition": "bald"}
    with pytest.raises(InvalidInput, match="two networks, or of passes"):
        lessons.project(one)
    lessons.project({**one, "passes": 2})


def test_a_plan_is_made_from_the_masks_and_kept() -> None:
    recipe = {**lessons.MASK_RECIPE, "networks": ["unet"], "input_size": "auto"}
    project = lessons.project(lessons.MASK_RECIPE, task="segmentation")
    for stream, amount in {"pool": 6, "control": 4, "calibration": 1, "holdout": 4}.items():
        for index in range(amount):
            lessons.volume_case(project, stream, index)
    lessons.volume_case(project, "pool", 50, masked=False)
    recipes.store(project, recipe)
    done = lessons.finish(lessons.start(project))
    assert (done.state, done.error) == (Round.State.DONE, "")
    assert done.plan["input_size"] == [16, 16, 16]
    assert "The networks see windows of 16 × 16 × 16" in said(done)
    model = registry.find(done, Arm.ALL)
    assert model is not None
    assert model.config["recipe"]["input_size"] == [16, 16, 16]
    assert "windows of 16 × 16 × 16" in cards.card(model)

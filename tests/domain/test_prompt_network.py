"""The trained network as a method for prompts: real weights, its probability, and prompts that lead it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import builders
import learning_builders as lessons
import numpy as np
import prompt_builders as hand
import pytest
import suggestion_builders as hints
from django.conf import settings

from annotation import prompt_uses, prompts
from annotation.models import Case, Project, PromptedMask, Slot
from learning import artifacts, datasets, registry
from learning.assisting import prompt_network
from learning.assisting.prompting import recipe_of
from learning.engine import masks, region

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("artifacts_folder"),
]


@pytest.fixture(autouse=True)
def frames_of_this_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "FRAMES_DIR", tmp_path / "frames")
    for kept in (prompt_network._kept, prompt_network._networks, prompt_network._image):
        kept.cache_clear()


@pytest.fixture
def project() -> Project:
    """A model in use that has learnt one class from a few volumes."""
    made = lessons.project(
        {**lessons.MASK_RECIPE, "networks": ["unet"]},
        task="segmentation",
        label_schema=builders.label_document(marks=["labelmap"], questions=[]),
        suggestions="at_once",
        blind_to_model=False,
    )
    for stream, amount in {"pool": 3, "control": 2, "calibration": 2, "holdout": 2}.items():
        for index in range(amount):
            lessons.volume_case(made, stream, index)
    lessons.finish(lessons.start(made))
    assert registry.in_use(made)
    return made


@pytest.fixture
def slot(project: Project) -> Slot:
    """A case in hand whose frames are those that the network reads."""
    Slot.objects.filter(project=project, state="open").update(state="cancelled")
    case = lessons.volume_case(project, "pool", 99, masked=False)
    series = case.series.get()
    for number, one in enumerate(series.display["sources"]["objects"]):
        one[1] = f"{number:064x}"
    series.save()
    array = np.load(datasets.image_of(case, recipe_of(registry.in_use(project))).path)
    hand.keep(series, (100 * array + 1000).astype(np.int16))
    return hand.claimed(project)


def asked(slot: Slot, *given: dict[str, Any], **fields: Any) -> PromptedMask:
    click = {"kind": "point", "positive": True, "frame": 3, "points_px": [[6, 6]]}
    return hand.ask(slot, *(given or [click]), method="network", volume=True, **fields)


def answered(slot: Slot, *given: dict[str, Any]) -> tuple[PromptedMask, Any]:
    one = asked(slot, *given)
    assert prompts.answer(one.pk)
    one.refresh_from_db()
    assert (one.state, one.problem) == ("done", "")
    part = np.frombuffer(gzip.decompress(bytes(one.gzip)), np.uint8)
    whole = np.zeros(lessons.VOLUME, bool)
    place = tuple(slice(a, a + b) for a, b in zip(one.start, one.shape, strict=True))
    whole[place] = part.reshape(one.shape) == 1
    return one, whole


def test_the_probability_in_a_region_is_that_of_the_whole_image(slot: Slot) -> None:
    model = registry.in_use(slot.project)
    recipe = recipe_of(model)
    case = Case.objects.select_related("project").get(pk=slot.case_id)
    image = region.read(str(datasets.image_of(case, recipe).path), recipe)
    networks, temperatures = prompt_network._networks(model.pk, model.weights_sha256)
    logits, _ = masks.forward(networks["unet"], image, recipe)
    whole = masks.probabilities(logits, temperatures["unet"])
    part = region.probabilities(
        networks, recipe, image, temperatures, start=(1, 2, 3), stop=(6, 12, 15)
    )
    assert part.shape == (5, 10, 12, 2)
    assert np.allclose(part, whole[1:6, 2:12, 3:15], atol=1e-5)


def test_prompts_are_honoured_and_the_model_is_named(slot: Slot) -> None:
    inside = {"kind": "point", "positive": True, "frame": 3, "points_px": [[6, 6]]}
    away = {"kind": "point", "positive": False, "frame": 3, "points_px": [[9, 6]]}
    one, mask = answered(slot, inside, away)
    assert mask[3, 6, 6]
    assert not mask[3, 6, 9]
    model = registry.in_use(slot.project)
    assert (one.model, one.weights_sha256) == (model.pk, model.weights_sha256)
    read = hints.submit(
        slot, {"answers": [], "marks": [], "prompted": [{"prompted": one.pk, "seconds": 3}]}
    )
    [said] = prompt_uses.described(read)
    assert (said["method"], said["weights_sha256"]) == ("network", model.weights_sha256)


def test_the_mask_follows_what_the_network_says(
    slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its probability is exchanged: it learnt too little to be right. The pixels say otherwise."""
    blob = np.zeros(lessons.VOLUME, np.float32)
    blob[2:7, 5:12, 5:13] = 1

    def sure(*_: Any, start: Any, stop: Any, spacing: Any) -> Any:
        part = blob[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
        return np.stack([1 - part, part], axis=-1) * 0.9 + 0.05

    monkeypatch.setattr(region, "probabilities", sure)
    click = {"kind": "point", "positive": True, "frame": 4, "points_px": [[8, 8]]}
    _, mask = answered(slot, click)
    both = (mask & (blob > 0)).sum()
    assert 2 * both / (mask.sum() + blob.sum()) > 0.75


def test_another_model_put_into_use_meanwhile_answers_nothing(slot: Slot) -> None:
    one = asked(slot)
    PromptedMask.objects.update(weights_sha256="cd" * 32)
    prompts.answer(one.pk)
    one.refresh_from_db()
    assert (one.state, one.problem) == (
        "failed", "Another model was put into use meanwhile. Prompt again.",
    )  # fmt: skip


def test_weights_that_are_gone_are_said_and_the_classical_method_stays(slot: Slot) -> None:
    for member in registry.members(registry.in_use(slot.project)):
        artifacts.weights_path(member.weights_sha256).unlink()
    one = asked(slot)
    prompts.answer(one.pk)
    one.refresh_from_db()
    assert one.state == "failed"
    assert "Choose another method" in one.problem
    assert one.problem.endswith(".")
    other = hand.ask(
        slot, {"kind": "point", "positive": True, "frame": 3, "points_px": [[6, 6]]}, volume=True
    )
    prompts.answer(other.pk)
    other.refresh_from_db()
    assert other.state == "done"

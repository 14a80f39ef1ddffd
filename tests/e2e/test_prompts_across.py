"""Prompts in planes across the images, on a reading that was submitted, and answered by a trained network."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from lesion_ct import (
    ANSWER_MS,
    AS_GOOD_AS_READERS,
    BRING_CT,
    CT,
    LESION,
    PREVIEW,
    SIDE,
    SLICES,
    Mask,
    dice,
    outlined_by_readers,
    prompts_of,
)
from playwright.sync_api import Browser, Locator, expect
from reading_room import Place, Room, Several, prepare

from deploy.stack import Stack

NETWORK_MS = 60_000
"""The first answer waits for torch."""

# A network that this project's own round trains, on a few small volumes beside the reader's case.
TEACH = """
import sys, time
sys.path.insert(0, "tests")
import learning_builders as lessons
from annotation import queue
from annotation.models import Project, Slot
from learning import recipes, registry
from learning.models import Round
project = Project.objects.get(slug="taught")
Project.objects.filter(pk=project.pk).update(
    task="segmentation", suggestions="at_once", blind_to_model=False, secret=lessons.SECRET)
project.refresh_from_db()
recipes.store(project, {**lessons.MASK_RECIPE, "networks": ["unet"]})
own = project.cases.get().pk
for stream, amount in {"pool": 3, "control": 2, "calibration": 2, "holdout": 2}.items():
    for index in range(amount):
        lessons.volume_case(project, stream, index)
Slot.objects.filter(project=project).exclude(case=own).update(state="cancelled", reader=None)
round_ = lessons.start(project)
until = time.monotonic() + 150
while round_.state not in ("done", "failed") and time.monotonic() < until:
    lessons.finish(round_)
    time.sleep(0.5)
    round_.refresh_from_db()
print(round_.state, round_.problem if hasattr(round_, "problem") else "")
print(registry.in_use(project).weights_sha256)
"""


class Across(Several):
    """Hands on planes through the CT."""

    def previewed(self) -> None:
        accept = self.page.get_by_role("button", name="Accept", exact=True)
        expect(accept).to_be_enabled(timeout=ANSWER_MS)

    def preview(self, name: str) -> Locator:
        return self.plane(name).locator(PREVIEW)

    def go(self, name: str, frame: int) -> None:
        pane = self.plane(name)
        pane.evaluate("({viewer}, frame) => viewer.goTo(frame)", frame)
        expect(pane).to_have_attribute("data-frame", str(frame), timeout=ANSWER_MS)

    def stored_mask(self) -> Mask:
        self.saved()
        [mark] = [one for one in self.stored()["content"]["marks"] if one["kind"] == "labelmap"]
        got = self.page.request.get(f"{self.place.url}/api/slots/{self.slot}/masks/{mark['mask']}")
        voxels = np.frombuffer(gzip.decompress(got.body()), np.uint8)
        return voxels.reshape(SLICES, SIDE, SIDE) == LESION

    def shot(self, name: str) -> None:
        if folder := os.environ.get("CONSILIUM_SHOTS"):
            self.page.screenshot(path=f"{folder}/prompts-{name}.png")


@pytest.fixture(scope="module")
def uids() -> list[str]:
    return []


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str], uids: list[str]) -> Place:
    made = prepare(live_stack.url, in_live_stack, slug="across", people=4, cases=1)
    code = BRING_CT.format(slug="across", folder=str(CT / "dicom"))
    uids += json.loads(in_live_stack(code).splitlines()[-1])
    return made


@pytest.fixture
def agreed(place: Place, uids: list[str]) -> Mask:
    """What at least two of the four readers outlined."""
    return np.asarray(np.sum(outlined_by_readers(uids), axis=0) >= 2)


@pytest.fixture
def room(browser: Browser, place: Place, reader: str) -> Iterator[Across]:
    context = place.enter(browser, reader)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    made = Across(page, place)
    made.open()
    made.press("Shift+V")
    made.settled(4)
    yield made
    context.close()
    assert errors == []


def sides(section: Mask) -> tuple[float, float, float, float]:
    """Around it: left, top, right, bottom."""
    rows, columns = np.nonzero(section)
    return columns.min() - 3.0, rows.min() - 3.0, columns.max() + 3.0, rows.max() + 3.0


def test_a_box_in_the_coronal_plane_is_previewed_in_all_and_one_step(
    room: Across, agreed: Mask
) -> None:
    row = int(agreed.sum((0, 2)).argmax())
    # Planes are hung with the head up: the last image of the series is their first row.
    left, top, right, bottom = sides(agreed[::-1, row, :])
    room.go("coronal", row)
    room.press("Alt+P")
    coronal = room.plane("coronal")
    expect(coronal).to_have_attribute("data-tool", "prompt")
    room.stroke(coronal, (left, max(top, 0)), (right, min(bottom, SLICES - 1)))
    room.previewed()
    expect(room.preview("coronal")).to_be_attached()
    column, frame = int(agreed.sum((0, 1)).argmax()), int(agreed.sum((1, 2)).argmax())
    room.go("sagittal", column)
    room.go("axial", frame)
    room.go("stack", frame)
    for name in ("sagittal", "axial", "stack"):
        expect(room.preview(name)).to_be_attached()
    room.shot("planes")
    assert room.painted == {}
    room.press("Enter")
    for name in ("coronal", "sagittal", "axial"):
        expect(room.preview(name)).to_have_count(0)
    stored = room.stored_mask()
    print(f"Dice of a box in the coronal plane: {dice(stored, agreed):.3f}")
    assert dice(stored, agreed) >= AS_GOOD_AS_READERS
    assert room.painted == {"lesion": int(stored.sum())}
    room.press("Control+Z")
    assert room.painted == {}
    room.press("Control+Y")
    assert room.painted == {"lesion": int(stored.sum())}


def test_clicks_and_a_scribble_in_planes_lie_in_the_voxels_that_they_were_made_on(
    room: Across, agreed: Mask
) -> None:
    frame, row, column = (int(at) for at in np.argwhere(agreed).mean(axis=0).round())
    assert agreed[frame, row, column]
    room.go("sagittal", column)
    room.press("Alt+P")
    sagittal = room.plane("sagittal")
    room.click(sagittal, row, SLICES - 1 - frame)
    room.previewed()
    page = room.page
    images = page.get_by_role("button", name="This image", exact=True)
    images.click()
    expect(page.locator(".toasts")).to_contain_text("prompts across several images")
    expect(images).to_have_attribute("aria-pressed", "false")
    room.press("Alt+U", "Shift+T")
    # From near the top image to near the lowest one.
    room.stroke(sagittal, (row + 40, 3), (row + 40, SLICES - 4))
    assert prompts_of(page) == 2
    room.previewed()
    room.press("Enter")
    stored = room.stored_mask()
    assert stored[frame, row, column]
    assert not stored[3 : SLICES - 3, row + 40, column].any()
    draft = room.stored()["content"]["prompted"]
    assert len(draft) == 1
    room.shot("planes-click")


def test_a_reading_that_was_submitted_is_corrected_by_prompts(room: Across, agreed: Mask) -> None:
    room.press("Shift+V")
    room.settled(1)
    slot = room.slot
    room.press("1", "Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(slot))
    first = room.api(f"slots/{slot}")["submitted"]["read"]
    room.open(slot)
    expect(room.page.get_by_text("You are correcting your reading of")).to_be_visible()
    frame = int(agreed.sum((1, 2)).argmax())
    pane = room.pane(0)
    pane.evaluate("({viewer}, frame) => viewer.goTo(frame)", frame)
    expect(pane).to_have_attribute("data-frame", str(frame))
    room.press("Alt+P")
    left, top, right, bottom = sides(agreed[frame])
    room.stroke(pane, (left, top), (right, bottom))
    room.previewed()
    room.press("Enter")
    voxels = room.painted["lesion"]
    assert voxels > 0
    expect(room.root).to_have_attribute("data-save", "correction")
    room.press("Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(slot))
    said = room.api(f"slots/{slot}")["submitted"]
    assert said["read"] != first
    [use] = said["content"]["prompted"]
    assert use["seconds"] > 0
    [mark] = [one for one in said["content"]["marks"] if one["kind"] == "labelmap"]
    got = room.page.request.get(f"{room.place.url}/api/slots/{slot}/masks/{mark['mask']}")
    assert np.frombuffer(gzip.decompress(got.body()), np.uint8).astype(bool).sum() == voxels


def test_the_projects_own_trained_network_answers(
    browser: Browser, live_stack: Stack, in_live_stack: Callable[[str], str]
) -> None:
    place = prepare(
        live_stack.url, in_live_stack, slug="taught", people=1, cases=1, marks=["labelmap"]
    )
    state, weights = in_live_stack(TEACH).splitlines()[-2:]
    assert state.strip() == "done"
    context = place.enter(browser, "taught-1")
    room = Room(context.new_page(), place).open()
    room.press("Alt+P")
    options = room.page.get_by_role("group", name="How prompts work")
    method = options.get_by_label("Method")
    expect(method).to_be_enabled()
    method.select_option("network")
    x, y = room.at(60, 40)
    room.page.mouse.click(x, y)
    accept = room.page.get_by_role("button", name="Accept", exact=True)
    expect(accept).to_be_enabled(timeout=NETWORK_MS)
    expect(room.page.locator(PREVIEW)).to_be_attached()
    room.press("Enter")
    room.saved()
    voxels = room.painted["lesion"]
    assert voxels > 0
    [use] = room.stored()["content"]["prompted"]
    asked = (
        "from annotation.models import PromptedMask\n"
        f"one = PromptedMask.objects.get(pk={use['prompted']})\n"
        "print(one.method, one.state, one.weights_sha256)"
    )
    assert in_live_stack(asked).splitlines()[-1].split() == ["network", "done", weights]
    context.close()

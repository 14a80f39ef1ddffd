"""Prompts in a real browser on a real CT: what comes back, what is accepted, undone, saved, and told."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from accessibility import barriers
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
    middle,
    outlined_by_readers,
    prompts_of,
)
from playwright.sync_api import Browser, expect
from reading_room import READY_MS, Place, Room, prepare

from deploy.stack import Stack

SHOTS = os.environ.get("CONSILIUM_SHOTS", "")
"""A folder for pictures to look at; none are made without it."""


class CtRoom(Room):
    """The same hands on larger images."""

    frames: list[str] = []

    def at(self, column: float, row: float) -> tuple[float, float]:
        box = self.viewport.bounding_box()
        assert box is not None
        zoom = float(self.shown("zoom"))
        x = box["x"] + box["width"] / 2 + (column - (SIDE - 1) / 2) * zoom
        y = box["y"] + box["height"] / 2 + (row - (SIDE - 1) / 2) * zoom
        return x, y

    def click(self, column: float, row: float, *, other: bool = False) -> None:
        if other:
            self.page.keyboard.down("Alt")
        self.page.mouse.click(*self.at(column, row))
        if other:
            self.page.keyboard.up("Alt")

    def go(self, frame: int) -> None:
        self.press("Home")
        for _ in range(frame):
            self.press("ArrowDown")
        expect(self.viewport).to_have_attribute("data-frame", str(frame), timeout=READY_MS)

    def previewed(self) -> None:
        """Of the newest prompt: only then can it be accepted."""
        accept = self.page.get_by_role("button", name="Accept", exact=True)
        expect(accept).to_be_enabled(timeout=ANSWER_MS)
        expect(self.page.locator(PREVIEW)).to_be_attached()

    def not_previewed(self) -> None:
        expect(self.page.locator(PREVIEW)).to_have_count(0)

    def prompts(self) -> int:
        return prompts_of(self.page)

    def painted_soon(self) -> int:
        for _ in range(100):
            if self.painted:
                return self.painted["lesion"]
            self.page.wait_for_timeout(50)
        raise AssertionError("nothing was painted")

    def stored_mask(self) -> Mask:
        self.saved()
        [mark] = [one for one in self.stored()["content"]["marks"] if one["kind"] == "labelmap"]
        got = self.page.request.get(f"{self.place.url}/api/slots/{self.slot}/masks/{mark['mask']}")
        voxels = np.frombuffer(gzip.decompress(got.body()), np.uint8)
        return voxels.reshape(SLICES, SIDE, SIDE) == LESION

    def shot(self, name: str) -> None:
        if SHOTS:
            self.page.screenshot(path=f"{SHOTS}/prompts-{name}.png")


@pytest.fixture(scope="module")
def uids() -> list[str]:
    return []


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str], uids: list[str]) -> Place:
    made = prepare(live_stack.url, in_live_stack, slug="prompted", people=10, cases=1)
    code = BRING_CT.format(slug="prompted", folder=str(CT / "dicom"))
    uids += json.loads(in_live_stack(code).splitlines()[-1])
    return made


@pytest.fixture
def room(browser: Browser, place: Place, reader: str) -> Iterator[CtRoom]:
    context = place.enter(browser, reader)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    made = CtRoom(page, place)
    made.open()
    made.press("Alt+P")
    expect(made.viewport).to_have_attribute("data-tool", "prompt")
    yield made
    context.close()
    assert errors == []


@pytest.fixture
def outlined(place: Place, uids: list[str]) -> list[Mask]:
    return outlined_by_readers(uids)


def test_a_box_on_one_image_segments_the_lesion_as_readers_do(
    room: CtRoom, outlined: list[Mask]
) -> None:
    frame, (left, top, right, bottom), _ = middle(outlined)
    room.go(frame)
    room.press("Alt+G")
    room.drag((left, top), (right, bottom))
    begun = time.monotonic()
    room.previewed()
    print(f"box, images around: preview after {time.monotonic() - begun:.2f} s")
    assert room.painted == {}
    room.shot("box-volume")
    room.press("Enter")
    voxels = room.painted_soon()
    room.not_previewed()
    stored = room.stored_mask()
    assert stored.sum() == voxels
    scores = [dice(stored, one) for one in outlined]
    print("Dice with four readers:", ", ".join(f"{score:.3f}" for score in scores))
    assert min(scores) >= AS_GOOD_AS_READERS
    [use] = room.stored()["content"]["prompted"]
    assert use["seconds"] > 0
    room.press("Control+Z")
    assert room.painted == {}
    room.saved()
    assert "prompted" not in room.stored()["content"]
    room.press("Control+Y")
    assert room.painted == {"lesion": voxels}
    room.saved()
    room.page.reload()
    room.wait()
    assert room.painted == {"lesion": voxels}
    assert (room.stored_mask() == stored).all()
    assert room.stored()["content"]["prompted"] == [use]


def test_clicks_refine_the_preview_and_each_is_taken_back(
    room: CtRoom, outlined: list[Mask]
) -> None:
    frame, (_, _, right, _), (column, row) = middle(outlined)
    room.go(frame)
    begun = time.monotonic()
    room.click(column, row)
    room.previewed()
    print(f"click, this image: preview after {time.monotonic() - begun:.2f} s")
    first = room.page.locator(PREVIEW).get_attribute("d")
    room.click(right - 5, row, other=True)
    expect(room.page.locator(PREVIEW)).not_to_have_attribute("d", first or "", timeout=ANSWER_MS)
    assert room.prompts() == 2
    room.shot("clicks")
    room.press("Control+Z")
    expect(room.page.locator(PREVIEW)).to_have_attribute("d", first or "", timeout=ANSWER_MS)
    assert room.prompts() == 1
    room.press("Enter")
    room.painted_soon()
    stored = room.stored_mask()
    assert stored.sum((1, 2)).nonzero()[0].tolist() == [frame]
    scores = [dice(stored[frame], one[frame]) for one in outlined]
    print("Dice on one image:", ", ".join(f"{score:.3f}" for score in scores))
    assert min(scores) >= AS_GOOD_AS_READERS


def test_what_is_discarded_leaves_nothing_and_no_step(room: CtRoom, outlined: list[Mask]) -> None:
    frame, _, (column, row) = middle(outlined)
    room.go(frame)
    room.click(column, row)
    room.previewed()
    room.press("ArrowDown")
    expect(room.viewport).to_have_attribute("data-frame", str(frame + 1))
    room.not_previewed()
    room.click(column, row)
    expect(room.page.get_by_text(f"preview on image {frame + 1} first")).to_be_visible()
    assert room.prompts() == 1
    room.press("Escape")
    assert room.prompts() == 0
    room.press("ArrowUp")
    room.not_previewed()
    expect(room.viewport).to_have_attribute("data-tool", "prompt")
    expect(room.page.get_by_role("button", name="Undo", exact=True)).to_be_disabled()
    assert room.painted == {}


def test_keys_switch_sign_and_shape_and_a_scribble_is_a_prompt(
    room: CtRoom, outlined: list[Mask]
) -> None:
    frame, (left, top, _, bottom), (column, row) = middle(outlined)
    room.go(frame)
    options = room.page.get_by_role("group", name="How prompts work")
    room.press("Alt+U")
    expect(options.get_by_role("button", name="Scribble")).to_have_attribute("aria-pressed", "true")
    room.drag((column - 5, row), (column + 5, row + 2))
    room.previewed()
    room.press("Shift+T")
    expect(options.get_by_role("button", name="Outside")).to_have_attribute("aria-pressed", "true")
    room.drag((left - 8, top - 2), (left - 8, bottom))
    expect(options).to_have_attribute("data-prompts", "2")
    room.previewed()
    room.press("Enter")
    room.painted_soon()
    scores = [dice(room.stored_mask()[frame], one[frame]) for one in outlined]
    print("Dice of scribbles:", ", ".join(f"{score:.3f}" for score in scores))
    assert min(scores) >= AS_GOOD_AS_READERS
    assert barriers(room.page) == []


def test_a_locked_segment_is_left_alone(room: CtRoom, outlined: list[Mask]) -> None:
    frame, _, (column, row) = middle(outlined)
    room.go(frame)
    room.click(column, row)
    room.previewed()
    room.press("Enter")
    room.painted_soon()
    room.page.get_by_role("button", name="Lock Lesion").first.click()
    room.click(column + 30, row)
    expect(room.page.locator(".toasts")).to_contain_text("locked")
    assert room.prompts() == 0


def test_without_a_link_it_says_so_and_works_again_with_one(
    room: CtRoom, outlined: list[Mask]
) -> None:
    frame, _, (column, row) = middle(outlined)
    room.go(frame)
    context = room.page.context
    context.set_offline(True)
    room.click(column, row)
    options = room.page.get_by_role("group", name="How prompts work")
    expect(options.get_by_role("status")).to_contain_text("server")
    room.not_previewed()
    context.set_offline(False)
    room.click(column + 2, row)
    room.previewed()
    assert room.prompts() == 2


def test_a_worker_that_is_killed_is_replaced_and_the_prompt_answered(
    room: CtRoom, outlined: list[Mask], live_stack: Stack
) -> None:
    frame, _, (column, row) = middle(outlined)
    room.go(frame)
    live_stack.kill("prompter")
    room.click(column, row)
    expect(room.page.get_by_text("Working out the mask")).to_be_visible(timeout=ANSWER_MS)
    room.shot("working")
    expect(room.page.locator(PREVIEW)).to_be_attached(timeout=55_000)


def test_where_no_network_is_in_use_it_says_why(
    browser: Browser, live_stack: Stack, in_live_stack: Callable[[str], str]
) -> None:
    place = prepare(live_stack.url, in_live_stack, slug="unlearnt", people=1, cases=1)
    in_live_stack(
        "from annotation.models import Project\n"
        "Project.objects.filter(slug='unlearnt').update(suggestions='at_once', blind_to_model=False)"
    )
    context = place.enter(browser, "unlearnt-1")
    room = Room(context.new_page(), place).open()
    room.press("Alt+P")
    options = room.page.get_by_role("group", name="How prompts work")
    expect(options).to_contain_text("Trained network: No trained network is in use")
    expect(options).to_contain_text("Random walk")
    context.close()

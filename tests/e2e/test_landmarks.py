"""Landmarks that a class names, placed one after the other in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from accessibility import barriers
from playwright.sync_api import expect
from reading_room import Place, Room, prepare

from deploy.stack import Stack

HALF_A_PIXEL = 0.5
NAMES = ["Nasion", "Sella", "Gonion"]
PIXELS = {"Nasion": (20, 10), "Sella": (60, 40), "Gonion": (90, 80)}
SKULL = {"code": "skull", "name": "Skull", "colour": "#e8a33d", "value": 1, "landmarks": NAMES}
OTHER = {"code": "other", "name": "Other", "colour": "#58b4e0", "value": 2}


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    return prepare(
        live_stack.url, in_live_stack, slug="landmarks", people=4, cases=1,
        classes=[SKULL, OTHER], marks=["landmark", "box"], required_marks=["landmark"], questions=[],
    )  # fmt: skip


def put(room: Room, name: str) -> None:
    room.page.mouse.click(*room.at(*PIXELS[name]))
    expect(room.page.locator("#marks li", has_text=name)).to_be_visible()


def placed(room: Room) -> dict[str, list[float]]:
    return {mark["text"]: mark["points_px"][0] for mark in room.marks}


def test_they_are_placed_in_order_and_are_there_after_a_reload(room: Room) -> None:
    blocked = room.page.get_by_text("Place “Gonion” of “Skull”.")
    expect(blocked).to_be_visible()
    room.press("m")
    said = room.page.get_by_role("group", name="Landmarks").get_by_role("status")
    for index, name in enumerate(NAMES):
        expect(said).to_have_text(f"Next: {name}")
        room.press("Home", *["ArrowDown"] * index)
        expect(room.viewport).to_have_attribute("data-frame", str(index))
        put(room, name)
    expect(said).to_have_text("All 3 are placed")
    assert barriers(room.page) == []
    expect(blocked).to_have_count(0)
    assert len({mark["sop_instance_uid"] for mark in room.marks}) == len(NAMES)
    for name, point in placed(room).items():
        assert np.allclose(point, PIXELS[name], atol=HALF_A_PIXEL)
    room.page.mouse.click(*room.at(10, 90))
    expect(room.page.get_by_text("All landmarks of “Skull” are placed.")).to_be_visible()
    assert len(room.marks) == len(NAMES)
    room.saved()
    before = room.marks
    room.page.reload()
    assert room.wait().marks == before
    room.press("Control+Enter")
    expect(room.root).not_to_have_attribute("data-phase", "reading", timeout=30_000)


def test_one_steps_through_them_and_places_what_was_left_out(room: Room) -> None:
    room.press("}")
    said = room.page.get_by_role("group", name="Landmarks").get_by_role("status")
    expect(said).to_have_text("Next: Sella")
    put(room, "Sella")
    expect(said).to_have_text("Next: Nasion")
    room.press("End", "}")
    expect(room.viewport).to_have_attribute("data-frame", "0")
    expect(room.page.locator("#marks li.selected")).to_contain_text("Sella")
    room.press("}")
    expect(said).to_have_text("Next: Gonion")
    put(room, "Gonion")
    room.press("Control+z")
    expect(said).to_have_text("Next: Nasion")
    assert set(placed(room)) == {"Sella"}


def test_a_point_is_given_another_name_and_a_name_that_is_there_twice_blocks(room: Room) -> None:
    room.press("m")
    put(room, "Nasion")
    put(room, "Sella")
    room.press("w")
    row = room.page.locator("#marks li", has_text="Sella")
    row.get_by_role("button").first.click()
    room.page.get_by_label("Which landmark").select_option("Nasion")
    expect(room.page.get_by_text("“Nasion” of “Skull” is placed twice.")).to_be_visible()
    room.press("Control+z")
    expect(room.page.get_by_text("is placed twice.")).to_have_count(0)
    assert set(placed(room)) == {"Nasion", "Sella"}


def test_a_class_without_names_takes_any_number_of_points(room: Room) -> None:
    room.press("Shift+Digit2", "m")
    for pixel in ((20, 20), (30, 30), (40, 40), (50, 50)):
        room.page.mouse.click(*room.at(*pixel))
    expect(room.page.locator("#marks li")).to_have_count(4)
    assert [mark["text"] for mark in room.marks] == [""] * 4

"""The form in a window of its own, for a reader with two screens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from accessibility import barriers
from playwright.sync_api import Page, expect
from reading_room import Place, Room, prepare

from deploy.stack import Stack


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    return prepare(live_stack.url, in_live_stack, slug="two-screens", people=3, cases=2)


def apart(room: Room) -> Page:
    with room.page.expect_popup() as opening:
        room.press("Alt+.")
    return opening.value


def test_the_form_goes_to_a_second_window_where_keys_and_clicks_work_and_comes_back(
    room: Room,
) -> None:
    second = apart(room)
    expect(room.page.get_by_role("complementary")).to_have_count(0)
    expect(second.get_by_role("radio", name="No")).to_be_visible()
    assert second.title() == room.page.title()
    assert barriers(second) == []
    wide = room.viewport.bounding_box()
    assert wide is not None
    assert wide["width"] > 1200, "the images take the whole screen"

    second.get_by_text("Yes", exact=True).click()
    expect(second.get_by_role("radio", name="Yes")).to_be_checked()
    second.keyboard.press("Control+z")
    expect(second.get_by_role("radio", name="Yes")).not_to_be_checked()
    second.keyboard.press("1")
    expect(second.get_by_role("radio", name="No")).to_be_checked()
    second.keyboard.press("ArrowDown")
    expect(room.viewport).to_have_attribute("data-frame", "1")
    room.press("r")
    room.drag((30, 20), (50, 40))
    expect(second.get_by_text("Lesion").first).to_be_visible()

    remark = second.get_by_label("Remark")
    remark.fill("a b")
    remark.press("Control+a")
    remark.press("r")
    expect(remark).to_have_value("r")
    room.press("Escape")
    assert len(room.marks) == 1, "letters in the field are text, not keys"

    room.press("Alt+.")
    expect(room.page.get_by_role("radio", name="No")).to_be_checked()
    assert second.is_closed()


def test_a_window_that_is_closed_gives_the_form_back_and_submitting_goes_on(room: Room) -> None:
    second = apart(room)
    slot = room.slot
    second.keyboard.press("1")
    second.keyboard.press("Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(slot), timeout=30_000)
    room.wait()
    expect(second.get_by_role("radio", name="No")).not_to_be_checked()
    second.close(run_before_unload=True)
    expect(room.page.get_by_role("radio", name="No")).to_be_visible()


def test_the_second_window_goes_with_the_room(room: Room) -> None:
    second = apart(room)
    with second.expect_event("close"):
        room.page.goto(f"{room.place.url}/p/{room.place.slug}/list")

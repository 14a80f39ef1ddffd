"""A reader's own keys and the palette, by real keys in a real browser, against the running product."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from reading_room import FINDING, REMARK, Place, Room, prepare

from deploy.stack import Stack

QUALITY = {
    "code": "quality",
    "text": "Is the image good?",
    "type": "choice",
    "options": [{"value": "valid", "label": "Valid", "key": "x"}],
}


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    questions = [QUALITY, FINDING, REMARK]
    return prepare(
        live_stack.url, in_live_stack, slug="keys", people=14, cases=1, questions=questions
    )


def row(page: Page, label: str) -> Locator:
    """The line of an action in the map of the keys."""
    return page.get_by_role("dialog").get_by_role("button", name=re.compile(f"^{label}:"))


def change(room: Room, label: str, key: str) -> None:
    """With the map open, without a mouse."""
    row(room.page, label).focus()
    room.press("Enter", key)


def close(room: Room) -> None:
    room.press("Escape")
    expect(room.page.get_by_role("dialog")).to_have_count(0)


def sent(room: Room) -> None:
    """Until the server has what this browser has."""
    waits = "() => !JSON.parse(localStorage['consilium.keyboard']).waiting"
    room.page.wait_for_function(waits)


def palette(room: Room) -> Locator:
    return room.page.get_by_role("combobox", name="What do you want to do?")


def test_a_key_is_changed_without_a_mouse_and_works_after_a_reload_and_in_another_browser(
    room: Room, browser: Browser, reader: str
) -> None:
    room.press("?")
    change(room, "Box", "=")
    expect(row(room.page, "Box")).to_have_accessible_name("Box: =. Change the key")
    expect(row(room.page, "Box")).to_be_focused()
    sent(room)
    close(room)
    room.press("r")
    assert room.shown("tool") == "window"
    room.press("=")
    expect(room.viewport).to_have_attribute("data-tool", "box")
    button = room.page.get_by_role("toolbar").get_by_role("button", name="Box")
    expect(button).to_have_attribute("title", "Box (=)")
    expect(button).to_have_attribute("aria-keyshortcuts", "=")

    room.page.reload()
    room.wait().press("=")
    expect(room.viewport).to_have_attribute("data-tool", "box")

    context = room.place.enter(browser, reader)
    elsewhere = Room(context.new_page(), room.place).open()
    expect(
        elsewhere.page.get_by_role("toolbar").get_by_role("button", name="Box")
    ).to_have_attribute("title", "Box (=)")
    elsewhere.press("=")
    expect(elsewhere.viewport).to_have_attribute("data-tool", "box")
    context.close()


def test_a_key_that_another_action_has_is_a_choice(room: Room) -> None:
    room.press("?")
    change(room, "Box", "b")
    leave = room.page.get_by_role("button", name="Leave it")
    expect(room.page.get_by_role("button", name="Take it; “Brush” gets R")).to_be_focused()
    leave.press("Enter")
    expect(row(room.page, "Box")).to_have_accessible_name("Box: R. Change the key")
    expect(row(room.page, "Box")).to_be_focused()

    change(room, "Box", "b")
    room.press("Enter")
    expect(row(room.page, "Brush")).to_have_accessible_name("Brush: R. Change the key")
    close(room)
    room.press("b")
    expect(room.viewport).to_have_attribute("data-tool", "box")
    room.press("r")
    expect(room.viewport).to_have_attribute("data-tool", "brush")


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("x", "X belongs to “Answer: Valid” in this project."),
        ("5", "Digits answer the questions of the form."),
        ("Control+k", "opens this map or the list of actions"),
        ("F5", "The browser itself uses F5."),
    ],
)
def test_a_key_that_no_action_may_have_is_refused_with_a_sentence(
    room: Room, key: str, why: str
) -> None:
    room.press("?")
    change(room, "Box", key)
    expect(room.page.get_by_role("dialog").get_by_text(why)).to_be_visible()
    room.press("Escape")
    expect(row(room.page, "Box")).to_have_accessible_name("Box: R. Change the key")
    expect(room.page.get_by_role("dialog")).to_be_visible()


def test_a_profile_is_chosen_and_changes_are_taken_back(room: Room) -> None:
    room.press("?")
    dialog = room.page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Profile").select_option("Mouse in the left hand")
    expect(row(room.page, "Box")).to_have_accessible_name("Box: K. Change the key")
    change(room, "Box", "~")
    change(room, "Fit", "`")
    dialog.get_by_role("button", name="Reset the key of “Fit”").press("Enter")
    expect(row(room.page, "Fit")).to_have_accessible_name("Fit: Shift+O. Change the key")
    expect(row(room.page, "Box")).to_have_accessible_name("Box: ~. Change the key")
    dialog.get_by_role("button", name="Reset all keys").press("Enter")
    expect(row(room.page, "Box")).to_have_accessible_name("Box: K. Change the key")
    close(room)
    room.press("k")
    expect(room.viewport).to_have_attribute("data-tool", "box")


def test_changed_letters_are_dead_in_a_text_field(room: Room) -> None:
    room.press("?")
    change(room, "Box", "=")
    close(room)
    remark = room.page.get_by_role("textbox", name="Remark")
    remark.click()
    room.page.keyboard.type("box 5")
    expect(remark).to_have_value("box 5")
    assert room.shown("tool") == "window"


def test_a_change_without_a_link_works_at_once_and_is_sent_when_it_is_back(room: Room) -> None:
    room.page.context.set_offline(True)
    room.press("?")
    change(room, "Box", "=")
    expect(
        room.page.get_by_text("Kept in this browser; sent when the server is back.")
    ).to_be_visible()
    close(room)
    room.press("=")
    expect(room.viewport).to_have_attribute("data-tool", "box")
    room.page.context.set_offline(False)
    sent(room)
    assert room.api("me/keyboard")["changes"] == {"default": {"tool.box": ["="]}}


def test_the_palette_finds_an_action_shows_its_key_and_runs_it(room: Room) -> None:
    room.press("Control+k")
    expect(palette(room)).to_be_focused()
    room.page.keyboard.type("invrt")
    first = room.page.get_by_role("listbox", name="Actions").get_by_role("option").first
    expect(first).to_contain_text("Invert")
    expect(first.locator("kbd")).to_have_text("I")
    expect(first).to_have_attribute("aria-selected", "true")
    active = palette(room).get_attribute("aria-activedescendant")
    assert active == first.get_attribute("id")
    room.press("Enter")
    expect(palette(room)).to_have_count(0)
    expect(room.viewport).to_have_attribute("data-inverted", "true")

    room.press("Control+k")
    expect(
        room.page.get_by_role("listbox", name="Actions").get_by_role("option").first
    ).to_contain_text("Invert")
    expect(palette(room)).to_be_focused()
    room.page.keyboard.type("next image")
    room.press("Enter")
    expect(room.viewport).to_have_attribute("data-frame", "1")


def test_escape_leaves_the_palette_for_where_the_focus_was(room: Room) -> None:
    remark = room.page.get_by_role("textbox", name="Remark")
    remark.fill("left-")
    room.press("Control+k")
    expect(palette(room)).to_be_focused()
    room.page.keyboard.type("zzz")
    expect(room.page.get_by_text("No action here is called that.")).to_be_visible()
    room.press("Escape")
    expect(remark).to_be_focused()
    room.page.keyboard.type("lung")
    expect(remark).to_have_value("left-lung")


def test_the_palette_goes_to_other_pages_from_any_page(room: Room) -> None:
    room.page.goto(f"{room.place.url}/p/{room.place.slug}")
    expect(room.page.get_by_role("heading", level=1)).to_be_visible()
    room.press("Control+k")
    expect(palette(room)).to_be_focused()
    room.page.keyboard.type("reading list")
    room.press("Enter")
    expect(room.page).to_have_url(re.compile("/list$"))

"""Turning, magnifying, probing and playing an image in a real browser: marks stay on what they mark."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import BrowserType, expect
from reading_room import (
    COLUMN_MM,
    COLUMNS,
    GAP_MM,
    ORIGIN,
    ROW_MM,
    ROWS,
    SLICES,
    Place,
    Room,
    prepare,
)

from deploy.stack import Stack

KINDS = ["box", "ellipse", "length", "landmark", "labelmap"]
HALF_A_PIXEL = 0.5
MIDDLE = ((COLUMNS - 1) / 2, (ROWS - 1) / 2)


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    return prepare(live_stack.url, in_live_stack, slug="looking", people=40, cases=2, marks=KINDS)


@pytest.fixture
def room_without_webgl(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    place: Place,
    readers: Iterator[str],
) -> Iterator[Room]:
    arguments = [*browser_type_launch_args["args"], "--disable-3d-apis"]
    browser = browser_type.launch(**{**browser_type_launch_args, "args": arguments})
    yield Room(place.enter(browser, next(readers)).new_page(), place).open()
    browser.close()


def on_screen(room: Room, column: float, row: float) -> tuple[float, float]:
    """Where that pixel must lie, by what mirroring and turning mean, around the middle of the viewport."""
    turn = room.shown("turn").split()
    x, y = column - MIDDLE[0], row - MIDDLE[1]
    if "mirrored" in turn:
        x = -x
    for _ in range(int(turn[0]) // 90):
        x, y = -y, x
    box = room.viewport.bounding_box()
    assert box is not None
    zoom = float(room.shown("zoom"))
    return box["x"] + box["width"] / 2 + x * zoom, box["y"] + box["height"] / 2 + y * zoom


def drag(room: Room, *pixels: tuple[float, float]) -> None:
    mouse = room.page.mouse
    mouse.move(*on_screen(room, *pixels[0]), steps=4)
    mouse.down()
    for pixel in pixels[1:]:
        mouse.move(*on_screen(room, *pixel), steps=8)
    mouse.up()


def picture(room: Room) -> NDArray[np.float64]:
    """The viewport as grey values."""
    room.page.mouse.move(2, 2)
    room.page.wait_for_timeout(150)
    shot = Image.open(io.BytesIO(room.viewport.screenshot())).convert("L")
    return np.asarray(shot, dtype=np.float64)


def brightness(room: Room) -> dict[str, float]:
    """Of four places around the middle, within the picture and away from all that is written."""
    shown = picture(room)
    middle = np.array(shown.shape) / 2
    away = 0.3 * min(shown.shape)
    ways = {"left": (0, -1), "right": (0, 1), "top": (-1, 0), "bottom": (1, 0)}
    found = {}
    for name, way in ways.items():
        row, column = (middle + away * np.array(way)).astype(int)
        found[name] = float(shown[row - 4 : row + 5, column - 4 : column + 5].mean())
    return found


# The images grow brighter towards the patient's left and towards the back.
UPRIGHT = "R L A P"
TURNS = [
    (("Shift+R",), "90", "P A R L"),
    (("Alt+r",), "270", "A P L R"),
    (("Shift+R", "Shift+R"), "180", "L R P A"),
    (("Shift+F",), "0 mirrored", "L R A P"),
    (("v",), "180 mirrored", "R L P A"),
    (("Shift+R", "Shift+F"), "270 mirrored", "A P R L"),
    (("Shift+F", "Shift+R"), "90 mirrored", "P A L R"),
]


def check_turns(room: Room) -> None:
    assert room.shown("letters") == UPRIGHT
    for keys, turn, letters in TURNS:
        room.press(*keys)
        expect(room.viewport).to_have_attribute("data-turn", turn)
        expect(room.viewport).to_have_attribute("data-letters", letters)
        left, right, top, bottom = letters.split()
        shown = brightness(room)
        assert (shown["left"] > shown["right"]) == (left in "LP"), (keys, shown)
        assert (shown["top"] > shown["bottom"]) == (top in "LP"), (keys, shown)
        assert {left, right} in ({"L", "R"}, {"A", "P"})
        assert bottom != top
        room.press("Space")
        expect(room.viewport).to_have_attribute("data-turn", "0")


def test_letters_follow_the_picture_however_it_is_turned(room: Room) -> None:
    check_turns(room)


def test_and_without_webgl_too(room_without_webgl: Room) -> None:
    room = room_without_webgl
    check_turns(room)
    room.press("Shift+R", "Shift+F", "r")
    drag(room, (30, 20), (70, 60))
    assert np.allclose(room.marks[0]["points_px"], [[30, 20], [70, 60]], atol=HALF_A_PIXEL)


def test_without_webgl_what_cannot_work_is_not_offered(room_without_webgl: Room) -> None:
    room = room_without_webgl
    expect(room.page.get_by_text("brush and eraser are not offered")).to_be_visible()
    expect(room.page.get_by_role("button", name="Box", exact=True)).to_be_visible()
    expect(room.page.get_by_role("button", name="Brush", exact=True)).to_have_count(0)
    room.press("b")
    assert room.shown("tool") == "window"
    room.press("g", "Shift+P")
    room.page.mouse.move(*on_screen(room, 40, 30))
    value = room.page.locator("[data-probe] strong")
    expect(value).to_contain_text("HU")
    assert value.inner_text() in values_under(0, 40, 30)
    expect(room.page.locator(".lens")).to_be_visible()


@pytest.mark.parametrize("keys", [("Shift+R",), ("v",), ("Shift+F", "Alt+r")])
def test_what_is_drawn_on_a_turned_picture_is_stored_where_it_lies_in_the_patient(
    room: Room, keys: tuple[str, ...]
) -> None:
    room.press(*keys, "r")
    drag(room, (30, 20), (70, 60))
    room.press("l")
    drag(room, (80, 20), (110, 60))
    room.press("b")
    drag(room, (40, 80), (50, 80))
    box, length = sorted(room.marks, key=lambda mark: mark["kind"])
    assert np.allclose(box["points_px"], [[30, 20], [70, 60]], atol=HALF_A_PIXEL)
    assert np.allclose(length["points_px"], [[80, 20], [110, 60]], atol=HALF_A_PIXEL)
    painted = room.page.evaluate(
        "() => { const map = [...document.querySelector('[data-viewport]').viewer"
        ".painter.context.record.labelmaps.values()][0];"
        "return [...map.frame(0)].flatMap((value, i) => value ?"
        "[[i % map.columns, Math.floor(i / map.columns)]] : []) }"
    )
    assert np.allclose(np.mean(painted, axis=0), [45, 80], atol=1)


def test_marks_stay_on_the_anatomy_and_are_not_changed_by_turning(room: Room) -> None:
    room.press("r")
    drag(room, (30, 20), (70, 60))
    [before] = room.marks
    room.press("w", "Shift+R", "Shift+F", "v")
    assert room.marks == [before]
    # Where the outline now must be, a drag takes hold of it.
    drag(room, (30, 40), (40, 45))
    [moved] = room.marks
    assert np.allclose(moved["points_px"], [[40, 25], [80, 65]], atol=2 * HALF_A_PIXEL)
    room.press("Control+z", "Space")
    assert room.marks == [before]
    assert room.page.get_by_role("button", name="Undo").is_enabled()


def test_a_turned_picture_still_fits_and_stays_turned_through_scroll_and_fit(room: Room) -> None:
    upright = float(room.shown("zoom"))
    room.press("Shift+R")
    sideways = float(room.shown("zoom"))
    box = room.viewport.bounding_box()
    assert box is not None
    assert sideways == pytest.approx(min(box["width"] / ROWS, box["height"] / COLUMNS), rel=0.01)
    assert sideways != pytest.approx(upright, rel=0.01)
    room.press("ArrowDown")
    expect(room.viewport).to_have_attribute("data-frame", "1")
    expect(room.viewport).to_have_attribute("data-turn", "90")
    room.press("+", "f")
    expect(room.viewport).to_have_attribute("data-turn", "90")
    assert float(room.shown("zoom")) == pytest.approx(sideways, rel=0.001)
    room.page.set_viewport_size({"width": 1400, "height": 900})
    expect(room.viewport).not_to_have_attribute("data-zoom", f"{sideways:.4f}")
    expect(room.viewport).to_have_attribute("data-turn", "90")
    expect(room.viewport).to_have_attribute("data-letters", "P A R L")


def value_at(frame: int, row: int, column: int, case: int = 0) -> int:
    """In HU, as ``prepare`` makes the images."""
    return (frame + row + column) * 7 + case * 100 - 1024


def values_under(frame: int, column: int, row: int) -> set[str]:
    """Of either case, since readers get them in any order."""
    return {f"{value_at(frame, row, column, case)} HU" for case in (0, 1)}


def test_the_probe_says_the_value_and_the_place_under_the_pointer(room: Room) -> None:
    room.press("ArrowDown", "Shift+P")
    expect(room.viewport).to_have_attribute("data-frame", "1")
    for keys in ((), ("Shift+R", "v")):
        room.press(*keys)
        room.page.mouse.move(*on_screen(room, 40, 30))
        reading = room.page.locator("[data-probe]")
        expect(reading).to_contain_text("40, 30")
        value = reading.locator("strong").inner_text()
        assert value in values_under(1, 40, 30)
        x, y, z = ORIGIN[0] + 40 * COLUMN_MM, ORIGIN[1] + 30 * ROW_MM, ORIGIN[2] + GAP_MM
        expect(reading).to_contain_text(f"({x:.1f}, {y:.1f}, {z:.1f}) mm LPS")
    room.page.mouse.move(2, 2)
    expect(room.page.locator("[data-probe]")).to_have_count(0)
    room.page.mouse.move(*on_screen(room, 40, 30))
    expect(room.page.locator("[data-probe]")).to_be_visible()
    room.press("Shift+P")
    expect(room.page.locator("[data-probe]")).to_have_count(0)


def test_the_magnifier_shows_the_pixels_under_the_pointer_turned_as_they_are(room: Room) -> None:
    room.press("Shift+F", "Shift+R", "g")
    room.page.mouse.move(*on_screen(room, 64, 48), steps=3)
    lens = room.page.locator(".lens")
    expect(lens).to_be_visible()
    grey = room.page.evaluate(
        "() => { const canvas = document.querySelector('.lens canvas');"
        "const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
        "return [canvas.width, ...data.filter((_, i) => i % 4 === 0)] }"
    )
    size = grey[0]
    seen = np.array(grey[1:], float).reshape(size, size)
    room.press("g")
    expect(lens).to_be_hidden()
    shown = picture(room)
    x, y = on_screen(room, 64, 48)
    box = room.viewport.bounding_box()
    assert box is not None
    # A point of the lens is 2.5 times as far from its middle as on the picture.
    for across, down in ((-100, 0), (100, 0), (0, -100), (0, 100), (0, 0)):
        scale = size / 240
        inside = seen[int(size / 2 + down * scale), int(size / 2 + across * scale)]
        column, row = x - box["x"] + across / 2.5, y - box["y"] + down / 2.5
        assert inside == pytest.approx(shown[int(row), int(column)], abs=6)
    assert abs(seen[size // 2, 20] - seen[size // 2, -20]) > 5


def test_the_view_of_a_series_is_not_part_of_the_history_and_a_new_case_starts_afresh(
    room: Room,
) -> None:
    slot = room.slot
    room.press("Shift+R", "i", "+")
    expect(room.page.get_by_role("button", name="Undo")).to_be_disabled()
    room.press("Control+z")
    expect(room.viewport).to_have_attribute("data-turn", "90")
    room.press("1", "Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(slot))
    room.wait()
    expect(room.viewport).to_have_attribute("data-turn", "0")
    expect(room.viewport).to_have_attribute("data-inverted", "false")


SWITCH = """
async () => {
  const { viewer } = document.querySelector('[data-viewport]');
  const series = viewer.state.series;
  const say = () => {
    const { index, turn, inverted, zoom, window, cine } = viewer.state;
    return { index, turn, inverted, zoom, center: window.center, width: window.width, rate: cine.rate };
  };
  const before = say();
  viewer.keep([series.id, series.id + 100000]);
  await viewer.open({ ...series, id: series.id + 100000, version: 'other' }, 0).catch(() => undefined);
  const between = say();
  await viewer.open(series);
  return [before, between, say()];
}
"""


def test_each_series_of_a_case_keeps_how_it_is_looked_at_until_reset(room: Room) -> None:
    room.press("ArrowDown", "ArrowDown", "Shift+R", "Shift+F", "i", "+", "+", ".")
    expect(room.viewport).to_have_attribute("data-frame", "2")
    room.drag((64, 48), (90, 60))
    room.drag((64, 48), (70, 55), button="middle")
    before, between, after = room.page.evaluate(SWITCH)
    assert between["turn"] == {"rotation": 0, "mirrored": False}
    assert (between["index"], between["inverted"], between["rate"]) == (0, False, 10)
    assert after == {
        key: pytest.approx(value, rel=1e-3) if key == "zoom" else value
        for key, value in before.items()
    }
    room.press("Space")
    expect(room.viewport).to_have_attribute("data-turn", "0")
    expect(room.viewport).to_have_attribute("data-inverted", "false")
    assert float(room.shown("window-width")) != pytest.approx(before["width"])


def test_the_frames_play_at_their_rate_and_stop_when_the_reader_draws(room: Room) -> None:
    expect(room.viewport).to_have_attribute("data-loaded", str(SLICES))
    room.press("k")
    expect(room.viewport).to_have_attribute("data-playing", "true")
    seen = set()
    for _ in range(60):
        seen.add(room.shown("frame"))
        if len(seen) == SLICES:
            break
        room.page.wait_for_timeout(40)
    assert seen == {str(index) for index in range(SLICES)}
    room.press(",", ",")
    expect(room.viewport).to_have_attribute("data-rate", "6")
    room.press(".")
    expect(room.viewport).to_have_attribute("data-rate", "8")
    room.press("r")
    expect(room.viewport).to_have_attribute("data-playing", "true")
    room.drag((30, 20), (70, 60))
    expect(room.viewport).to_have_attribute("data-playing", "false")
    frame = int(room.shown("frame"))
    [box] = room.marks
    frames = room.api(f"series/{room.shown('series')}")["frames"]
    assert box["sop_instance_uid"] == frames[frame]["sop_instance_uid"]
    assert np.allclose(box["points_px"], [[30, 20], [70, 60]], atol=HALF_A_PIXEL)
    room.page.wait_for_timeout(400)
    assert int(room.shown("frame")) == frame


def test_scrolling_and_the_slider_stop_what_plays_and_the_slider_shows_what_is_there(
    room: Room,
) -> None:
    expect(room.viewport).to_have_attribute("data-loaded", str(SLICES))
    expect(room.page.locator("[data-runs]")).to_have_attribute("data-runs", f"[[0,{SLICES - 1}]]")
    room.press("k", "ArrowDown")
    expect(room.viewport).to_have_attribute("data-playing", "false")
    room.press("k")
    slider = room.page.get_by_role("slider", name="Image in the series")
    slider.fill("4")
    expect(room.viewport).to_have_attribute("data-playing", "false")
    expect(room.viewport).to_have_attribute("data-frame", "4")
    expect(slider).to_have_attribute("aria-valuetext", f"Image 5 of {SLICES}")


def test_a_window_is_chosen_or_entered_as_numbers(room: Room) -> None:
    presets = room.page.get_by_role("combobox", name="Window presets")
    presets.select_option(label="Lung")
    assert (room.shown("window-center"), room.shown("window-width")) == ("-600", "1500")
    expect(room.page.locator("[data-look]")).to_contain_text("W 1500 L -600 Lung")
    room.press("Alt+w")
    dialog = room.page.get_by_role("dialog", name="Enter a window")
    dialog.get_by_label("Centre (level)").fill("-500.5")
    dialog.get_by_label("Width").fill("0")
    expect(dialog.get_by_role("button", name="Apply")).to_be_disabled()
    dialog.get_by_label("Width").fill("300")
    room.press("Enter")
    expect(dialog).to_have_count(0)
    assert float(room.shown("window-center")) == pytest.approx(-500.5)
    assert float(room.shown("window-width")) == pytest.approx(300)
    expect(presets).to_have_value("-1")


def test_escape_stops_what_plays_and_puts_the_magnifier_away_before_it_leaves(room: Room) -> None:
    room.press("g", "k")
    expect(room.viewport).to_have_attribute("data-playing", "true")
    room.press("Escape")
    expect(room.viewport).to_have_attribute("data-playing", "false")
    expect(room.viewport).to_have_attribute("data-magnifier", "true")
    room.press("Escape")
    expect(room.viewport).to_have_attribute("data-magnifier", "false")
    expect(room.root).to_have_attribute("data-phase", "reading")


def test_everything_is_in_the_menu_too_with_its_key(room: Room) -> None:
    room.page.get_by_role("button", name="More ways to look").click()
    menu = room.page.get_by_role("menu")
    item = menu.get_by_role("menuitem", name="Turn right")
    expect(item).to_contain_text("Shift R")
    item.click()
    expect(room.viewport).to_have_attribute("data-turn", "90")
    room.page.get_by_role("button", name="More ways to look").click()
    menu.get_by_role("menuitemcheckbox", name="Magnifier").click()
    expect(room.viewport).to_have_attribute("data-magnifier", "true")
    room.page.get_by_role("button", name="More ways to look").click()
    menu.get_by_role("menuitem", name="Enter centre and width").click()
    expect(room.page.get_by_role("dialog", name="Enter a window")).to_be_visible()


def test_the_text_over_the_image_goes_and_the_letters_stay(room: Room) -> None:
    expect(room.page.locator("[data-beside]")).to_contain_text(f"1 / {SLICES}")
    expect(room.page.locator("[data-beside]")).to_contain_text("Loc 100.0 mm")
    room.press("Shift+W")
    expect(room.page.locator("[data-beside]")).to_have_count(0)
    expect(room.page.locator("[data-look]")).to_have_count(0)
    expect(room.page.locator(".letters")).to_contain_text("R")
    room.press("Shift+W")
    expect(room.page.locator("[data-beside]")).to_be_visible()

"""Every tool that changes a labelmap, in a real browser: what it does to the voxels, that one step takes it
back, and that a reload finds what was left. SciPy works out here what must come of what was stored.
"""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, expect
from reading_room import (
    CLASSES,
    COLUMN_MM,
    COLUMNS,
    GAP_MM,
    READY_MS,
    ROW_MM,
    ROWS,
    SLICES,
    Place,
    Room,
    prepare,
)
from scipy import ndimage

from deploy.stack import Stack

Mask = NDArray[np.uint8]
LESION, NODE = 1, 2
SPACING = (GAP_MM, ROW_MM, COLUMN_MM)
POINTS_ONLY = {
    "code": "spot",
    "name": "Spot",
    "colour": "#d58bd0",
    "value": 3,
    "marks": ["landmark"],
}
INTERCEPT = -1024
SQUARE = ((39.5, 29.5), (60.5, 50.5))
"""Between pixel centres: 21 × 21 pixels lie inside."""


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    return prepare(
        live_stack.url,
        in_live_stack,
        slug="segments",
        people=30,
        cases=1,
        classes=[*CLASSES, POINTS_ONLY],
        marks=["box", "contour", "ellipse", "landmark", "labelmap"],
    )


def stored_mask(room: Room) -> Mask:
    """The labelmap that the server holds; empty if it holds none."""
    room.saved()
    marks = [mark for mark in room.stored()["content"]["marks"] if mark["kind"] == "labelmap"]
    if not marks:
        return np.zeros((SLICES, ROWS, COLUMNS), np.uint8)
    got = room.page.request.get(f"{room.place.url}/api/slots/{room.slot}/masks/{marks[0]['mask']}")
    voxels = np.frombuffer(gzip.decompress(got.body()), np.uint8)
    return voxels.reshape(SLICES, ROWS, COLUMNS)


def counts(mask: Mask) -> dict[str, int]:
    found = {str(one["code"]): int((mask == one["value"]).sum()) for one in CLASSES}
    return {code: voxels for code, voxels in found.items() if voxels}


def looks(room: Room) -> dict[str, dict[str, Any]]:
    found = json.loads(room.root.get_attribute("data-looks") or "[]")
    return {look.pop("target"): look for look in found}


def expect_painted(room: Room, voxels: dict[str, int]) -> None:
    """Heavy work is done in another thread: what it changes is there a moment later."""
    room.page.wait_for_timeout(50)
    for _ in range(100):
        if room.painted == voxels:
            return
        room.page.wait_for_timeout(50)
    assert room.painted == voxels


def scissors(room: Room, *options: str) -> None:
    if room.shown("tool") != "scissors":
        room.press("Shift+E")
    group = room.page.get_by_role("group", name="How the tool works")
    for option in options:
        group.get_by_role("button", name=option, exact=True).click()


def fill(room: Room, start: tuple[float, float], end: tuple[float, float]) -> None:
    scissors(room, "Rectangle", "Fill")
    room.drag(start, end)


def menu(room: Room, *keys: str) -> Locator:
    room.press("Shift+M")
    dialog = room.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    room.press(*keys)
    return dialog


def reload(room: Room) -> None:
    room.saved()
    room.page.reload()
    room.wait()


def check_step(room: Room, before: Mask, after: Mask) -> None:
    """The operation made exactly that mask; it is one step back and forth, and it is there after a reload."""
    expect_painted(room, counts(after))
    assert np.array_equal(stored_mask(room), after)
    room.press("Control+z")
    expect_painted(room, counts(before))
    assert np.array_equal(stored_mask(room), before)
    room.press("Control+y")
    expect_painted(room, counts(after))
    reload(room)
    assert room.painted == counts(after)
    assert np.array_equal(stored_mask(room), after)


def picture(room: Room, name: str) -> None:
    """For people: set PICTURES to a folder to look at what the tests saw."""
    if folder := os.environ.get("PICTURES"):
        room.page.screenshot(path=f"{folder}/labelmap-tools-{name}.png")


def pixels_of(room: Room) -> NDArray[np.int64]:
    """The values of the images, as the setup of the project made them."""
    frames, rows, columns = np.indices((SLICES, ROWS, COLUMNS))
    values: NDArray[np.int64] = (frames + rows + columns) * 7 + INTERCEPT
    return values


def test_the_threshold_brush_paints_only_what_lies_within_its_range(room: Room) -> None:
    room.press("Shift+B", "]", "]", "]", "]")
    low, high = 600 + INTERCEPT, 700 + INTERCEPT
    numbers = room.page.get_by_role("spinbutton")
    for number, value in zip((numbers.nth(0), numbers.nth(1)), (low, high), strict=True):
        number.fill(str(value))
        number.press("Enter")
        number.blur()
    picture(room, "threshold")
    room.drag((30, 40), (80, 40))
    mask = stored_mask(room)
    inside = (pixels_of(room) >= low) & (pixels_of(room) <= high)
    painted = mask == LESION
    assert painted.any()
    assert not (painted & ~inside).any()
    assert set(np.nonzero(painted)[0]) == {0}
    rows, columns = np.indices((ROWS, COLUMNS))
    away = np.hypot(rows - 40, columns - columns.clip(30, 80))
    reach = 5 * 1.25**4 / ROW_MM
    assert painted[0][inside[0] & (away < reach - 1)].all()
    assert not painted[0][away > reach + 1].any()
    assert (~inside[0] & (away < reach - 1)).sum() > 500, "most of what the brush passed over"
    check_step(room, np.zeros_like(mask), mask)


def test_the_range_is_sampled_from_under_the_pointer(room: Room) -> None:
    room.press("Shift+B")
    numbers = room.page.get_by_role("spinbutton")
    expect(numbers).to_have_count(2)
    room.page.mouse.move(*room.at(60, 50))
    room.press("Shift+B")
    centre, reach = (60 + 50) * 7 + INTERCEPT, (5 / ROW_MM) * 7 * 2**0.5
    low, high = (float(numbers.nth(at).input_value()) for at in (0, 1))
    assert low < centre < high
    assert abs((low + high) / 2 - centre) <= 7
    assert abs((high - low) / 2 - reach) <= 14
    room.page.keyboard.down("Alt")
    room.page.mouse.click(*room.at(90, 50))
    room.page.keyboard.up("Alt")
    expect(numbers.nth(0)).not_to_have_value(f"{low:g}")
    assert (
        abs(sum(float(numbers.nth(at).input_value()) for at in (0, 1)) / 2 - 140 * 7 - INTERCEPT)
        <= 7
    )
    assert room.painted == {}


def test_scissors_fill_and_erase_a_rectangle_on_one_image_or_all(room: Room) -> None:
    fill(room, *SQUARE)
    expect_painted(room, {"lesion": 21 * 21})
    picture(room, "scissors")
    scissors(room, "All")
    room.drag(*SQUARE)
    expect_painted(room, {"lesion": 21 * 21 * SLICES})
    before = stored_mask(room)
    scissors(room, "Erase", "This one")
    room.drag((44.5, 34.5), (55.5, 45.5))
    after = before.copy()
    after[0, 35:46, 45:56] = 0
    check_step(room, before, after)


def test_scissors_follow_the_hand(room: Room) -> None:
    scissors(room, "Freehand", "Fill")
    room.drag((30, 20), (70, 20), (70, 60), (30, 60), (30, 22))
    mask = stored_mask(room)
    assert abs(int((mask == LESION).sum()) - 40 * 40) <= 90
    assert set(np.unique(mask)) == {0, LESION}
    check_step(room, np.zeros_like(mask), mask)


def test_a_locked_segment_is_changed_by_no_tool(room: Room) -> None:
    fill(room, *SQUARE)
    menu(room, "k")
    assert looks(room) == {"class:lesion": {"locked": True}}
    locked = {"lesion": 21 * 21}
    room.drag((70, 60), (90, 80))
    assert room.painted == locked, "nothing is painted into it"
    expect(room.page.get_by_text("“Lesion” is locked").first).to_be_visible()
    room.press("e")
    room.drag((40, 40), (60, 40))
    assert room.painted == locked, "nothing is erased from it"
    menu(room, "d")
    assert room.painted == locked, "it is not deleted"
    room.press("Shift+Digit2", "b")
    room.drag((30, 40), (70, 40))
    assert room.painted["lesion"] == locked["lesion"], "nothing is painted over it"
    assert room.painted["node"] > 0
    room.press("Control+z", "Control+z")
    assert looks(room) == {}
    room.press("Control+y")
    reload(room)
    assert looks(room) == {"class:lesion": {"locked": True}}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("g",), lambda m: ndimage.distance_transform_edt(~m, sampling=SPACING) <= 3 + 1e-6),
        (("s",), lambda m: ndimage.distance_transform_edt(np.pad(m, 1, "edge"), sampling=SPACING)[
            1:-1, 1:-1, 1:-1] > 3 + 1e-6),
    ],
    ids=["grow", "shrink"],
)  # fmt: skip
def test_a_segment_grows_and_shrinks_by_millimetres_in_space(
    room: Room, keys: tuple[str, ...], expected: Callable[[NDArray[np.bool_]], NDArray[np.bool_]]
) -> None:
    scissors(room, "Rectangle", "Fill", "All")
    room.drag(*SQUARE)
    scissors(room, "Erase", "This one")
    room.press("End")
    expect(room.viewport).to_have_attribute("data-frame", str(SLICES - 1))
    room.drag((20, 20), (90, 90))
    before = stored_mask(room)
    dialog = menu(room, *keys)
    dialog.get_by_role("spinbutton").fill("3")
    dialog.get_by_role("radio", name="In space").check()
    picture(room, keys[0])
    room.press("Enter")
    after = np.where(expected(before == LESION), LESION, 0).astype(np.uint8)
    assert counts(after) != counts(before)
    check_step(room, before, after)


def test_holes_are_filled_and_islands_removed(room: Room) -> None:
    fill(room, *SQUARE)
    scissors(room, "Erase")
    room.drag((44.5, 34.5), (55.5, 45.5))
    scissors(room, "Fill")
    room.drag((79.5, 59.5), (82.5, 62.5))
    room.drag((99.5, 69.5), (104.5, 74.5))
    before = stored_mask(room)
    dialog = menu(room, "f")
    dialog.get_by_role("radio", name="On this image").check()
    room.press("Enter")
    filled = np.where(ndimage.binary_fill_holes(before[0])[None], LESION, 0).astype(np.uint8)
    filled = np.concatenate([filled, before[1:]])
    check_step(room, before, filled)

    dialog = menu(room, "i")
    dialog.get_by_role("spinbutton").fill("10")
    room.press("Enter")
    without = filled.copy()
    without[0, 60:63, 80:83] = 0
    check_step(room, filled, without)

    menu(room, "l")
    room.press("Enter")
    largest = without.copy()
    largest[0, 70:75, 100:105] = 0
    check_step(room, without, largest)


def combine(room: Room, how: str, with_: str, margin: str = "") -> None:
    dialog = menu(room, "b")
    dialog.get_by_role("combobox", name="How").select_option(label=how)
    dialog.get_by_role("combobox", name="With").select_option(label=with_)
    if margin:
        dialog.get_by_label("and around it").fill(margin)
    picture(room, f"combine-{how}")
    room.press("Enter")


def test_segments_are_combined_with_each_other(room: Room) -> None:
    fill(room, *SQUARE)
    room.press("Shift+Digit2")
    fill(room, (60.5, 29.5), (70.5, 50.5))
    room.press("Shift+Digit1")
    before = stored_mask(room)
    combine(room, "Subtract", "Segment Lymph node", "3")
    near = ndimage.distance_transform_edt(before != NODE, sampling=SPACING) <= 3 + 1e-6
    apart = np.where(near & (before == LESION), 0, before).astype(np.uint8)
    check_step(room, before, apart)
    combine(room, "Union", "Segment Lymph node", "0")
    check_step(room, apart, np.where(apart > 0, LESION, 0).astype(np.uint8))


def test_a_segment_is_combined_with_closed_marks(room: Room) -> None:
    fill(room, *SQUARE)
    room.press("r")
    room.drag((50.5, 40.5), (80.5, 60.5))
    before = stored_mask(room)
    inside = np.zeros_like(before, dtype=bool)
    [box] = [mark["points_px"] for mark in room.marks]
    (left, top), (right, bottom) = box
    rows, columns = np.indices((ROWS, COLUMNS))
    inside[0] = (rows > top) & (rows < bottom) & (columns > left) & (columns < right)
    lesion = before == LESION
    combine(room, "Intersection", "Closed marks of Lesion")
    # On this image: nothing was painted elsewhere.
    expect_painted(room, {"lesion": int((lesion & inside).sum())})
    assert np.array_equal(stored_mask(room) == LESION, lesion & inside)
    room.press("Control+z")
    expect_painted(room, counts(before))
    combine(room, "Exclusive or", "Closed marks of Lesion")
    check_step(room, before, np.where(lesion ^ inside, LESION, 0).astype(np.uint8))


def test_what_lies_between_two_painted_images_is_interpolated(room: Room) -> None:
    fill(room, *SQUARE)
    room.press("ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown")
    expect(room.viewport).to_have_attribute("data-frame", "4")
    room.drag((45.5, 35.5), (54.5, 44.5))
    before = stored_mask(room)
    assert set(np.nonzero(before)[0]) == {0, 4}
    room.press("Alt+i")
    between = before.copy()
    signed = [
        ndimage.distance_transform_edt(before[at] == 0, sampling=SPACING[1:])
        - ndimage.distance_transform_edt(before[at], sampling=SPACING[1:])
        for at in (0, 4)
    ]
    for frame in (1, 2, 3):
        weight = frame / 4
        between[frame] = ((1 - weight) * signed[0] + weight * signed[1]) < 0
    areas = [int(frame.sum()) for frame in between]
    assert areas[0] > areas[1] > areas[2] > areas[3] >= areas[4] > 0
    check_step(room, before, between)


def test_a_segment_is_copied_to_the_neighbouring_image_and_shown_there(room: Room) -> None:
    room.press("ArrowDown")
    fill(room, *SQUARE)
    before = stored_mask(room)
    room.press("Shift+D")
    expect(room.viewport).to_have_attribute("data-frame", "2")
    expect_painted(room, {"lesion": 2 * 21 * 21})
    room.press("ArrowUp")
    expect(room.viewport).to_have_attribute("data-frame", "1")
    menu(room, "p")
    expect(room.viewport).to_have_attribute("data-frame", "0")
    after = before.copy()
    after[0] = after[2] = before[1]
    expect_painted(room, counts(after))
    assert np.array_equal(stored_mask(room), after)
    room.press("Control+z", "Control+z")
    expect_painted(room, counts(before))


def test_statistics_are_those_of_the_voxels(room: Room) -> None:
    scissors(room, "Rectangle", "Fill", "All")
    room.drag(*SQUARE)
    mask = stored_mask(room)
    values = pixels_of(room)[mask == LESION]
    dialog = menu(room, "t")
    names = ("voxels", "volume", "mean", "sd", "range")
    said = {name: dialog.locator(f"[data-statistic={name}]") for name in names}
    expect(said["voxels"]).to_have_text(f"{values.size:,}")
    picture(room, "statistics")
    mm3 = values.size * GAP_MM * ROW_MM * COLUMN_MM
    expect(said["volume"]).to_contain_text(f"{mm3 / 1000:.3f} ml ({mm3:.1f} mm³)")
    expect(said["mean"]).to_contain_text(f"{values.mean():.1f}")
    expect(said["sd"]).to_contain_text(
        f"{values.std():.1f}" if values.std() >= 100 else f"{values.std():.2f}"
    )
    expect(said["range"]).to_contain_text(f"{values.min()}, {values.max()} HU")
    room.press("Escape")
    expect(dialog).to_be_hidden()
    expect(room.root).to_have_attribute("data-phase", "reading")


def colours(png: bytes) -> int:
    """How many pixels of a picture are not grey."""
    red, green, blue = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), int).transpose(
        2, 0, 1
    )
    return int(((abs(red - green) > 12) | (abs(green - blue) > 12)).sum())


def test_a_segment_is_named_coloured_thinned_and_hidden_each_in_one_step(room: Room) -> None:
    fill(room, *SQUARE)
    marks = room.page.locator("#marks")
    seen = room.page.locator("[data-viewport]")
    (left, top), (right, bottom) = (room.at(*corner) for corner in SQUARE)
    around: Any = {"x": left, "y": top, "width": right - left, "height": bottom - top}

    def shot() -> bytes:
        room.page.mouse.move(5, 5)
        room.page.wait_for_timeout(400)
        return room.page.screenshot(clip=around)

    start = shot()
    name = marks.get_by_role("textbox", name="Name")
    name.fill("Left kidney")
    name.press("Enter")
    expect(seen.locator("svg text", has_text="Left kidney")).to_have_count(1)
    marks.get_by_label("Colour", exact=True).fill("#ff0000")
    red = shot()
    assert red != start
    marks.get_by_label("Opacity").fill("0.8")
    dense = shot()
    assert dense != red
    picture(room, "looks")
    room.press("Shift+H")
    hidden = shot()
    assert colours(dense) > 0
    assert colours(hidden) == 0, "nothing of it is left on the grey image"
    everything = {
        "class:lesion": {"name": "Left kidney", "colour": "#ff0000", "opacity": 0.8, "hidden": True}
    }
    assert looks(room) == everything
    room.saved()
    stored = room.stored()["content"]["looks"]
    assert stored == [{"target": "class:lesion", **everything["class:lesion"]}]
    reload(room)
    assert looks(room) == everything
    assert shot() == hidden
    assert room.painted == {"lesion": 21 * 21}


def test_each_look_is_a_step(room: Room) -> None:
    fill(room, *SQUARE)
    marks = room.page.locator("#marks")
    name = marks.get_by_role("textbox", name="Name")
    for letters in ("L", "Le", "LesionX"):
        name.fill(letters)
    marks.get_by_label("Colour", exact=True).fill("#00ff00")
    marks.get_by_label("Opacity").fill("0.5")
    marks.get_by_role("button", name="Hide LesionX").click()
    marks.get_by_role("button", name="Lock LesionX").click()
    state = [looks(room)["class:lesion"]]
    assert state[0] == {
        "name": "LesionX",
        "colour": "#00ff00",
        "opacity": 0.5,
        "hidden": True,
        "locked": True,
    }
    for gone in ("locked", "hidden", "opacity", "colour"):
        room.press("Control+z")
        assert gone not in looks(room)["class:lesion"]
    room.press("Control+z")
    assert looks(room) == {}
    assert room.painted == {"lesion": 21 * 21}
    for _ in range(5):
        room.press("Control+y")
    assert looks(room) == {"class:lesion": state[0]}


def test_a_contour_is_drawn_corner_by_corner(room: Room) -> None:
    corners = [(30, 20), (70, 25), (60, 60), (35, 55)]
    room.press("Alt+c")
    for corner in [*corners[:3], (90, 90)]:
        room.page.mouse.click(*room.at(*corner))
    room.press("Backspace")
    room.page.mouse.click(*room.at(*corners[3]))
    picture(room, "polygon")
    room.press("Enter")
    [contour] = room.marks
    assert contour["kind"] == "contour"
    assert np.allclose(contour["points_px"], corners, atol=0.5)
    room.saved()
    [stored] = room.stored()["content"]["marks"]
    assert stored == contour
    room.press("Control+z")
    assert room.marks == []
    room.press("Control+y")
    reload(room)
    assert room.marks == [contour]


def test_a_polygon_closes_on_its_first_corner_and_escape_drops_it(room: Room) -> None:
    room.press("Alt+c")
    for corner in [(30, 20), (70, 25), (60, 60), (30, 20)]:
        room.page.mouse.click(*room.at(*corner))
    assert [len(mark["points_px"]) for mark in room.marks] == [3]
    for corner in [(80, 20), (90, 25), (90, 60)]:
        room.page.mouse.click(*room.at(*corner))
    room.press("Escape", "Escape")
    assert len(room.marks) == 1
    expect(room.viewport).to_have_attribute("data-tool", "window")
    room.press("Alt+c")
    for corner in [(80, 20), (90, 25)]:
        room.page.mouse.click(*room.at(*corner))
    room.press("Control+z", "Control+z", "Control+z")
    assert room.marks == []


def test_an_ellipse_is_turned_by_the_end_of_its_axis(room: Room) -> None:
    room.press("o")
    room.drag((60, 50), (80, 60))
    room.drag((80, 50), (72, 66))
    [ellipse] = room.marks
    expected = [(48, 34), (72, 66), (52, 56), (68, 44)]
    assert np.allclose(ellipse["points_px"], expected, atol=0.6)
    picture(room, "ellipse")
    room.saved()
    assert room.stored()["content"]["marks"] == [ellipse]
    # Looking at it, and clicking on it, changes nothing.
    room.page.mouse.click(*room.at(*ellipse["points_px"][2]))
    assert room.marks == [ellipse]
    room.press("Control+z")
    assert np.allclose(
        room.marks[0]["points_px"], [(40, 50), (80, 50), (60, 40), (60, 60)], atol=0.6
    )
    room.press("Control+y")
    reload(room)
    assert room.marks == [ellipse]


def test_marks_are_coloured_hidden_named_and_come_back_from_the_drawer(room: Room) -> None:
    room.press("r")
    room.drag((30, 20), (50, 40))
    room.drag((70, 20), (90, 40))
    marks = room.page.locator("#marks")
    first, second = (mark["tracking_uid"] for mark in room.marks)
    marks.locator("button.jump").nth(0).click()
    marks.get_by_label("Colour", exact=True).fill("#00ff00")
    expect(room.viewport.locator("svg [stroke='#00ff00']").first).to_be_attached()
    marks.get_by_role("textbox", name="Name").fill("Largest")
    marks.get_by_role("textbox", name="Name").press("Enter")
    assert room.marks[0]["text"] == "Largest"
    room.press("Shift+H")
    assert looks(room) == {first: {"colour": "#00ff00", "hidden": True}}
    expect(room.viewport.locator("svg [stroke='#00ff00']")).to_have_count(0)
    marks.get_by_role("button", name="Delete this box").nth(1).click()
    assert [mark["tracking_uid"] for mark in room.marks] == [first]
    marks.get_by_text("Deleted: 1").click()
    picture(room, "deleted")
    marks.get_by_role("button", name="Restore Lesion box").click()
    assert {mark["tracking_uid"] for mark in room.marks} == {first, second}
    reload(room)
    assert looks(room) == {first: {"colour": "#00ff00", "hidden": True}}
    assert room.marks[0]["text"] == "Largest"


def test_a_deleted_segment_comes_back_from_the_drawer(room: Room) -> None:
    fill(room, *SQUARE)
    before = stored_mask(room)
    room.page.locator("#marks").get_by_role("button", name="Delete Lesion").click()
    expect_painted(room, {})
    marks = room.page.locator("#marks")
    marks.get_by_text("Deleted: 1").click()
    marks.get_by_role("button", name="Restore Lesion painted area").click()
    check_step(room, np.zeros_like(before), before)


def test_the_list_of_steps_says_what_was_done_and_goes_to_any_of_them(room: Room) -> None:
    room.press("2", "r")
    room.drag((30, 20), (50, 40))
    fill(room, *SQUARE)
    room.press("Shift+D")
    menu(room, "h")
    room.press("Shift+Z")
    steps = room.page.get_by_role("listbox", name="Steps").get_by_role("option")
    expect(steps).to_have_count(6)
    words = [" ".join(text.split()) for text in steps.all_inner_texts()]
    for said, wanted in zip(
        words,
        [
            "As the case was opened",
            "answer “Is there a finding?”",
            "draw box: Lesion",
            "scissors: fill Lesion",
            "copy Lesion to image 2",
            "hide Lesion",
        ],
        strict=True,
    ):
        assert wanted in said
    assert "Yes" in words[1]
    assert "441 voxels · image 1" in words[3]
    picture(room, "history")

    room.press("ArrowUp", "ArrowUp")
    assert room.painted == {"lesion": 441}
    assert looks(room) == {}
    chosen = room.page.get_by_role("listbox", name="Steps").get_by_role("option", selected=True)
    expect(chosen).to_contain_text("scissors")
    steps.nth(1).click()
    assert room.painted == {}
    assert room.marks == []
    expect(room.page.get_by_role("radio", name="Yes")).to_be_checked()
    room.press("Home")
    expect(room.page.get_by_role("radio", name="Yes")).not_to_be_checked()
    room.press("End")
    assert room.painted == {"lesion": 2 * 441}
    assert looks(room) == {"class:lesion": {"hidden": True}}
    room.press("Control+z")
    assert looks(room) == {}
    room.press("Escape")
    expect(steps).to_have_count(0)
    reload(room)
    assert room.painted == {"lesion": 2 * 441}
    assert len(room.marks) == 1


def test_a_class_takes_no_kind_of_mark_that_the_schema_does_not_give_it(room: Room) -> None:
    toolbar = room.page.get_by_role("toolbar")
    room.press("b")
    expect(room.viewport).to_have_attribute("data-tool", "brush")
    room.press("Shift+Digit3")
    expect(room.viewport).to_have_attribute("data-tool", "window")
    expect(toolbar.get_by_role("button", name="Brush", exact=True)).to_be_disabled()
    expect(toolbar.get_by_role("button", name="Landmark")).to_be_enabled()
    room.press("r")
    expect(room.viewport).to_have_attribute("data-tool", "window")
    expect(room.page.get_by_text("“Spot” has no marks of this kind").first).to_be_visible()
    room.press("m")
    room.page.mouse.click(*room.at(40, 40))
    assert [mark["label_class"] for mark in room.marks] == ["spot"]
    room.saved()


def test_looks_are_submitted_and_come_back_with_the_reading(room: Room) -> None:
    fill(room, *SQUARE)
    room.press("Shift+H", "1")
    slot = room.slot
    room.press("Control+Enter")
    expect(room.root).to_have_attribute("data-phase", "nothing", timeout=READY_MS)
    content = room.api(f"slots/{slot}")["submitted"]["content"]
    assert content["looks"] == [{"target": "class:lesion", "hidden": True}]
    room.open(slot)
    assert looks(room) == {"class:lesion": {"hidden": True}}
    assert room.painted == {"lesion": 441}

"""Every kind of mark in a real browser: drawn, measured, moved, undone, reloaded, found and deleted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from playwright.sync_api import Locator, expect
from reading_room import SLICES, Place, Room, prepare

from deploy.stack import Stack

Pixel = tuple[float, float]
HALF_A_PIXEL = 0.5
KINDS = [
    "box",
    "ellipse",
    "circle",
    "contour",
    "polyline",
    "length",
    "bidirectional",
    "angle",
    "cobb_angle",
    "landmark",
    "arrow",
]


@dataclass(frozen=True)
class Drawing:
    """How a mark is drawn (one path for each press of the button), and what is then stored and shown."""

    kind: str
    key: str
    paths: tuple[tuple[Pixel, ...], ...]
    points: tuple[Pixel, ...]
    """Empty for what is drawn freehand: there the points lie along the path."""
    measured: float | None
    unit: str
    grip: tuple[Pixel, ...]
    """From a handle or the outline to where it is dragged, and on."""
    reached: Pixel | None = None
    """Where a point then lies; None for where the handle was dragged to."""


DRAWINGS = [
    Drawing(
        "length", "l", (((20, 20), (50, 60)),), ((20, 20), (50, 60)), 37.5, " mm",
        ((50, 60), (80, 60)),
    ),
    Drawing(
        "ellipse", "o", (((60, 50), (75, 62)),), ((45, 50), (75, 50), (60, 38), (60, 62)), 22.5,
        " mm", ((75, 50), (85, 50)),
    ),
    Drawing("landmark", "m", (((40, 40),),), ((40, 40),), None, "", ((40, 40), (50, 45))),
    Drawing(
        "contour", "c", (((40, 30), (60, 30), (60, 50), (40, 50), (40, 32)),), (), 225.0, " mm²",
        ((60, 36), (70, 40), (58, 46)),
    ),
    Drawing(
        "polyline", "Shift+C", (((20, 20), (60, 50), (90, 50)),), (), 60.0, " mm",
        ((90, 50), (100, 50)),
    ),
    Drawing(
        "bidirectional", "Shift+L", (((30, 50), (70, 50)),),
        ((30, 50), (70, 50), (50, 36.67), (50, 63.33)), 30.0, " mm", ((70, 50), (80, 50)),
    ),
    Drawing(
        "angle", "a", (((60, 60), (30, 60)), ((30, 30),)), ((60, 60), (30, 60), (30, 30)), 90.0,
        "°", ((30, 30), (60, 30)),
    ),
    Drawing(
        "arrow", "t", (((50, 50), (80, 30)),), ((50, 50), (80, 30)), None, "", ((80, 30), (90, 40)),
    ),
    Drawing(
        "circle", "Shift+O", (((60, 50), (70, 50)),), ((60, 50), (70, 50)), 15.0, " mm",
        ((70, 50), (80, 50)), (60, 30),
    ),
    Drawing(
        "cobb_angle", "Shift+A", (((20, 20), (60, 20)), ((20, 60), (60, 40))),
        ((20, 20), (60, 20), (20, 60), (60, 40)), 26.57, "°", ((60, 40), (60, 30)),
    ),
]  # fmt: skip
NAMES = [drawing.kind for drawing in DRAWINGS]
each_kind = pytest.mark.parametrize("drawing", DRAWINGS, ids=NAMES)


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    return prepare(live_stack.url, in_live_stack, slug="kinds", people=20, cases=1, marks=KINDS)


def draw(room: Room, drawing: Drawing) -> None:
    room.press(drawing.key)
    for path in drawing.paths:
        room.page.mouse.move(*room.at(*path[0]), steps=4)
        room.drag(*path)


def leave_text(room: Room) -> None:
    """An arrow asks for its text at once; Enter gives the keys back."""
    if room.page.get_by_role("textbox", name="Text at the arrow").count():
        room.press("Enter")


def rows(room: Room) -> Locator:
    return room.page.locator("#marks > ul > li")


def lies(points: list[list[float]], *wanted: Pixel) -> bool:
    """Whether each of these pixels is one of the points, or as good as."""
    distances = np.linalg.norm(np.array(points)[None] - np.array(wanted)[:, None], axis=2)
    return bool((distances.min(axis=1) < 2 * HALF_A_PIXEL).all())


@each_kind
def test_it_is_stored_where_it_was_drawn_moved_undone_and_found_again(
    room: Room, drawing: Drawing
) -> None:
    room.press("ArrowDown")
    expect(room.viewport).to_have_attribute("data-frame", "1")
    draw(room, drawing)
    [mark] = room.marks
    frame = room.api(f"series/{room.shown('series')}")["frames"][1]
    assert (mark["kind"], mark["label_class"]) == (drawing.kind, "lesion")
    assert (mark["sop_instance_uid"], mark["frame"]) == (frame["sop_instance_uid"], frame["frame"])
    assert mark["tracking_uid"].startswith("2.25.")
    if drawing.points:
        assert len(mark["points_px"]) == len(drawing.points)
        assert lies(mark["points_px"], *drawing.points)
    else:
        assert lies(mark["points_px"], *drawing.paths[0])
    if drawing.measured is not None:
        text = rows(room).inner_text()
        [number] = re.findall(rf"([\d.]+)(?: × [\d.]+)?{drawing.unit}", text)
        assert float(number) == pytest.approx(drawing.measured, rel=0.03)

    leave_text(room)
    room.press("Control+z")
    assert room.marks == []
    room.press("Control+y")
    assert room.marks == [mark]

    room.press("w")
    room.drag(*drawing.grip)
    [moved] = room.marks
    assert moved["tracking_uid"] == mark["tracking_uid"]
    reached = drawing.reached or drawing.grip[1]
    assert lies(moved["points_px"], reached)
    assert not lies(mark["points_px"], reached)
    room.press("Control+z")
    assert room.marks == [mark]
    room.press("Control+Shift+Z")
    assert room.marks == [moved]

    room.saved()
    assert room.stored()["content"]["marks"] == [moved]
    room.page.reload()
    room.wait()
    assert room.marks == [moved]

    rows(room).get_by_title("Go to this mark").click()
    expect(room.viewport).to_have_attribute("data-frame", "1")
    room.press("Delete")
    assert room.marks == []
    expect(rows(room)).to_have_count(0)
    room.press("Control+z")
    assert room.marks == [moved], "it was only looked at since the reload"


def test_all_kinds_are_submitted_together_and_lie_in_the_patient(
    room: Room, in_live_stack: Callable[[str], str]
) -> None:
    slot = room.slot
    for number, drawing in enumerate(DRAWINGS):
        frame = number % SLICES
        room.press("Home", *["ArrowDown"] * frame)
        expect(room.viewport).to_have_attribute("data-frame", str(frame))
        draw(room, drawing)
        leave_text(room)
        assert [mark["kind"] for mark in room.marks] == NAMES[: number + 1]
    drawn = room.marks
    room.press("1", "Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(slot))
    read = room.api(f"slots/{slot}")["submitted"]
    assert read["content"]["marks"] == drawn
    [line] = in_live_stack(
        "import json; from annotation.models import Mark;"
        f"rows = Mark.objects.filter(read__slot={slot}).order_by('pk');"
        "print(json.dumps(list(rows.values('points_px', 'points_mm'))))"
    ).splitlines()
    for stored in json.loads(line):
        pixels, patient = np.array(stored["points_px"]), np.array(stored["points_mm"])
        assert len(pixels) == len(patient)
        if len(pixels) > 1:
            assert np.allclose(np.ptp(patient[:, :2], axis=0), 0.75 * np.ptp(pixels, axis=0))


def test_an_arrow_asks_for_its_text_which_is_one_step(room: Room) -> None:
    arrow = next(drawing for drawing in DRAWINGS if drawing.kind == "arrow")
    draw(room, arrow)
    expect(room.page.get_by_role("textbox", name="Text at the arrow")).to_be_focused()
    room.page.keyboard.type("bone spur")
    room.press("Enter")
    assert room.marks[0]["text"] == "bone spur"
    expect(room.viewport.get_by_text("Lesion bone spur")).to_be_visible()
    expect(rows(room)).to_contain_text("bone spur")
    room.press("Control+z")
    assert [mark["text"] for mark in room.marks] == [""]
    room.press("Control+y")
    assert room.marks[0]["text"] == "bone spur"
    room.saved()
    room.page.reload()
    room.wait()
    assert room.marks[0]["text"] == "bone spur"


@pytest.mark.parametrize("way", ["Escape", "Control+z", "ArrowDown"])
def test_what_is_half_drawn_goes_and_nothing_else_does(room: Room, way: str) -> None:
    length, angle = DRAWINGS[0], next(one for one in DRAWINGS if one.kind == "angle")
    draw(room, length)
    before = room.marks
    room.press(angle.key)
    room.drag(*angle.paths[0])
    room.page.mouse.move(*room.at(30, 40), steps=4)
    room.press(way)
    expect(room.viewport).to_have_attribute("data-frame", "1" if way == "ArrowDown" else "0")
    room.drag((30, 30))
    room.press("Escape")
    assert room.marks == before
    room.press("Control+z")
    assert room.marks == []


def test_a_contour_that_is_cancelled_leaves_nothing(room: Room) -> None:
    room.press("c")
    mouse = room.page.mouse
    mouse.move(*room.at(30, 20))
    mouse.down()
    for pixel in ((70, 20), (70, 60), (40, 50)):
        mouse.move(*room.at(*pixel), steps=6)
    room.press("Escape")
    mouse.up()
    assert room.marks == []
    expect(room.root).to_have_attribute("data-phase", "reading")


def test_a_handle_that_is_flicked_is_stored_as_it_is_shown(room: Room) -> None:
    draw(room, DRAWINGS[0])
    room.press("w")
    mouse = room.page.mouse
    mouse.move(*room.at(50, 60))
    mouse.down()
    mouse.move(*room.at(80, 60))
    mouse.up()
    assert lies(room.marks[0]["points_px"], (80, 60))
    room.press("Control+z")
    assert lies(room.marks[0]["points_px"], (50, 60))


def test_what_lies_beyond_the_image_is_not_kept(room: Room) -> None:
    room.press("-", "-", "-", "m")
    room.drag((-6, -6))
    assert room.marks == []
    room.drag((6, 6))
    assert len(room.marks) == 1
    room.press("w")
    room.drag((6, 6), (-6, -6))
    assert lies(room.marks[0]["points_px"], (6, 6))


def test_every_tool_is_in_the_list_of_keys(room: Room) -> None:
    room.press("?")
    dialog = room.page.get_by_role("dialog")
    for name in ("Ellipse", "Circle", "Open contour", "Bidirectional", "Cobb angle", "Landmark"):
        expect(dialog.get_by_text(name, exact=True)).to_be_visible()

"""The reading room in a real browser, by mouse and keys, against the running product."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from playwright.sync_api import Browser, BrowserType, Route, expect
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

HALF_A_PIXEL = 0.5
MILLIMETRE = 0.4


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    return prepare(live_stack.url, in_live_stack, slug="room", people=40, cases=3)


def answers(content: dict[str, Any]) -> dict[str, Any]:
    return {answer["question"]: answer["value"] for answer in content["answers"]}


def mask_of(room: Room, slot: int, content: dict[str, Any]) -> np.ndarray[Any, Any]:
    [mark] = [mark for mark in content["marks"] if mark["kind"] == "labelmap"]
    got = room.page.request.get(f"{room.place.url}/api/slots/{slot}/masks/{mark['mask']}")
    voxels = np.frombuffer(gzip.decompress(got.body()), np.uint8)
    return voxels.reshape(SLICES, ROWS, COLUMNS)


def test_it_opens_the_next_case_and_scrolls_windows_zooms_and_pans(room: Room) -> None:
    assert (room.shown("frame"), room.shown("frames")) == ("0", str(SLICES))
    room.page.mouse.move(*room.at(64, 48))
    room.page.mouse.wheel(0, 100)
    expect(room.viewport).to_have_attribute("data-frame", "1")
    room.press("End")
    expect(room.viewport).to_have_attribute("data-frame", str(SLICES - 1))
    room.press("Home")
    expect(room.viewport).to_have_attribute("data-frame", "0")

    width, zoom = float(room.shown("window-width")), float(room.shown("zoom"))
    room.drag((64, 48), (90, 60))
    assert float(room.shown("window-width")) > width
    room.drag((64, 48), (64, 20), button="right")
    assert float(room.shown("zoom")) != pytest.approx(zoom)
    room.press("Space")
    assert float(room.shown("zoom")) == pytest.approx(zoom)
    assert float(room.shown("window-width")) == pytest.approx(width)
    room.press("i")
    expect(room.viewport).to_have_attribute("data-inverted", "true")


def test_every_frame_is_loaded_ahead(room: Room) -> None:
    expect(room.viewport).to_have_attribute("data-loaded", str(SLICES))


def test_a_case_is_answered_submitted_and_followed_by_the_next_with_keys_alone(room: Room) -> None:
    first = room.slot
    room.press("2")
    expect(room.page.locator("[data-blocks]")).to_have_attribute("data-blocks", "1")
    room.press("j")
    room.page.keyboard.type("12.5")
    room.press("Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(first))
    room.wait()
    read = room.api(f"slots/{first}")["submitted"]
    assert answers(read["content"]) == {"finding": "yes", "size": 12.5}
    assert not read["late"]


def test_what_blocks_the_submission_is_said_and_nothing_is_sent(room: Room) -> None:
    expect(room.page.get_by_role("button", name="Submit")).to_be_disabled()
    slot = room.slot
    room.press("Control+Enter", "1")
    expect(room.page.locator("[data-blocks]")).to_have_attribute("data-blocks", "0")
    assert room.slot == slot
    assert room.api(f"slots/{slot}")["submitted"] is None


def test_a_box_is_stored_where_it_was_drawn(
    room: Room, in_live_stack: Callable[[str], str]
) -> None:
    slot = room.slot
    room.press("ArrowDown", "ArrowDown")
    expect(room.viewport).to_have_attribute("data-frame", "2")
    room.press("r")
    room.drag((30, 20), (70, 60))
    expect(room.page.get_by_role("button", name="Delete this box")).to_be_visible()
    [box] = room.marks
    assert np.allclose(box["points_px"], [[30, 20], [70, 60]], atol=HALF_A_PIXEL)
    series = room.api(f"series/{room.shown('series')}")
    assert box["sop_instance_uid"] == series["frames"][2]["sop_instance_uid"]

    room.press("1", "Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(slot))
    [line] = in_live_stack(
        "import json; from annotation.models import Mark;"
        f"print(json.dumps(list(Mark.objects.filter(read__slot={slot}).values('points_mm', 'kind'))))"
    ).splitlines()
    [stored] = json.loads(line)
    x, y, z = ORIGIN[0], ORIGIN[1], ORIGIN[2] + 2 * GAP_MM
    corners = [[x + c * COLUMN_MM, y + r * ROW_MM, z] for c, r in ((30, 20), (70, 60))]
    assert np.allclose(stored["points_mm"], corners, atol=MILLIMETRE)


def test_a_box_is_moved_relabelled_and_deleted_and_each_is_undone(room: Room) -> None:
    room.press("r")
    room.drag((30, 20), (70, 60))
    room.press("w")
    room.drag((30, 40), (40, 45))
    [moved] = room.marks
    assert np.allclose(moved["points_px"], [[40, 25], [80, 65]], atol=2 * HALF_A_PIXEL)
    room.press("Shift+Digit2")
    assert room.marks[0]["label_class"] == "node"
    room.press("Delete")
    assert room.marks == []
    room.press("Control+z")
    assert room.marks[0]["label_class"] == "node"
    room.press("Control+z", "Control+z")
    assert np.allclose(room.marks[0]["points_px"], [[30, 20], [70, 60]], atol=HALF_A_PIXEL)
    assert room.marks[0]["label_class"] == "lesion"
    room.press("Control+Shift+Z")
    assert np.allclose(room.marks[0]["points_px"], moved["points_px"])


@pytest.mark.parametrize(
    ("key", "kind", "path", "points"),
    [
        ("o", "ellipse", [(60, 50), (75, 62)], 4),
        ("l", "length", [(20, 20), (50, 60)], 2),
        ("c", "contour", [(40, 30), (60, 30), (60, 50), (40, 50), (40, 32)], 10),
    ],
)
def test_other_marks_are_drawn_and_undone(
    room: Room, key: str, kind: str, path: list[tuple[float, float]], points: int
) -> None:
    room.press(key)
    room.drag(*path)
    [mark] = room.marks
    assert mark["kind"] == kind
    assert len(mark["points_px"]) >= points
    room.press("Control+z")
    assert room.marks == []
    room.press("Control+y")
    assert room.marks == [mark]


def test_a_drawing_that_is_cancelled_leaves_nothing(room: Room) -> None:
    room.press("r")
    mouse = room.page.mouse
    mouse.move(*room.at(30, 20))
    mouse.down()
    mouse.move(*room.at(70, 60), steps=6)
    room.press("Escape")
    mouse.up()
    assert room.marks == []
    expect(room.root).to_have_attribute("data-phase", "reading")


def test_painted_voxels_are_those_that_the_server_stores(room: Room) -> None:
    slot = room.slot
    room.press("b")
    room.drag((40, 40), (80, 40))
    room.press("Shift+Digit2")
    room.drag((40, 70), (80, 70))
    painted = room.painted
    assert painted["lesion"] > 0
    assert painted["node"] > 0
    room.saved()
    mask = mask_of(room, slot, room.stored()["content"])
    assert {"lesion": int((mask == 1).sum()), "node": int((mask == 2).sum())} == painted
    assert set(np.nonzero(mask)[0]) == {0}, "painted on the first frame alone"
    rows, columns = np.nonzero(mask[0] == 1)
    assert abs(rows.mean() - 40) < HALF_A_PIXEL
    assert abs(columns.mean() - 60) < HALF_A_PIXEL


def test_what_is_painted_is_in_the_picture_until_it_is_undone(room: Room) -> None:
    coloured = """({ viewer }) => {
        const sheet = viewer.element.querySelector('.mask-sheet');
        const { data } = sheet.getContext('2d').getImageData(0, 0, sheet.width, sheet.height);
        return sheet.hidden ? 0 : data.filter((value, at) => at % 4 === 3 && value > 0).length;
    }"""
    room.press("b")
    room.drag((40, 40), (80, 40))
    zoom = float(room.shown("zoom"))
    assert room.viewport.evaluate(coloured) >= room.painted["lesion"] * zoom**2
    room.press("Control+z")
    assert room.painted == {}
    assert room.viewport.evaluate(coloured) == 0
    room.press("Control+y")
    assert room.viewport.evaluate(coloured) > 0
    before = room.shown("rendered")
    room.press("ArrowDown")
    expect(room.viewport).not_to_have_attribute("data-rendered", before)
    assert room.viewport.evaluate(coloured) == 0


def test_the_ball_paints_through_neighbouring_frames_and_the_eraser_takes_away(room: Room) -> None:
    room.press("End", "ArrowUp", "ArrowUp")
    expect(room.viewport).to_have_attribute("data-frame", "3")
    room.press("b", "d", "]", "]")
    room.drag((60, 50), (62, 50))
    ball = room.painted["lesion"]
    room.saved()
    mask = mask_of(room, room.slot, room.stored()["content"])
    assert set(np.nonzero(mask)[0]) == {1, 2, 3, 4, 5}
    per_frame = mask.reshape(SLICES, -1).astype(bool).sum(axis=1)
    assert per_frame[3] > per_frame[2] > per_frame[1] > 0
    room.press("e", "d")
    room.drag((60, 50), (62, 50))
    assert 0 < room.painted["lesion"] < ball
    room.press("Control+z")
    assert room.painted["lesion"] == ball
    room.press("Control+z")
    assert room.painted == {}
    room.press("Control+y")
    assert room.painted["lesion"] == ball


def test_one_history_covers_marks_voxels_and_answers(room: Room) -> None:
    room.press("2", "r")
    room.drag((30, 20), (50, 40))
    room.press("b")
    room.drag((60, 60), (80, 60))
    assert room.painted
    room.press("Control+z")
    assert not room.painted
    assert len(room.marks) == 1
    room.press("Control+z")
    assert room.marks == []
    expect(room.page.get_by_role("radio", name="Yes")).to_be_checked()
    room.press("Control+z")
    expect(room.page.get_by_role("radio", name="Yes")).not_to_be_checked()
    room.press("Control+Shift+Z", "Control+y", "Control+y")
    assert room.painted
    assert len(room.marks) == 1
    expect(room.page.get_by_role("radio", name="Yes")).to_be_checked()


def test_a_draft_comes_back_after_a_reload_and_in_another_browser(
    room: Room, browser: Browser, place: Place, reader: str
) -> None:
    room.press("2", "r")
    room.drag((30, 20), (50, 40))
    room.press("b")
    room.drag((60, 60), (80, 60))
    before = (room.slot, room.marks, room.painted)
    # At once: the server has not been told yet.
    room.page.reload()
    room.wait()
    assert (room.slot, room.marks, room.painted) == before
    room.saved()

    elsewhere = place.enter(browser, reader)
    other = Room(elsewhere.new_page(), place).open(room.slot)
    assert (other.slot, other.marks, other.painted) == before
    expect(other.page.get_by_role("radio", name="Yes")).to_be_checked()
    elsewhere.close()


def test_space_and_arrows_belong_to_the_option_that_has_the_focus(room: Room) -> None:
    no = room.page.get_by_role("radio", name="No")
    no.focus()
    room.press("Space")
    expect(no).to_be_checked()
    room.press("ArrowDown")
    expect(room.page.get_by_role("radio", name="Yes")).to_be_checked()
    expect(room.viewport).to_have_attribute("data-frame", "0")


def test_without_single_key_shortcuts_letters_are_dead_and_arrows_scroll(room: Room) -> None:
    room.press("?")
    room.page.get_by_role("switch", name="Single-key shortcuts").click()
    room.press("Escape")
    expect(room.page.get_by_role("dialog")).to_have_count(0)
    room.press("r", "ArrowDown")
    assert room.shown("tool") == "window"
    expect(room.viewport).to_have_attribute("data-frame", "1")


def test_nothing_lands_in_the_case_before_while_the_next_one_loads(room: Room) -> None:
    room.page.route("**/claims/next", lambda route: route.abort())
    room.page.reload()
    room.wait()
    room.page.route("**/pixels/**", lambda route: None)
    first = room.slot
    room.press("b", "1", "Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(first))
    expect(room.viewport).to_have_attribute("data-phase", "loading")
    box = room.viewport.bounding_box()
    assert box is not None
    room.page.mouse.move(box["x"] + 200, box["y"] + 200)
    room.page.mouse.down()
    room.page.mouse.move(box["x"] + 300, box["y"] + 200, steps=6)
    room.page.mouse.up()
    assert (room.painted, room.marks) == ({}, [])


def test_painted_areas_are_named_in_the_picture_and_numbered_in_the_list(room: Room) -> None:
    room.press("b", "Shift+Digit2")
    room.drag((40, 40), (80, 40))
    expect(room.viewport.get_by_text("Lymph node")).to_be_visible()
    row = room.page.get_by_role("button", name="Lymph node painted area")
    expect(row).to_contain_text("2")
    room.press("ArrowDown")
    expect(room.viewport.get_by_text("Lymph node")).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 1024])
def test_every_tool_is_within_the_window(room: Room, width: int) -> None:
    room.page.set_viewport_size({"width": width, "height": 800})
    room.press("b")
    for name in ("Window presets", "Undo", "Redo", "Give back", "Keyboard shortcuts", "Submit"):
        control = room.page.get_by_label(name, exact=True).or_(
            room.page.get_by_role("button", name=name)
        )
        box = control.first.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    tools = room.page.get_by_role("toolbar")
    assert tools.evaluate("row => row.scrollWidth <= row.clientWidth")
    inside = tools.bounding_box()
    image = room.viewport.bounding_box()
    assert inside is not None
    assert image is not None
    assert inside["y"] + inside["height"] <= image["y"] + 1


def test_letters_are_dead_in_a_text_field(room: Room) -> None:
    remark = room.page.get_by_role("textbox", name="Remark")
    remark.click()
    room.page.keyboard.type("big 2 cm")
    assert room.shown("tool") == "window"
    expect(remark).to_have_value("big 2 cm")
    expect(room.page.get_by_role("radio", name="Yes")).not_to_be_checked()


def test_work_goes_on_without_a_link_and_is_sent_when_it_is_back(room: Room) -> None:
    slot = room.slot
    context = room.page.context
    context.set_offline(True)
    room.press("r")
    room.drag((30, 20), (50, 40))
    expect(room.root).to_have_attribute("data-save", "offline", timeout=15_000)
    expect(room.page.get_by_text("The server does not answer.")).to_be_visible()
    room.press("2")
    assert len(room.marks) == 1
    context.set_offline(False)
    expect(room.root).to_have_attribute("data-save", "saved", timeout=30_000)
    draft = room.api(f"slots/{slot}")["draft"]
    assert [mark["points_px"] for mark in draft["content"]["marks"]] == [room.marks[0]["points_px"]]
    assert answers(draft["content"]) == {"finding": "yes"}


def test_a_killed_server_loses_no_stroke(room: Room, live_stack: Stack) -> None:
    room.press("b")
    room.drag((30, 30), (60, 30))
    live_stack.kill("web")
    room.drag((30, 60), (60, 60))
    painted = room.painted
    expect(room.root).to_have_attribute("data-save", "saved", timeout=60_000)
    live_stack.wait_ready("web")
    mask = mask_of(room, room.slot, room.stored()["content"])
    assert int((mask == 1).sum()) == painted["lesion"]


def test_a_browser_killed_in_mid_stroke_loses_nothing_that_was_done_before_it(
    place: Place, reader: str, browser_type: BrowserType, tmp_path: Path,
    browser_type_launch_args: dict[str, Any],
) -> None:  # fmt: skip
    """The server has heard of none of it: what comes back was kept by the browser that died."""

    def begin() -> Room:
        context = browser_type.launch_persistent_context(
            tmp_path, viewport={"width": 1280, "height": 800}, **browser_type_launch_args
        )
        cookie = {"name": "session", "value": place.sessions[reader], "url": place.url}
        context.add_cookies([cookie])  # type: ignore[list-item]
        return Room(context.pages[0], place)

    room = begin().open()
    slot = room.slot
    room.page.route("**/draft", lambda route: route.abort())
    room.press("2", "r")
    room.drag((30, 20), (50, 40))
    room.press("b")
    room.drag((40, 60), (60, 60))
    expect(room.root).to_have_attribute("data-save", "offline", timeout=15_000)
    marks, painted = room.marks, room.painted
    room.page.mouse.move(*room.at(80, 30))
    room.page.mouse.down()
    room.page.mouse.move(*room.at(100, 50), steps=5)
    for process in psutil.process_iter(["cmdline"]):
        if f"--user-data-dir={tmp_path}" in (process.info["cmdline"] or []):
            process.kill()

    again = begin().open(slot)
    assert again.marks == marks
    assert again.painted == painted
    expect(again.page.get_by_role("radio", name="Yes")).to_be_checked()
    again.saved()
    stored = again.stored()["content"]
    assert answers(stored) == {"finding": "yes"}
    mask = mask_of(again, slot, stored)
    assert int((mask == 1).sum()) == painted["lesion"]
    again.page.context.close()


def test_a_submission_whose_answer_was_lost_has_one_effect(
    room: Room, in_live_stack: Callable[[str], str]
) -> None:
    slot = room.slot
    sent: list[str] = []

    def swallow_first_answer(route: Route) -> None:
        sent.append(route.request.headers["idempotency-key"])
        if len(sent) > 1:
            route.continue_()
            return
        route.fetch()
        route.abort()

    room.page.route("**/submit", swallow_first_answer)
    room.press("1", "Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(slot), timeout=30_000)
    assert len(sent) == 2
    assert sent[0] == sent[1]
    count = in_live_stack(
        f"from annotation.models import Read; print(Read.objects.filter(slot={slot}).count())"
    )
    assert count.split() == ["1"]


def test_an_edit_withdraws_a_submission_that_waits_for_the_server(room: Room) -> None:
    slot = room.slot
    room.page.context.set_offline(True)
    room.press("1", "Control+Enter")
    expect(room.page.get_by_text("Your reading is kept and is sent again")).to_be_visible()
    room.press("2")
    room.page.wait_for_timeout(200)
    room.page.context.set_offline(False)
    room.open(slot)
    expect(room.page.get_by_role("radio", name="Yes")).to_be_checked()
    expect(room.root).to_have_attribute("data-save", "saved", timeout=30_000)
    assert room.api(f"slots/{slot}")["submitted"] is None


def test_what_is_edited_after_a_submission_that_arrived_unanswered_corrects_it(room: Room) -> None:
    slot = room.slot

    def swallow_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    room.page.route("**/submit", swallow_answer, times=1)
    room.press("1", "Control+Enter")
    expect(room.page.get_by_text("Your reading is kept and is sent again")).to_be_visible()
    room.press("2")
    expect(room.page.get_by_text("your earlier submission had arrived")).to_be_visible(
        timeout=20_000
    )
    expect(room.page.get_by_text("You are correcting your reading of")).to_be_visible()
    expect(room.page.get_by_role("button", name="Give back")).to_have_count(0)
    room.press("j")
    room.page.keyboard.type("8")
    room.press("Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(slot))
    read = room.api(f"slots/{slot}")["submitted"]
    assert answers(read["content"]) == {"finding": "yes", "size": 8}


def test_a_submission_that_waits_is_sent_from_any_page(room: Room) -> None:
    slot, case = room.slot, room.root.get_attribute("data-case")
    room.page.route("**/submit", lambda route: route.abort())
    room.press("1", "Control+Enter")
    expect(room.page.get_by_text("Your reading is kept and is sent again")).to_be_visible()
    room.page.unroute("**/submit")
    room.page.goto(f"{room.place.url}/p/{room.place.slug}/list")
    expect(room.page.get_by_text(f"Case {case}: your reading, which waited")).to_be_visible()
    assert answers(room.api(f"slots/{slot}")["submitted"]["content"]) == {"finding": "no"}


def test_a_room_that_breaks_says_so_and_can_be_tried_again(room: Room) -> None:
    def no_question(route: Route) -> None:
        body = route.fetch().json()
        body["label_schema"]["document"]["questions"] = [None]
        route.fulfill(json=body)

    slot = room.slot
    room.page.route("**/api/slots/*", no_question, times=1)
    room.page.reload()
    expect(room.page.get_by_text("This page cannot go on")).to_be_visible()
    room.page.get_by_role("button", name="Try again").click()
    room.wait()
    assert room.slot == slot


def test_a_refusal_that_says_the_same_twice_leaves_the_room_working(room: Room) -> None:
    same = {"where": "answers", "message": "This does not fit."}
    refusal = {"code": "invalid_input", "title": "x", "detail": "x", "errors": [same, same]}
    room.page.route("**/submit", lambda route: route.fulfill(status=422, json=refusal), times=1)
    slot = room.slot
    room.press("1", "Control+Enter")
    expect(room.page.get_by_text("This does not fit.")).to_have_count(2)
    room.press("Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(slot))


def test_two_versions_of_a_draft_are_a_choice(
    room: Room, browser: Browser, place: Place, reader: str
) -> None:
    elsewhere = place.enter(browser, reader)
    other = Room(elsewhere.new_page(), place).open(room.slot)
    other.press("1")
    other.saved()
    elsewhere.close()
    room.press("2")
    expect(room.root).to_have_attribute("data-save", "conflict", timeout=15_000)
    room.page.get_by_role("button", name="Open").click()
    room.page.get_by_role("button", name="Keep mine").click()
    room.saved()
    assert answers(room.stored()["content"]) == {"finding": "yes"}


def test_images_that_changed_meanwhile_are_looked_at_before_they_are_submitted(
    room: Room, in_live_stack: Callable[[str], str]
) -> None:
    slot = room.slot
    room.press("1")
    room.saved()
    in_live_stack(
        f"""
from annotation.models import Series, Slot
series = Slot.objects.get(pk={slot}).case.series.get()
series.display["version"] = "0123456789abcdef"
series.save()
"""
    )
    room.press("Control+Enter")
    expect(room.page.get_by_text("You see the new ones now")).to_be_visible()
    room.wait()
    assert room.slot == slot
    assert room.api(f"slots/{slot}")["submitted"] is None
    assert answers(room.stored()["content"]) == {"finding": "no"}
    room.press("Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(slot))
    assert answers(room.api(f"slots/{slot}")["submitted"]["content"]) == {"finding": "no"}


def test_a_case_is_skipped_with_a_reason_and_another_follows(room: Room) -> None:
    slot = room.slot
    room.press("1", "s")
    room.page.get_by_role("radio", name="Outside my expertise").check()
    room.press("Control+Enter")
    room.page.wait_for_timeout(500)
    assert room.slot == slot
    assert room.api(f"slots/{slot}")["submitted"] is None
    room.page.get_by_role("button", name="Skip case").click()
    expect(room.root).not_to_have_attribute("data-slot", str(slot))
    room.wait()


def test_a_case_that_cannot_be_shown_can_be_given_back(room: Room) -> None:
    slot = room.slot
    room.page.route("**/api/series/*", lambda route: route.fulfill(status=404, json={}))
    room.page.reload()
    expect(room.page.get_by_text("This case could not be opened")).to_be_visible()
    room.page.get_by_role("button", name="Give back").click()
    room.page.get_by_role("button", name="Give back").last.click()
    expect(room.page.get_by_text("The case is back in the queue")).to_be_visible()
    assert room.api(f"slots/{slot}")["lease_expires_at"] is None


def test_without_webgl_images_are_read_all_the_same_and_the_reader_is_told(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    place: Place,
    reader: str,
) -> None:
    arguments = [*browser_type_launch_args["args"], "--disable-3d-apis"]
    browser = browser_type.launch(**{**browser_type_launch_args, "args": arguments})
    room = Room(place.enter(browser, reader).new_page(), place)
    errors: list[str] = []
    room.page.on("pageerror", lambda error: errors.append(str(error)))
    room.open()
    expect(room.page.get_by_text("This browser offers no WebGL 2")).to_be_visible()
    expect(room.page.get_by_role("button", name="Brush", exact=True)).to_have_count(0)
    room.press("End")
    expect(room.viewport).to_have_attribute("data-frame", str(SLICES - 1))
    room.press("r")
    room.drag((30, 20), (70, 60))
    assert np.allclose(room.marks[0]["points_px"], [[30, 20], [70, 60]], atol=HALF_A_PIXEL)
    assert errors == []
    browser.close()


def test_the_page_keeps_to_its_content_security_policy(room: Room) -> None:
    said: list[str] = []
    room.page.on("console", lambda message: said.append(message.text))
    room.press("r")
    room.drag((30, 20), (50, 40))
    room.press("l")
    room.drag((60, 20), (90, 40))
    room.press("b")
    room.drag((60, 60), (80, 60))
    assert [text for text in said if "Content Security Policy" in text] == []


def test_a_submitted_case_is_opened_again_and_corrected(room: Room) -> None:
    slot = room.slot
    room.press("r")
    room.drag((30, 20), (50, 40))
    room.press("1", "Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(slot))
    first = room.api(f"slots/{slot}")["submitted"]["read"]
    room.open(slot)
    assert len(room.marks) == 1
    expect(room.page.get_by_text("You are correcting your reading of")).to_be_visible()
    expect(room.page.get_by_role("button", name="Give back")).to_have_count(0)
    room.press("2", "j")
    room.page.keyboard.type("8")
    expect(room.root).to_have_attribute("data-save", "correction")
    room.press("Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(slot))
    corrected = room.api(f"slots/{slot}")["submitted"]
    assert corrected["read"] != first
    assert answers(corrected["content"]) == {"finding": "yes", "size": 8}

"""A begun reading and a form that changed: told what would go, stayed, moved; and two tabs of the editor."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from accessibility import barriers
from playwright.sync_api import Browser, Page, expect
from reading_room import CLASSES, COLUMNS, FINDING, ROWS, SLICES, Place, Room, prepare

from deploy.stack import Stack

SHOTS = os.environ.get("CONSILIUM_SHOTS", "")
"""A folder for pictures to look at; none are made without it."""
CHANGE = """
import json
from annotation import schema_versions
from annotation.models import Project, User
project = Project.objects.get(slug="moving")
document = {{**project.label_schemas.latest("version").document, **json.loads({fields!r})}}
lead = User.objects.get(username="moving-1")
print(schema_versions.add(project, document, user=lead).version)
"""
SIZE = {"code": "size", "text": "How large is it?", "type": "number", "min": 0, "max": 10}


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    return prepare(live_stack.url, in_live_stack, slug="moving", people=4, cases=2)


@pytest.fixture
def room(browser: Browser, place: Place) -> Iterator[Room]:
    context = place.enter(browser, "moving-2")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    made = Room(page, place)
    made.open()
    yield made
    context.close()
    assert errors == []


def stroke(room: Room, row: float) -> None:
    room.drag((30, row), (60, row))


def test_a_begun_reading_moves_to_the_newer_form_when_its_reader_wishes(
    room: Room, in_live_stack: Callable[[str], str]
) -> None:
    page, workers = room.page, []
    page.on("worker", lambda worker: workers.append(worker.url))
    room.press("b")
    stroke(room, 20)
    room.press("Shift+Digit2")
    stroke(room, 50)
    lesion, node = room.painted["lesion"], room.painted["node"]
    room.press("Escape", "2")
    page.locator("#question-size").get_by_role("spinbutton").fill("60")
    page.locator("#question-remark").get_by_role("textbox").fill("as before")
    page.evaluate("document.activeElement.blur()")
    room.saved()
    [mark] = room.stored()["content"]["marks"]
    assert any("mask-worker" in url for url in workers), workers
    got = page.request.get(f"{room.place.url}/api/slots/{room.slot}/masks/{mark['mask']}")
    before = np.frombuffer(gzip.decompress(got.body()), np.uint8)
    assert (int((before == 1).sum()), int((before == 2).sum())) == (lesion, node)

    fields = {"classes": [{**CLASSES[0], "value": 5}], "questions": [FINDING, SIZE]}
    changed = in_live_stack(CHANGE.format(fields=json.dumps(fields)))
    assert changed.splitlines()[-1] == "2"
    page.reload()
    room.wait()
    assert room.painted == {"lesion": lesion, "node": node}
    expect(page.get_by_text("The form has changed since you began.")).to_be_visible()
    room.press("Alt+o")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("What is painted as Lymph node")
    expect(dialog).to_contain_text("Answer to “How large is it?”: 60")
    expect(dialog).to_contain_text("Answer to “Remark”: as before")
    assert barriers(page, within="[role=dialog]") == []
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/newer-form.png")
    dialog.get_by_role("button", name="Stay with version 1").click()
    assert room.painted == {"lesion": lesion, "node": node}
    assert len(room.stored()["content"]["answers"]) == 3

    page.get_by_role("button", name="Move to version 2…").click()
    dialog.get_by_role("button", name="Move to version 2").click()
    expect(page.get_by_text("goes by version 2 of the form now")).to_be_visible()
    room.wait()
    assert room.painted == {"lesion": lesion}
    expect(page.get_by_text("The form has changed since you began.")).to_have_count(0)
    stored = room.stored()["content"]
    assert [one["question"] for one in stored["answers"]] == ["finding"]
    [mark] = stored["marks"]
    got = page.request.get(f"{room.place.url}/api/slots/{room.slot}/masks/{mark['mask']}")
    after = np.frombuffer(gzip.decompress(got.body()), np.uint8).reshape(SLICES, ROWS, COLUMNS)
    assert {int(value) for value in np.unique(after)} == {0, 5}
    assert int((after == 5).sum()) == lesion
    assert room.api(f"slots/{room.slot}")["label_schema"]["version"] == 2
    page.locator("#question-size").get_by_role("spinbutton").fill("7")
    page.evaluate("document.activeElement.blur()")
    slot = room.slot
    room.press("Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(slot))
    said = room.api(f"slots/{slot}")["submitted"]["content"]
    assert {one["question"]: one["value"] for one in said["answers"]} == {
        "finding": "yes",
        "size": 7,
    }


def test_two_tabs_of_the_schema_editor_keep_what_is_theirs(browser: Browser, place: Place) -> None:
    context = place.enter(browser, "moving-1")
    address = f"{place.url}/p/{place.slug}/schema"

    def opened() -> Page:
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(address)
        expect(page.get_by_role("button", name="Add a class")).to_be_visible()
        return page

    def names(page: Page) -> str:
        return " ".join(page.locator("[data-row]").all_inner_texts())

    def add(page: Page, name: str) -> None:
        page.get_by_role("button", name="Add a class").click()
        last = page.locator('[data-path$=".name"] input').last
        last.fill(name)
        last.blur()
        expect(page.locator("[data-row]").last).to_contain_text(name)

    first, second = opened(), opened()
    warning = "changed in another tab of this browser"
    add(first, "Pleura")
    expect(second.get_by_text(warning)).to_be_visible()
    expect(first.get_by_text(warning)).to_have_count(0)
    add(second, "Diaphragm")
    expect(first.get_by_text(warning)).to_be_visible()
    for page, own, other in ((first, "Pleura", "Diaphragm"), (second, "Diaphragm", "Pleura")):
        page.reload()
        expect(page.get_by_text("What you had not saved is here again")).to_be_visible()
        assert own in names(page)
        assert other not in names(page)
    third = opened()
    third.wait_for_timeout(600)
    assert "Pleura" not in names(third)
    first.close()
    third.close()
    fourth = opened()
    expect(fourth.get_by_text("What you had not saved is here again")).to_be_visible()
    assert "Pleura" in names(fourth)
    context.close()

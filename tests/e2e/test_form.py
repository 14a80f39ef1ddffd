"""The form in a real browser: every level, conditions, rules, proposals and pictures, by real keys."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from accessibility import barriers
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, expect
from reading_room import SLICES, Place, Room, prepare

from deploy.stack import Stack

FINDING = {
    "code": "finding",
    "text": "Is there a finding?",
    "type": "choice",
    "required": True,
    "default": "no",
    "options": [{"value": "no", "label": "No"}, {"value": "yes", "label": "Yes"}],
}
FOUND = {"question": "finding", "equals": "yes"}
LONG = {
    "code": "long", "text": "Long axis", "type": "number", "unit": "mm", "min": 0, "max": 200,
    "required": True, "show_if": FOUND,
    "term": {"system": "SCT", "code": "103339001", "display": "Long axis"},
}  # fmt: skip
SHORT = {**LONG, "code": "short", "text": "Short axis", "required": False, "term": None}
PHASE = {
    "code": "phase",
    "text": "Which phase?",
    "level": "series",
    "type": "choice",
    "required": True,
    "options": [{"value": "art", "label": "Arterial"}, {"value": "ven", "label": "Venous"}],
}
QUALITY = {
    "code": "quality",
    "text": "Is this image good?",
    "level": "frame",
    "type": "choice",
    "required": True,
    "show_if": {"question": "phase", "equals": "art"},
    "options": [{"value": "good", "label": "Good"}, {"value": "bad", "label": "Bad"}],
}
WHY = {
    "code": "why",
    "text": "What is wrong with the images?",
    "type": "text",
    "show_if": {"some": "frame", "where": {"question": "quality", "equals": "bad"}},
}
MARGIN = {
    "code": "margin",
    "text": "How is the margin?",
    "level": "mark",
    "type": "choice",
    "required": True,
    "options": [{"value": "smooth", "label": "Smooth"}, {"value": "spiky", "label": "Spiky"}],
}
RULES = [
    {
        "code": "axes",
        "then": {"question": "short", "at_most": {"question": "long"}},
        "message": "The short axis cannot be longer than the long axis.",
    },
    {
        "code": "drawn",
        "if": FOUND,
        "then": {"some": "mark", "class": "lesion"},
        "message": "You found something: mark the lesion.",
    },
]


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    questions = [FINDING, LONG, SHORT, WHY, PHASE, QUALITY, MARGIN]
    return prepare(
        live_stack.url, in_live_stack, slug="form", people=6, cases=1, series=2,
        questions=questions, rules=RULES,
    )  # fmt: skip


def field(room: Room, code: str) -> Locator:
    return room.page.locator(f"#question-{code}")


def left(room: Room) -> list[str]:
    """What the reader is told to do yet, line by line."""
    return room.page.locator("[data-blocks] li").all_inner_texts()


def answers(room: Room) -> dict[tuple[str, str], Any]:
    """Those of the draft that the server holds."""
    room.saved()
    draft = room.stored()
    said = [] if draft is None else draft["content"]["answers"]
    return {(one["question"], one["target"]): one["value"] for one in said}


def leave_the_field(room: Room) -> None:
    room.page.evaluate("document.activeElement.blur()")


def test_a_proposal_is_no_answer_until_it_is_confirmed(room: Room) -> None:
    asked = field(room, "finding")
    expect(asked).to_have_attribute("data-proposed", "true")
    expect(asked).to_contain_text("Proposed: No")
    expect(asked.get_by_role("radio", checked=True)).to_have_count(0)
    assert "not confirmed" in left(room)[0]
    room.press("Shift+J")
    expect(asked.get_by_role("radio", name="No")).to_be_checked()
    expect(asked).not_to_have_attribute("data-proposed", "true")
    assert answers(room) == {("finding", ""): "no"}
    room.press("Control+z")
    expect(asked).to_have_attribute("data-proposed", "true")


def test_what_is_hidden_does_not_count_and_is_there_when_it_is_shown_again(room: Room) -> None:
    expect(field(room, "long")).to_have_count(0)
    room.press("2")
    long = field(room, "long").get_by_role("spinbutton")
    long.fill("12")
    leave_the_field(room)
    field(room, "finding").get_by_role("radio", name="No").check()
    expect(field(room, "long")).to_have_count(0)
    assert not [line for line in left(room) if "Long" in line]
    field(room, "finding").get_by_role("radio", name="Yes").check()
    expect(long).to_have_value("12")
    assert answers(room)["long", ""] == 12


def test_a_broken_rule_is_told_live_and_one_key_goes_to_what_mends_it(room: Room) -> None:
    room.press("2")
    field(room, "long").get_by_role("spinbutton").fill("10")
    field(room, "short").get_by_role("spinbutton").fill("11")
    told = room.page.get_by_role("button", name=RULES[0]["message"])
    expect(told).to_be_visible()
    told.click()
    expect(field(room, "short").get_by_role("spinbutton")).to_be_focused()
    room.page.keyboard.press("Control+a")
    room.page.keyboard.type("9")
    expect(told).to_have_count(0)


def test_series_and_images_are_listed_and_gone_to_and_answered_by_keys_alone(room: Room) -> None:
    first = room.shown("series")
    room.press("Shift+J")
    assert [re.sub(r"\s+", " ", line) for line in left(room)] == [
        "Which phase? Series 1 and 1 more"
    ]
    room.press("j")
    expect(field(room, "phase").get_by_role("radio").first).to_be_focused()
    assert room.shown("series") == first
    room.press("2")
    room.press("j")
    expect(room.viewport).not_to_have_attribute("data-series", first)
    expect(field(room, "phase").get_by_role("radio").first).to_be_focused()
    room.press("1")
    expect(room.page.locator("[data-blocks]")).to_have_attribute("data-blocks", str(SLICES))
    for number in range(SLICES):
        room.press("j")
        expect(room.viewport).to_have_attribute("data-frame", str(number))
        expect(field(room, "quality").get_by_role("radio").first).to_be_focused()
        room.press("2" if number == 3 else "1")
    expect(room.page.locator("[data-blocks]")).to_have_attribute("data-blocks", "0")
    expect(field(room, "why")).to_be_visible()
    said = answers(room)
    values = [value for (code, _), value in said.items() if code == "quality"]
    assert sorted(values) == ["bad", *["good"] * (SLICES - 1)]
    targets = {target for (code, target) in said if code == "quality"}
    series = room.api(f"series/{room.shown('series')}?case={room.root.get_attribute('data-case')}")
    assert targets == {f"{one['sop_instance_uid']}#{one['frame']}" for one in series["frames"]}
    room.press("PageUp")
    expect(room.viewport).to_have_attribute("data-series", first)
    expect(field(room, "quality")).to_have_count(0)
    room.press("Control+z")
    expect(room.viewport).not_to_have_attribute("data-series", first)
    expect(room.viewport).to_have_attribute("data-frame", str(SLICES - 1))
    room.press("Control+y")
    slot = room.slot
    room.press("Control+Enter")
    expect(room.root).to_have_attribute("data-phase", "nothing")
    sent = room.api(f"slots/{slot}")["submitted"]["content"]["answers"]
    assert {(one["question"], one["target"]): one["value"] for one in sent} == said


def test_a_question_on_a_mark_is_gone_to_from_another_image(room: Room) -> None:
    room.press("2", "r")
    room.drag((30, 30), (60, 60))
    room.press("Escape", "ArrowDown", "ArrowDown")
    expect(room.viewport).to_have_attribute("data-frame", "2")
    expect(field(room, "margin")).to_have_count(0)
    room.page.get_by_role("button", name=re.compile("How is the margin")).click()
    expect(room.viewport).to_have_attribute("data-frame", "0")
    expect(field(room, "margin")).to_have_class(re.compile(r"\bactive\b"))
    room.press("2")
    expect(field(room, "margin").get_by_role("radio", name="Spiky")).to_be_checked()
    [mark] = room.marks
    assert answers(room)["margin", mark["tracking_uid"]] == "spiky"


def give_back(room: Room) -> None:
    """The claim of a case in which nothing was said yet."""
    url = room.place.url
    room.page.context.add_cookies([{"name": "csrftoken", "value": "x" * 32, "url": url}])
    slot = room.api(f"slots/{room.slot}")
    room.page.goto("about:blank")
    answer = room.page.request.post(
        f"{url}/api/slots/{slot['slot']}/release",
        data={"token": slot["token"]},
        headers={"X-CSRFToken": "x" * 32, "Referer": url},
    )
    assert answer.ok, answer.text()


def drawing() -> bytes:
    picture = Image.new("RGB", (320, 200), "#101216")
    ImageDraw.Draw(picture).ellipse((90, 40, 230, 160), outline="#e8a33d", width=4)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_a_guideline_shows_its_picture_beside_the_question_and_large(room: Room) -> None:
    page, project = room.page, f"{room.place.url}/api/projects/{room.place.slug}"
    lead = page.context.browser.new_context()  # type: ignore[union-attr]
    lead.add_cookies(
        [{"name": "session", "value": room.place.sessions["form-1"], "url": room.place.url}]
    )
    token = {"X-CSRFToken": "x" * 32, "Referer": room.place.url}
    lead.add_cookies([{"name": "csrftoken", "value": "x" * 32, "url": room.place.url}])
    kind = {"Content-Type": "application/octet-stream"}
    made = lead.request.post(f"{project}/guideline-pictures", data=drawing(), headers=token | kind)
    assert made.status == 201, made.text()
    document = lead.request.get(project).json()["label_schema"]["document"]
    shown = {"picture": made.json()["sha256"], "alt": "A smooth margin", "caption": "Smooth"}
    guided = {**LONG, "guideline": "Measure on the largest slice.", "pictures": [shown]}
    document["questions"][1] = guided
    added = lead.request.post(
        f"{project}/label-schemas", data={"document": document}, headers=token
    )
    assert added.status == 201, added.text()
    lead.close()
    # A case in hand goes by the version that it was opened with; given back, it is opened by the new one.
    give_back(room)
    room.open()
    room.press("2")
    picture = field(room, "long").get_by_role("img", name="A smooth margin")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    expect(field(room, "long")).to_have_accessible_description(re.compile("Measure on the largest"))
    expect(field(room, "long").locator("legend")).to_have_attribute(
        "title", "Long axis (SCT 103339001)"
    )
    assert barriers(page, within="aside") == []
    picture.click()
    expect(page.get_by_role("dialog").get_by_role("img", name="A smooth margin")).to_be_visible()
    room.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

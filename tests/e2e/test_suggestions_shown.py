"""Suggestions in a real browser: seen, accepted, changed, rejected, undone, and never before their time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from accessibility import barriers
from playwright.sync_api import Browser, Page, Request, Route, expect
from reading_room import COLUMNS, ROWS, SLICES, Place, Room, prepare

from deploy.stack import Stack

# What learning would hand over for each case: an answer, a box on the first image, a mask of two classes.
SUGGEST = """
import json, sys
sys.path.insert(0, "tests")
import numpy, suggestion_builders as hints
from annotation import masks
from annotation.models import Case, Project
Project.objects.filter(slug={slug!r}).update(suggestions={mode!r}, blind_to_model=False)
found = {{}}
for case in Case.objects.filter(project__slug={slug!r}).select_related("project"):
    series = case.series.get()
    frame = series.display["frames"][0]
    voxels = numpy.zeros(({slices}, {rows}, {columns}), numpy.uint8)
    voxels[0:2, 30:50, 40:70] = 1
    voxels[0, 60:70, 90:110] = 2
    kept = masks.keep(case.project_id, series, voxels)
    of_mask = [
        {{"item": f"mask:{{series.pk}}:{{value}}", "kind": "labelmap", "label_class": code,
          "voxel_value": value, "series": series.pk, "mask": kept.sha256,
          "voxels": int((voxels == value).sum()), "index": 0, "confidence": None}}
        for value, code in ((1, "lesion"), (2, "node"))
    ]
    box = hints.box(case, points_px=[[10, 10], [30, 25]], text="",
                    sop_instance_uid=frame["sop_instance_uid"], frame=1)
    made = hints.suggested(case, hints.ANSWER, box, *of_mask, mask=kept)
    found[case.pk] = {{"suggestion": made.pk, "box": box["item"], "series": series.pk}}
print(json.dumps(found))
"""
OUTCOMES = """
import json
from annotation.models import Assistance, ItemOutcome
rows = ItemOutcome.objects.filter(assistance__read__case={case}).order_by("pk")
print(json.dumps(list(rows.values("item", "kind", "outcome", "dice", "moved_mm", "agrees"))))
"""
FIRST = """
import json
from annotation.models import Assistance
one = Assistance.objects.get(read__case={case})
answers = list(one.read.answers.values_list("question", "value"))
print(json.dumps([one.first_reading.content["answers"], answers, one.changed]))
"""
LESIONS, NODES = 2 * 20 * 30, 10 * 20


def suggest(place: Place, run: Callable[[str], str], mode: str) -> dict[str, Any]:
    code = SUGGEST.format(slug=place.slug, mode=mode, slices=SLICES, rows=ROWS, columns=COLUMNS)
    found: dict[str, Any] = json.loads(run(code).splitlines()[-1])
    return found


def open_room(browser: Browser, place: Place, who: str) -> Iterator[Room]:
    context = place.enter(browser, who)
    yield Room(context.new_page(), place)
    context.close()


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    made = prepare(live_stack.url, in_live_stack, slug="aided", people=1, cases=4)
    suggest(made, in_live_stack, "at_once")
    return made


@pytest.fixture
def room(browser: Browser, place: Place) -> Iterator[Room]:
    for room in open_room(browser, place, "aided-1"):
        yield shown(room.open())


def shown(room: Room) -> Room:
    expect(room.page.locator("[data-suggestions='4']")).to_be_visible()
    return room


def states(room: Room) -> list[str]:
    found = json.loads(room.root.get_attribute("data-suggested") or "[]")
    return [state for _, state in found]


def eventually(room: Room, expected: list[str]) -> None:
    rows = room.page.locator("[data-suggestions] li")
    for index, state in enumerate(expected):
        expect(rows.nth(index)).to_have_class(re.compile(rf"\b{state}\b"))


WAITING = ["waiting"] * 4


def drawn(page: Page) -> Any:
    return page.locator("[data-suggested]:not(.room)")


def test_what_is_suggested_cannot_be_taken_for_the_reader_s_own(room: Room) -> None:
    """Dashed, hatched and named, not by colour alone; and nothing of it is in the reading yet."""
    expect(drawn(room.page)).to_have_count(3)
    for path in drawn(room.page).all():
        assert path.get_attribute("stroke-dasharray") == "6 4"
    fills = [path.get_attribute("fill") or "" for path in drawn(room.page).all()]
    assert [fill[:4] for fill in fills] == ["none", "url(", "url("]
    words = room.page.locator("[data-viewport] svg text").all_text_contents()
    assert sorted(words) == ["AI Lesion", "AI Lesion", "AI Lymph node"]
    expect(room.page.locator("label.offered")).to_contain_text("AI")
    assert room.marks == []
    assert room.painted == {}
    assert barriers(room.page) == []


def test_each_is_accepted_or_rejected_with_one_key_and_taken_back_with_another(room: Room) -> None:
    room.press("y")
    eventually(room, ["accepted", "waiting", "waiting", "waiting"])
    expect(room.page.get_by_role("radio", name="Yes")).to_be_checked()
    room.press("y")
    [box] = room.marks
    assert (box["kind"], box["points_px"]) == ("box", [[10, 10], [30, 25]])
    room.press("u")
    eventually(room, ["accepted", "accepted", "rejected", "waiting"])
    room.press("y")
    assert room.painted == {"node": NODES}
    for _ in range(4):
        room.press("Control+z")
    eventually(room, WAITING)
    assert room.marks == []
    assert room.painted == {}
    room.press("Control+y")
    eventually(room, ["accepted", "waiting", "waiting", "waiting"])
    room.press("Control+z")


def test_all_at_once_is_one_step(room: Room) -> None:
    room.press("Shift+Y")
    eventually(room, ["accepted"] * 4)
    assert room.painted == {"lesion": LESIONS, "node": NODES}
    assert len(room.marks) == 1
    expect(drawn(room.page)).to_have_count(0)
    room.press("Control+z")
    eventually(room, WAITING)
    assert room.painted == {}
    expect(drawn(room.page)).to_have_count(3)


def test_opacity_and_presence_go_by_keys(room: Room) -> None:
    first = drawn(room.page).first
    before = float(first.get_attribute("opacity") or 0)
    room.press("Alt+[", "Alt+[")
    expect(first).to_have_attribute("opacity", f"{before - 0.4:.1f}")
    room.press("Alt+]")
    expect(first).to_have_attribute("opacity", f"{before - 0.2:.1f}")
    room.press("Shift+U")
    expect(drawn(room.page)).to_have_count(0)
    expect(room.page.locator("label.offered")).to_have_count(0)
    room.press("y")
    assert states(room) == WAITING, "what is hidden was accepted"
    room.press("Shift+U")
    expect(drawn(room.page)).to_have_count(3)


def test_what_cannot_be_seen_is_gone_to_before_it_is_accepted(room: Room) -> None:
    room.press("End")
    expect(room.viewport).to_have_attribute("data-frame", str(SLICES - 1))
    expect(drawn(room.page)).to_have_count(0)
    room.press("y", "y")
    eventually(room, ["accepted", "waiting", "waiting", "waiting"])
    expect(room.viewport).to_have_attribute("data-frame", "0")
    room.press("y")
    eventually(room, ["accepted", "accepted", "waiting", "waiting"])
    room.press("Control+z", "Control+z")
    eventually(room, WAITING)


def test_suggestions_are_seen_in_planes_where_these_cut_them(room: Room) -> None:
    room.press("Shift+V")
    page = room.page
    expect(page.locator("[data-viewport][data-phase=ready]")).to_have_count(4, timeout=60_000)
    for plane, through, beside in (("sagittal", "55", "120"), ("coronal", "40", "90")):
        pane = page.locator(f"[data-plane={plane}]")
        pane.click(position={"x": 60, "y": 200})
        for frame, seen in ((through, True), (beside, False)):
            pane.evaluate(f"(pane) => pane.viewer.goTo({frame})")
            expect(pane).to_have_attribute("data-frame", frame)
            expect(drawn(page).and_(pane.locator("[data-suggested^='mask']"))).to_have_count(
                1 if seen else 0
            )


def test_what_was_done_is_in_the_draft_and_in_the_read(
    room: Room, in_live_stack: Callable[[str], str]
) -> None:
    case = int(room.root.get_attribute("data-case") or 0)
    room.press("Shift+Y")
    eventually(room, ["accepted"] * 4)
    room.drag((30, 25), (38, 33))
    eventually(room, ["accepted", "edited", "accepted", "accepted"])
    room.press("e")
    room.drag((45, 35), (60, 35))
    wiped = LESIONS - room.painted["lesion"]
    assert wiped > 20
    room.press("w")
    room.page.get_by_role("spinbutton").fill("12")
    room.page.keyboard.press("Escape")
    room.saved()
    assert len(room.stored()["content"]["suggestions"]) == 4
    slot = room.slot
    room.page.reload()
    shown(room.wait())
    assert states(room)[:2] == ["accepted", "edited"]
    assert room.painted["lesion"] == LESIONS - wiped
    room.press("Control+Enter")
    expect(room.root).not_to_have_attribute("data-slot", str(slot))
    rows = json.loads(in_live_stack(OUTCOMES.format(case=case)).splitlines()[-1])
    answer, box, lesion, node = rows
    assert (answer["outcome"], answer["agrees"]) == ("accepted", True)
    assert box["outcome"] == "edited"
    assert box["moved_mm"] == pytest.approx((8 * 0.75) * 2**0.5, abs=0.5)
    assert lesion["outcome"] == "edited"
    left = LESIONS - wiped
    assert lesion["dice"] == pytest.approx(2 * left / (LESIONS + left), abs=0.001)
    assert (node["outcome"], node["dice"]) == ("accepted", 1.0)


def test_reading_goes_on_when_suggestions_cannot_be_had(browser: Browser, place: Place) -> None:
    for room in open_room(browser, place, "aided-1"):

        def fail(route: Route) -> None:
            body = json.dumps({"status": 503, "code": "x", "title": "x", "detail": "Away."})
            route.fulfill(status=503, content_type="application/problem+json", body=body)

        room.page.route("**/api/slots/*/suggestion", fail)
        room.open()
        expect(room.page.get_by_text("reading goes on without them")).to_be_visible()
        room.press("1")
        expect(room.page.get_by_role("radio", name="No")).to_be_checked()
        slot = room.slot
        room.press("Control+Enter")
        expect(room.root).not_to_have_attribute("data-slot", str(slot))


def test_the_model_is_seen_after_the_own_reading_and_no_sooner(
    browser: Browser, live_stack: Stack, in_live_stack: Callable[[str], str]
) -> None:
    place = prepare(live_stack.url, in_live_stack, slug="second", people=1, cases=1)
    suggest(place, in_live_stack, "reader_first")
    for room in open_room(browser, place, "second-1"):
        asked: list[str] = []

        def note(request: Request, asked: list[str] = asked) -> None:
            asked.append(request.url)

        room.page.on("request", note)
        room.open()
        case = int(room.root.get_attribute("data-case") or 0)
        expect(room.page.get_by_text("once your own reading is in")).to_be_visible()
        room.press("y", "Shift+Y")
        room.press("1")
        expect(room.page.get_by_role("button", name="Commit own reading")).to_be_enabled()
        assert not [url for url in asked if "suggestion" in url or "/masks/" in url]
        assert "AI Lesion" not in room.page.content()
        slot = room.slot
        room.press("Control+Enter")
        shown(room)
        assert room.slot == slot, "committing is not submitting"
        expect(room.page.get_by_text("is kept as it was")).to_be_visible()
        room.page.reload()
        shown(room.wait())
        room.press("Shift+Y")
        room.page.get_by_role("spinbutton").fill("12")
        room.page.keyboard.press("Escape")
        room.press("Control+Enter")
        expect(room.root).to_have_attribute("data-phase", "nothing")
    first, final, changed = json.loads(in_live_stack(FIRST.format(case=case)).splitlines()[-1])
    assert [(one["question"], one["value"]) for one in first] == [("finding", "no")]
    assert sorted(final) == [["finding", "yes"], ["size", 12]]
    assert changed == 4


# Two reads of a real model's suggestions: one answer taken, one turned down.
READ = """
import sys
sys.path.insert(0, "tests")
import builders, suggestion_builders as hints
from annotation import queue, suggestions
from annotation.models import Case, Project, Suggestion, User
from learning.models import Recipe, Round, TrainedModel
project = Project.objects.get(slug={slug!r})
recipe = Recipe.objects.create(project=project, version=1, document={{}})
round_ = Round.objects.create(project=project, number=3, recipe=recipe, seed=1, trigger="api", state="done")
model = TrainedModel.objects.create(
    project=project, round=round_, arm="all", network="ensemble", weights_sha256="f" * 64,
    code_sha256="0" * 64, config={{}}, state="in_use")
Suggestion.objects.filter(project=project).update(model=model.pk)
reader = User.objects.get(username={reader!r})
for value, decision in (("yes", "accepted"), ("no", "rejected")):
    slot = queue.claim(project, reader)
    made = suggestions.show(slot, reader)
    content = builders.content(value)
    if value == "yes":
        content["answers"].append({{"question": "size", "target": "", "value": 8}})
    hints.submit(slot, {{**content, "suggestions": hints.decided(made, **{{decision: "answer:finding"}})}})
"""


def test_the_lead_sees_what_became_of_them_and_chooses_when_they_are_shown(
    browser: Browser, live_stack: Stack, in_live_stack: Callable[[str], str]
) -> None:
    place = prepare(live_stack.url, in_live_stack, slug="measured", people=1, cases=3)
    suggest(place, in_live_stack, "at_once")
    in_live_stack(READ.format(slug=place.slug, reader="measured-1"))
    context = place.enter(browser, "measured-1")
    page = context.new_page()
    page.goto(f"{place.url}/p/{place.slug}/models")
    answers = page.get_by_role("row", name=re.compile("answers"))
    expect(answers).to_contain_text("0.500")
    expect(answers).to_contain_text("50 % end as suggested")
    masks = page.get_by_role("row", name=re.compile("masks"))
    expect(masks.get_by_role("cell").nth(5)).to_have_text("4")
    assert barriers(page) == []
    page.get_by_role("radio", name="After their own reading").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("radio", name="After their own reading")).to_be_checked()
    context.close()

"""The reading list and the case after this one, in a real browser, by keys alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from reading_room import READY_MS, Place, Room, prepare

from deploy.stack import Stack

CASES = 10
SKIPPED, ASKED = 4, 6
MIX = """
from annotation.models import Case, Slot
kinds = [("CT", "CHEST"), ("CT", "HEAD"), ("MR", "HEAD")]
for place, case in enumerate(Case.objects.filter(project__slug="{slug}").order_by("pk")):
    modality, part = kinds[place % 3]
    Case.objects.filter(pk=case.pk).update(modality=modality, body_part=part)
    Slot.objects.filter(case=case).update(modality=modality, body_part=part)
"""
STATES = """
import json
from collections import Counter
from annotation.models import Comment, Read, Skip, Slot
of = {{"case__project__slug": "{slug}"}}
print(json.dumps({{
    "slots": Counter(Slot.objects.filter(**of).values_list("state", flat=True)),
    "reserved": Slot.objects.filter(**of).exclude(reserved_for=None).count(),
    "reads": list(Read.objects.filter(**of).values_list("case", flat=True)),
    "late": Read.objects.filter(late=True, **of).count(),
    "skips": list(Skip.objects.filter(**of).values_list("case", "reason")),
    "issues": list(Comment.objects.exclude(issue="").filter(**of).values_list("case", "text")),
}}))
"""


def tab_to(page: Page, name: str) -> None:
    """Tab until the control of that name has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "document.activeElement?.matches('a, button') ? document.activeElement.textContent : ''"
        )
        if name in focused:
            return
    raise AssertionError(f"no way to “{name}” by Tab")


def ahead_of(room: Room) -> str:
    """The slot of the next case, once all its images are here."""
    status = room.page.locator("[data-ahead]")
    expect(status).to_have_attribute("data-ahead", "ready", timeout=READY_MS)
    return status.get_attribute("data-ahead-slot") or ""


@pytest.fixture(scope="module")
def states(in_live_stack: Callable[[str], str]) -> Callable[[str], dict[str, Any]]:
    def ask(slug: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(in_live_stack(STATES.format(slug=slug)).splitlines()[-1])
        return found

    return ask


def test_a_reading_session_of_ten_cases_by_keys_alone(
    live_stack: Stack, in_live_stack: Callable[[str], str], browser: Browser, states: Any
) -> None:
    place = prepare(live_stack.url, in_live_stack, slug="ten", people=1, cases=CASES)
    context = place.enter(browser, "ten-1")
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    frames: list[str] = []
    page.on("request", lambda one: "/frames/" in one.url and frames.append(one.url))
    hung: list[str] = []
    page.on("request", lambda one: one.url.endswith("/hanging") and hung.append(one.url))
    page.goto(f"{place.url}/p/{place.slug}/list")
    expect(page.locator("[data-rows]")).to_have_attribute("data-rows", str(CASES))

    expect(page.get_by_role("link", name="Read next")).to_be_visible()

    room = Room(page, place)
    room.press("Enter")
    seen: list[int] = []
    fetched_after_the_first: list[int] = []
    for number in range(1, CASES + 1):
        room.wait()
        seen.append(int(room.root.get_attribute("data-case") or 0))
        if number < CASES:
            following = ahead_of(room)
            assert hung[-1].endswith(f"/slots/{following}/hanging")
        before = len(frames)
        if number == SKIPPED:
            room.press("s")
            expect(page.get_by_role("dialog")).to_be_visible()
            tab_to(page, "Skip case")
            room.press("Enter")
        elif number == ASKED:
            room.press("Shift+i")
            dialog = page.get_by_role("dialog")
            expect(dialog).to_be_visible()
            dialog.get_by_label("In your words").focus()
            page.keyboard.type("Which side is this?")
            tab_to(page, "Raise issue")
            room.press("Enter")
        elif number == 2:
            room.press("2", "j")
            page.keyboard.type("12.5")
            room.press("Control+Enter")
        else:
            room.press("1", "Control+Enter")
        if number < CASES:
            expect(room.root).to_have_attribute("data-slot", following, timeout=READY_MS)
            room.wait()
            fetched_after_the_first += [len(frames) - before]
    expect(room.root).to_have_attribute("data-phase", "nothing", timeout=READY_MS)
    assert len(set(seen)) == CASES
    # Images of a case that was loaded ahead are fetched no second time: what is fetched from here on is
    # of the case after it.
    assert max(fetched_after_the_first) <= 2 * 6, fetched_after_the_first
    assert len(hung) == CASES, "a case that was described ahead is described no second time"

    tab_to(page, "To the reading list")
    room.press("Enter")
    expect(page.locator("[data-rows]")).to_have_attribute("data-rows", str(CASES))
    expect(page.locator('[data-flag="cached"]').first).to_be_visible()
    # The list is the one from before until the server has answered.
    expect(page.locator("tbody tr", has_text="Done")).to_have_count(CASES - 2, timeout=READY_MS)
    stages = page.locator("tbody tr").all_inner_texts()
    first_done = next(index for index, text in enumerate(stages) if "Done" in text)
    room.press(*["j"] * (first_done + 1), "o")
    page.wait_for_url("**/read/*")

    found = states("ten")
    assert sorted(found["reads"]) == sorted(
        case for number, case in enumerate(seen, 1) if number not in (SKIPPED, ASKED)
    )
    assert found["late"] == 0
    assert [case for case, _ in found["skips"]] == [seen[SKIPPED - 1]]
    assert found["issues"] == [[seen[ASKED - 1], "Which side is this?"]]
    assert found["slots"] == {"done": CASES - 2, "open": 1, "held": 1}
    assert found["reserved"] == 0
    assert failures == []
    context.close()


@pytest.fixture(scope="module")
def mixed(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    """Nine cases of three kinds, and readers who are each to read all."""
    place = prepare(live_stack.url, in_live_stack, slug="mixed", people=4, cases=9)
    in_live_stack(MIX.format(slug="mixed"))
    return place


def rows(page: Page, count: int) -> None:
    expect(page.locator("[data-rows]")).to_have_attribute("data-rows", str(count))


def test_the_list_is_narrowed_kept_and_read_from_within_the_filter(
    browser: Browser, mixed: Place
) -> None:
    context = mixed.enter(browser, "mixed-2")
    page = context.new_page()
    page.goto(f"{mixed.url}/p/mixed/list")
    rows(page, 9)
    page.keyboard.press("/")
    page.keyboard.type("head mr")
    rows(page, 3)
    page.keyboard.press("Escape")
    page.keyboard.press("0")
    rows(page, 9)
    page.keyboard.press("f")
    page.keyboard.type("MR")
    page.keyboard.press("Escape")
    rows(page, 3)
    page.wait_for_url("**modality=MR*")
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name")).to_have_value("MR")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="MR", exact=False).first).to_be_visible()

    expect(page.get_by_role("link", name=re.compile("Read next of MR"))).to_be_visible()
    page.keyboard.press("Enter")
    room = Room(page, mixed).wait()
    expect(page.locator("header")).to_contain_text("MR")
    expect(page.get_by_role("button", name="Only MR")).to_be_visible()
    assert ahead_of(room)
    room.press("1", "Control+Enter")
    expect(page.get_by_text("is read.")).to_be_visible()
    room.wait()
    assert room.api(f"slots/{room.slot}")["case"]["modality"] == "MR"

    other = mixed.enter(browser, "mixed-2").new_page()
    other.goto(f"{mixed.url}/p/mixed/list")
    rows(other, 9)
    expect(other.get_by_role("list", name="Kept filters")).to_contain_text("MR")
    other.keyboard.press("1")
    rows(other, 3)
    other.context.close()
    context.close()


def test_a_row_in_hand_is_given_back_from_the_list(
    browser: Browser, mixed: Place, states: Any
) -> None:
    context = mixed.enter(browser, "mixed-3")
    page = context.new_page()
    room = Room(page, mixed).open()
    case = room.root.get_attribute("data-case")
    page.goto(f"{mixed.url}/p/mixed/list")
    row = page.locator(f'tr[data-case="{case}"]')
    expect(row).to_contain_text("Yours now")
    for _ in range(9):
        page.keyboard.press("j")
        if row.get_attribute("aria-current"):
            break
    page.keyboard.press("x")
    expect(row).not_to_contain_text("Yours now")
    assert room.api("projects/mixed/claims")["results"] == []
    context.close()


def test_what_waits_for_one_reader_is_let_go_when_the_reader_leaves(
    browser: Browser, mixed: Place, states: Any
) -> None:
    context = mixed.enter(browser, "mixed-4")
    page = context.new_page()
    room = Room(page, mixed).open()
    ahead_of(room)
    before = states("mixed")["reserved"]
    assert before >= 1
    with page.expect_response(lambda one: one.url.endswith("/claims/next")):
        page.get_by_role("link", name=re.compile("Back to the list")).click()
    assert states("mixed")["reserved"] == before - 1
    context.close()


def test_a_list_that_cannot_be_brought_says_so_and_comes_back(
    browser: Browser, mixed: Place
) -> None:
    context = mixed.enter(browser, "mixed-4")
    page = context.new_page()
    page.route("**/api/projects/mixed/cases*", lambda route: route.fulfill(status=500, body="{}"))
    page.goto(f"{mixed.url}/p/mixed/list")
    again = page.get_by_role("button", name="Try again")
    expect(again.first).to_be_visible()
    page.unroute("**/api/projects/mixed/cases*")
    again.first.click()
    rows(page, 9)
    page.keyboard.press("/")
    page.keyboard.type("nothing of the kind")
    expect(page.get_by_text("No case fits this filter")).to_be_visible()
    context.close()

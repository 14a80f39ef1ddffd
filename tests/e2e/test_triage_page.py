"""Triage in a real browser: signed by a lead, certified by the product's own workers, closed again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from accessibility import barriers
from playwright.sync_api import Browser, Page, expect
from reading_room import Place, prepare

from deploy.stack import Stack

WORLD = """
import itertools, sys
sys.path.insert(0, "tests")
import builders, triage_builders
builders._numbers = itertools.count(10_000_000)  # others made things in this stack, too
from annotation.models import Membership, User
world = triage_builders.world(positives=250, negatives=450, slug="certified")
Membership.objects.create(
    project=world.project, user=User.objects.get(username="tri-1"), role="lead")
Membership.objects.create(
    project=world.project, user=User.objects.get(username="tri-2"), role="ml_engineer")
print(world.project.slug)
"""
CERTIFIED_MS = 60_000


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    made = prepare(live_stack.url, in_live_stack, slug="tri", people=2, cases=1)
    slug = in_live_stack(WORLD).splitlines()[-1]
    return Place(made.url, slug, made.sessions)


def page_of(browser: Browser, place: Place, who: str) -> Iterator[Page]:
    context = place.enter(browser, who)
    page = context.new_page()
    page.goto(f"{place.url}/p/{place.slug}/triage")
    expect(page.locator("h1")).to_have_text("Triage")
    expect(page.locator(".skeleton")).to_have_count(0)
    yield page
    context.close()


@pytest.fixture
def lead(browser: Browser, place: Place) -> Iterator[Page]:
    yield from page_of(browser, place, "tri-1")


@pytest.fixture
def engineer(browser: Browser, place: Place) -> Iterator[Page]:
    yield from page_of(browser, place, "tri-2")


def _shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=str(Path(folder) / f"triage-{name}.png"), full_page=True)


def test_a_lead_signs_sees_what_is_certified_and_closes_it(lead: Page) -> None:
    expect(lead.get_by_text("Triage is off.")).to_be_visible()
    expect(lead.get_by_text("Research use only.")).to_be_visible()
    expect(lead.get_by_text("Would open:")).to_be_visible()
    level = lead.get_by_label("Positives missed at most (%)")
    level.fill("0.1")
    expect(lead.get_by_text("confirmed positives, are needed.")).to_be_visible()
    level.fill("3")
    expect(lead.get_by_text("Would open:")).to_be_visible()
    _shot(lead, "preview")
    lead.get_by_label("Let two networks decide").check()
    lead.get_by_role("button", name="Sign", exact=True).click()
    expect(lead.get_by_text("Say why, in a few words.")).to_be_visible()
    lead.get_by_label("Why").fill("Agreed by the board")
    lead.get_by_role("button", name="Sign", exact=True).click()
    lane = lead.get_by_role("region", name="Auto-negative: unknown")
    expect(lane.get_by_text("Open", exact=True)).to_be_visible(timeout=CERTIFIED_MS)
    expect(lane.get_by_text("at most 3.0 % of positives missed, 95.0 % confidence")).to_be_visible()
    expect(lead.get_by_role("table").get_by_text("Stands for now").first).to_be_visible(
        timeout=CERTIFIED_MS
    )
    assert barriers(lead) == []
    _shot(lead, "open")

    lead.get_by_role("button", name="Send to a reader").first.click()
    asked = lead.get_by_role("dialog")
    asked.get_by_label("Why").fill("Odd film")
    asked.get_by_role("button", name="Send to a reader").click()
    expect(lead.get_by_text("A reader decides on case")).to_be_visible()

    lane.get_by_role("button", name="Close the lane").click()
    asked = lead.get_by_role("dialog")
    asked.get_by_label("Why").fill("A new scanner")
    asked.get_by_role("button", name="Close the lane").click()
    expect(lane.get_by_text("Closed", exact=True)).to_be_visible()
    expect(lane.get_by_text("A new scanner")).to_be_visible()
    expect(lead.get_by_text("No case is accepted")).to_be_visible()
    lead.get_by_role("radio", name="Withdrawn").click()
    expect(lead.get_by_role("table").get_by_text("A new scanner").first).to_be_visible()
    _shot(lead, "closed")


def test_an_engineer_sees_and_cannot_sign(engineer: Page) -> None:
    expect(engineer.get_by_role("region", name="Policy", exact=True)).to_be_visible()
    expect(engineer.get_by_label("Positives missed at most (%)")).to_be_disabled()
    expect(engineer.get_by_role("button", name="Change and sign")).to_have_count(0)
    expect(engineer.get_by_role("button", name="Close the lane")).to_have_count(0)

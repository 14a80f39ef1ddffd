"""Cases that look like the one at hand, in a real browser: from the room and from the list."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from accessibility import barriers
from playwright.sync_api import Browser, expect
from reading_room import Place, Room, prepare

from deploy.stack import Stack

EMBED = """
from annotation.models import Project
from learning.models import Embedding, Lookalike, Recipe, Round, TrainedModel
project = Project.objects.get(slug={slug!r})
recipe = Recipe.objects.create(project=project, version=1, document={{}})
made = Round.objects.create(
    project=project, number=1, recipe=recipe, seed=1, trigger="api", state="done")
model = TrainedModel.objects.create(
    project=project, round=made, arm="all", network="ensemble", weights_sha256="0" * 64,
    code_sha256="0" * 64, config={{"recipe": {{}}, "environment": {{}}}}, state="in_use")
cases = list(project.cases.order_by("pk"))
for case, vector in zip(cases, ([1, 0], [0.8, 0.6], [0, 1])):
    Embedding.objects.create(case=case, model=model, vector=vector)
project.cases.update(stream="pool")
Lookalike.objects.create(model=model, first=cases[0], second=cases[1], similarity=0.9961)
print(*[case.pk for case in cases])
"""


@pytest.fixture(scope="module")
def ids() -> list[int]:
    return []


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str], ids: list[int]) -> Place:
    made = prepare(live_stack.url, in_live_stack, slug="similar", people=2, cases=3)
    said = in_live_stack(EMBED.format(slug=made.slug))
    ids.extend(int(word) for word in said.strip().splitlines()[-1].split())
    return made


def test_the_room_shows_the_nearest_cases_in_order_and_opens_them_elsewhere(
    room: Room, ids: list[int]
) -> None:
    shown = int(room.page.locator(".room").get_attribute("data-case") or 0)
    near = {0: [1, 2], 1: [0, 2], 2: [1, 0]}[ids.index(shown)]
    room.press("Alt+-")
    said = room.page.get_by_role("dialog", name=f"Cases that look like case {shown}")
    rows = said.get_by_role("listitem")
    expect(rows).to_have_count(2)
    for row, other in zip(rows.all(), near, strict=True):
        expect(row.get_by_text(f"Case {ids[other]}")).to_be_visible()
        expect(row.get_by_role("link")).to_have_attribute("target", "_blank")
        picture = row.locator("img")
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert barriers(room.page) == []
    room.page.keyboard.press("Escape")
    expect(said).to_be_hidden()


def test_a_reader_who_has_read_nothing_is_told_so(browser: Browser, place: Place) -> None:
    context = place.enter(browser, "similar-2")
    room = Room(context.new_page(), place).open()
    room.press("Alt+-")
    expect(room.page.get_by_text("There is nothing to compare this case with yet")).to_be_visible()
    context.close()


def test_the_list_finds_them_too_and_the_overview_names_possible_duplicates(
    browser: Browser, place: Place, ids: list[int]
) -> None:
    context = place.enter(browser, "similar-1")
    page = context.new_page()
    page.goto(f"{place.url}/p/{place.slug}/list")
    page.get_by_role("button", name=f"Find cases like case {ids[2]}", exact=True).click()
    said = page.get_by_role("dialog", name=f"Cases that look like case {ids[2]}")
    expect(said.get_by_role("listitem")).to_have_count(2)
    expect(said.get_by_text("Pool").first).to_be_visible()
    page.goto(f"{place.url}/p/{place.slug}")
    panel = page.get_by_role("region", name="Possible duplicates")
    expect(panel.get_by_text("similarity 0.996")).to_be_visible()
    expect(panel.get_by_role("link")).to_have_count(2)
    assert barriers(page) == []
    context.close()

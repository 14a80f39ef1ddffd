"""The whole way of a reader in French: choosing it, the list, a case, signing out, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from accessibility import barriers
from playwright.sync_api import Browser, Page, expect
from reading_room import Place, Room, prepare

from deploy.stack import Stack

PAGES = ["", "/list", "/rounds", "/models", "/datasets", "/import", "/members", "/hanging"]


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    """A project with a lead (french-1) and somebody who only reads (french-2)."""
    return prepare(live_stack.url, in_live_stack, slug="french", people=2, cases=3)


def page_of(browser: Browser, place: Place, who: str) -> Iterator[Page]:
    context = place.enter(browser, who)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


@pytest.fixture
def lead(browser: Browser, place: Place) -> Iterator[Page]:
    yield from page_of(browser, place, "french-1")


@pytest.fixture
def reader(browser: Browser, place: Place) -> Iterator[Page]:
    yield from page_of(browser, place, "french-2")


def at(place: Place, path: str = "") -> str:
    return f"{place.url}/p/{place.slug}{path}"


def choose(page: Page, place: Place, name: str, code: str) -> None:
    page.goto(f"{place.url}/account")
    select = page.locator("#language")
    expect(select).to_be_enabled()
    if select.input_value() != code:
        with page.expect_navigation():
            select.select_option(label=name)
    expect(page.locator("html")).to_have_attribute("lang", code)


def press_on_a_french_keyboard(page: Page, sign: str, code: str) -> None:
    """A key of the row of digits, which writes a sign there."""
    page.evaluate(
        "init => document.body.dispatchEvent(new KeyboardEvent('keydown', init))",
        {"key": sign, "code": code, "bubbles": True, "cancelable": True},
    )


def test_a_reader_works_in_french_and_keeps_it(reader: Page, place: Place) -> None:
    reader.goto(f"{place.url}/account")
    expect(reader.get_by_role("heading", name="Account and tokens")).to_be_visible()
    choose(reader, place, "Français", "fr")
    expect(reader.get_by_role("heading", name="Compte et jetons")).to_be_visible()
    expect(reader.get_by_label("Langue")).to_have_value("fr")

    reader.goto(at(place, "/list"))
    expect(reader.get_by_role("heading", name="Liste de lecture")).to_be_visible()
    expect(reader.locator("[data-rows]")).to_have_attribute("data-rows", "3")
    expect(reader.get_by_role("status").filter(has_text="3 cas.")).to_be_visible()
    assert barriers(reader) == []

    room = Room(reader, place)
    room.press("Enter")
    room.wait()
    expect(reader.get_by_role("toolbar", name="Outils")).to_be_visible()
    expect(reader.get_by_role("button", name=re.compile("^Valider"))).to_be_visible()
    room.press("r")
    room.drag((30, 30), (60, 50))
    expect(
        reader.get_by_role("button", name=re.compile(r"^Supprimer\s: rectangle$"))
    ).to_be_visible()
    assert [mark["kind"] for mark in room.marks] == ["box"]
    expect(reader.get_by_role("button", name=re.compile("Annuler"))).to_be_visible()
    press_on_a_french_keyboard(reader, "é", "Digit2")
    expect(reader.get_by_text("1 élément manquant")).to_be_visible()
    assert barriers(reader) == []

    room.saved()
    slot = room.slot
    reader.reload()
    room.wait()
    expect(reader.locator("html")).to_have_attribute("lang", "fr")
    assert [mark["kind"] for mark in room.marks] == ["box"]

    choose(reader, place, "English", "en")
    room.open(slot)
    assert [mark["kind"] for mark in room.marks] == ["box"]
    expect(reader.get_by_role("button", name=re.compile("^Submit"))).to_be_visible()
    choose(reader, place, "Français", "fr")

    room.open(slot)
    room.press("1")
    case = room.root.get_attribute("data-case")
    room.press("Control+Enter")
    expect(reader.get_by_text(f"Le cas {case} est lu.")).to_be_visible()
    marks = room.api(f"slots/{slot}")["submitted"]["content"]["marks"]
    assert [mark["kind"] for mark in marks] == ["box"]


def test_the_palette_knows_both_names(reader: Page, place: Place) -> None:
    choose(reader, place, "Français", "fr")
    room = Room(reader, place).open()
    for typed in ("pinceau", "brush"):
        room.press("Control+k")
        reader.get_by_label("Que voulez-vous faire").fill(typed)
        first = reader.locator("#palette-0")
        expect(first).to_contain_text("Pinceau")
        room.press("Escape")
        expect(reader.get_by_role("dialog")).to_have_count(0)
    room.press("?")
    dialog = reader.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Clavier")).to_be_visible()
    assert barriers(reader) == []


def test_what_the_server_says_is_french_too(reader: Page, place: Place) -> None:
    choose(reader, place, "Français", "fr")
    answer = reader.request.get(f"{place.url}/api/slots/0")
    assert answer.json()["detail"] == "Vous ne détenez pas ce cas."


def test_signing_out_and_in_stays_french(browser: Browser, place: Place) -> None:
    context = place.enter(browser, "french-2")
    page = context.new_page()
    choose(page, place, "Français", "fr")
    page.goto(f"{place.url}/accounts/logout/")
    expect(page.get_by_role("heading", name="Se déconnecter")).to_be_visible()
    assert barriers(page) == []
    context.clear_cookies(name="session")
    page.goto(f"{place.url}/accounts/login/")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.get_by_role("heading", name="Se connecter")).to_be_visible()
    assert barriers(page) == []
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_holds_its_french(lead: Page, place: Place, path: str) -> None:
    """It keeps nobody out, and nothing is wider than the window."""
    choose(lead, place, "Français", "fr")
    lead.goto(at(place, path))
    expect(lead.locator("h1")).to_be_visible()
    expect(lead.locator(".skeleton")).to_have_count(0)
    assert barriers(lead, "best-practice") == []
    assert lead.evaluate("document.documentElement.scrollWidth") <= 1280

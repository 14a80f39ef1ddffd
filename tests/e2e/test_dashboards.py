"""The pages around the reading room in a real browser: seen, heard, pressed, interrupted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from accessibility import barriers
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect
from reading_room import Place, prepare

from deploy.stack import Stack

PAGES = ["", "/list", "/rounds", "/models", "/datasets", "/import", "/members"]
IMPORTED_MS = 60_000


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    """A project with a lead (boards-1) and somebody who only reads (boards-2)."""
    return prepare(live_stack.url, in_live_stack, slug="boards", people=2, cases=2)


def page_of(browser: Browser, place: Place, who: str) -> Iterator[Page]:
    context = place.enter(browser, who)
    yield context.new_page()
    context.close()


@pytest.fixture
def lead(browser: Browser, place: Place) -> Iterator[Page]:
    yield from page_of(browser, place, "boards-1")


@pytest.fixture
def reader(browser: Browser, place: Place) -> Iterator[Page]:
    yield from page_of(browser, place, "boards-2")


def at(place: Place, path: str = "") -> str:
    return f"{place.url}/p/{place.slug}{path}"


def show(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)


@pytest.mark.parametrize("path", [*(f"/p/boards{page}" for page in PAGES), "/", "/account", "/x"])
def test_a_page_is_complete_and_keeps_nobody_out(lead: Page, place: Place, path: str) -> None:
    wrong: list[str] = []
    hosts: set[str] = set()
    lead.on(
        "console", lambda message: wrong.append(message.text) if message.type == "error" else None
    )
    lead.on("pageerror", lambda error: wrong.append(str(error)))
    lead.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    show(lead, place.url + path)
    assert barriers(lead, "best-practice") == []
    assert [line for line in wrong if "/ranking" not in line and "404" not in line] == []
    assert hosts == {urlsplit(place.url).netloc}


def test_dialogs_and_menus_keep_nobody_out(lead: Page, place: Place) -> None:
    show(lead, at(place, "/members"))
    lead.get_by_role("button", name="Add a member").click()
    expect(lead.get_by_role("dialog")).to_be_visible()
    assert barriers(lead) == []
    lead.keyboard.press("Escape")
    expect(lead.get_by_role("dialog")).to_have_count(0)
    lead.get_by_role("button", name="Change project").click()
    expect(lead.get_by_role("menu")).to_be_visible()
    assert barriers(lead) == []


def test_a_reader_sees_the_pages_of_a_reader_alone(reader: Page, place: Place) -> None:
    show(reader, at(place))
    links = reader.get_by_role("navigation").get_by_role("listitem")
    expect(links).to_have_text(["Overview", "Reading list", "Label schema", "Hanging protocols"])
    reader.goto(at(place, "/datasets"))
    expect(reader.get_by_role("alert")).to_contain_text("does not allow datasets.view")


def test_a_project_that_is_not_there_or_not_for_me_is_a_page_that_does_not_exist(
    reader: Page, place: Place
) -> None:
    reader.goto(f"{place.url}/p/no-such-project/list")
    expect(reader.get_by_role("heading", name="This page does not exist").first).to_be_attached()
    reader.get_by_role("link", name="See your projects").click()
    expect(reader).to_have_url(f"{place.url}/")


def test_hands_stay_on_the_keys(lead: Page, place: Place) -> None:
    show(lead, at(place))
    lead.keyboard.press("?")
    expect(lead.get_by_role("dialog", name="Keyboard")).to_contain_text("Go to Reading list")
    lead.keyboard.press("Escape")
    expect(lead.get_by_role("dialog")).to_have_count(0)
    lead.keyboard.press("g")
    lead.keyboard.press("l")
    lead.wait_for_url("**/list")
    expect(lead.locator("tbody tr")).to_have_count(2)
    lead.keyboard.press("j")
    lead.keyboard.press("j")
    expect(lead.locator("tr.selected")).to_have_count(1)
    assert lead.evaluate("document.activeElement.closest('tr').classList.contains('selected')")
    lead.keyboard.press("/")
    lead.keyboard.type("mr")
    lead.wait_for_url("**search=mr")
    expect(lead.get_by_text("No case fits this filter")).to_be_visible()
    lead.keyboard.press("Escape")
    lead.goto(at(place))
    expect(lead.get_by_role("link", name="Read next")).to_be_visible()
    lead.keyboard.press("Enter")
    lead.wait_for_url(re.compile(r"/read(/\d+)?$"))


def test_single_keys_can_be_switched_off(lead: Page, place: Place) -> None:
    show(lead, at(place))
    lead.get_by_role("button", name="Keyboard").click()
    lead.get_by_role("switch", name="Single-key shortcuts").click()
    lead.keyboard.press("Escape")
    lead.keyboard.press("g")
    lead.keyboard.press("l")
    lead.keyboard.press("?")
    expect(lead.get_by_role("dialog")).to_have_count(0)
    assert lead.url == at(place)


def test_an_interrupted_upload_goes_on_with_what_is_missing(
    lead: Page, place: Place, tmp_path: Path
) -> None:
    pictures = [tmp_path / f"film {number}.png" for number in range(2)]
    for number, path in enumerate(pictures):
        Image.linear_gradient("L").rotate(90 * number).save(path)
    (tmp_path / "letter.txt").write_text("Dear colleague")
    chosen = [*pictures, tmp_path / "letter.txt"]
    sent: list[str] = []

    def first_alone(route: Route) -> None:
        sent.append(route.request.url)
        if len(sent) == 1:
            route.continue_()
        else:
            route.abort("connectionfailed")

    lead.on("dialog", lambda dialog: dialog.accept())
    lead.route("**/content?*", first_alone)
    show(lead, at(place, "/import"))
    choose = lead.locator("input[type=file]").first
    choose.set_input_files(chosen)
    expect(lead.get_by_text("1 of 3 files sent")).to_be_visible()
    expect(lead.get_by_text("Waiting for the server.")).to_be_visible()

    lead.goto("about:blank")  # leave before the link is back, or the page goes on by itself
    lead.unroute("**/content?*")
    show(lead, at(place, "/import"))
    expect(lead.get_by_text("was interrupted")).to_be_visible()
    expect(lead.get_by_text("2 files are missing")).to_be_visible()
    again: list[str] = []
    lead.on(
        "request", lambda request: again.append(request.url) if "/content?" in request.url else None
    )
    choose.set_input_files(chosen[1:])
    outcome = lead.get_by_role("cell", name=re.compile(r"(^|\s)2 stored"))
    expect(outcome).to_contain_text("1 in quarantine", timeout=IMPORTED_MS)
    assert len(again) == 2
    row = lead.get_by_role("row", name=re.compile("letter.txt"))
    expect(row).to_contain_text("none of DICOM", timeout=IMPORTED_MS)
    row.get_by_role("button", name="Dismiss").click()
    expect(row).to_have_count(0)


def test_an_ended_session_says_so_and_keeps_the_place(lead: Page, place: Place) -> None:
    show(lead, at(place))
    lead.context.clear_cookies()
    lead.get_by_role("link", name="Datasets").click()
    sign_in = lead.get_by_role("link", name="Sign in")
    expect(sign_in).to_be_visible()
    assert sign_in.get_attribute("href") == "/accounts/login/?next=%2Fp%2Fboards%2Fdatasets"


def test_a_member_is_invited_with_a_password_that_is_shown_once(lead: Page, place: Place) -> None:
    show(lead, at(place, "/members"))
    lead.get_by_role("button", name="Add a member").click()
    lead.get_by_text("Is new here").click()
    lead.get_by_label("User name").fill("boards-weber")
    lead.get_by_label("Full name").fill("Dr. Anna Weber")
    lead.get_by_role("button", name="Create account and add").click()
    password = lead.get_by_role("dialog").locator("code")
    expect(password).to_be_visible()
    shown = password.inner_text()
    assert len(shown) >= 12
    lead.keyboard.press("Escape")
    lead.get_by_role("button", name="I have handed it over").click()
    expect(lead.get_by_role("row", name=re.compile("Dr. Anna Weber"))).to_contain_text("Reader")
    assert shown not in lead.content()
    lead.get_by_role("button", name="New one-time password for Dr. Anna Weber").click()
    expect(password).to_be_visible()
    assert password.inner_text() != shown
    assert barriers(lead) == []
    lead.get_by_role("button", name="I have handed it over").click()
    expect(lead.get_by_role("dialog")).to_have_count(0)


def test_an_upload_is_seen_from_every_page_and_ends_there(
    lead: Page, place: Place, tmp_path: Path
) -> None:
    (tmp_path / "note.txt").write_text("Dear colleague")
    (tmp_path / "nothing.dcm").touch()
    lead.route("**/content?*", lambda route: None)  # no answer yet
    show(lead, at(place, "/import"))
    files = [tmp_path / "note.txt", tmp_path / "nothing.dcm"]
    lead.locator("input[type=file]").first.set_input_files(files)
    lead.get_by_role("link", name="Members").click()
    uploading = lead.get_by_role("link", name="Uploading to Lesions on CT: 0%")
    expect(uploading).to_be_visible()
    assert barriers(lead) == []
    lead.unroute("**/content?*")
    expect(uploading).to_have_count(0)
    lead.get_by_role("link", name="Import", exact=True).click()
    empty = lead.get_by_role("row", name=re.compile("nothing.dcm"))
    expect(empty).to_contain_text("The file is empty", timeout=IMPORTED_MS)
    expect(lead.get_by_role("row", name=re.compile("note.txt"))).to_be_visible()
    lead.get_by_role("button", name="Dismiss all that are shown").click()
    lead.get_by_role("alertdialog").get_by_role("button", name="Dismiss").click()
    expect(lead.get_by_text("Nothing is in quarantine")).to_be_visible()


def test_what_cannot_be_brought_up_to_date_says_since_when(lead: Page, place: Place) -> None:
    show(lead, at(place, "/import"))
    lead.route("**/quarantine*", lambda route: route.fulfill(status=500))
    notice = lead.get_by_text("Not updated since")
    expect(notice).to_be_visible(timeout=10_000)
    expect(lead.get_by_text("Nothing is in quarantine")).to_be_visible()
    lead.unroute("**/quarantine*")
    lead.get_by_role("button", name="Try again").click()
    expect(notice).to_have_count(0)


ASKED = """
from annotation import queue
from annotation.models import Project, User
project, reader = Project.objects.get(slug="answers"), User.objects.get(username="answers-2")
slot = queue.claim(project, reader)
queue.raise_issue(slot.pk, reader, slot.token, issue="image_quality", text="Is it cut off?")
print(slot.case_id)
"""
READ = """
from uuid import uuid4
from annotation import queue, reading
from annotation.models import Project, User
project, reader = Project.objects.get(slug="answers"), User.objects.get(username="answers-2")
slot = queue.claim(project, reader)
content = {"answers": [{"question": "finding", "value": "no"}], "marks": []}
reading.submit(
    slot.pk, reader, token=slot.token, idempotency_key=uuid4(), content=content, active_seconds=1
)
print(slot.pk)
"""

DRAFTED = """
from annotation import queue, reading
from annotation.models import Project, User
project, reader = Project.objects.get(slug="answers"), User.objects.get(username="answers-2")
slot = queue.claim(project, reader)
content = {"answers": [{"question": "finding", "value": "no"}], "marks": []}
reading.save_draft(slot.pk, reader, token=slot.token, version=0, content=content, active_seconds=1)
print(slot.pk)
"""
GIVEN_BACK = """
from annotation import queue
from annotation.models import Slot
slot = Slot.objects.get(reader__username="answers-2", state="claimed")
queue.release(slot.pk, slot.reader, slot.token)
"""


@pytest.fixture(scope="module")
def answers(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    """A project in which one reader asks, the other being its lead."""
    return prepare(live_stack.url, in_live_stack, slug="answers", people=2, cases=3)


def test_the_answer_to_an_issue_reaches_whoever_raised_it(
    browser: Browser, answers: Place, in_live_stack: Callable[[str], str]
) -> None:
    lead = answers.enter(browser, "answers-1").new_page()
    reader = answers.enter(browser, "answers-2").new_page()
    case = in_live_stack(ASKED).strip()
    row = reader.get_by_role("row", name=re.compile(f"Case {case}"))
    show(reader, at(answers, "/list"))
    expect(row).to_contain_text("Issue raised")

    show(lead, at(answers, "/list"))
    lead.get_by_role("button", name=f"Answer the issue of case {case}").click()
    dialog = lead.get_by_role("dialog")
    expect(dialog).to_contain_text("Image quality")
    expect(dialog.locator("img")).to_be_visible()
    assert barriers(lead) == []
    dialog.get_by_label("Your answer").fill("No, the apex is there.")
    dialog.get_by_role("button", name="Answer and put back").click()
    expect(dialog).to_have_count(0)
    show(reader, at(answers, "/list"))
    expect(row).to_contain_text("Not started")
    expect(row).to_contain_text("Answered: No, the apex is there.")

    case = in_live_stack(ASKED).strip()
    show(lead, at(answers, "/list"))
    lead.get_by_role("button", name=f"Answer the issue of case {case}").click()
    dialog.get_by_label("Your answer").fill("It is another examination.")
    dialog.get_by_role("button", name="Withdraw the case").click()
    lead.get_by_role("alertdialog").get_by_role("button", name="Withdraw the case").click()
    expect(lead.get_by_text(f"Case {case} is withdrawn.")).to_be_visible()
    row = reader.get_by_role("row", name=re.compile(f"Case {case}"))
    show(reader, at(answers, "/list"))
    expect(row).to_contain_text("Withdrawn")
    expect(row).to_contain_text("It is another examination.")
    for page in (lead, reader):
        page.context.close()


def test_what_was_read_last_is_opened_again_from_the_list(
    browser: Browser, answers: Place, in_live_stack: Callable[[str], str]
) -> None:
    slot = in_live_stack(READ).strip()
    context = answers.enter(browser, "answers-2")
    page = context.new_page()
    show(page, at(answers, "/list"))
    reopen = page.get_by_role("link", name="Reopen last")
    expect(reopen).to_have_attribute("href", f"/p/answers/read/{slot}")
    page.keyboard.press("r")
    page.wait_for_url(f"**/read/{slot}")
    context.close()


def test_a_draft_is_opened_from_the_list_after_its_time_ran_out(
    browser: Browser, answers: Place, in_live_stack: Callable[[str], str]
) -> None:
    slot = in_live_stack(DRAFTED).strip()
    context = answers.enter(browser, "answers-2")
    page = context.new_page()
    show(page, at(answers, "/list?stage=draft"))
    [row] = page.locator("tbody tr").all()
    expect(row).to_contain_text("Yours now")
    in_live_stack(GIVEN_BACK)
    show(page, at(answers, "/list?stage=draft"))
    expect(row).not_to_contain_text("Yours now")
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url(f"**/read/{slot}")
    context.close()

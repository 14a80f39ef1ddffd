"""The label schema written in a form, in a real browser: from nothing to what a reader submits, and on."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from accessibility import barriers
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Page, expect
from reading_room import Place, Room, prepare

from deploy.stack import Stack

SHOTS = os.environ.get("CONSILIUM_SHOTS", "")

# An empty project for the journey; beside the lead, a second steward.
BARE = """
import json
from annotation import projects
from annotation.models import LabelSchema, Membership, Project, User
project = Project.objects.get(slug={slug!r})
LabelSchema.objects.filter(project=project).update(document={{}})
for name in ({slug!r} + "-2", {slug!r} + "-3"):
    user = User.objects.get(username=name)
    Membership.objects.get_or_create(user=user, project=project, role="steward")
blank = {{"slug": {slug!r} + "-blank", "title": "Blank", "task": "detection", "case_unit": "series"}}
projects.create(blank, owner=User.objects.get(username={slug!r} + "-3"))
print(json.dumps("done"))
"""


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    made = prepare(live_stack.url, in_live_stack, slug="asked", people=5, cases=2)
    in_live_stack(BARE.format(slug="asked"))
    return made


@pytest.fixture
def enter(browser: Browser, place: Place) -> Iterator[Callable[[str], Page]]:
    """The page of the schema as one of the people sees it; what breaks in it fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_page(name: str) -> Page:
        context = place.enter(browser, name)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{place.url}/p/{place.slug}/schema")
        expect(page.get_by_role("heading", name="Label schema")).to_be_visible()
        expect(page.get_by_text("in force").first).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"schema-{name}.png"))


def picture() -> dict[str, Any]:
    drawn = Image.new("RGB", (320, 240))
    ImageDraw.Draw(drawn).ellipse((90, 50, 230, 190), fill="white")
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return {"name": "smooth.png", "mimeType": "image/png", "buffer": file.getvalue()}


def section(page: Page, name: str) -> None:
    page.get_by_role("group", name="Parts of the schema").get_by_role("button", name=name).click()


def at(page: Page, path: str) -> Any:
    return page.locator(f'[data-path="{path}"]').locator("input, select, textarea").first


def stored(page: Page, place: Place, version: int) -> Any:
    path = f"{place.url}/api/projects/{place.slug}/label-schemas/{version}"
    answer = page.request.get(path)
    return answer.json()["document"] if answer.ok else None


def save(page: Page, version: int, *, all_the_same: bool = False) -> None:
    page.get_by_role("button", name="Save…").click()
    dialog = page.get_by_role("dialog")
    if all_the_same:
        expect(dialog.get_by_role("button", name=f"Save as version {version}")).to_be_disabled()
        dialog.get_by_label("Remove them all the same").check()
    dialog.get_by_role("button", name=f"Save as version {version}").click()
    expect(page.get_by_text(f"Saved as version {version}.", exact=False)).to_be_visible()


def test_a_steward_writes_a_schema_from_nothing_and_a_reader_sees_exactly_that(
    enter: Callable[[str], Page], browser: Browser, place: Place
) -> None:
    page = enter("asked-2")
    expect(page.get_by_text("Nothing is asked yet").first).to_be_visible()
    assert barriers(page) == []
    # Two classes, one of them with outlines alone.
    page.get_by_role("group", name="Kinds of mark").get_by_label("box", exact=True).check()
    page.get_by_role("group", name="Kinds of mark").get_by_label("length", exact=True).check()
    page.get_by_role("button", name="Add a class").click()
    at(page, "classes.0.name").fill("Mass")
    at(page, "classes.0.code").fill("mass")
    page.get_by_role("group", name="Kinds for this class").get_by_label("length").uncheck()
    page.get_by_role("button", name="Add a class").click()
    at(page, "classes.1.name").fill("Node")
    at(page, "classes.1.code").fill("mass")
    expect(page.locator('[data-path="classes.1.code"]')).to_contain_text("is used 2 times")
    at(page, "classes.1.code").fill("node")
    row = page.locator("[data-row='1']")
    row.focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("[data-row='0']")).to_contain_text("Node")
    expect(page.locator("[data-row='0']")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator("[data-row='0']")).to_contain_text("Mass")
    page.get_by_title("Drag to move").nth(1).drag_to(page.locator('[data-path="classes.0"]'))
    expect(page.locator("[data-row='0']")).to_contain_text("Node")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator("[data-row='0']")).to_contain_text("Mass")

    # A question, and one that depends on its answer.
    section(page, "Questions")
    page.get_by_role("button", name="Add a question").click()
    at(page, "questions.0.text").fill("Is there a mass?")
    at(page, "questions.0.code").fill("seen")
    page.get_by_label("An answer is required").check()
    page.get_by_role("button", name="Add a question").click()
    at(page, "questions.1.text").fill("Long axis")
    at(page, "questions.1.code").fill("long")
    at(page, "questions.1.type").select_option("number")
    at(page, "questions.1.min").fill("0")
    at(page, "questions.1.max").fill("200")
    at(page, "questions.1.step").fill("0.5")
    at(page, "questions.1.unit").fill("mm")
    page.get_by_role("button", name="Add a condition").click()
    condition = page.get_by_role("group", name="Condition")
    condition.get_by_label("Question of the condition").select_option("seen")
    condition.get_by_label("Comparison").select_option("equals")
    condition.get_by_label("Compared value").select_option(label="Yes")
    expect(page.get_by_text("Shown when “Is there a mass?” is “Yes”.")).to_be_visible()
    at(page, "questions.1.guideline").fill("Measure where it is largest.")
    chooser = page.locator('[data-path="questions.1.pictures"] input[type=file]')
    chooser.set_input_files({"name": "a.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"})
    expect(page.get_by_text("a.svg is neither a PNG nor a JPEG")).to_be_visible()
    chooser.set_input_files({"name": "b.png", "mimeType": "image/png", "buffer": bytes(10 * 2**20)})
    expect(page.get_by_text("b.png has 10.0 MiB")).to_be_visible()
    chooser.set_input_files(picture())
    alt = at(page, "questions.1.pictures.0.alt")
    expect(page.locator('[data-path="questions.1.pictures.0.alt"]')).to_contain_text(
        "must not be empty"
    )
    page.get_by_role("heading", name="Label schema").click()
    page.keyboard.press("F8")
    expect(alt).to_be_focused()
    page.keyboard.type("A smooth margin")

    # A rule that holds answer and mark together; the preview is the form itself.
    section(page, "Rules")
    page.get_by_role("button", name="Add a rule").click()
    at(page, "rules.0.message").fill("You saw a mass: mark it.")
    page.get_by_role("region", name="If", exact=True).get_by_role("button").click()
    first = page.get_by_role("region", name="If", exact=True)
    first.get_by_label("Question of the condition").select_option("seen")
    first.get_by_label("Comparison").select_option("equals")
    first.get_by_label("Compared value").select_option(label="Yes")
    then = page.get_by_role("region", name="Then it must be so that")
    then.get_by_label("What the condition looks at").select_option("some")
    then.get_by_label("Class of the mark").select_option("mass")
    preview = page.locator("[data-preview]")
    expect(preview.locator("#question-long")).to_have_count(0)
    preview.get_by_role("radio", name="Yes").check()
    expect(preview.locator("#question-long")).to_be_visible()
    expect(preview.get_by_role("img", name="A smooth margin")).to_be_visible()
    blocks = page.locator("[data-preview-blocks]")
    expect(blocks).to_contain_text("You saw a mass: mark it.")
    shot(page, "rules")
    preview.get_by_role("button", name="Set a mark").click()
    expect(blocks).to_contain_text("Could be submitted.")
    section(page, "Questions")
    shot(page, "questions")
    assert barriers(page) == []

    # A reload loses nothing; what is saved is the whole.
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_text("What you had not saved is here again")).to_be_visible()
    page.get_by_role("button", name="Save…").click()
    expect(page.get_by_role("dialog")).to_contain_text("Mass")
    shot(page, "save")
    assert barriers(page, within="[role=dialog]") == []
    page.keyboard.press("Escape")
    save(page, 2)
    document = stored(page, place, 2)
    assert [one["code"] for one in document["classes"]] == ["mass", "node"]
    assert document["classes"][0]["marks"] == ["box"]
    assert document["questions"][1]["show_if"] == {"question": "seen", "equals": "yes"}
    assert document["questions"][1]["step"] == 0.5
    assert document["rules"][0]["then"] == {"some": "mark", "class": "mass"}

    # The reader sees that form, and the room offers a class its kinds alone.
    context = place.enter(browser, "asked-4")
    room = Room(context.new_page(), place).open()
    classes = room.page.get_by_role("group", name="Class")
    expect(room.page.locator("#question-long")).to_have_count(0)
    room.page.locator("#question-seen").get_by_role("radio", name="Yes").check()
    long = room.page.locator("#question-long")
    expect(long.get_by_role("img", name="A smooth margin")).to_be_visible()
    long.get_by_role("spinbutton").fill("12.3")
    expect(long).to_contain_text("in steps of 0.5")
    long.get_by_role("spinbutton").fill("12.5")
    room.page.evaluate("document.activeElement.blur()")
    expect(room.page.locator("[data-blocks]")).to_contain_text("You saw a mass: mark it.")
    expect(classes.get_by_role("button")).to_have_count(2)
    room.press("r")
    room.drag((20, 20), (30, 25), (40, 30), (60, 50))
    expect(room.page.locator("[data-blocks]")).to_have_attribute("data-blocks", "0")
    assert [(one["kind"], one["label_class"]) for one in room.marks] == [("box", "mass")]
    room.saved()
    room.press("Control+Enter")
    expect(room.page.get_by_text(re.compile(r"Case \d+ is read"))).to_be_visible()
    context.close()


def test_a_class_that_reads_use_is_removed_only_after_asking(
    enter: Callable[[str], Page], place: Place
) -> None:
    page = enter("asked-2")
    page.get_by_role("button", name="Remove “Mass”").click()
    expect(page.get_by_text("is not a class of this schema").first).to_be_visible()
    section(page, "Rules")
    page.get_by_role("button", name="Remove “You saw a mass: mark it.”").click()
    page.get_by_role("button", name="Save…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Class “Mass”: 1 mark")
    expect(dialog).to_contain_text("1 submitted read keeps its version.")
    shot(page, "removed")
    page.keyboard.press("Escape")
    save(page, 3, all_the_same=True)
    assert [one["code"] for one in stored(page, place, 3)["classes"]] == ["node"]
    section(page, "Versions")
    page.get_by_role("button", name="Version 3").click()
    expect(
        page.get_by_role("heading", name="What version 3 changed from version 2")
    ).to_be_visible()
    changes = page.get_by_role("listitem").filter(has_text="Mass")
    expect(changes.first).to_contain_text("Removed:")
    assert barriers(page) == []
    shot(page, "versions")
    page.get_by_role("button", name="Version 2").click()
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("You are looking at version 2 as it was.")).to_be_visible()
    expect(page.get_by_role("button", name="Add a class")).to_have_count(0)


def test_two_stewards_at_once_lose_nothing(enter: Callable[[str], Page], place: Place) -> None:
    one, other = enter("asked-2"), enter("asked-3")
    section(one, "Guideline")
    at(one, "guideline").fill("From the first.")
    section(other, "Questions")
    other.locator("[data-row='0']").click()
    at(other, "questions.0.text").fill("Is there a mass at all?")
    other.get_by_role("button", name="Save…").click()
    dialog = other.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Save as version 4")).to_be_enabled()
    save(one, 4)
    dialog.get_by_role("button", name="Save as version 4").click()
    expect(dialog.get_by_text("What they changed")).to_be_visible()
    expect(dialog).to_contain_text("From the first.")
    expect(dialog).to_contain_text("Is there a mass at all?")
    shot(other, "conflict")
    assert barriers(other, within="[role=dialog]") == []
    dialog.get_by_role("button", name="Put both together").click()
    save(other, 5)
    both = stored(other, place, 5)
    assert both["guideline"] == "From the first."
    assert both["questions"][0]["text"] == "Is there a mass at all?"


def test_leaving_asks_and_a_template_and_a_file_can_be_begun_with(
    enter: Callable[[str], Page], place: Place, tmp_path: Path
) -> None:
    page = enter("asked-3")
    page.get_by_role("button", name="Start from…").click()
    assert barriers(page, within="[role=dialog]") == []
    shot(page, "start")
    page.get_by_role("button", name="Chest radiograph findings").click()
    expect(page.locator("[data-preview]").get_by_text("Image quality")).to_be_visible()
    page.get_by_role("link", name="Overview").click()
    asked = page.get_by_role("alertdialog")
    expect(asked).to_contain_text("Leave with unsaved changes?")
    asked.get_by_role("button", name="Stay").click()
    expect(page).to_have_url(f"{place.url}/p/{place.slug}/schema")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    exported = json.loads(Path(download.value.path()).read_text())
    assert [one["code"] for one in exported["questions"]][:2] == ["quality", "abnormal"]
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({**exported, "guideline": "From a file.", "odd": 1}))
    page.get_by_role("button", name="Start from…").click()
    page.locator("[role=dialog] input[type=file]").set_input_files(str(file))
    expect(page.get_by_text("Left out", exact=False)).to_contain_text("odd")
    section(page, "Guideline")
    expect(at(page, "guideline")).to_have_value("From a file.")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Save…")).to_be_disabled()


def test_another_project_of_mine_is_copied_with_its_pictures(
    enter: Callable[[str], Page], place: Place
) -> None:
    page = enter("asked-3")
    page.goto(f"{place.url}/p/{place.slug}-blank/schema")
    page.get_by_role("button", name="Start from…").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Another project of mine").select_option(label="Lesions on CT")
    dialog.get_by_role("button", name="Copy").click()
    preview = page.locator("[data-preview]")
    preview.get_by_role("radio", name="Yes").check()
    expect(preview.get_by_role("img", name="A smooth margin")).to_be_visible()
    save(page, 2)
    kept = page.request.get(
        f"{place.url}/api/projects/{place.slug}-blank/guideline-pictures"
    ).json()
    assert [(one["width"], one["height"]) for one in kept["results"]] == [(320, 240)]


def test_a_set_of_landmarks_is_one_class_with_named_points(
    enter: Callable[[str], Page], place: Place
) -> None:
    page = enter("asked-2")
    rows = page.locator("[data-row]").count()
    page.get_by_role("button", name="Add several…").click()
    page.get_by_label("Names").fill("Nasion\nSella\n\nMenton")
    page.get_by_label("A set of landmarks", exact=False).check()
    page.get_by_label("Name of the set").fill("Skull")
    page.get_by_role("button", name="Add a set of 3 landmarks").click()
    expect(page.locator("[data-row]")).to_have_count(rows + 1)
    expect(page.locator("[data-row]").last).to_contain_text("Skull")
    points = page.locator(f'[data-path="classes.{rows}.landmarks"] textarea')
    expect(points).to_have_value("Nasion\nSella\nMenton")
    kinds = page.get_by_role("group", name="Kinds of mark")
    expect(kinds.get_by_label("landmark", exact=True)).to_be_checked()
    page.keyboard.press("Control+z")
    expect(page.locator("[data-row]")).to_have_count(rows)


def test_a_long_schema_is_found_in_and_a_reader_changes_nothing(
    enter: Callable[[str], Page], place: Place
) -> None:
    page = enter("asked-2")
    page.get_by_role("button", name="Add several…").click()
    page.get_by_label("Names").fill("\n".join(f"Point {number}" for number in range(1, 101)))
    page.get_by_role("button", name="Add 100 classes").click()
    page.get_by_role("searchbox").fill("point 77")
    expect(page.locator("[data-row]")).to_have_count(1)
    page.locator("[data-row]").click()
    expect(at(page, "classes.77.name")).to_have_value("Point 77")
    shot(page, "long")
    page.keyboard.press("Control+z")
    reader = enter("asked-5")
    expect(reader.get_by_text("You can look at it, not change it.")).to_be_visible()
    expect(reader.get_by_role("button", name="Save…")).to_have_count(0)
    expect(reader.get_by_role("button", name="Add a class")).to_have_count(0)
    section(reader, "Questions")
    reader.locator("[data-row='0']").click()
    expect(at(reader, "questions.0.text")).to_have_value("Is there a mass at all?")
    expect(at(reader, "questions.0.text")).to_be_disabled()
    assert barriers(reader) == []

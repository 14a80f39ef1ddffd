"""The whole loop as one person lives it in a browser: first sign-in to a downloaded dataset and model."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, expect

from deploy.simulation import session
from deploy.simulation.api import Api
from deploy.simulation.known_labels import DEMO, of_demo
from deploy.simulation.reader import SimulatedReader
from deploy.stack import Stack

IMAGES = 60
READ_BY_HAND = 3
SLUG = "first-day"
OWN_PASSWORD = "plenty-of-quiet-films"
ARRIVAL_MS = 90_000
ROUND_MS = 240_000
SETUP = """
import json, yaml
from annotation import api_tokens, members, projects
from annotation.access import Action
from deploy.demo.load import HERE
from learning import recipes
document = yaml.safe_load((HERE / "tuberculosis" / "project.yaml").read_text())
document |= {"slug": "first-day", "title": "First day"}
document["stream_shares"] = {"pool": 0.35, "control": 0.25, "calibration": 0.1, "holdout": 0.3}
document["recipe"] |= {"input_size": [32, 32], "epochs": 2, "batch_size": 8, "minimum_labels": 3}
account = members.new_account("newcomer", full_name="Nora Newcomer")
project = projects.create(document, owner=account.user)
recipes.store(project, document["recipe"], user=account.user)
token = api_tokens.create(project, user=account.user, name="t", actions=list(Action), days=1)
print(json.dumps({"password": account.password, "token": token.secret}))
"""


def radiographs() -> list[Path]:
    """As many of one class as of the other."""
    with (DEMO / "tuberculosis" / "labels.csv").open() as table:
        rows = list(csv.DictReader(table))
    chosen = [
        row["image"]
        for label in ("normal", "tuberculosis")
        for row in [row for row in rows if row["label"] == label][-IMAGES // 2 :]
    ]
    return [DEMO / "tuberculosis" / "images" / name for name in chosen]


def sign_in_for_the_first_time(page: Page, url: str, password: str) -> None:
    page.goto(url)
    page.get_by_label("Username").fill("newcomer")
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/accounts/password/change/")
    fields = page.get_by_role("main").locator("input[type=password]")
    fields.first.fill(password)
    for field in fields.all()[1:]:
        field.fill(OWN_PASSWORD)
    page.get_by_role("main").get_by_role("button").last.click()
    page.wait_for_url(url + "/")


def upload(page: Page, at: str) -> None:
    page.goto(f"{at}/import")
    page.locator("input[type=file]").first.set_input_files(radiographs())
    expect(page.get_by_role("cell", name=re.compile(rf"{IMAGES} stored"))).to_be_visible(
        timeout=ARRIVAL_MS
    )


def read_by_hand(page: Page, at: str) -> None:
    page.goto(at)
    expect(page.get_by_role("link", name="Read next")).to_be_visible()
    page.keyboard.press("Enter")
    room = page.locator(".room")
    slot = None
    for _ in range(READ_BY_HAND):
        expect(room).to_have_attribute("data-phase", "reading", timeout=60_000)
        expect(room).not_to_have_attribute("data-slot", str(slot), timeout=60_000)
        slot = room.get_attribute("data-slot")
        expect(page.locator("[data-viewport]")).to_have_attribute(
            "data-phase", "ready", timeout=60_000
        )
        page.keyboard.press("2")
        expect(page.get_by_role("radio", name="Yes")).to_be_checked()
        page.keyboard.press("Control+Enter")
    expect(room).not_to_have_attribute("data-slot", str(slot), timeout=60_000)


def start_a_round_and_wait(page: Page, at: str) -> None:
    page.goto(f"{at}/rounds")
    page.get_by_role("button", name="Start a round").click()
    page.wait_for_url(f"{at}/rounds/*")
    expect(page.get_by_role("progressbar").first).to_be_visible()
    expect(page.get_by_text("The round is finished.")).to_be_visible(timeout=ROUND_MS)
    page.goto(f"{at}/rounds")
    row = page.get_by_role("row", name=re.compile("Round 1"))
    expect(row).to_contain_text("Done")
    expect(row).to_contain_text("In use")


def freeze_and_download(page: Page, at: str, folder: Path) -> Path:
    page.goto(f"{at}/datasets")
    page.get_by_role("button", name="Freeze a dataset").click()
    page.get_by_label("Title").fill("End of the first day")
    page.get_by_role("button", name="Freeze", exact=True).click()
    row = page.get_by_role("row", name=re.compile("End of the first day"))
    row.get_by_role("button", name="Download").click()
    dialog = page.get_by_role("dialog")
    for choice in dialog.get_by_role("checkbox").all():
        choice.check()
    with page.expect_download() as arriving:
        dialog.get_by_role("link", name="Download").click()
    path = folder / "dataset.zip"
    arriving.value.save_as(path)
    return path


def test_a_first_day(
    live_stack: Stack, in_live_stack: Callable[[str], str], browser: Browser, tmp_path: Path
) -> None:
    made = json.loads(in_live_stack(SETUP).splitlines()[-1])
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    at = f"{live_stack.url}/p/{SLUG}"

    sign_in_for_the_first_time(page, live_stack.url, made["password"])
    upload(page, at)
    read_by_hand(page, at)

    api = Api(live_stack.url, made["token"], SLUG)
    colleague = SimulatedReader(api, of_demo("tuberculosis"), rng=np.random.default_rng(2))
    session.read(colleague, session.evaluation_cases_open(api) + 24)
    start_a_round_and_wait(page, at)

    page.goto(at)
    expect(page.get_by_text("patients that no ranking ever touched")).to_be_visible()
    page.get_by_text("Show as a table").first.click()
    for arm in ("Active", "Control"):
        expect(page.get_by_role("row", name=re.compile(arm)).first).to_be_visible()

    with zipfile.ZipFile(freeze_and_download(page, at, tmp_path)) as dataset:
        names = dataset.namelist()
        assert dataset.testzip() is None
    assert any(name.endswith(".safetensors") for name in names)
    assert any(name.endswith(".png") for name in names)
    assert failures == []
    api.close()
    page.context.close()

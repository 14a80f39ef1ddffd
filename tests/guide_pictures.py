"""Takes the pictures of the reader's guide from a running demo: look at them before they are committed.

    python tests/guide_pictures.py http://127.0.0.1:8000 lead PASSWORD

Reads nothing for good: what is drawn for a picture stays in the reader's own drafts.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from chromium import CHROMIUM, CHROMIUM_ARGUMENTS
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

PICTURES = Path(__file__).resolve().parents[1] / "deploy" / "guides" / "pictures"
WINDOW = {"width": 1280, "height": 800}
READY_MS = 90_000
COLOURS = 200


def main(url: str, user: str, password: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        page = browser.new_context(viewport=WINDOW).new_page()  # type: ignore[arg-type]
        sign_in(page, url, user, password)
        take_list(page, url)
        take_radiograph(page, url)
        take_segments(page, url)
        take_planes(page, url)
        take_account(page, url)
        browser.close()


def keep(page: Page, name: str) -> None:
    """As small as an interface of few colours can be."""
    page.wait_for_timeout(600)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    path = PICTURES / f"{name}.png"
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path, path.stat().st_size)


def sign_in(page: Page, url: str, user: str, password: str) -> None:
    page.goto(url)
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "login" not in address)


def take_list(page: Page, url: str) -> None:
    page.goto(f"{url}/p/tuberculosis/list")
    expect(page.locator("tbody tr").first).to_be_visible(timeout=READY_MS)
    page.wait_for_load_state("networkidle")
    keep(page, "list")


def open_room(page: Page, url: str, slug: str) -> None:
    page.goto(f"{url}/p/{slug}/read")
    expect(page.locator(".room")).to_have_attribute("data-phase", "reading", timeout=READY_MS)
    ready = page.locator("[data-viewport][data-phase=ready]").first
    expect(ready).to_be_visible(timeout=READY_MS)
    page.wait_for_timeout(3000)


def drag(page: Page, *places: tuple[float, float]) -> None:
    """Through these places of the first pane, in shares of its width and height."""
    box = page.locator("[data-viewport]").first.bounding_box()
    assert box is not None
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=8)
    page.mouse.up()


def take_radiograph(page: Page, url: str) -> None:
    open_room(page, url, "tuberculosis")
    page.keyboard.press("2")
    keep(page, "reading-room")
    page.keyboard.press("?")
    keep(page, "keys")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("und")
    keep(page, "palette")
    page.keyboard.press("Escape")


def take_segments(page: Page, url: str) -> None:
    open_room(page, url, "hippocampus")
    page.keyboard.press("b")
    drag(page, (0.44, 0.50), (0.50, 0.52), (0.54, 0.48))
    page.keyboard.press("Shift+z")
    keep(page, "segments")


def take_planes(page: Page, url: str) -> None:
    open_room(page, url, "lung-lesion")
    page.keyboard.press("Shift+v")
    expect(page.locator("[data-viewport][data-phase=ready]")).to_have_count(4, timeout=READY_MS)
    keep(page, "planes")


def take_account(page: Page, url: str) -> None:
    page.goto(f"{url}/account")
    page.wait_for_load_state("networkidle")
    keep(page, "account")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""One page with a series in it, ours or the bare one, and what the benchmark does to it with real events."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, BrowserContext, Page

CLOCK = Path(__file__).with_name("clock.js")
NOTCH_PX, NOTCH_S = 100, 0.12
STROKE_PX, MOVE_S, MOVES = 160, 0.03, 20
SETTLE_MS, LATEST_S = 700, 15
MEGABYTE = 1024**2


@dataclass
class Box:
    """The picture on the page, in CSS pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


class Opened:
    """A page whose clock runs since its navigation began."""

    def __init__(self, browser: Browser, context: BrowserContext, address: str) -> None:
        self.browser, self.context = browser, context
        context.add_init_script(path=CLOCK)
        self.page: Page = context.new_page()
        self.page.set_default_timeout(120_000)
        self.page.goto(address, wait_until="commit")

    def ask(self, expression: str, *given: Any) -> Any:
        return self.page.evaluate(f"(given) => clock.{expression}", given[0] if given else None)

    def first_picture(self) -> float:
        return float(self.ask("first"))

    def all_images(self, count: int) -> float:
        return float(self.ask("all(given)", count))

    def box(self) -> Box:
        found = self.page.locator("canvas.cornerstone-canvas").first.bounding_box()
        assert found is not None
        return Box(**found)

    def scroll(self, notches: int) -> list[float]:
        """Turns of the wheel, in the rhythm of somebody who looks at the images."""
        self.page.mouse.move(*self.box().middle)
        self.page.wait_for_timeout(SETTLE_MS)
        self.ask("scroll()")
        for _ in range(notches):
            begun = time.monotonic()
            self.page.mouse.wheel(0, NOTCH_PX)
            self.rest(NOTCH_S, begun)
        return self.taken("scroll")

    def stroke(self) -> list[float]:
        x, y = self.start()
        self.page.mouse.move(x, y)
        self.page.wait_for_timeout(SETTLE_MS)
        self.ask("stroke(given)", y)
        self.page.mouse.down()
        for move in range(1, MOVES + 1):
            begun = time.monotonic()
            self.page.mouse.move(x + move * STROKE_PX / MOVES, y)
            self.rest(MOVE_S, begun)
        self.page.mouse.up()
        return self.taken("stroke")

    def undo(self) -> list[float]:
        self.ask("undo(given)", self.start()[0] + STROKE_PX / 2)
        self.page.keyboard.press("Control+z")
        return self.taken("undo")

    def start(self) -> tuple[float, float]:
        """Where strokes begin: well inside the body, on a whole pixel."""
        x, y = self.box().middle
        return round(x - STROKE_PX / 2), round(y)

    def rest(self, seconds: float, begun: float) -> None:
        self.page.wait_for_timeout(max(0.0, seconds - (time.monotonic() - begun)) * 1000)

    def taken(self, what: str) -> list[float]:
        until = time.monotonic() + LATEST_S
        while not self.ask("isDone()"):
            if time.monotonic() > until:
                raise RuntimeError(f"An input of {what} changed no pixel in {LATEST_S} s.")
            self.page.wait_for_timeout(SETTLE_MS / 4)
        self.page.wait_for_timeout(SETTLE_MS)
        times: list[float] = self.ask("take()")
        return times

    def memory(self) -> tuple[float, float]:
        """Megabytes of the processes of the page and the GPU (shared pages by share), and of the page's
        heap after a collection.
        """
        page = self.context.new_cdp_session(self.page)
        page.send("HeapProfiler.collectGarbage")
        page.send("Performance.enable")
        metrics = {
            one["name"]: one["value"] for one in page.send("Performance.getMetrics")["metrics"]
        }
        processes = self.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
        held = sum(
            psutil.Process(process["id"]).memory_full_info().pss
            for process in processes["processInfo"]
            if process["type"] in {"renderer", "GPU"}
        )
        return held / MEGABYTE, metrics["JSHeapUsedSize"] / MEGABYTE

"""From a submission to the next case on the screen, in a real browser, loaded ahead and not.

    python tests/benchmarks/next_case.py [--cases 20] [--slices 40]

Starts the whole product in a folder of its own, with cases of CT series of 512 × 512 pixels, and reads
them in Chromium by keys. The clock runs in the page, from the key that submits to the first picture of
the next case; half of the cases wait until the one after is here, the others go on at once. Prints both
as distributions, those that were loaded ahead as shares of the design's budget.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "e2e")]

from chromium import CHROMIUM, CHROMIUM_ARGUMENTS  # noqa: E402
from playwright.sync_api import Page, Playwright, expect, sync_playwright  # noqa: E402

from deploy.stack import BACKING, Ports, Stack, migrate  # noqa: E402

BUDGET_P50_MS, BUDGET_P95_MS = 500.0, 1000.0
WAIT_MS = 120_000
SIDE = 512

# Resolves with the milliseconds to the first picture of another case: from the key, and from the answer
# that named the case.
WATCH = """
() => {
  performance.clearResourceTimings();
  const CLAIM = /\\/claims$|\\/submit$/;
  const room = document.querySelector('.room');
  const pane = document.querySelector('[data-viewport]');
  const { slot } = room.dataset;
  window.shown = new Promise((done) => {
    let begun = 0;
    addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && event.ctrlKey && !begun) begun = performance.now();
    }, { capture: true });
    const look = () => {
      const there = room.dataset.phase === 'reading' && pane.dataset.phase === 'ready';
      if (!begun || room.dataset.slot === slot || !there) return requestAnimationFrame(look);
      requestAnimationFrame(() => {
        const now = performance.now();
        const claim = performance.getEntriesByType('resource').findLast(({ name }) => CLAIM.test(name));
        done([now - begun, now - claim.responseEnd]);
      });
    };
    look();
  });
}
"""


class Shown(NamedTuple):
    """Milliseconds until the next case can be seen."""

    from_key: float
    from_answer: float


def read_on(page: Page, *, wait_for_next: bool) -> Shown:
    """Answer and submit."""
    if wait_for_next:
        ahead = page.locator("[data-ahead]")
        expect(ahead).to_have_attribute("data-ahead", "ready", timeout=WAIT_MS)
    page.keyboard.press("1")
    page.evaluate(WATCH)
    page.keyboard.press("Control+Enter")
    return Shown(*page.evaluate("window.shown"))


def take_in(stack: Stack, cases: int, slices: int) -> Any:
    import subprocess

    import reading_room

    reading_room.SLICES, reading_room.ROWS, reading_room.COLUMNS = slices, SIDE, SIDE

    def run(code: str) -> str:
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        done = subprocess.run(command, cwd=ROOT, env=stack.env, capture_output=True, check=True)
        return done.stdout.decode()

    return reading_room.prepare(stack.url, run, slug="next", people=1, cases=cases)


def measure(playwright: Playwright, place: Any, cases: int) -> dict[bool, list[Shown]]:
    """Of the cases that were loaded ahead, and of those that were not."""
    times: dict[bool, list[Shown]] = {True: [], False: []}
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
    page = place.enter(browser, "next-1").new_page()
    page.goto(f"{place.url}/p/next/read")
    for number in range(cases - 1):
        room, pane = page.locator(".room"), page.locator("[data-viewport]")
        expect(room).to_have_attribute("data-phase", "reading", timeout=WAIT_MS)
        expect(pane).to_have_attribute("data-phase", "ready", timeout=WAIT_MS)
        loaded_ahead = number % 4 != 3
        times[loaded_ahead].append(read_on(page, wait_for_next=loaded_ahead))
    browser.close()
    return times


def line(name: str, shown: list[Shown]) -> tuple[float, float]:
    times = [one.from_key for one in shown]
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"{name:<34}{p50:>9.0f}{p95:>9.0f}{max(times):>9.0f}{len(times):>7}")
    return p50, p95


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--slices", type=int, default=40)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="consilium-next-case-") as folder:
        stack = Stack(Path(folder), Ports.free(), durable=True)
        stack.start(BACKING)
        try:
            migrate(stack.env)
            stack.start()
            place = take_in(stack, given.cases, given.slices)
            print(f"{given.cases} cases of {given.slices} images of {SIDE} × {SIDE}, ", end="")
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start.\n")
            print(f"{'':<34}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}{'cases':>7}")
            with sync_playwright() as playwright:
                times = measure(playwright, place, given.cases)
        finally:
            stack.stop()
    p50, p95 = line("next case loaded ahead", times[True])
    line("submitted before it was loaded", times[False])
    print("\nShare of the design's budget that is used (below 1 is within it):")
    print(f"  p50 {p50 / BUDGET_P50_MS:.2f}, p95 {p95 / BUDGET_P95_MS:.2f}")
    return 0 if p50 <= BUDGET_P50_MS and p95 <= BUDGET_P95_MS else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""The reading room against the budgets of the design, and against a bare Cornerstone3D page.

    python tests/benchmarks/budgets.py [--rounds 5] [--slices 300] [--cases 16] [--skip-next]

Starts the whole product in a folder of its own with a CT series of 512 × 512 pixels, and opens it in turn in
the reading room and in a page that is Cornerstone3D alone (frontend/tests/benchmarks/bare: the library's
own loader, prefetch, wheel, brush and undo, on the same server and the same frames). Each opening is a
browser of its own without any cache, and a server that has none of the frames on its disk. The wheel, the
mouse and the keys are real events; a time runs from the stamp that the browser puts on an event (or
from the navigation) until a read-back of the canvas shows other pixels. Then cases are read one after the
other, as in next_case.py.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "e2e")]

import hands  # noqa: E402
import next_case  # noqa: E402
import reading_room  # noqa: E402
from chromium import CHROMIUM, CHROMIUM_ARGUMENTS  # noqa: E402
from playwright.sync_api import Playwright, sync_playwright  # noqa: E402

from deploy.stack import BACKING, Ports, Stack, migrate  # noqa: E402

RATIO = 1.3
NOTCHES, STROKES = 40, 6
RADIUS_MM = 5
METHOD = """\
A time runs from the stamp that the browser puts on an input event (or from the navigation) until a read-back
of the canvas shows other pixels. Both pages are opened in turn, in a browser without caches each."""
Times = dict[str, list[float]]
IMAGES = """
import json
from annotation.models import Case
cases = Case.objects.filter(project__slug="{slug}").order_by("pk")
print(json.dumps([[case.series.get().pk, case.pk] for case in cases]))
"""


@dataclass(frozen=True)
class Goal:
    """What is measured; ``p50`` and ``p95`` are the design's, in milliseconds.

    What is not ``compared`` is shown beside the bare page and not judged by it.
    """

    name: str
    p50: float | None = None
    p95: float | None = None
    unit: str = "ms"
    compared: bool = True


FIRST = Goal("first pixels, cold", p50=1500)
ALL = Goal("all images in memory")
CACHED = Goal("first pixels, next case in memory", p50=200)
SCROLL = Goal("scroll: wheel to picture", p50=60)
BRUSH = Goal("brush: move to paint", p50=25)
UNDO = Goal("undo: key to picture", p50=50)
SUBMIT = Goal("submit to next case", p50=500, p95=1000)
MEMORY = Goal("memory: page and GPU process", unit="MB")
HEAP = Goal("of it, heap of the page's code", unit="MB", compared=False)
GOALS = [FIRST, ALL, SCROLL, BRUSH, UNDO, CACHED, SUBMIT, MEMORY, HEAP]


class WithBarePage(Stack):
    """Serves the bare page beside the product."""

    @property
    def settings(self) -> dict[str, str]:
        return super().settings | {
            "DJANGO_SETTINGS_MODULE": "bare_settings",
            "PYTHONPATH": str(Path(__file__).parent),
            "BARE_PAGE": str(self.var.parent / "page"),
        }


class Bench:
    """The running product, and both pages in it."""

    def __init__(self, stack: Stack, playwright: Playwright, slices: int) -> None:
        self.stack, self.playwright, self.slices = stack, playwright, slices
        self.size: hands.Box | None = None

    def run(self, code: str) -> str:
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        done = subprocess.run(
            command, cwd=ROOT, env=self.stack.env, capture_output=True, check=True
        )
        return done.stdout.decode()

    def take_in(self, slug: str, *, people: int, cases: int, slices: int) -> Any:
        reading_room.SLICES, reading_room.ROWS, reading_room.COLUMNS = slices, 512, 512
        reading_room.GAP_MM = 1.0
        return reading_room.prepare(
            self.stack.url, self.run, slug=slug, people=people, cases=cases, noisy=True
        )

    def series(self, slug: str) -> list[list[int]]:
        found: list[list[int]] = json.loads(self.run(IMAGES.format(slug=slug)).splitlines()[-1])
        return found

    def browser(self) -> Any:
        return self.playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*CHROMIUM_ARGUMENTS, "--enable-precise-memory-info"]
        )

    def bare(self, series: list[list[int]]) -> str:
        assert self.size is not None
        given = {
            "series": ",".join(f"{one}:{case}" for one, case in series),
            "width": round(self.size.width),
            "height": round(self.size.height),
            "radius": RADIUS_MM,
        }
        return f"{self.stack.url}/static/bare/index.html?{urlencode(given)}"

    def open(self, place: Any, reader: str, address: str, brush: str) -> Times:
        """One opening, and all that is done with the series."""
        shutil.rmtree(self.stack.var / "frames" / "stored", ignore_errors=True)
        browser = self.browser()
        opened = hands.Opened(browser, place.enter(browser, reader), address)
        times: Times = defaultdict(list)
        times[FIRST.name] = [opened.first_picture()]
        times[ALL.name] = [opened.all_images(self.slices)]
        self.size = self.size or opened.box()
        times[MEMORY.name], times[HEAP.name] = ([one] for one in opened.memory())
        times[SCROLL.name] = opened.scroll(min(NOTCHES, self.slices - 1))
        opened.page.evaluate("window.bare?.brush()")
        opened.page.keyboard.press(brush)
        for _ in range(STROKES):
            times[BRUSH.name] += opened.stroke()
            times[UNDO.name] += opened.undo()
        browser.close()
        return times

    def change(self, place: Any, series: list[list[int]]) -> list[float]:
        """Milliseconds from a key to the picture of another series that is in memory, in the bare page."""
        browser = self.browser()
        address = self.bare(series[:2])
        opened = hands.Opened(browser, place.enter(browser, "next-1"), address)
        opened.first_picture()
        opened.page.evaluate("bare.loadAll().then(() => null)")
        times = []
        for _ in range(10):
            opened.page.wait_for_timeout(hands.SETTLE_MS)
            opened.page.evaluate("window.changed = clock.change('n'); null")
            opened.page.keyboard.press("n")
            times.append(float(opened.page.evaluate("changed")))
        browser.close()
        return times


def measure(bench: Bench, rounds: int) -> tuple[Times, Times]:
    place = bench.take_in("ct", people=rounds, cases=1, slices=bench.slices)
    ours: Times = defaultdict(list)
    bare: Times = defaultdict(list)
    series = bench.series("ct")
    for number in range(rounds):
        print(f"round {number + 1}: load {os.getloadavg()[0]:.1f}", flush=True)
        reader = f"ct-{number + 1}"
        turns = ["ours", "bare"] if number % 2 == 0 else ["bare", "ours"]
        for turn in turns:
            if turn == "ours":
                found, kept = bench.open(place, reader, f"{place.url}/p/ct/read", "b"), ours
            else:
                found, kept = bench.open(place, reader, bench.bare(series), "Shift"), bare
            for name, times in found.items():
                kept[name] += times
    return ours, bare


def measure_next(bench: Bench, cases: int, ours: Times, bare: Times) -> None:
    place = bench.take_in("next", people=1, cases=cases, slices=40)
    print(f"next cases: load {os.getloadavg()[0]:.1f}", flush=True)
    bare[CACHED.name] = bench.change(place, bench.series("next"))
    read = next_case.measure(bench.playwright, place, cases)[True]
    ours[SUBMIT.name] = [one.from_key for one in read]
    ours[CACHED.name] = [one.from_answer for one in read]


def two(times: list[float]) -> tuple[float, float]:
    p50, p95 = np.percentile(times, [50, 95])
    return float(p50), float(p95)


def row(goal: Goal, ours: list[float], bare: list[float]) -> bool:
    """One line of the table; whether the goal is met."""
    p50, p95 = two(ours)
    line = f"{goal.name:<36}{goal.unit:<4}{p50:>8.0f}{p95:>8.0f}"
    within = [(goal.p50, p50), (goal.p95, p95)]
    met = all(limit is None or value <= limit for limit, value in within)
    if bare:
        theirs = two(bare)
        ratio = p50 / theirs[0]
        met = met and (ratio <= RATIO or not goal.compared)
        line += f"{theirs[0]:>9.0f}{theirs[1]:>8.0f}{ratio:>8.2f}"
    else:
        line += f"{'':>25}"
    budget = " / ".join(f"{limit:.0f}" for limit, _ in within if limit is not None)
    print(f"{line}{budget:>13}   {'met' if met else 'OVER'}")
    return met


def build_bare(folder: Path) -> None:
    """The bare page, from the Cornerstone3D that the product is built from."""
    vite = ["npx", "vite", "build", "--logLevel", "error"]
    vite += ["-c", "tests/benchmarks/bare/vite.config.ts", "--outDir", str(folder / "bare")]
    subprocess.run(vite, cwd=ROOT / "frontend", check=True, capture_output=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--cases", type=int, default=16)
    parser.add_argument("--skip-next", action="store_true", help="no cases one after the other")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="consilium-budgets-") as folder:
        build_bare(Path(folder) / "page")
        stack = WithBarePage(Path(folder) / "var", Ports.free(), durable=True)
        stack.start(BACKING)
        try:
            migrate(stack.env)
            stack.start()
            with sync_playwright() as playwright:
                bench = Bench(stack, playwright, given.slices)
                ours, bare = measure(bench, given.rounds)
                if not given.skip_next:
                    measure_next(bench, given.cases, ours, bare)
        finally:
            stack.stop()
    print(
        f"\n{METHOD}\n{os.cpu_count()} cores, WebGL in software, load {os.getloadavg()[0]:.1f} at the end;"
    )
    print(f"{given.slices} images of 512 × 512, {given.rounds} openings of each page.\n")
    print(f"{'':<40}{'p50':>8}{'p95':>8}{'bare p50':>9}{'p95':>8}{'ratio':>8}{'budget':>13}")
    met = [row(goal, ours[goal.name], bare[goal.name]) for goal in GOALS if ours[goal.name]]
    print(f"\n{sum(met)} of {len(met)} within budget and at most {RATIO} × the bare page.")
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())

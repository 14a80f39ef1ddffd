"""How fast frames reach a client through the web process, beside Orthanc's own speed in the same run.

    python tests/benchmarks/pixel_path.py [--slices 120] [--rounds 5]

Starts PostgreSQL, Orthanc and the web processes in a folder of its own, takes in a CT series of
512 × 512 pixels, and fetches its frames over keep-alive connections: with one, which shows what a
frame waits, and with six, as many as a browser opens, which shows the throughput the goal is about.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import os
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from deploy.stack import Ports, Stack  # noqa: E402

CLIENTS = (1, 6)
GOAL = 0.6
SECONDS = 1.5
COOKIE = {"Cookie": "session=of-this-benchmark"}
HOLDER = {"HTTP_COOKIE": COOKIE["Cookie"]}


def fetch(url: str, paths: list[str], headers: dict[str, str], seconds: float, first: int) -> int:
    """Frames per ``seconds`` of one client on one connection."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    done, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        path = paths[(first + done) % len(paths)]
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200, (response.status, body[:200])
        assert len(body) == 2 * 512 * 512
        done += 1
    connection.close()
    return done


def rate(url: str, paths: list[str], headers: dict[str, str], *, clients: int) -> float:
    """Frames per second of that many clients together."""
    jobs = [(url, paths, headers, SECONDS, 17 * number) for number in range(clients)]
    with get_context("fork").Pool(clients) as pool:
        pool.starmap(fetch, [(*job[:3], 0.2, job[4]) for job in jobs])
        return sum(pool.starmap(fetch, jobs)) / SECONDS


def take_in(slices: int, folder: Path) -> tuple[list[str], list[str]]:
    """Import a series; the addresses of its frames in Orthanc and in the web process."""
    import builders
    import images

    from annotation import frame_cache, imports, pixel_links
    from annotation.models import Series

    random = np.random.default_rng(0)
    datasets = images.series(slices)
    for dataset in datasets:
        array = random.integers(-1024, 3071, (512, 512)).astype(np.int16)
        dataset.Rows, dataset.Columns = array.shape
        dataset.PixelData = array.tobytes()
    images.write(folder, *datasets)
    user = builders.user()
    imports.import_paths(builders.project(), [folder], user)
    series = Series.objects.get()
    address = pixel_links.links(series, pixel_links.holder_of(HOLDER))["frames_url"]
    sources = frame_cache.sources(series.display)
    theirs = [f"/instances/{source.store_id}/frames/0/raw" for source in sources]
    return theirs, [address.format(index=index) for index in range(slices)]


def measure(stack: Stack, slices: int, rounds: int, folder: Path) -> bool:
    """Both ways in turn, several times, for other work on the machine falls on both alike."""
    theirs, ours = take_in(slices, folder)
    settings = stack.settings
    secret = base64.b64encode(f"consilium:{settings['ORTHANC_PASSWORD']}".encode()).decode()
    headers = {"Authorization": f"Basic {secret}"}
    cold = slices / timed(stack.url, ours)
    print(f"first time, 1 client: web {cold:.0f} frames/s")
    reached = False
    for clients in CLIENTS:
        pairs = [
            (
                rate(settings["ORTHANC_URL"], theirs, headers, clients=clients),
                rate(stack.url, ours, COOKIE, clients=clients),
            )
            for _ in range(rounds)
        ]
        share = median(web / orthanc for orthanc, web in pairs)
        reached = share >= GOAL
        orthanc, web = (median(column) for column in zip(*pairs, strict=True))
        print(
            f"{clients} client(s): Orthanc {orthanc:.0f} frames/s, web {web:.0f} frames/s "
            f"({web * 0.524288:.0f} MB/s), {share:.0%} of Orthanc's own"
        )
    return reached


def timed(url: str, paths: list[str]) -> float:
    """Seconds to fetch each frame once."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    started = time.monotonic()
    for path in paths:
        connection.request("GET", path, headers=COOKIE)
        connection.getresponse().read()
    connection.close()
    return time.monotonic() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "var", Ports.free(), ["postgres", "orthanc", "web"])
        os.environ |= stack.settings | {"DJANGO_SETTINGS_MODULE": "deploy.settings"}
        stack.start()
        try:
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0)
            reached = measure(stack, arguments.slices, arguments.rounds, Path(folder) / "ct")
        finally:
            stack.stop()
    print(f"Goal of {GOAL:.0%} {'reached' if reached else 'missed'}.")
    return 0 if reached else 1


if __name__ == "__main__":
    raise SystemExit(main())

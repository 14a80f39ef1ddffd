"""“Read next” at a million cases, 64 readers at once, over several processes and real connections.

    python tests/benchmarks/claim.py [--cases 1000000] [--readers 64] [--keep]

Prints latencies, claims per second and double claims of the verb itself and over HTTP, as ratios
to the design's budget and to the closest peer, and to the bare UPDATE that no claim can undercut
on the same machine at the same moment.
"""

from __future__ import annotations

import argparse
import http.client
import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import scratch

PEER_MEDIAN_MS = 245.0  # MONAI Label, next sample at 10^4 cases, one reader; grows linearly
PEER_CASES = 10_000
BUDGET_UNLOADED_MS = 20.0
BUDGET_LOADED_MS = 60.0
BUDGET_PER_SECOND = 2000.0
CLAIMS_EACH = 60
PROCESSES = 4

BARE = """
UPDATE annotation_slot SET state = 'claimed', reader_id = %s, token = token + 1, claimed_at = now(),
    lease_expires_at = now() + interval '30 minutes'
WHERE id = (SELECT id FROM annotation_slot WHERE project_id = %s AND stream = 'pool'
    AND state = 'open' ORDER BY priority DESC, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id
"""


@dataclass
class Measured:
    """What one way of claiming did. Times in milliseconds."""

    name: str
    times: list[float] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    seconds: float = 0.0
    server: list[float] = field(default_factory=list)

    @property
    def p50(self) -> float:
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.times, n=20)[-1]

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    @property
    def double(self) -> int:
        return len(self.slots) - len(set(self.slots))

    def line(self) -> str:
        text = (
            f"{self.name:<34}{self.p50:>9.1f}{self.p95:>9.1f}{self.per_second:>10.0f}"
            f"{len(self.times):>9}{self.double:>8}"
        )
        if self.server:
            verb = statistics.quantiles(self.server, n=20)[-1]
            text += (
                f"   of which the verb: p50 {statistics.median(self.server):.1f}, p95 {verb:.1f}"
            )
        return text


Claim = Callable[[int], tuple[int, float | None]]
Open = Callable[[Any, scratch.Built], Claim]


def open_verb(_: Any, built: scratch.Built) -> Claim:
    """``queue.claim`` as a web process calls it."""
    from annotation import queue
    from annotation.models import Project, User

    project = Project.objects.get(pk=built.project)

    def claim(reader: int) -> tuple[int, None]:
        return queue.claim(project, User(pk=reader)).pk, None

    return claim


def open_bare(_: Any, built: scratch.Built) -> Claim:
    """One statement: no ledger, no check of what the reader has read, no second tab."""
    import psycopg

    connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)

    def claim(reader: int) -> tuple[int, None]:
        row = connection.execute(BARE, [reader, built.project], prepare=True).fetchone()
        return row[0], None  # type: ignore[index]

    return claim


def open_http(port: Any, built: scratch.Built) -> Claim:
    """POST claims with a token, on a connection that is kept open."""
    import json

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    path = f"/api/projects/{built.slug}/claims"

    def claim(reader: int) -> tuple[int, float]:
        headers = {
            "Authorization": f"Bearer {scratch.secret_of(reader)}",
            "Content-Type": "application/json",
        }
        connection.request("POST", path, "{}", headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"{answer.status}: {body.decode()}")
        timing = answer.headers["Server-Timing"].split("dur=")[1]
        return json.loads(body)["slot"], float(timing)

    return claim


WAYS: dict[str, Open] = {"verb": open_verb, "bare": open_bare, "http": open_http}


def measure(
    name: str, way: str, built: scratch.Built, readers: Sequence[Sequence[int]], port: int = 0
) -> Measured:
    """One thread per list of readers, spread over processes, all from one starting shot."""
    processes = min(PROCESSES, len(readers))
    shot = multiprocessing.Barrier(len(readers) + 1)
    answers: Any = multiprocessing.Queue()
    children = [
        multiprocessing.Process(
            target=_process, args=(way, built, readers[place::processes], port, shot, answers)
        )
        for place in range(processes)
    ]
    for child in children:
        child.start()
    shot.wait()
    begun = time.perf_counter()
    parts = [answers.get() for _ in children]
    measured = Measured(name, seconds=time.perf_counter() - begun)
    for child in children:
        child.join()
    for times, slots, server in parts:
        measured.times += times
        measured.slots += slots
        measured.server += [one for one in server if one is not None]
    print(measured.line(), flush=True)
    return measured


def _process(
    way: str, built: scratch.Built, readers: Any, port: int, shot: Any, answers: Any
) -> None:
    scratch.set_up_django()
    times: list[float] = []
    slots: list[int] = []
    server: list[float | None] = []

    def run(people: Sequence[int]) -> None:
        from django.db import connection

        claim = WAYS[way](port, built)
        if way == "verb":
            connection.ensure_connection()
        shot.wait()
        for reader in people:
            begun = time.perf_counter()
            slot, inside = claim(reader)
            times.append((time.perf_counter() - begun) * 1000)
            slots.append(slot)
            server.append(inside)
        connection.close()

    threads = [threading.Thread(target=run, args=(people,)) for people in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put((times, slots, server))


def report(cases: int, unloaded: Measured, loaded: Measured, bare: Measured, web: Measured) -> None:
    at_this_size = PEER_MEDIAN_MS * cases / PEER_CASES
    double = sum(one.double for one in (unloaded, loaded, web))
    print(f"\nDouble claims: {double}")
    print("\nShare of the design's budget that is used (below 1 is within it):")
    print(f"  p95, one reader          {unloaded.p95 / BUDGET_UNLOADED_MS:.2f}")
    print(f"  p95, all at once         {loaded.p95 / BUDGET_LOADED_MS:.2f}")
    print(f"  claims per second        {BUDGET_PER_SECOND / loaded.per_second:.2f}")
    print(f"  p95, all at once, HTTP   {web.p95 / BUDGET_LOADED_MS:.2f}")
    print("\nAgainst the bare UPDATE at the same moment on this machine:")
    print(f"  claims per second        {loaded.per_second / bare.per_second:.2f}")
    print(
        f"\nMONAI Label: median {PEER_MEDIAN_MS:.0f} ms for one reader at {PEER_CASES:,} cases, linear,"
    )
    print(f"so {at_this_size:,.0f} ms at {cases:,}. Times faster, by the median:")
    print(f"  the verb, one reader     {at_this_size / unloaded.p50:,.0f}")
    print(f"  over HTTP, all at once   {at_this_size / web.p50:,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--readers", type=int, default=64, help="at once")
    parser.add_argument("--folder", type=Path, default=scratch.ROOT / "var" / "benchmark")
    parser.add_argument("--keep", action="store_true", help="keep the database for the next run")
    given = parser.parse_args()
    multiprocessing.set_start_method("spawn")
    with scratch.stack(given.folder, keep=given.keep) as stack:
        scratch.set_up_django()
        from django.db import connection

        begun = time.perf_counter()
        built = scratch.build(given.cases, readers=given.readers * CLAIMS_EACH * 4)
        connection.close()
        print(f"{given.cases:,} cases ready after {time.perf_counter() - begun:.0f} s.")
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start.\n")
        print(f"{'':<34}{'p50 ms':>9}{'p95 ms':>9}{'claims/s':>10}{'claims':>9}{'double':>8}")
        people = iter(built.readers)

        def some(threads: int, each: int = CLAIMS_EACH) -> list[list[int]]:
            return [[next(people) for _ in range(each)] for _ in range(threads)]

        bare = measure(f"bare UPDATE, {given.readers} at once", "bare", built, some(given.readers))
        unloaded = measure("queue.claim, one reader", "verb", built, some(1, 200))
        loaded = measure(
            f"queue.claim, {given.readers} at once", "verb", built, some(given.readers)
        )
        stack.start(["web"])
        measure("POST claims, one reader", "http", built, some(1, 200), stack.ports.web)
        web = measure(
            f"POST claims, {given.readers} at once",
            "http",
            built,
            some(given.readers, CLAIMS_EACH // 2),
            stack.ports.web,
        )
        report(given.cases, unloaded, loaded, bare, web)


if __name__ == "__main__":
    main()

"""What a project's pages ask of the database at a million cases: its counts and its reading list.

    python tests/benchmarks/pages.py [--cases 1000000] [--keep] [--folder FOLDER]

Prints the times of the numbers on the project's card and its overview, and of each filter of the reading
list, for a reader with a history and for one to whom nothing is free, as shares of limits that are
our own: 100 ms (p95) for counts, 50 ms (p95) for a page of the list. Counts that took long are kept for
some seconds, so the first of them is shown apart.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import scratch

COUNTS_MS = 100.0
LIST_MS = 50.0
TIMES = 40
PAGE = 51


def milliseconds(ask: Callable[[], object]) -> float:
    begun = time.perf_counter()
    ask()
    return (time.perf_counter() - begun) * 1000


def measure(name: str, ask: Callable[[], object], limit: float) -> bool:
    """Whether the p95 is within the limit."""
    first = milliseconds(ask)
    times = [milliseconds(ask) for _ in range(TIMES)]
    p95 = statistics.quantiles(times, n=20)[-1]
    print(
        f"{name:<44}{first:>9.1f}{statistics.median(times):>9.1f}{p95:>9.1f}{p95 / limit:>8.2f}",
        flush=True,
    )
    return p95 <= limit


def measure_lists(name: str, built: scratch.Built, reader: int) -> list[bool]:
    """The first page of the list, unfiltered and at each stage."""
    from annotation import list_filters, listing
    from annotation.models import Project, User

    project, user = Project.objects.get(pk=built.project), User(pk=reader)

    def page(stage: str) -> object:
        cases = listing.for_reader(project, user, list_filters.parse(project, stage=stage))
        return list(listing.described(cases, user).order_by("-pk")[:PAGE])

    return [
        measure(f"{name}, {stage or 'all'}", lambda stage=stage: page(stage), LIST_MS)  # type: ignore[misc]
        for stage in ("", *list_filters.STAGES)
    ]


def in_bulk(ids: list[int]) -> object:
    """The least that a page can cost on this machine at this moment."""
    from annotation.models import Case

    return Case.objects.in_bulk(ids)


def set_free_slots(state: str, *, instead_of: str) -> None:
    from django.db import connection

    from annotation.models import Slot

    Slot.objects.filter(state=instead_of).update(state=state)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE annotation_slot")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=scratch.ROOT / "var" / "benchmark")
    parser.add_argument("--keep", action="store_true", help="keep the database for the next run")
    given = parser.parse_args()
    with scratch.stack(given.folder, keep=given.keep):
        scratch.set_up_django()
        from django.core.management import call_command
        from django.db import connection

        from annotation import progress
        from annotation.models import Project, User

        built = scratch.build(given.cases, readers=1000)
        call_command("createcachetable", verbosity=0)
        project, busy = Project.objects.get(pk=built.project), built.readers[0]
        print(f"{given.cases:,} cases, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}.\n")
        print(f"{'':<44}{'first ms':>9}{'p50 ms':>9}{'p95 ms':>9}{'share':>8}")
        newest = list(project.cases.order_by("-pk").values_list("pk", flat=True)[:PAGE])
        measure("for scale: 51 cases by their ids", lambda: in_bulk(newest), LIST_MS)
        reached = [
            measure(
                "numbers on the card",
                lambda: progress.counts([project], User(pk=busy)),
                COUNTS_MS,
            ),
            measure("overview", lambda: progress.overview(project), COUNTS_MS),
            *measure_lists("list of a reader", built, busy),
            *measure_lists("list of a new reader", built, built.readers[-1]),
        ]
        set_free_slots("held", instead_of="open")
        reached += measure_lists("nothing free", built, busy)
        set_free_slots("open", instead_of="held")
        connection.close()
    print(f"\n{sum(reached)} of {len(reached)} within their limits.")
    return 0 if all(reached) else 1


if __name__ == "__main__":
    raise SystemExit(main())

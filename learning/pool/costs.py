"""How long a case will likely keep a reader, from the time that cases like it took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.models import Project, Read

FEWEST = 20
"""Timed reads of a project before which nothing is expected."""
ALIKE = 5
"""Timed reads of one kind of case before which the project's median stands for it."""
LATEST = 5000
FACTOR = 4.0
"""A case is expected to take at most so many times as long as a typical one, or as little."""
ROWS_AT_ONCE = 5000
FEW = 20_000
"""Cases that are looked up by number rather than found among all."""

Kind = tuple[str, int]


@dataclass(frozen=True)
class Times:
    """Seconds that a case takes, over all and by kind where enough were timed."""

    typical: float
    medians: Mapping[Kind, float]


def times(project: Project) -> Times | None:
    """From the latest reads; None while too few were timed."""
    took = _times(project)
    everything = [seconds for times in took.values() for seconds in times]
    if len(everything) < FEWEST:
        return None
    medians = {kind: float(np.median(t)) for kind, t in took.items() if len(t) >= ALIKE}
    return Times(float(np.median(everything)), medians)


def expected(project: Project, cases: list[int], took: Times) -> NDArray[np.float64]:
    """[N] seconds for each of the ascending ``cases``.

    Alike are cases of one modality whose number of images is of the same power of two.
    """
    typical, medians = took.typical, took.medians
    known = np.array(cases, np.int64)
    seconds = np.full(len(cases), typical)
    found = project.cases.order_by("pk")
    if len(cases) <= FEW:
        found = found.filter(pk__in=cases)
    rows = found.values_list("pk", "modality", "frame_count").iterator(ROWS_AT_ONCE)
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        ids = np.array([case for case, _, _ in chunk])
        place = np.searchsorted(known, ids)
        for at, (case, modality, images) in zip(place.tolist(), chunk, strict=True):
            if at < len(known) and known[at] == case:
                seconds[at] = medians.get(_kind(modality, images), typical)
    return np.asarray(np.clip(seconds, typical / FACTOR, typical * FACTOR))


def _times(project: Project) -> dict[Kind, list[float]]:
    """The latest reads that were timed, by kind of case."""
    rows: Any = (
        Read.objects.filter(case__project=project, active_seconds__gt=0)
        .order_by("-pk")
        .values_list("case__modality", "case__frame_count", "active_seconds")[:LATEST]
    )
    found: dict[Kind, list[float]] = defaultdict(list)
    for modality, images, seconds in rows:
        found[_kind(modality, images)].append(seconds)
    return found


def _kind(modality: str, images: int) -> Kind:
    return modality, int(images).bit_length()

"""How long a case will likely keep a reader, from the time that cases like it took."""

from __future__ import annotations

from collections import defaultdict
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

Kind = tuple[str, int]


def expected(project: Project, cases: list[int]) -> NDArray[np.float64] | None:
    """[N] seconds for each of the ascending ``cases``; None while too few reads were timed.

    Alike are cases of one modality whose number of images is of the same power of two.
    """
    took = _times(project)
    everything = [seconds for times in took.values() for seconds in times]
    if len(everything) < FEWEST:
        return None
    typical = float(np.median(everything))
    medians = {kind: float(np.median(t)) for kind, t in took.items() if len(t) >= ALIKE}
    known = np.array(cases, np.int64)
    seconds = np.full(len(cases), typical)
    rows = (
        project.cases.order_by("pk")
        .values_list("pk", "modality", "frame_count")
        .iterator(ROWS_AT_ONCE)
    )
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        ids = np.array([case for case, _, _ in chunk])
        place = np.searchsorted(known, ids)
        for at, (case, modality, images) in zip(place.tolist(), chunk, strict=True):
            if at < len(known) and known[at] == case:
                seconds[at] = medians.get(_kind(modality, images), typical)
    return np.asarray(np.clip(seconds, typical / FACTOR, typical * FACTOR))


def typical(project: Project) -> float:
    """The median of the latest timed reads, in seconds; 0 where none was timed."""
    everything = [seconds for times in _times(project).values() for seconds in times]
    return float(np.median(everything)) if everything else 0.0


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

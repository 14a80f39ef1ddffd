"""A ranking of the pool, checked whole before ``queue.rerank`` writes any of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import connection

from .errors import InvalidInput
from .models import Project

CHECKED_AT_ONCE = 50_000

# Cases that are not of the project's pool.
FOREIGN = """
SELECT wanted.id FROM unnest(%s::bigint[]) AS wanted(id)
LEFT JOIN annotation_case AS ranked
    ON ranked.id = wanted.id AND ranked.project_id = %s AND ranked.stream = 'pool'
WHERE ranked.id IS NULL LIMIT 1
"""


@dataclass(frozen=True)
class Ranked:
    """Case ids, the first to be read first, and the priority of each."""

    cases: list[int]
    priorities: list[float]

    def __len__(self) -> int:
        return len(self.cases)

    def parts(self, size: int) -> Iterator[Ranked]:
        for start in range(0, len(self), size):
            end = start + size
            yield Ranked(self.cases[start:end], self.priorities[start:end])


def check(project: Project, ranked: Iterable[tuple[int, float]]) -> Ranked:
    """The ranking with the highest priority first; InvalidInput before anything is written."""
    pairs = sorted(ranked, key=lambda pair: -pair[1])
    checked = Ranked([case for case, _ in pairs], [float(value) for _, value in pairs])
    if len(set(checked.cases)) != len(checked):
        raise InvalidInput("A case stands in the ranking twice.")
    if not all(0 < value < 1 for value in checked.priorities):
        raise InvalidInput("A priority lies outside (0, 1).")
    with connection.cursor() as cursor:
        for part in checked.parts(CHECKED_AT_ONCE):
            cursor.execute(FOREIGN, [part.cases, project.pk])
            if foreign := cursor.fetchone():
                raise InvalidInput(
                    f"Case {foreign[0]} is not in the pool of “{project.title}”. "
                    "Only the pool may be ranked; other streams are read in random order."
                )
    return checked

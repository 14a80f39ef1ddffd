"""Kinds of case, each a modality and a body part: what readers may narrow their list and *Read next* to.

A project has few, so that a filter by either of the two becomes a look-up of whole kinds in an index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from .models import Project

# From one kind to the next by the index: as many steps as there are kinds, however many the cases.
KINDS = """
WITH RECURSIVE kind AS (
    (SELECT modality, body_part FROM annotation_case WHERE project_id = %(project)s
        ORDER BY modality, body_part LIMIT 1)
    UNION ALL
    SELECT following.modality, following.body_part FROM kind CROSS JOIN LATERAL (
        SELECT modality, body_part FROM annotation_case WHERE project_id = %(project)s
            AND (modality, body_part) > (kind.modality, kind.body_part)
        ORDER BY modality, body_part LIMIT 1
    ) AS following
)
SELECT modality, body_part FROM kind
"""


class Kind(NamedTuple):
    modality: str
    body_part: str


Kinds = Sequence[Kind]


def of(project: Project) -> list[Kind]:
    """All kinds that the project has cases of, in the order of their names."""
    with connection.cursor() as cursor:
        cursor.execute(KINDS, {"project": project.pk})
        return [Kind(*row) for row in cursor.fetchall()]


def chosen(project: Project, *, modality: str = "", body_part: str = "") -> list[Kind] | None:
    """The kinds that a filter lets through; None: there is no filter, and all do."""
    if not modality and not body_part:
        return None
    return [
        kind
        for kind in of(project)
        if modality in ("", kind.modality) and body_part in ("", kind.body_part)
    ]

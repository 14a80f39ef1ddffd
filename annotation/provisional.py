"""Labels that no reader has given: what models agreed on within a bound. The only writer of ProvisionalLabel.

They are no references: no reading, training or evaluation sees them. A dataset holds them only where
somebody asks for it, in a file of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import rfc8785
from django.db.models.functions import Collate, Now

from .models import Case, Project, ProvisionalLabel

FORMAT = "consilium-provisional/1"
AT_ONCE = 1000


def state(labels: Iterable[ProvisionalLabel]) -> None:
    """Say them; a case that has a standing one keeps it. Within the caller's transaction."""
    ProvisionalLabel.objects.bulk_create(labels, ignore_conflicts=True)


def withdraw(cases: Collection[int]) -> int:
    standing = ProvisionalLabel.objects.filter(case__in=cases, withdrawn_at=None)
    return standing.update(withdrawn_at=Now())


def standing(project: Project) -> list[dict[str, Any]]:
    """Each standing label of a case that is ready, by ascending UID of the case."""
    rows = (
        ProvisionalLabel.objects.filter(
            case__project=project, case__state=Case.State.READY, withdrawn_at=None
        )
        .select_related("case__patient")
        .order_by(Collate("case__uid", "C"))
    )
    return [
        {
            "case": row.case.uid,
            "patient": row.case.patient.pseudonym,
            "provisional": True,
            "question": row.question,
            "value": row.value,
            "source": row.source,
        }
        for row in rows.iterator(AT_ONCE)
    ]


def lines(labels: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """provisional.jsonl: a header, then a line for each label (RFC 8785)."""
    yield rfc8785.dumps({"format": FORMAT, "provisional": True}) + b"\n"
    for label in labels:
        yield rfc8785.dumps(label) + b"\n"


def sha256(labels: Iterable[dict[str, Any]]) -> str:
    digest = hashlib.sha256()
    for line in lines(labels):
        digest.update(line)
    return digest.hexdigest()

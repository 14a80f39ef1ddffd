"""One hash for the images of a case, by which reads and snapshots name exactly what was seen."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from .models import Case, CaseUnit


def hash_of(file_hashes: Iterable[str]) -> str:
    """SHA-256 of the DICOM files' SHA-256 (hex), sorted, each followed by a line feed."""
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(file_hashes)).encode()).hexdigest()


def instances_sha256(case: Case) -> str:
    return of_cases([case.pk])[case.pk]


def of_cases(ids: Iterable[int]) -> dict[int, str]:
    """Case id to the hash of its images as they are now, in one query. Series that are gone from the
    image store count only where no other is left: the case is then withdrawn, as it was read.
    """
    wanted = list(ids)
    rows = Case.series.through.objects.filter(case_id__in=wanted).values_list(
        "case_id",
        "case__uid",
        "case__project__case_unit",
        "series__deleted_at",
        "series__instances__sop_instance_uid",
        "series__instances__sha256",
    )
    held: dict[int, set[str]] = defaultdict(set)
    gone: dict[int, set[str]] = defaultdict(set)
    for case_id, uid, unit, deleted_at, sop_instance_uid, sha256 in rows:
        if sha256 and (unit != CaseUnit.INSTANCE or sop_instance_uid == uid):
            (gone if deleted_at else held)[case_id].add(sha256)
    return {case_id: hash_of(held[case_id] or gone[case_id]) for case_id in wanted}

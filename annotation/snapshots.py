"""Frozen dataset versions: which cases, by which reference, in which split.

The content hash is the SHA-256 of the file references.jsonl, which anyone can make again: RFC 8785
canonical JSON, a line feed after each line; first a header, then one line per case by ascending UID.
The only writer of Snapshot and SnapshotItem.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import rfc8785
from django.db import transaction
from django.db.models import Count, QuerySet
from django.db.models.functions import Collate

from . import ledger, provenance, provisional
from .errors import Conflict
from .models import (
    Case,
    Project,
    Reference,
    Series,
    Snapshot,
    SnapshotItem,
    Split,
    Stream,
    User,
)
from .validation import require_none, violations

FORMAT = "consilium-references/1"
TRAIN_SHARE = 0.85
BATCH = 1000
CHANGED = "Its images changed after it was read. Read the case again."
QUERY = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "min_reads": {"type": "integer", "minimum": 1, "maximum": 50},
        "min_certainty": {"type": "number", "minimum": 0, "maximum": 1},
        "provisional": {"type": "boolean"},
    },
}
DEFAULT_QUERY = {"min_reads": 1, "min_certainty": 0}


@dataclass(frozen=True)
class Verdict:
    """What verifying a snapshot found. ``reason`` names the first case that differs."""

    ok: bool
    items: int
    reason: str = ""


@transaction.atomic
def freeze(
    project: Project, *, user: User | None, title: str, query: Mapping[str, Any]
) -> Snapshot:
    """Freeze the current references of all cases that are ready, as the next version.

    ``query`` may ask for a least number of reads and a least certainty of the reference, and for the
    provisional labels of cases that nobody has read: apart, and flagged as such.
    """
    require_none(violations(query, QUERY), "The query")
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    snapshot = Snapshot.objects.create(
        project=project,
        version=project.snapshots.count() + 1,
        title=title,
        query={**DEFAULT_QUERY, **query},
        label_schema=project.label_schemas.latest("version"),
        created_by=user,
    )
    count = _fill(snapshot)
    if not count:
        raise Conflict(
            "No case that is ready has a reference that the query lets in and that was made of the "
            "images it has now. Read cases first."
        )
    if snapshot.query.get("provisional"):
        _keep_provisional(snapshot)
    data = {
        "version": snapshot.version,
        "cases": count,
        "provisional_sha256": snapshot.provisional_sha256,
        "left_out": len(snapshot.left_out),
        "content_sha256": snapshot.content_sha256,
        "query": snapshot.query,
    }
    ledger.record("snapshot.freeze", project=project, actor=user, obj=snapshot, data=data)
    return snapshot


def verify(snapshot: Snapshot) -> Verdict:
    """Make references.jsonl again from the database and compare; images are compared by hash."""
    digest = hashlib.sha256(header(snapshot))
    checked = 0
    for items in batches(ordered(snapshot)):
        images = provenance.of_cases(item.case_id for item in items)
        for item, line in zip(items, _lines(items), strict=True):
            if hashlib.sha256(line).hexdigest() != item.sha256:
                return Verdict(False, checked, f"Case {item.case.uid} is not as it was frozen.")
            if images[item.case_id] != item.instances_sha256:
                return Verdict(False, checked, f"The images of case {item.case.uid} have changed.")
            digest.update(line)
            checked += 1
    if snapshot.provisional_sha256 not in ("", provisional.sha256(snapshot.provisional)):
        return Verdict(False, checked, "The provisional labels are not as they were frozen.")
    if digest.hexdigest() != snapshot.content_sha256:
        reason = (
            f"Each of the {checked} cases is as stored, but their list or the header was changed."
        )
        return Verdict(False, checked, reason)
    return Verdict(True, checked)


def lines(snapshot: Snapshot) -> Iterator[bytes]:
    """references.jsonl, line by line: the bytes that the content hash covers."""
    yield header(snapshot)
    for items in batches(ordered(snapshot)):
        yield from _lines(items)


def header(snapshot: Snapshot) -> bytes:
    """The first line: what was asked of the readers."""
    return _line(
        {
            "format": FORMAT,
            "project": snapshot.project.slug,
            "task": snapshot.project.task,
            "label_schema": snapshot.label_schema.document,
        }
    )


def split_of(project: Project, stream: str, pseudonym: str) -> Split:
    """The split of a patient, in this and every later version of the project's datasets.

    The hold-out is the test set. Calibration is never trained on, so it is validation.
    """
    if stream == Stream.HOLDOUT:
        return Split.TEST
    if stream == Stream.CALIBRATION:
        return Split.VALIDATION
    drawn = hmac.digest(bytes(project.secret), f"split:{pseudonym}".encode(), "sha256")
    share = int.from_bytes(drawn[:8], "big") / 2**64
    return Split.TRAIN if share < TRAIN_SHARE else Split.VALIDATION


def _fill(snapshot: Snapshot) -> int:
    """Store the items in the order of their lines, and the hash of all lines; returns their number."""
    digest = hashlib.sha256(header(snapshot))
    count = 0
    for references in batches(_chosen(snapshot)):
        images = provenance.of_cases(reference.case_id for reference in references)
        stale = _of_other_images(references, images)
        snapshot.left_out += [
            {"case": each.case.uid, "reason": CHANGED} for each in references if each.pk in stale
        ]
        items = [_item(snapshot, each, images) for each in references if each.pk not in stale]
        for item, line in zip(items, _lines(items), strict=True):
            item.sha256 = hashlib.sha256(line).hexdigest()
            digest.update(line)
        SnapshotItem.objects.bulk_create(items)
        count += len(items)
    snapshot.content_sha256 = digest.hexdigest()
    snapshot.save(update_fields=["content_sha256", "left_out"])
    return count


def _keep_provisional(snapshot: Snapshot) -> None:
    snapshot.provisional = provisional.standing(snapshot.project)
    snapshot.provisional_sha256 = provisional.sha256(snapshot.provisional)
    snapshot.save(update_fields=["provisional", "provisional_sha256"])


def _chosen(snapshot: Snapshot) -> QuerySet[Reference]:
    """The references to freeze, by ascending UID of the case."""
    return (
        Reference.objects.filter(
            case__project=snapshot.project,
            case__state=Case.State.READY,
            current=True,
            certainty__gte=snapshot.query["min_certainty"],
        )
        .alias(number_of_reads=Count("reads"))
        .filter(number_of_reads__gte=snapshot.query["min_reads"])
        .select_related("case__patient", "case__site")
        .order_by(Collate("case__uid", "C"))
    )


def _of_other_images(references: list[Reference], images: Mapping[int, str]) -> set[int]:
    """Those that rest on a read of other images than the case has now."""
    reads = Reference.reads.through.objects.filter(reference__in=references)
    rows = reads.values_list("reference_id", "reference__case_id", "read__instances_sha256")
    return {reference for reference, case, sha256 in rows if sha256 != images[case]}


def _item(snapshot: Snapshot, reference: Reference, images: Mapping[int, str]) -> SnapshotItem:
    case = reference.case
    return SnapshotItem(
        snapshot=snapshot,
        case=case,
        reference=reference,
        stream=case.stream,
        split=split_of(snapshot.project, case.stream, case.patient.pseudonym),
        instances_sha256=images[case.pk],
    )


def ordered(snapshot: Snapshot) -> QuerySet[SnapshotItem]:
    return snapshot.items.select_related("case__patient", "case__site", "reference").order_by(
        Collate("case__uid", "C")
    )


def _lines(items: list[SnapshotItem]) -> Iterator[bytes]:
    """The line of each item, from what the database holds of it now."""
    reads = _read_hashes([item.reference_id for item in items])
    uids = series_uids([item.case_id for item in items])
    for item in items:
        yield _line(
            {
                "case": item.case.uid,
                "patient": item.case.patient.pseudonym,
                "site": item.case.site.slug if item.case.site else None,
                "modality": item.case.modality,
                "stream": item.stream,
                "split": item.split,
                "instances_sha256": item.instances_sha256,
                "reference": {
                    "version": item.reference.version,
                    "method": item.reference.method,
                    "certainty": item.reference.certainty,
                    "answers": item.reference.answers,
                    "marks": [portable(mark, uids) for mark in item.reference.marks],
                    "reads": reads[item.reference_id],
                },
            }
        )


def portable(mark: Mapping[str, Any], uids: Mapping[int, str]) -> dict[str, Any]:
    """A mark that names its series by UID; the database's own number means nothing elsewhere."""
    series = mark.get("series")
    return {**mark, "series": uids.get(series) if series is not None else None}


def _read_hashes(references: list[int]) -> dict[int, list[str]]:
    found = defaultdict(list)
    rows = Reference.reads.through.objects.filter(reference_id__in=references)
    for reference, sha256 in rows.values_list("reference_id", "read__content_sha256"):
        found[reference].append(sha256)
    return defaultdict(list, {reference: sorted(hashes) for reference, hashes in found.items()})


def series_uids(cases: list[int]) -> dict[int, str]:
    return dict(Series.objects.filter(cases__in=cases).values_list("pk", "series_uid"))


def _line(document: Mapping[str, Any]) -> bytes:
    return rfc8785.dumps(dict(document)) + b"\n"


def batches(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    found = rows.iterator(BATCH)
    while batch := list(islice(found, BATCH)):
        yield batch

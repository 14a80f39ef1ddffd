"""What arrived in Orthanc: fetched, examined, and written as Series and Instance rows.

``intake`` and ``imports`` decide when; this is how. What is not fit is quarantined with a reason
and never stops the rest.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction

from . import frame_cache, orthanc, quarantine
from .dicom.faults import Fault
from .dicom.found import Found
from .dicom.sandbox import sandbox
from .models import Instance, Series

_CLOCK_SKEW = timedelta(seconds=10)


@dataclass(frozen=True)
class Arrival:
    """One object in Orthanc, and either what it is or why it is not fit."""

    orthanc_id: str
    series_id: str
    size: int
    sender: dict[str, str]
    found: Found | None
    fault: Fault | None = None
    attributes: dict[str, str] = field(default_factory=dict)


def known() -> dict[str, int]:
    """Store ids of all images that have a row, and their series' ids."""
    images = Instance.objects.filter(series__deleted_at=None)
    return dict(images.values_list("orthanc_id", "series_id"))


def known_count() -> int:
    return Instance.objects.filter(series__deleted_at=None).count() + quarantine.objects().count()


def unknown(changes: Sequence[orthanc.Change]) -> list[str]:
    """Store ids of those without a row of their own, in the same order. An object that is newer than
    its row replaced another that was deleted: it is looked at again."""
    store_ids = [change.orthanc_id for change in changes]
    images = Instance.objects.filter(orthanc_id__in=store_ids, series__deleted_at=None)
    rows = dict(images.values_list("orthanc_id", "created_at"))
    items = quarantine.objects().filter(orthanc_id__in=store_ids)
    rows |= dict(items.values_list("orthanc_id", "created_at"))
    fresh = {
        change.orthanc_id: None
        for change in changes
        if change.orthanc_id not in rows or rows[change.orthanc_id] < change.at - _CLOCK_SKEW
    }
    return list(fresh)


def examine(store_ids: Sequence[str]) -> list[Arrival]:
    """Fetch and examine each; those deleted meanwhile are left out. No database is touched."""
    if not store_ids:
        return []
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool:
        return [arrival for arrival in pool.map(_examine_one, store_ids) if arrival is not None]


def record(arrivals: Iterable[Arrival]) -> None:
    """Write the rows, in the caller's transaction."""
    for arrival in arrivals:
        if arrival.fault is not None:
            _hold(arrival, arrival.fault)
        if arrival.found is None:
            continue
        try:
            register(
                arrival.found,
                orthanc_id=arrival.orthanc_id,
                series_id=arrival.series_id,
                sender=arrival.sender,
            )
        except quarantine.UNFIT as error:
            _hold(arrival, quarantine.fault_of(error))


def register(found: Found, *, orthanc_id: str, series_id: str, sender: dict[str, str]) -> Instance:
    """The row of a stored object, made if missing; its series is unsettled until nothing comes for a while.

    A Fault if its UIDs are in use for something else.
    """
    values = {
        "sop_class_uid": found.sop_class_uid,
        "transfer_syntax_uid": found.transfer_syntax_uid,
        "frame_count": found.frame_count,
        "sha256": found.sha256,
        "pixel_sha256": found.pixel_sha256,
        "normalised": found.normalised,
        "description": _with_sender(found, sender),
    }
    with transaction.atomic():
        series = _series_of(found, series_id)
        instance, made = Instance.objects.get_or_create(
            sop_instance_uid=found.sop_instance_uid,
            defaults={"series": series, "orthanc_id": orthanc_id, **values},
        )
        if instance.orthanc_id != orthanc_id:
            raise Fault(
                "same_uid",
                "An object with this SOP Instance UID is here already, under another patient, study "
                "or series. UIDs must be unique: correct it at the sender.",
            )
        replaced = instance.sha256 != found.sha256
        if replaced:
            Instance.objects.filter(pk=instance.pk).update(**values)
        if made or replaced or series.deleted_at is not None:
            Series.objects.filter(pk=series.pk).update(stable=False, deleted_at=None)
        return instance


def _examine_one(store_id: str) -> Arrival | None:
    try:
        with frame_cache.scratch() as folder:
            path = folder / "original.dcm"
            orthanc.download(store_id, path)
            series_id, sender = orthanc.series_of(store_id), orthanc.sender(store_id)
            size = path.stat().st_size
            try:
                found = sandbox.examine_object(path, folder=folder / "frames")
            except Fault as found_wrong:
                attributes = _attributes(store_id) | sender
                return Arrival(store_id, series_id, size, sender, None, found_wrong, attributes)
            if found.frames:
                frame_cache.keep_decoded(found.sha256, folder / "frames")
            attributes = (found.description or {}).get("attributes", {}) | sender
            return Arrival(store_id, series_id, size, sender, found, None, attributes)
    except orthanc.NotInStore:
        return None
    except orthanc.Refused as refused:
        fault = Fault("too_large", str(refused))
        return Arrival(store_id, "", 0, {}, None, fault, _attributes(store_id))


def _attributes(store_id: str) -> dict[str, str]:
    try:
        return orthanc.attributes(store_id)
    except orthanc.NotInStore:
        return {}


def _hold(arrival: Arrival, fault: Fault) -> None:
    quarantine.hold_object(
        arrival.orthanc_id, fault, size=arrival.size, attributes=arrival.attributes
    )


def _series_of(found: Found, series_id: str) -> Series:
    described = found.description or {}
    series, _ = Series.objects.get_or_create(
        series_uid=found.series_uid,
        defaults={
            "study_uid": found.study_uid,
            "orthanc_id": series_id,
            "modality": described.get("modality", found.modality)[:16],
            "body_part": described.get("body_part", ""),
            "description": described.get("description", ""),
            "attributes": described.get("attributes", {}),
        },
    )
    if series.orthanc_id != series_id:
        raise Fault(
            "same_series_uid",
            "A series with this Series Instance UID is here already, under another patient or study. "
            "UIDs must be unique: correct it at the sender.",
        )
    return series


def _with_sender(found: Found, sender: dict[str, str]) -> dict[str, object]:
    if found.description is None:
        return {}
    attributes = {**found.description["attributes"], **sender}
    return {**found.description, "attributes": attributes}

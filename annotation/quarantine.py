"""What is not fit to be read, each with a reason: objects and series in the image store, files of imports.

Writes the ImportItems that belong to no import, and what a person says to any of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from django.db import DataError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from . import intake_rules, ledger, uploads
from .dicom.faults import Fault
from .errors import Conflict
from .models import ImportItem, Project, Series, User

State = ImportItem.State
UNFIT = (Fault, DataError, UnicodeError)
"""What one odd object may raise on its way into the database."""
NO_VOLUME = "no_volume"


def fault_of(error: Exception) -> Fault:
    """The same sentence for every value that the database refuses: too long, infinite, not text."""
    if isinstance(error, Fault):
        return error
    return Fault(
        "bad_value",
        f"The header holds a value that makes no sense ({' '.join(str(error).split())[:200]}). "
        "Correct it at the sender.",
    )


def objects() -> QuerySet[ImportItem]:
    """Entries of objects that stay in Orthanc but are not fit."""
    return ImportItem.objects.filter(batch=None).exclude(orthanc_id="")


def hold_object(store_id: str, fault: Fault, *, size: int, attributes: dict[str, str]) -> None:
    """An object has one entry; one that replaced another under its id is judged anew."""
    came = attributes.get("RemoteAET") or attributes.get("RemoteIP") or "unknown sender"
    values = {
        "name": f"Object {store_id} from {came}",
        "size": size,
        "received": size,
        "state": State.QUARANTINED,
        "reason_code": fault.code,
        "reason": fault.reason,
        "attributes": attributes,
    }
    if not objects().filter(orthanc_id=store_id).update(**values, created_at=Now()):
        ImportItem.objects.create(batch=None, orthanc_id=store_id, **values)


def release(store_ids: Iterable[str]) -> None:
    """Objects that are gone from Orthanc, or fit now: nothing is left to put right."""
    for store_id in store_ids:
        objects().filter(orthanc_id=store_id).update(orthanc_id="", state=State.DISMISSED)


def hold_series(series: Series, faults: Sequence[Fault]) -> None:
    """The series as it now is has these faults and no others: entries of those that are cured end."""
    entries = _of_series(series)
    undecided = entries.filter(state__in=[State.QUARANTINED, State.WAITING])
    codes = [fault.code for fault in faults]
    undecided.exclude(reason_code__in=codes).update(state=State.STORED)
    for fault in faults:
        again = {"state": State.QUARANTINED, "reason": fault.reason, "updated_at": Now()}
        if undecided.filter(reason_code=fault.code).update(**again) or is_accepted(series, fault):
            continue
        ImportItem.objects.create(
            batch=None,
            name=f"Series {series.series_uid}",
            size=0,
            state=State.QUARANTINED,
            reason_code=fault.code,
            reason=fault.reason,
            series_uids=[series.series_uid],
            attributes=series.attributes,
        )


def is_accepted(series: Series, fault: Fault) -> bool:
    """Whether a person saw exactly this of the series and let it go; only an odd geometry may stay."""
    seen = _of_series(series).filter(state=State.DISMISSED, reason=fault.reason)
    return fault.code == NO_VOLUME and seen.filter(reason_code=NO_VOLUME).exists()


def seen_in(projects: Collection[Project]) -> QuerySet[ImportItem]:
    """Files of the projects' imports, and what lies in the image store and is, or might be, theirs."""
    rules = [project.intake_rule for project in projects if project.intake_rule]
    fed = ImportItem.objects.filter(batch=None)
    theirs = [
        attributes
        for attributes in (fed.values_list("attributes", flat=True).distinct() if rules else ())
        if any(intake_rules.may_match(rule, attributes) for rule in rules)
    ]
    brought = ImportItem.objects.filter(
        batch__project__in=projects,
        state__in=[State.STORED, State.DUPLICATE],
        series_uids__overlap=OuterRef("series_uids"),
    )
    of_the_store = Q(attributes__in=theirs) | Exists(brought)
    return ImportItem.objects.filter(
        Q(batch__project__in=projects) | (Q(batch=None) & of_the_store)
    )


def dismiss(item: ImportItem, user: User | None) -> ImportItem:
    """A person has seen what is wrong and lets it go: a file is forgotten, a series taken as it is."""
    with transaction.atomic():
        item = ImportItem.objects.select_for_update(of=("self",)).get(pk=item.pk)
        if item.state == State.DISMISSED:
            return item
        if item.state != State.QUARANTINED:
            raise Conflict("Only a file in quarantine can be dismissed.")
        item.state = State.DISMISSED
        item.save(update_fields=["state", "updated_at"])
        if item.reason_code == NO_VOLUME:
            look_again(item)
        note("import.dismiss", item, user)
    uploads.drop(item)
    return item


def look_again(item: ImportItem) -> None:
    """Have the series of the entry settled once more, in the caller's transaction."""
    series = Series.objects.filter(series_uid__in=item.series_uids, deleted_at=None)
    series.update(stable=False)


def note(verb: str, item: ImportItem, user: User | None) -> None:
    """Into the ledger of the item's project; what came by itself belongs to no project alone."""
    project = item.batch.project if item.batch is not None else None
    data = {"item": item.pk, "reason_code": item.reason_code}
    ledger.record(verb, project=project, actor=user, obj=item, data=data)


def _of_series(series: Series) -> QuerySet[ImportItem]:
    return ImportItem.objects.filter(
        batch=None, orthanc_id="", series_uids__contains=[series.series_uid]
    )

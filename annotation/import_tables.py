"""The table of patients that an import may bring along, read when all its files have arrived."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.db.models.expressions import OuterRef

from . import uploads
from .dicom import patients
from .dicom.faults import Fault
from .models import Import, ImportItem

LARGEST = 16 * 1024**2


def awaited(batch: Import | OuterRef) -> QuerySet[ImportItem]:
    """Tables that have not been read: until they are, no other file of the import is taken in."""
    named = Q(name=patients.TABLE) | Q(name__endswith=f"/{patients.TABLE}")
    unread = [ImportItem.State.RECEIVING, ImportItem.State.WAITING]
    return ImportItem.objects.filter(named, batch=batch, state__in=unread)


def assigned(batch: Import) -> tuple[list[ImportItem], list[ImportItem]]:
    """The tables, and the files whose patient they change, changed but not saved."""
    tables = list(awaited(batch).order_by("pk"))
    if not tables:
        return [], []
    rows = {table.name: read(_content(table)) for table in tables}
    items = list(batch.items.order_by("pk"))
    found = patients.assign([item.name for item in items], rows)
    for item, patient in zip(items, found, strict=True):
        item.patient = patient
    return tables, items


def _content(table: ImportItem) -> bytes:
    return uploads.path_of(table).read_bytes() if table.size else b""


def read(content: bytes) -> dict[str, str]:
    if len(content) > LARGEST:
        raise Fault("too_large", "The table of patients is larger than 16 MiB.")
    return patients.read_table(content)

"""The rows of this app that want work now, as (actor name, id). PostgreSQL is asked, never the broker."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, OuterRef

from .models import Import, ImportItem

ITEMS_AT_ONCE = 100


def due() -> Iterator[tuple[str, int]]:
    waiting = ImportItem.objects.filter(
        state=ImportItem.State.WAITING,
        batch__state__in=[Import.State.RECEIVING, Import.State.PROCESSING],
    )
    for item in waiting.order_by("pk").values_list("pk", flat=True)[:ITEMS_AT_ONCE]:
        yield "process_import_item", item
    open_items = ImportItem.objects.filter(
        batch=OuterRef("pk"), state__in=[ImportItem.State.RECEIVING, ImportItem.State.WAITING]
    )
    ending = Import.objects.filter(~Exists(open_items), state=Import.State.PROCESSING)
    for batch in ending.values_list("pk", flat=True):
        yield "finish_import", batch

"""The rows of this app that want work now, as (actor name, id). PostgreSQL is asked, never the broker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from . import import_tables, prompts, write_backs
from .models import Import, ImportItem

ITEMS_AT_ONCE = 100
ABANDONED_AFTER = timedelta(days=7)


def due() -> Iterator[tuple[str, int]]:
    yield from (("process_import_item", item) for item in _waiting_items())
    open_items = ImportItem.objects.filter(
        batch=OuterRef("pk"), state__in=[ImportItem.State.RECEIVING, ImportItem.State.WAITING]
    )
    ending = Import.objects.filter(~Exists(open_items), state=Import.State.PROCESSING)
    for batch in ending.values_list("pk", flat=True):
        yield "finish_import", batch
    for row in (
        write_backs.due().order_by("due_at").values_list("pk", flat=True)[: write_backs.AT_ONCE]
    ):
        yield write_backs.ACTOR, row
    for prompt in prompts.due().values_list("pk", flat=True):
        yield prompts.ACTOR, prompt
    for batch in abandoned().values_list("pk", flat=True):
        yield "expire_import", batch


def abandoned() -> QuerySet[Import]:
    """Uploads to which nothing was added for a week."""
    lately = ImportItem.objects.filter(batch=OuterRef("pk"), updated_at__gt=Now() - ABANDONED_AFTER)
    old = Import.objects.filter(
        state=Import.State.RECEIVING, created_at__lt=Now() - ABANDONED_AFTER
    )
    return old.filter(~Exists(lately))


def _waiting_items() -> Iterator[int]:
    """Some of each import, so that a small one does not wait for the end of a large one."""
    waiting = ImportItem.objects.filter(state=ImportItem.State.WAITING)
    begun = (
        Import.objects.filter(state__in=[Import.State.RECEIVING, Import.State.PROCESSING])
        .filter(Exists(waiting.filter(batch=OuterRef("pk"))))
        .exclude(Exists(import_tables.awaited(OuterRef("pk"))))
    )
    batches = list(begun.order_by("pk").values_list("pk", flat=True)[:ITEMS_AT_ONCE])
    for batch in batches:
        items = waiting.filter(batch=batch).order_by("pk").values_list("pk", flat=True)
        yield from items[: max(1, ITEMS_AT_ONCE // len(batches))]

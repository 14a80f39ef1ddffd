"""Which version of a project's label schema counts: for a case that is opened now, and for one in hand.

A reader goes by one version from the moment a case comes into hand until it is submitted, and again when
the read is corrected.
"""

from __future__ import annotations

from . import schema
from .errors import Conflict
from .models import Draft, LabelSchema, Project, Read, Slot, User

ASKS_NOTHING = (
    "This project asks nothing yet, so there is nothing to read. Its lead or data steward writes the label "
    "schema first."
)


def current(project_id: int) -> LabelSchema:
    """The version in force: that of cases which are opened now."""
    return LabelSchema.objects.filter(project=project_id).latest("version")


def of_reading(slot: Slot, reader: User | None) -> LabelSchema:
    """The version by which this reader reads the slot's case, or would if they opened it now."""
    versions = LabelSchema.objects.filter(project=slot.project_id).order_by("-version")
    drafts = Draft.objects.filter(slot=slot, reader=reader)
    said = Read.objects.filter(slot=slot, reader=reader, superseded_by=None)
    begun = (
        versions.filter(pk__in=drafts.values("label_schema")).first()
        or versions.filter(pk__in=said.values("label_schema")).first()
    )
    if begun is not None:
        return begun
    in_hand = (
        slot.state == Slot.State.CLAIMED and reader is not None and slot.reader_id == reader.pk
    )
    if in_hand and slot.claimed_at is not None:
        versions = versions.filter(created_at__lte=slot.claimed_at)
    return versions.first() or current(slot.project_id)


def require_asking(project: Project) -> None:
    """Conflict while the project asks nothing."""
    if not schema.asks(current(project.pk).document):
        raise Conflict(ASKS_NOTHING)

"""Cases that need no reader for now: taken off the list, and put back. Writes Slot, beside ``queue``.

Whoever decides so hands it over as data. Some of them are read all the same, drawn at random: their slots
stay open for the purpose *audit*, among the next ones to be claimed, and look like any other reading.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from . import ledger
from .models import Case, Draft, Project, Purpose, Read, Slot, Stream

AMONG = 9
"""Other readings to each audit, as long as there are audits to be done."""
FIRST = 0.999
_random = random.SystemRandom()


def put_aside(project: Project, cases: Collection[int], *, audits: Collection[int]) -> list[int]:
    """Take cases of the pool that nobody has begun to read off the list; those of ``audits`` stay on it
    as audits. Returns which it did. Within the caller's transaction.
    """
    locked = Case.objects.select_for_update(no_key=True).filter(
        pk__in=cases, project=project, stream=Stream.POOL, state=Case.State.READY
    )
    ready = list(locked.order_by("pk").values_list("pk", flat=True))
    slots = list(
        Slot.objects.select_for_update(no_key=True).filter(case__in=ready).order_by("case", "pk")
    )
    begun = {slot.case_id for slot in slots if not _is_waiting(slot)}
    begun |= set(Read.objects.filter(case__in=ready).values_list("case_id", flat=True))
    begun |= set(Draft.objects.filter(slot__in=slots).values_list("slot__case_id", flat=True))
    kept = set(
        Slot.objects.filter(case__in=ready, reserved_until__gt=Now()).values_list("case", flat=True)
    )
    having = {slot.case_id for slot in slots}
    free = [case for case in ready if case in having and case not in begun | kept]
    audited = [case for case in free if case in set(audits)]
    _cancel(set(free) - set(audited))
    _audit(project, audited)
    if free:
        # Which of them are audits is in no event: readers must not learn it from anywhere.
        data = {"cases": free}
        ledger.record("cases.put_aside", project=project, actor=None, obj=project, data=data)
    return free


def take_back(project: Project, cases: Sequence[int], *, reason: str) -> list[int]:
    """Put cases back on the list, as if they had never been put aside. Within the caller's transaction."""
    locked = Case.objects.select_for_update(no_key=True).filter(pk__in=cases, project=project)
    states = dict(locked.order_by("pk").values_list("pk", "state"))
    ready = [case for case, state in states.items() if state == Case.State.READY]
    waiting = Slot.objects.filter(case__in=ready, stream=Stream.POOL, reader=None)
    waiting.filter(state=Slot.State.CANCELLED).update(state=Slot.State.OPEN)
    Slot.objects.filter(case__in=list(states), purpose=Purpose.AUDIT).exclude(
        state__in=[Slot.State.DONE, Slot.State.OUTDATED]
    ).update(purpose=Purpose.PRIMARY)
    if ready:
        data = {"cases": ready, "reason": reason}
        ledger.record("cases.take_back", project=project, actor=None, obj=project, data=data)
    return ready


def is_read_again() -> Exists:
    """For rows with a ``case`` that was put aside: somebody reads it all the same, or it has changed."""
    asked = Slot.objects.filter(
        case=OuterRef("case"), state__in=[Slot.State.OPEN, Slot.State.CLAIMED]
    )
    return Exists(asked.exclude(purpose=Purpose.AUDIT))


def _is_waiting(slot: Slot) -> bool:
    return slot.state == Slot.State.OPEN and slot.purpose == Purpose.PRIMARY


def _cancel(cases: Collection[int]) -> None:
    Slot.objects.filter(case__in=cases, state=Slot.State.OPEN).update(
        state=Slot.State.CANCELLED, reserved_for=None, reserved_until=None
    )


def _audit(project: Project, cases: Sequence[int]) -> None:
    """At random places among the next readings, so that neither place nor order gives them away."""
    slots = list(Slot.objects.filter(case__in=cases))
    if not slots:
        return
    others = Slot.objects.filter(
        project=project, stream=Stream.POOL, state=Slot.State.OPEN, purpose=Purpose.PRIMARY
    )
    after = others.order_by("-priority").values_list("priority", flat=True)
    depth = AMONG * len(slots)
    last = next(iter(after[depth : depth + 1]), 0.001)
    for slot in slots:
        slot.purpose = Purpose.AUDIT
        slot.priority = _random.uniform(min(last, FIRST), FIRST)
        slot.reserved_for = slot.reserved_until = None
    Slot.objects.bulk_update(slots, ["purpose", "priority", "reserved_for", "reserved_until"])

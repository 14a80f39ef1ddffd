"""Who reads what next: with ``claims`` and ``reservations``, the only writer of Slot; of Skip, alone.

A slot is one wanted reading; its lease (reader, token, expiry) lives on the row itself, so that
the row that is locked is the row that decides. All times are PostgreSQL's. Rows are locked in the
order case, slot, head of the ledger.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from datetime import timedelta
from itertools import count, islice

from django.db import connection, transaction
from django.db.models.functions import Now

from . import claims, comments, ledger, priorities, provenance, reservations
from .errors import Conflict, InvalidInput, LeaseLost, NotFound, NothingToRead
from .kinds import Kinds
from .models import Case, Comment, Event, Project, Purpose, Read, Skip, Slot, User

EXPIRE_AT_ONCE = 500
PAUSES = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
RANKED_AT_ONCE = 1000
_random = random.SystemRandom()

# Never waits: a slot that is being claimed at this moment does not need a place in the order.
RANK = """
WITH waiting AS (
    SELECT slot.id, ranked.priority FROM annotation_slot AS slot
    JOIN unnest(%s::bigint[], %s::float8[]) AS ranked(case_id, priority) USING (case_id)
    WHERE slot.project_id = %s AND slot.stream = 'pool' AND slot.state IN ('open', 'held')
        AND slot.generation <= %s
    FOR NO KEY UPDATE OF slot SKIP LOCKED
)
UPDATE annotation_slot AS slot SET priority = waiting.priority, generation = %s
FROM waiting WHERE slot.id = waiting.id
"""


def open_slots(case: Case) -> int:
    """Make the slots that a case still lacks, in a random place of the order, and open or hold all
    that wait, as the state of the case wants; how many were made or changed.
    """
    with transaction.atomic():
        case = _lock_case(case.pk)
        state = _free_state(case)
        waiting = case.slots.filter(reader=None).exclude(state=state)
        changed = waiting.update(state=state)
        missing = _missing(case)
        Slot.objects.bulk_create(
            Slot(
                case=case,
                project_id=case.project_id,
                stream=case.stream,
                modality=case.modality,
                body_part=case.body_part,
                number=number,
                state=state,
                priority=_random.uniform(0.001, 0.999),
            )
            for number in missing
        )
        if changed or missing:
            data = {
                "case": case.pk,
                "stream": case.stream,
                "state": state,
                "made": len(missing),
                "changed": changed,
            }
            ledger.record("slots.open", project=case.project, actor=None, obj=case, data=data)
        return changed + len(missing)


def ask_again(case: Case) -> int:
    """Want a new reading for each that was done on other images than the case has now; how many.

    The reads stay, but no longer fill their slots: whoever made them may read the case again, too.
    """
    with transaction.atomic():
        case = _lock_case(case.pk)
        stale = Read.objects.filter(
            case=case, late=False, superseded_by=None, slot__isnull=False
        ).exclude(instances_sha256=provenance.instances_sha256(case))
        done = case.slots.filter(state=Slot.State.DONE, pk__in=stale.values("slot"))
        outdated = done.update(state=Slot.State.OUTDATED)
        if outdated:
            data = {"case": case.pk, "slots": outdated}
            ledger.record("slots.outdate", project=case.project, actor=None, obj=case, data=data)
            open_slots(case)
        return outdated


def ask_another(case: Case, user: User, *, reason: str) -> int:
    """Want one more reading of the case, by somebody who has not read it; how many it now wants.

    Blind, as every second reading is. The reference stands until the new read is there.
    """
    with transaction.atomic():
        case = _lock_case(case.pk)
        if case.slots.filter(state__in=[Slot.State.OPEN, Slot.State.HELD]).exists():
            raise Conflict("Another reading of this case is wanted already.")
        case.reads_wanted = case.slots.exclude(state=Slot.State.OUTDATED).count() + 1
        case.save(update_fields=["reads_wanted"])
        data = {"case": case.pk, "reads_wanted": case.reads_wanted, "reason": reason}
        ledger.record("case.ask_another", project=case.project, actor=user, obj=case, data=data)
        open_slots(case)
        case.slots.filter(reader=None).update(purpose=Purpose.AUDIT)
        return case.reads_wanted


def cancel_slots(case: Case, *, reason: str) -> int:
    """Take a case off the list. Readers who have it in hand may still submit."""
    with transaction.atomic():
        case = _lock_case(case.pk)
        waiting = case.slots.filter(state__in=[Slot.State.OPEN, Slot.State.HELD])
        cancelled = waiting.update(state=Slot.State.CANCELLED)
        if cancelled:
            data = {"case": case.pk, "slots": cancelled, "reason": reason}
            ledger.record("slots.cancel", project=case.project, actor=None, obj=case, data=data)
        return cancelled


def claim(project: Project, reader: User, kinds: Kinds | None = None) -> Slot:
    """The reader's live claim, its lease renewed; else what was reserved for this reader; else the next
    slot that is free, of these kinds of case where any are named.

    ``is_new`` tells which. Two claims of one reader at once (two tabs) get one slot. A statement of
    its own, so that many readers at once do not wait for each other's round trips.
    """
    ask = claims.Ask(project, reader, kinds)
    for pause in PAUSES:
        if slot := claims.take(ask) or claims.take_reserved(ask):
            return slot
        if not claims.any_left(ask):
            break
        time.sleep(pause * _random.uniform(0.5, 1.5))
    if kinds is not None:
        raise NothingToRead(
            "No case that your filter lets through is free for you right now. Take the filter off to "
            "read on with other cases."
        )
    raise NothingToRead(
        "No case is free for you right now: you have read all that is open to you, or other readers "
        "have the rest. Cases return here when they arrive or are given back."
    )


def is_new(slot: Slot) -> bool:
    """Whether ``claim`` took this slot just now, rather than found it in the reader's hands."""
    return bool(getattr(slot, "is_new", False))


def renew(slot_id: int, reader: User, token: int) -> Slot:
    """Extend the lease by the project's full length. Not an act: it leaves no event."""
    with transaction.atomic():
        slot = _own(slot_id, reader, token)
        slot.lease_expires_at = Now() + timedelta(minutes=slot.project.lease_minutes)
        slot.save(update_fields=["lease_expires_at"])
    reservations.prolong(slot.project, reader)
    slot.refresh_from_db(fields=["lease_expires_at"])
    return slot


def release(slot_id: int, reader: User, token: int) -> None:
    """Give the case back unread, and what was reserved with it. The draft stays, should this reader get
    the case again.
    """
    with transaction.atomic():
        slot = _own(slot_id, reader, token)
        _give_back(slot, _free_state(slot.case))
        _record("slot.release", slot, reader)
    reservations.let_go(slot.project, reader)


def skip(slot_id: int, reader: User, token: int, *, reason: str) -> None:
    """Decline a case for good and say why; it goes to others."""
    if not reason.strip():
        raise InvalidInput("Say why you skip this case, so that it can be put right.")
    with transaction.atomic():
        slot = _own(slot_id, reader, token)
        Skip.objects.create(case=slot.case, reader=reader, reason=reason)
        _give_back(slot, _free_state(slot.case))
        _record("slot.skip", slot, reader, reason=reason)


def raise_issue(slot_id: int, reader: User, token: int, *, issue: str, text: str) -> Comment:
    """Take the case off the list until somebody has answered. Other readers' claims run on."""
    with transaction.atomic():
        slot = _own(slot_id, reader, token)
        if slot.case.state == Case.State.WITHDRAWN:
            raise Conflict(
                "This case was withdrawn meanwhile, so it needs no answer. Give it back."
            )
        comment = comments.write(slot.case, reader, text=text, issue=issue)
        Case.objects.filter(pk=slot.case_id).update(state=Case.State.ISSUE, state_reason=text)
        _give_back(slot, Slot.State.HELD)
        slot.case.slots.filter(state=Slot.State.OPEN).update(state=Slot.State.HELD)
        _record("issue.raise", slot, reader, issue=issue, comment=comment.pk)
        return comment


def resolve_issue(case: Case, user: User, *, comment: Comment | None = None) -> None:
    """Answer one issue of the case, or all; with the last one the case returns to the list."""
    with transaction.atomic():
        case = _lock_case(case.pk)
        answered = comments.mark_resolved(case, user, comment=comment)
        if not answered:
            raise Conflict("This case has no open issue: somebody has answered it already.")
        if case.state == Case.State.ISSUE and not comments.open_issues(case).exists():
            Case.objects.filter(pk=case.pk).update(state=Case.State.READY, state_reason="")
            case.slots.filter(state=Slot.State.HELD).update(state=Slot.State.OPEN)
        data = {"case": case.pk, "comments": answered}
        ledger.record("issue.resolve", project=case.project, actor=user, obj=case, data=data)


def finish(slot: Slot, reader: User) -> None:
    """Mark the slot as read by ``reader``. Called by ``reading.submit``, which holds the lock."""
    slot.state, slot.reader, slot.lease_expires_at = Slot.State.DONE, reader, None
    slot.reserved_for = slot.reserved_until = None
    slot.save(
        update_fields=["state", "reader", "lease_expires_at", "reserved_for", "reserved_until"]
    )


def fill(case: Case, account: User) -> Slot | None:
    """Have an open reading of the case done by a source that counts as a reader; None if there is none,
    or the source has one. The case is locked by the caller, who stores the read.
    """
    if case.slots.filter(reader=account).exclude(state=Slot.State.OUTDATED).exists():
        return None
    free = case.slots.select_for_update(no_key=True).filter(state=Slot.State.OPEN)
    slot = free.order_by("number").first()
    if slot is not None:
        finish(slot, account)
    return slot


def expire_leases() -> int:
    """Give back the claims of readers who are gone; how many there were."""
    for expired in range(EXPIRE_AT_ONCE):
        if not _expire_one():
            return expired
    return EXPIRE_AT_ONCE


def rerank(project: Project, generation: int, ranked: Iterable[tuple[int, float]]) -> int:
    """Write (case id, priority in (0, 1)) pairs to the waiting slots of the pool; how many were set.

    Only the pool may be ranked. Small transactions, so that claims never wait: a ranking that is
    cut short is repeated whole, to the same end; one that comes late undoes no newer one.
    """
    checked = priorities.check(project, ranked)
    written = sum(_rank(project, generation, part) for part in checked.parts(RANKED_AT_ONCE))
    data = {"generation": generation, "cases": len(checked), "slots": written}
    with transaction.atomic():
        ledger.record("queue.rerank", project=project, actor=None, obj=project, data=data)
    return written


def held_before(slot: Slot, reader: User) -> bool:
    """Whether this reader has, or ever had, a claim on the slot."""
    if slot.reader_id == reader.pk:
        return True
    claims = Event.objects.filter(object_type="slot", object_id=str(slot.pk), verb="slot.claim")
    return claims.filter(actor=reader).exists()


def live_claims(project: Project, reader: User) -> list[Slot]:
    """The slots that the reader has in hand."""
    claimed = Slot.objects.filter(project=project, reader=reader, state=Slot.State.CLAIMED)
    return list(claimed.order_by("claimed_at"))


def _missing(case: Case) -> list[int]:
    """Numbers for the slots that the case lacks. An outdated slot keeps its own and counts no more."""
    numbers = dict(case.slots.values_list("number", "state"))
    counting = [state for state in numbers.values() if state != Slot.State.OUTDATED]
    lacking = max(0, case.reads_wanted - len(counting))
    return list(islice((number for number in count(1) if number not in numbers), lacking))


def _rank(project: Project, generation: int, part: priorities.Ranked) -> int:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(RANK, [part.cases, part.priorities, project.pk, generation, generation])
        written: int = cursor.rowcount
        return written


def _lock_case(case_id: int) -> Case:
    return (
        Case.objects.select_for_update(no_key=True, of=("self",))
        .select_related("project")
        .get(pk=case_id)
    )


def _own(slot_id: int, reader: User, token: int) -> Slot:
    """The slot, locked together with its case, if the reader has it in hand under this token."""
    found = Slot.objects.filter(pk=slot_id).values_list("case_id", flat=True).first()
    if found is None:
        raise NotFound
    case = _lock_case(found)
    slot = Slot.objects.select_for_update(no_key=True).get(pk=slot_id)
    if not held_before(slot, reader):
        raise NotFound("There is no such case in your hands.")
    if (slot.state, slot.reader_id, slot.token) != (Slot.State.CLAIMED, reader.pk, token):
        raise LeaseLost(
            "This case is no longer yours: the claim ended after a time without activity, or was given "
            "back elsewhere. What you drew is kept; submit it, or read the next case."
        )
    slot.case, slot.project = case, case.project
    return slot


def _free_state(case: Case) -> Slot.State:
    match case.state:
        case Case.State.READY:
            return Slot.State.OPEN
        case Case.State.WITHDRAWN:
            return Slot.State.CANCELLED
    return Slot.State.HELD


def _give_back(slot: Slot, state: Slot.State) -> None:
    slot.state, slot.reader, slot.lease_expires_at = state, None, None
    slot.save(update_fields=["state", "reader", "lease_expires_at"])


def _record(verb: str, slot: Slot, actor: User | None, **data: object) -> None:
    data = {"case": slot.case_id, "token": slot.token, **data}
    ledger.record(verb, project=slot.project, actor=actor, obj=slot, data=data)


def _expire_one() -> bool:
    """One claim, one transaction. Rows that somebody holds are left for the next time."""
    with transaction.atomic():
        slot = (
            Slot.objects.select_for_update(no_key=True, skip_locked=True, of=("self", "case"))
            .select_related("case", "project")
            .filter(state=Slot.State.CLAIMED, lease_expires_at__lt=Now())
            .order_by("lease_expires_at")
            .first()
        )
        if slot is None:
            return False
        lost_by = slot.reader_id
        _give_back(slot, _free_state(slot.case))
        _record("slot.expire", slot, None, reader=lost_by)
        return True

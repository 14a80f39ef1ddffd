"""What readers say: drafts while they work, immutable reads when they submit.

The only writer of Draft (with ``schema_moves``) and of Read, Mark and Answer (with ``outside_reads``).
A submission has exactly one effect, however often it is sent; one that comes too late is kept as an extra
read, never dropped.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import rfc8785
from django.conf import settings
from django.db import IntegrityError, transaction

from . import (
    assistance,
    case_images,
    consensus,
    doorbell,
    first_readings,
    label_schemas,
    ledger,
    marks,
    prompt_uses,
    provenance,
    queue,
    reservations,
    scenes,
    schema,
    write_backs,
)
from .errors import Conflict, IdempotencyMismatch, InvalidInput, NotFound, StaleDraft
from .models import (
    Answer,
    Case,
    Draft,
    FirstReading,
    LabelSchema,
    Mark,
    MarkKind,
    Project,
    PromptUse,
    Read,
    Slot,
    User,
)
from .validation import require_none

LONGEST_SECONDS = 24 * 3600
READ_STATES = (Slot.State.DONE, Slot.State.OUTDATED)


@dataclass(frozen=True)
class Submission:
    """What a reader sent, checked and hashed, on its way into the database."""

    reader: User
    idempotency_key: UUID
    sha256: str
    label_schema: LabelSchema
    answers: list[Answer]
    marks: list[Mark]
    looks: list[dict[str, Any]]
    active_seconds: float
    token: int
    images: Mapping[str, str] | None
    assisted: list[assistance.Measured]
    prompted: list[PromptUse]


def save_draft(
    slot_id: int,
    reader: User,
    *,
    token: int,
    version: int,
    content: dict[str, Any],
    active_seconds: float,
) -> Draft:
    """Replace the draft that ``version`` names (0: there is none yet). StaleDraft carries a newer one.

    Accepted after the lease has ended too: work is kept as long as it is not submitted.
    """
    del token  # whoever held the slot keeps a draft of their own, whatever became of the lease
    _check_seconds(active_seconds)
    slot = slot_of(slot_id, reader)
    label_schema = label_schemas.of_reading(slot, reader)
    require_none(schema.check_content(label_schema.document, content, complete=False), "The draft")
    with transaction.atomic():
        slot = Slot.objects.select_for_update(no_key=True).get(pk=slot.pk)
        if slot.state in READ_STATES and slot.reader_id == reader.pk:
            raise Conflict(
                "You have submitted this case. To change what you said, submit it again."
            )
        draft = draft_of(slot, reader)
        if draft is not None and draft.version == version + 1 and draft.content == content:
            return draft
        if version != (0 if draft is None else draft.version):
            raise StaleDraft(
                "A newer draft was saved, perhaps by you in another window. Choose which to keep.",
                current=None if draft is None else described(draft),
            )
        draft, _ = Draft.objects.update_or_create(
            slot=slot,
            reader=reader,
            defaults={
                "version": version + 1,
                "label_schema": label_schema,
                "content": content,
                "active_seconds": active_seconds,
            },
        )
        return draft


def draft_of(slot: Slot, reader: User) -> Draft | None:
    return Draft.objects.filter(slot=slot, reader=reader).first()


def described(draft: Draft) -> dict[str, Any]:
    """A draft as clients receive it."""
    return {
        "version": draft.version,
        "content": draft.content,
        "active_seconds": draft.active_seconds,
        "updated_at": draft.updated_at.isoformat(),
    }


def slot_of(slot_id: int, reader: User, *, or_kept: bool = False) -> Slot:
    """The slot, if this reader has or had it in hand, or if it is kept for them as the next one where
    that is enough; to anybody else it does not exist.
    """
    slot = Slot.objects.select_related("case", "project").filter(pk=slot_id).first()
    if slot is not None and (
        queue.held_before(slot, reader) or (or_kept and reservations.is_kept(slot, reader))
    ):
        return slot
    raise NotFound("There is no such case in your hands.")


def class_values(slot: Slot, reader: User | None) -> set[int]:
    """The voxel values that this reader's classes stand for, as far as they may be painted."""
    document = label_schemas.of_reading(slot, reader).document
    kind = MarkKind.LABELMAP.value
    classes = document.get("classes", [])
    return {one["value"] for one in classes if kind in one.get("marks", [kind])}


def submit(
    slot_id: int,
    reader: User,
    *,
    token: int,
    idempotency_key: UUID,
    content: dict[str, Any],
    active_seconds: float,
    images: Mapping[str, str] | None = None,
) -> Read:
    """Store what the reader says, once. Said again with other content, it corrects the earlier read.

    ``images``: what was on the screen (see ``case_images.require_seen``); None: not said.
    """
    _check_seconds(active_seconds)
    sha256 = _content_hash(slot_id, content)
    if done := _replayed(reader, idempotency_key, sha256):
        return done
    slot = slot_of(slot_id, reader)
    label_schema = label_schemas.of_reading(slot, reader)
    scenes.require_complete(slot.case, label_schema.document, content, "What you submitted")
    drawn = marks.prepare(slot.case, content["marks"])
    submission = Submission(
        reader=reader,
        idempotency_key=idempotency_key,
        sha256=sha256,
        label_schema=label_schema,
        answers=_answers(content),
        marks=drawn,
        looks=content.get("looks", []),
        active_seconds=active_seconds,
        token=token,
        images=images,
        assisted=assistance.measure(slot, reader, content, drawn, active_seconds),
        prompted=prompt_uses.named(slot, reader, content),
    )
    try:
        with transaction.atomic():
            return _submit_once(slot, submission)
    except IntegrityError:
        # The same key arrived for another case at the same moment, and that one was first.
        if done := _replayed(reader, idempotency_key, sha256):
            return done
        raise


def commit_first(
    slot_id: int,
    reader: User,
    *,
    token: int,
    content: dict[str, Any],
    active_seconds: float,
    images: Mapping[str, str] | None = None,
) -> FirstReading:
    """The reader's own reading for good, before suggestions are shown. The draft goes on."""
    del token  # it must be in this reader's hands, which ``first_readings`` checks
    _check_seconds(active_seconds)
    slot = slot_of(slot_id, reader)
    return first_readings.commit(
        slot,
        reader,
        label_schema=label_schemas.of_reading(slot, reader),
        content=content,
        active_seconds=active_seconds,
        images=images,
    )


def latest_read(slot: Slot, reader: User) -> Read | None:
    """What this reader last said in the slot."""
    return slot.reads.filter(reader=reader, superseded_by=None).order_by("-pk").first()


def last_read(project: Project, reader: User) -> Read | None:
    """What this reader said last in the project, other than of images that have changed since."""
    reads = Read.objects.filter(reader=reader, slot__project=project)
    return reads.exclude(slot__state=Slot.State.OUTDATED).order_by("-pk").first()


def said(read: Read) -> dict[str, Any]:
    """The content of a read in the form in which it was submitted."""
    answers = read.answers.order_by("pk").values("question", "target", "value")
    content = {"answers": list(answers), "marks": consensus.submitted_marks(read)}
    besides = {
        "suggestions": assistance.decisions(read),
        "prompted": prompt_uses.said(read),
        "looks": read.looks,
    }
    return content | {name: said for name, said in besides.items() if said}


def _submit_once(slot: Slot, submission: Submission) -> Read:
    """All or nothing, one submission of a case at a time."""
    reader = submission.reader
    case = _lock_case(slot.case_id)
    slot = Slot.objects.select_for_update(no_key=True).get(pk=slot.pk)
    if done := _replayed(reader, submission.idempotency_key, submission.sha256):
        return done
    earlier = latest_read(slot, reader)
    if earlier is not None and earlier.content_sha256 == submission.sha256:
        return earlier
    if submission.images is not None:
        case_images.require_seen(case, submission.images)
    late = earlier.late if earlier is not None else not _may_take(slot, reader)
    read = _store(case, slot, submission, earlier=earlier, late=late)
    if earlier is None and not late:
        queue.finish(slot, reader)
    Draft.objects.filter(slot=slot, reader=reader).delete()
    reference = consensus.renew(case)
    _record(case.project, read, submission)
    write_backs.by_rule(read)
    if reference is not None:
        consensus.record(case, reference)
    for actor in settings.RUNG_AFTER_READ:
        doorbell.ring(actor, case.project_id)
    return read


def _lock_case(case_id: int) -> Case:
    locked = Case.objects.select_related("project").select_for_update(no_key=True, of=("self",))
    return locked.get(pk=case_id)


def _may_take(slot: Slot, reader: User) -> bool:
    """Whether the read fills the slot: it is this reader's, or nobody's and this reader has no other."""
    if slot.state == Slot.State.CLAIMED:
        return slot.reader_id == reader.pk
    if slot.state != Slot.State.OPEN:
        return False
    others = Slot.objects.filter(case=slot.case_id, reader=reader)
    return not others.exclude(state=Slot.State.OUTDATED).exists()


def _store(
    case: Case, slot: Slot, submission: Submission, *, earlier: Read | None, late: bool
) -> Read:
    read = Read.objects.create(
        case=case,
        slot=slot,
        reader=submission.reader,
        purpose=slot.purpose,
        label_schema=submission.label_schema,
        idempotency_key=submission.idempotency_key,
        content_sha256=submission.sha256,
        late=late,
        supersedes=earlier,
        active_seconds=submission.active_seconds,
        instances_sha256=provenance.instances_sha256(case),
        looks=submission.looks,
    )
    for answer in submission.answers:
        answer.read = read
    for mark in submission.marks:
        mark.read = read
    Answer.objects.bulk_create(submission.answers)
    Mark.objects.bulk_create(submission.marks)
    assistance.record(read, submission.assisted)
    prompt_uses.record(read, submission.prompted)
    return read


def _record(project: Project, read: Read, submission: Submission) -> None:
    data: dict[str, Any] = {
        "case": read.case_id,
        "slot": read.slot_id,
        "token": submission.token,
        "content_sha256": read.content_sha256,
        "instances_sha256": read.instances_sha256,
        "late": read.late,
        "supersedes": read.supersedes_id,
    }
    if submission.assisted:
        data["suggestions"] = [one.suggestion.pk for one in submission.assisted]
    if submission.prompted:
        data["prompted"] = [one.prompted_id for one in submission.prompted]
    ledger.record("read.submit", project=project, actor=read.reader, obj=read, data=data)


def _answers(content: dict[str, Any]) -> list[Answer]:
    return [
        Answer(question=one["question"], target=one.get("target", ""), value=one["value"])
        for one in content["answers"]
        if one["value"] is not None
    ]


def _replayed(reader: User, idempotency_key: UUID, sha256: str) -> Read | None:
    read = Read.objects.filter(reader=reader, idempotency_key=idempotency_key).first()
    if read is not None and read.content_sha256 != sha256:
        raise IdempotencyMismatch(
            "This Idempotency-Key was used for a submission with other content. Use a new key."
        )
    return read


def _content_hash(slot_id: int, content: Any) -> str:
    try:
        return hashlib.sha256(rfc8785.dumps({"slot": slot_id, "content": content})).hexdigest()
    except rfc8785.CanonicalizationError as wrong:
        raise InvalidInput("A number is too large, or a text holds half a character.") from wrong


def _check_seconds(seconds: float) -> None:
    if not math.isfinite(seconds) or not 0 <= seconds <= LONGEST_SECONDS:
        raise InvalidInput("active_seconds must be between 0 and a day.")

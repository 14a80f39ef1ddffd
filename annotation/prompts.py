"""Prompts of readers and the masks that answer them. The only writer of PromptedMask.

The row is the truth. A worker is told of it by a notice of the database and, should that be lost, by a
message; whatever fails costs a try. Only the newest prompt of a reader is answered.
"""

from __future__ import annotations

import gzip
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from . import doorbell, ledger, prompt_methods, prompt_places, suggestions
from .errors import Conflict, ConsiliumError, InvalidInput, LeaseLost, NotFound, TooMany
from .models import (
    Draft,
    LabelSchema,
    MarkKind,
    PromptedMask,
    Read,
    Slot,
    SuggestionMode,
    User,
)
from .prompt_methods import Asked, Maker, Method, Unavailable
from .prompting.asked import Mask, Region, Unanswerable

ACTOR = "answer_prompt"
CHANNEL = "consilium_prompts"
MOST_A_MINUTE = 120
EXPIRES = timedelta(seconds=60)
ONE_TRY = timedelta(seconds=25)
MOST_TRIES = 2
LOOKS_EVERY = 0.3
STANDS_BY = 60.0
"""Seconds for which a worker waits for the next prompt: readers prompt several times in a row."""
KEPT = timedelta(days=1)
State = PromptedMask.State
Json = Mapping[str, Any]

NOT_NOW = "In this project the network helps only once your own reading is committed."
TOO_LATE = "No answer came in time. The server may be busy: try again."
GIVEN_UP = "The server failed at this twice. Take the last prompt back, or use another method."


class Outdated(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Offered:
    """A method, as this reader may use it for this case. ``unavailable``: why not now; '' if so."""

    code: str
    learned: bool
    algorithm: str = ""
    classes: tuple[str, ...] | None = None
    unavailable: str = ""


def methods(slot: Slot, reader: User) -> list[Offered]:
    """None that has learnt where the reader must not know of the model."""
    _require_in_hand(slot, reader, slot.token)
    may = suggestions.mode_for(slot, reader) != SuggestionMode.OFF
    registered = prompt_methods.registered().values()
    return [_offered(one, slot, reader) for one in registered if may or not one.learned]


def ask(
    slot: Slot,
    reader: User,
    *,
    token: int,
    schema: LabelSchema,
    series: int,
    label_class: str,
    method: str,
    volume: bool,
    prompts: Sequence[Json],
) -> PromptedMask:
    """A question instead of the one that still waits. What cannot be answered is refused at once."""
    _require_in_hand(slot, reader, token)
    _require_class(schema.document, label_class)
    chosen, maker = _chosen(slot, reader, method)
    if maker.classes is not None and label_class not in maker.classes:
        raise InvalidInput("The network has not learnt this class. Choose another method for it.")
    shown = prompt_places.series_of(slot, series)
    place = prompt_places.of(shown, slot)
    prompt_places.region_of(place, prompts, volume=volume)
    with transaction.atomic():
        Slot.objects.select_for_update(no_key=True).get(pk=slot.pk)
        own = PromptedMask.objects.filter(reader=reader)
        if own.filter(asked_at__gt=Now() - timedelta(minutes=1)).count() >= MOST_A_MINUTE:
            raise TooMany(f"More than {MOST_A_MINUTE} prompts in a minute. Wait a moment.")
        own.filter(slot=slot, state=State.WAITING).update(state=State.REPLACED)
        if chosen.learned:
            _note_model(slot, reader, maker)
        asked = PromptedMask.objects.create(
            slot=slot,
            reader=reader,
            series=shown,
            label_class=label_class,
            method=method,
            algorithm=maker.algorithm[:64],
            model=maker.model,
            weights_sha256=maker.weights_sha256,
            volume=volume,
            prompts=list(prompts),
            expires_at=Now() + EXPIRES,
        )
        _notify()
    doorbell.ring(ACTOR, asked.pk)
    return asked


def find(pk: int, reader: User) -> PromptedMask:
    """The reader's own, of a case in hand or one that they correct; as failed once its time is over. To
    others it does not exist.
    """
    own = PromptedMask.objects.select_related("slot__case", "slot__project", "reader")
    held = Q(slot__reader=reader, slot__state=Slot.State.CLAIMED)
    found = own.filter(held | _corrected("slot", reader), pk=pk, reader=reader).first()
    if found is None or not _may_see(found):
        raise NotFound("There is no such prompt of yours.")
    late = PromptedMask.objects.filter(pk=pk, state=State.WAITING, expires_at__lt=Now())
    if late.update(state=State.FAILED, problem=TOO_LATE):
        found.refresh_from_db()
    return found


def withdraw(pk: int, reader: User) -> None:
    """Nobody waits for it any more; a worker that is at it stops."""
    own = PromptedMask.objects.filter(pk=pk, reader=reader, state=State.WAITING)
    own.update(state=State.REPLACED)


def due() -> QuerySet[PromptedMask]:
    """What no worker is at."""
    waiting = PromptedMask.objects.filter(state=State.WAITING, expires_at__gt=Now())
    return waiting.filter(Q(taken_until=None) | Q(taken_until__lt=Now()))


def answer(pk: int) -> bool:
    """One try; False if another worker is at it, or nobody waits any more."""
    asked = _take(pk)
    if asked is None:
        return False
    try:
        if not _may_see(asked):
            raise Unanswerable("The network does not serve this reading.")
        region, mask = _answered(asked)
    except Outdated:
        return True
    except (Unanswerable, Unavailable) as problem:
        _end(asked, state=State.FAILED, problem=str(problem))
    except ConsiliumError as problem:
        _end(asked, state=State.FAILED, problem=problem.detail)
    else:
        content = np.ascontiguousarray(mask, np.uint8).tobytes()
        _end(
            asked,
            state=State.DONE,
            start=list(region.start),
            shape=list(region.shape),
            sha256=hashlib.sha256(content).hexdigest(),
            gzip=gzip.compress(content, compresslevel=1, mtime=0),
        )
    return True


def stand_by(seconds: float = STANDS_BY) -> None:
    """Answer what is asked meanwhile, at once: the broker may sleep for a second.

    A notice only wakes; what there is to do is asked of the rows, so that none is missed.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for pk in list(due().values_list("pk", flat=True)):
                if answer(pk):
                    until = time.monotonic() + seconds
            # To its end: until then it holds the connection.
            list(connection.connection.notifies(timeout=1.0, stop_after=1))
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"UNLISTEN {CHANNEL}")


def sweep() -> int:
    """Delete what was asked a day ago and is part of no read and no draft; how many."""
    drafts = Draft.objects.filter(content__has_key="prompted").values_list("content", flat=True)
    named = {one["prompted"] for content in drafts.iterator() for one in content["prompted"]}
    old = PromptedMask.objects.filter(asked_at__lt=Now() - KEPT, uses=None)
    return old.exclude(pk__in=named).delete()[0]


def _offered(method: Method, slot: Slot, reader: User) -> Offered:
    if method.learned and suggestions.has_to_read_first(slot, reader):
        return Offered(method.code, method.learned, unavailable=NOT_NOW)
    try:
        maker = method.maker(slot)
    except Unavailable as why:
        return Offered(method.code, method.learned, unavailable=str(why))
    return Offered(method.code, method.learned, maker.algorithm, maker.classes)


def _chosen(slot: Slot, reader: User, code: str) -> tuple[Method, Maker]:
    method = prompt_methods.registered().get(code)
    hidden = suggestions.mode_for(slot, reader) == SuggestionMode.OFF
    if method is None or (method.learned and hidden):
        raise NotFound("There is no such method here.")
    if method.learned and suggestions.has_to_read_first(slot, reader):
        raise Conflict(NOT_NOW)
    try:
        return method, method.maker(slot)
    except Unavailable as why:
        raise Conflict(str(why)) from why


def _may_see(asked: PromptedMask) -> bool:
    """Whether the reader may know the answer, by the rules of this moment."""
    method = prompt_methods.registered().get(asked.method)
    if method is None or not method.learned:
        return method is not None
    slot, reader = asked.slot, asked.reader
    hidden = suggestions.mode_for(slot, reader) == SuggestionMode.OFF
    return not hidden and not suggestions.has_to_read_first(slot, reader)


def _require_in_hand(slot: Slot, reader: User, token: int) -> None:
    held = Q(state=Slot.State.CLAIMED, reader=reader, token=token, lease_expires_at__gt=Now())
    if not Slot.objects.filter(held | _corrected("", reader), pk=slot.pk).exists():
        raise LeaseLost("Only who has the case in hand may prompt. Open the case again.")


def _corrected(slot: str, reader: User) -> Q:
    """Of slots, or what belongs to one: this reader has submitted it, and may correct what they said."""
    of = f"{slot}__" if slot else ""
    said = Read.objects.filter(slot=OuterRef(f"{of}pk"), reader=reader, superseded_by=None)
    return Q(Exists(said)) & Q(**{f"{of}state": Slot.State.DONE})


def _require_class(document: Json, label_class: str) -> None:
    kind = MarkKind.LABELMAP.value
    known = {one["code"] for one in document.get("classes", []) if kind in one.get("marks", [kind])}
    if kind not in document.get("marks", []) or label_class not in known:
        raise InvalidInput("This class is not painted in this project. Choose another one.")


def _note_model(slot: Slot, reader: User, maker: Maker) -> None:
    """From now on it is on record that the model had a part in this reading."""
    same = {"slot": slot, "reader": reader, "weights_sha256": maker.weights_sha256}
    if PromptedMask.objects.filter(**same).exists():
        return
    data = {"case": slot.case_id, "slot": slot.pk, "model": maker.model}
    ledger.record("prompt.ask_model", project=slot.project, actor=reader, obj=slot, data=data)


def _notify() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")


def _take(pk: int) -> PromptedMask | None:
    with transaction.atomic():
        free = due().select_for_update(skip_locked=True, no_key=True, of=("self",))
        asked = free.filter(pk=pk).first()
        if asked is None:
            return None
        if asked.tries >= MOST_TRIES:
            _end(asked, state=State.FAILED, problem=GIVEN_UP)
            return None
        PromptedMask.objects.filter(pk=pk).update(tries=F("tries") + 1, taken_until=Now() + ONE_TRY)
    whole = PromptedMask.objects.select_related("slot__case__project", "slot__project", "series")
    return whole.select_related("reader").get(pk=pk)


def _end(asked: PromptedMask, **answer: Any) -> None:
    """Unless the reader has prompted on meanwhile: then nobody hears of it."""
    waiting = PromptedMask.objects.filter(pk=asked.pk, state=State.WAITING)
    waiting.update(answered_at=Now(), **answer)


def _answered(asked: PromptedMask) -> tuple[Region, Mask]:
    method = prompt_methods.registered()[asked.method]
    maker = method.maker(asked.slot)
    place = prompt_places.of(asked.series, asked.slot)
    prompts, region, spacing = prompt_places.region_of(place, asked.prompts, volume=asked.volume)
    question = Asked(
        slot=asked.slot,
        series=asked.series_id,
        label_class=asked.label_class,
        maker=maker,
        prompts=prompts,
        region=region,
        shape=place.shape,
        spacing=spacing,
        image=prompt_places.pixels(place, region),
        check=_Check(asked.pk),
    )
    if maker.weights_sha256 != asked.weights_sha256:
        raise Unanswerable("Another model was put into use meanwhile. Prompt again.")
    return region, method.mask(question)


class _Check:
    """Raises Outdated once nobody waits any more; asks the database now and then, not every time."""

    def __init__(self, pk: int) -> None:
        self.pk = pk
        self.next = time.monotonic() + LOOKS_EVERY

    def __call__(self) -> None:
        if time.monotonic() < self.next:
            return
        self.next = time.monotonic() + LOOKS_EVERY
        waiting = PromptedMask.objects.filter(pk=self.pk, state=State.WAITING, expires_at__gt=Now())
        if not waiting.exists():
            raise Outdated

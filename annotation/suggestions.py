"""What the model in use suggests to readers: kept, taken back, shown. The only writer of Suggestion and
Showing.

Learning makes suggestions and hands them over as data; if it is down, reading goes on without. Whether
a reader may see one is decided here alone, so that no address of the API says more than the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from . import label_schemas, ledger, provenance
from .errors import Conflict, NotFound
from .models import (
    Case,
    FirstReading,
    LabelSchema,
    Mask,
    Project,
    Purpose,
    Showing,
    Slot,
    Stream,
    Suggestion,
    SuggestionMode,
    User,
)

ASSISTED = (Stream.POOL, Stream.CONTROL)
"""Both arms alike: were only the ranked arm assisted, the two could not be compared. Never the streams
that models are calibrated and measured on.
"""
AHEAD = 128
"""Cases of each stream, in the order in which they are claimed, that get a suggestion in time."""
NONE = "There is no suggestion for you here."


@dataclass(frozen=True)
class Made:
    """A suggestion before it is stored; with ``problem``, why there is none."""

    case: int
    instances_sha256: str
    items: list[dict[str, Any]] = field(default_factory=list)
    mask: Mask | None = None
    problem: str = ""


@dataclass(frozen=True)
class Maker:
    """The model that made it."""

    model: int
    weights_sha256: str
    round: int


def is_on(project: Project) -> bool:
    return project.suggestions != SuggestionMode.OFF and not project.blind_to_model


def mode_for(slot: Slot, reader: User) -> SuggestionMode:
    """How this reader may see suggestions for the slot; OFF for blind, evaluating and repeated reads."""
    case: Case = slot.case
    if (
        not is_on(slot.project)
        or slot.stream not in ASSISTED
        or slot.purpose != Purpose.PRIMARY
        or case.reads_wanted > 1
        or (slot.state, slot.reader_id) != (Slot.State.CLAIMED, reader.pk)
    ):
        return SuggestionMode.OFF
    return SuggestionMode(slot.project.suggestions)


def wanting(project: Project, *, ahead: int = AHEAD) -> list[int]:
    """Cases likely to be read next, or in a reader's hands, that lack a suggestion; most urgent first."""
    if not is_on(project) or project.archived_at is not None:
        return []
    slots = Slot.objects.filter(project=project, stream__in=ASSISTED, purpose=Purpose.PRIMARY)
    columns = ("case_id", "case__reads_wanted", "case__state")
    rows = list(slots.filter(state=Slot.State.CLAIMED).values_list(*columns)[:ahead])
    for stream in ASSISTED:
        waiting = slots.filter(stream=stream, state=Slot.State.OPEN)
        rows += waiting.order_by("-priority", "id").values_list(*columns)[:ahead]
    cases = dict.fromkeys(
        case for case, reads, state in rows if reads == 1 and state == Case.State.READY
    )
    having = Suggestion.objects.filter(case__in=cases, current=True).values_list("case", flat=True)
    return [case for case in cases if case not in set(having)]


def store(project: Project, maker: Maker, label_schema: LabelSchema, made: Sequence[Made]) -> int:
    """Keep what was made, but for cases whose images have changed meanwhile; how many were kept.

    Within the caller's transaction, which holds the project: model and schema cannot change under it.
    """
    by_case = {one.case: one for one in made}
    locked = Case.objects.select_for_update(no_key=True).filter(project=project, pk__in=by_case)
    cases = list(locked.order_by("pk").values_list("pk", flat=True))
    images = provenance.of_cases(cases)
    kept = [case for case in cases if images[case] == by_case[case].instances_sha256]
    Suggestion.objects.filter(case__in=kept, current=True).update(current=False)
    Suggestion.objects.bulk_create(
        Suggestion(
            project=project,
            case_id=case,
            model=maker.model,
            weights_sha256=maker.weights_sha256,
            round=maker.round,
            label_schema=label_schema,
            instances_sha256=images[case],
            items=by_case[case].items,
            mask=by_case[case].mask,
            problem=by_case[case].problem,
        )
        for case in kept
    )
    if kept:
        data = {"model": maker.model, "weights_sha256": maker.weights_sha256, "cases": kept}
        ledger.record("suggestions.make", project=project, actor=None, obj=project, data=data)
    return len(kept)


def forget(case: Case) -> None:
    """What was said of other images than the case has now is not shown any more."""
    said = Suggestion.objects.filter(case=case, current=True)
    said.exclude(instances_sha256=provenance.instances_sha256(case)).update(current=False)


def retire(project: Project, *, but_of: int | None = None) -> None:
    """The model in use or the label schema is another: only that model's suggestions stay current."""
    old = Suggestion.objects.filter(project=project, current=True)
    (old if but_of is None else old.exclude(model=but_of)).update(current=False)


def find(slot: Slot) -> Suggestion | None:
    """The current suggestion for the slot's case, of its images and by the label schema it is read by."""
    found = Suggestion.objects.filter(case=slot.case_id, current=True, problem="").first()
    if found is None:
        return None
    asked = label_schemas.of_reading(slot, slot.reader)
    same = found.instances_sha256 == provenance.instances_sha256(slot.case)
    return found if same and found.label_schema_id == asked.pk else None


def show(slot: Slot, reader: User) -> Suggestion:
    """The suggestion, put before the reader: from now on it is on record that this read was assisted."""
    mode = mode_for(slot, reader)
    suggestion = None if mode == SuggestionMode.OFF else find(slot)
    if suggestion is None:
        raise NotFound(NONE)
    if has_to_read_first(slot, reader):
        raise Conflict(
            "This project wants your own reading first. Commit it, and the suggestions are shown."
        )
    with transaction.atomic():
        _, new = Showing.objects.get_or_create(suggestion=suggestion, slot=slot, reader=reader)
        if new:
            data = {"case": slot.case_id, "slot": slot.pk, "model": suggestion.model}
            ledger.record(
                "suggestion.show", project=slot.project, actor=reader, obj=suggestion, data=data
            )
    return suggestion


def has_to_read_first(slot: Slot, reader: User) -> bool:
    """Whether the reader's own reading has to be committed before anything of the model is shown."""
    mode = mode_for(slot, reader)
    return mode == SuggestionMode.READER_FIRST and first_reading(slot, reader) is None


def first_reading(slot: Slot, reader: User) -> FirstReading | None:
    return FirstReading.objects.filter(slot=slot, reader=reader).first()


def shown(slot: Slot, reader: User) -> list[Suggestion]:
    """All that this reader has seen for the slot, oldest first."""
    found = Suggestion.objects.filter(showings__slot=slot, showings__reader=reader)
    return list(found.order_by("pk"))


def ready(user: User) -> Exists:
    """For a list of cases: whether this person, opening the case, has or will have a suggestion."""
    taken = Q(state=Slot.State.OPEN) | Q(state=Slot.State.CLAIMED, reader=user)
    slots = Slot.objects.filter(taken, case=OuterRef("case"), purpose=Purpose.PRIMARY)
    return Exists(
        Suggestion.objects.filter(
            Exists(slots),
            case=OuterRef("pk"),
            current=True,
            problem="",
            case__stream__in=ASSISTED,
            case__reads_wanted=1,
            project__blind_to_model=False,
        ).exclude(project__suggestions=SuggestionMode.OFF)
    )


def sweep() -> int:
    """Delete what is not current and was never shown; how many."""
    stale = Suggestion.objects.filter(current=False, showings=None)
    return stale.delete()[0]

"""How far a project is, in a handful of aggregate queries, and what its people should do next.

What a machine learned is not known here; the front end sets the next step of ``learning`` above this one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.core.cache import cache
from django.db.models import Count, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from . import label_schemas, quarantine, schema
from .models import Case, ImportItem, Patient, Project, Read, Reference, Slot, Stream, User

DAYS_SHOWN = 90
KEPT_SECONDS = 15
MANY_CASES = 20_000
"""A smaller project is counted anew each time; of a larger one, numbers a little old are as good."""
IN_USE = (Case.State.READY, Case.State.ISSUE)
EVALUATION = (Stream.HOLDOUT, Stream.CALIBRATION)


@dataclass
class StreamProgress:
    """Cases of one stream, how many have a reference, and how many readings are still free to take."""

    cases: int = 0
    read: int = 0
    open: int = 0


@dataclass(frozen=True)
class DayOfReads:
    day: date
    reads: int


@dataclass(frozen=True)
class NextStep:
    """What to do next: a code for programs, a sentence for people, the page where it is done."""

    code: str
    text: str
    page: str


@dataclass(frozen=True)
class Overview:
    streams: dict[str, StreamProgress]
    patients: int
    reads: int
    readers: int
    reader_minutes: float
    reads_by_day: list[DayOfReads]
    arriving: int
    issues: int
    quarantined: int
    next_step: NextStep


@dataclass
class Counts:
    """The numbers on a project's card."""

    cases: int = 0
    ready: int = 0
    reads: int = 0
    open: int = 0
    mine_done: int = 0


def counts(projects: Iterable[Project], user: User) -> dict[int, Counts]:
    """The cards' numbers of all given projects, by project id."""
    keys = {f"counts-{project.pk}": project.pk for project in projects}
    kept = cache.get_many(keys)
    missing = [pk for key, pk in keys.items() if key not in kept]
    counted = _counted(missing)
    large = {f"counts-{pk}": found for pk, found in counted.items() if found.cases >= MANY_CASES}
    if large:
        cache.set_many(large, KEPT_SECONDS)
    by_project = {keys[key]: counts for key, counts in kept.items()} | counted
    mine = Read.objects.filter(reader=user, label_schema__project__in=by_project)
    done = mine.values_list("label_schema__project").annotate(Count("case", distinct=True))
    for pk, number in done:
        by_project[pk].mine_done = number
    return by_project


def _counted(ids: list[int]) -> dict[int, Counts]:
    """What is the same for everybody, in three queries."""
    by_project = {pk: Counts() for pk in ids}
    if not ids:
        return by_project
    states = Case.objects.filter(project__in=ids).values_list("project", "state")
    for pk, state, number in states.annotate(Count("id")):
        by_project[pk].cases += number if state in IN_USE else 0
        by_project[pk].ready += number if state == Case.State.READY else 0
    free = Slot.objects.filter(project__in=ids, state=Slot.State.OPEN).values_list("project")
    for pk, number in free.annotate(Count("id")):
        by_project[pk].open = number
    counting = Read.objects.filter(label_schema__project__in=ids, slot__isnull=False)
    reads = counting.values_list("label_schema__project")
    for pk, number in reads.annotate(Count("id")):
        by_project[pk].reads = number
    return by_project


def overview(project: Project) -> Overview:
    """Everything the overview page says of a project."""
    key = f"overview-{project.pk}"
    kept: Overview | None = cache.get(key)
    if kept is not None:
        return kept
    found = _overview(project)
    if sum(stream.cases for stream in found.streams.values()) >= MANY_CASES:
        cache.set(key, found, KEPT_SECONDS)
    return found


def _overview(project: Project) -> Overview:
    streams, arriving, issues = _streams(project)
    days, readers, seconds = _reads(project)
    first_shown = timezone.now().date() - timedelta(days=DAYS_SHOWN)
    return Overview(
        streams=streams,
        patients=Patient.objects.filter(project=project).count(),
        reads=sum(days.values()),
        readers=readers,
        reader_minutes=round(seconds / 60, 1),
        reads_by_day=[DayOfReads(day, days[day]) for day in sorted(days) if day >= first_shown],
        arriving=arriving,
        issues=issues,
        quarantined=quarantine.seen_in([project])
        .filter(state=ImportItem.State.QUARANTINED)
        .count(),
        next_step=next_step(project, streams, arriving, issues),
    )


def next_step(
    project: Project, streams: dict[str, StreamProgress], arriving: int, issues: int
) -> NextStep:
    """The one thing that brings the project on, as far as images and reads are concerned."""
    cases = sum(stream.cases for stream in streams.values())
    read = sum(stream.read for stream in streams.values())
    free = sum(stream.open for stream in streams.values())
    for_evaluation = sum(streams[name].open for name in EVALUATION)
    if not schema.asks(label_schemas.current(project.pk).document):
        return NextStep("write_schema", "Write the label schema: what readers are asked.", "schema")
    if not cases and arriving:
        return NextStep("images_arriving", f"{_cases(arriving)} arriving. Wait a moment.", "import")
    if not cases:
        return NextStep("import_images", "Import images to begin.", "import")
    if project.evaluation_first and for_evaluation:
        text = (
            f"{_readings(for_evaluation)} of hold-out and calibration cases to go. They come first: "
            "every model is measured on them."
        )
        return NextStep("read_evaluation", text, "read")
    if free:
        return NextStep("read_on", f"{read} of {_cases(cases)} read. Read on.", "read")
    if issues:
        return NextStep(
            "resolve_issues", f"{_cases(issues)} with an open issue. Resolve it.", "list"
        )
    if read < cases:
        return NextStep("readers_at_work", "The last cases are with their readers.", "list")
    return NextStep("all_read", "Every case is read. Freeze a dataset.", "datasets")


def _cases(number: int) -> str:
    return f"{number} case" if number == 1 else f"{number} cases"


def _readings(number: int) -> str:
    return f"{number} reading" if number == 1 else f"{number} readings"


def _streams(project: Project) -> tuple[dict[str, StreamProgress], int, int]:
    streams = {name: StreamProgress() for name in Stream.values}
    by_state: dict[str, int] = defaultdict(int)
    cases = Case.objects.filter(project=project).values_list("stream", "state")
    for stream, state, number in cases.annotate(Count("id")):
        by_state[state] += number
        streams[stream].cases += number if state in IN_USE else 0
    references = Reference.objects.filter(current=True, case__project=project)
    in_use = references.filter(case__state__in=IN_USE).values_list("case__stream")
    for stream, number in in_use.annotate(Count("id")):
        streams[stream].read = number
    free = Slot.objects.filter(project=project, state=Slot.State.OPEN).values_list("stream")
    for stream, number in free.annotate(Count("id")):
        streams[stream].open = number
    return streams, by_state[Case.State.ARRIVING], by_state[Case.State.ISSUE]


def _reads(project: Project) -> tuple[dict[date, int], int, float]:
    """Reads by day, number of readers, seconds spent: one query, a row per reader and day."""
    days: dict[date, int] = defaultdict(int)
    readers: set[int] = set()
    total = 0.0
    rows = (
        Read.objects.filter(label_schema__project=project, slot__isnull=False)
        .values_list("reader", TruncDate("submitted_at"))
        .annotate(Count("id"), Sum("active_seconds"))
    )
    for reader, day, number, seconds in rows:
        days[day] += number
        readers.add(reader)
        total += seconds
    return days, len(readers), total

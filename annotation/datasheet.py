"""What a reader of a dataset must know, written from what the database knows. Nothing is left to fill in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Avg, Count, Max, Min, QuerySet
from django.db.models.fields.json import KeyTextTransform

from .models import Read, Snapshot, Split, Stream

USE = "Research use only. Not a medical device; not for diagnosis or for decisions about a patient."
STREAMS = {
    Stream.POOL: "chosen for reading by a ranking, so not a random sample of the patients",
    Stream.CONTROL: "chosen at random",
    Stream.CALIBRATION: "drawn at random, kept for calibration, never trained on",
    Stream.HOLDOUT: "drawn at random, kept for evaluation, never ranked and never trained on",
}


def readme(snapshot: Snapshot) -> str:
    """How the archive is laid out and how to check it."""
    return f"""{snapshot.project.title}, version {snapshot.version}

{USE}

FILES
  datasheet.md      what this dataset is, how it was made, its limits
  cases.csv         one row per case: patient, split, stream, answers
  references.jsonl  a header line, then the reference standard of each case
  reads.jsonl       every reading that the references rest on, readers by pseudonym
  label_schema.json what the readers were asked
  codebook.csv      every class, question and option with its coded term (SNOMED CT, RadLex, LOINC)
  guideline/        the pictures of the guideline, by the names that label_schema.json has for them
  masks/            painted regions as NIfTI, one per reading, values as in label_schema.json
  images/           if included: volumes as NIfTI in real units, single images as 16-bit PNG
  images.jsonl      if included: each image file; real value = stored value * slope + intercept
  models/           if included: weights as safetensors, configuration, model card
  manifest.json     name, size and SHA-256 of every file; cases that were left out and why
  SHA256SUMS        the same sums in the form that sha256sum reads

TO CHECK IT
  All files:        sha256sum --check SHA256SUMS
  The content:      sha256sum references.jsonl
                    must print {snapshot.content_sha256}
  That value is written in the ledger of the project at the moment the dataset was frozen.
  references.jsonl can be made again: RFC 8785 canonical JSON, one line per case by ascending UID.
"""


def datasheet(snapshot: Snapshot) -> str:
    return "\n\n".join(_sections(snapshot)) + "\n"


def _sections(snapshot: Snapshot) -> Iterator[str]:
    project = snapshot.project
    yield f"# {project.title}, version {snapshot.version}"
    yield USE
    yield _lines(
        ("Project", project.slug),
        ("Title of the version", snapshot.title or "none"),
        ("Frozen", snapshot.created_at.strftime("%Y-%m-%d %H:%M UTC")),
        ("Task", project.task),
        ("Unit that is read", project.case_unit),
        ("Content hash (SHA-256 of references.jsonl)", f"`{snapshot.content_sha256}`"),
    )
    if project.description:
        yield f"## Purpose\n\n{project.description}"
    yield from _composition(snapshot)
    yield _annotation(snapshot)
    yield _limits(snapshot)
    yield (
        "## Terms\n\nThis archive grants no licence. The images stay under the terms on which the "
        "project received them; the data steward of the project knows these terms."
    )


def _composition(snapshot: Snapshot) -> Iterator[str]:
    items = snapshot.items.all()
    patients = items.values("case__patient").distinct().count()
    yield f"## Composition\n\n{items.count()} cases of {patients} patients."
    yield _table("split", items, "split", Split.values)
    yield _table("stream", items, "stream", Stream.values)
    for name, path in (("modality", "case__modality"), ("site", "case__site__slug")):
        yield _table(name, items, path)
    for question in snapshot.label_schema.document.get("questions", []):
        if question["type"] in ("choice", "scale") and question.get("level", "case") == "case":
            text = KeyTextTransform(question["code"], "reference__answers")
            yield f"{question['text']}\n\n" + _table(
                question["code"], items.annotate(said=text), "said"
            )


def _annotation(snapshot: Snapshot) -> str:
    reads = Read.objects.filter(references__snapshotitem__snapshot=snapshot).distinct()
    facts = reads.aggregate(
        Count("id"), Avg("active_seconds"), Min("submitted_at"), Max("submitted_at")
    )
    methods = snapshot.items.order_by().values_list("reference__method").annotate(Count("id"))
    schema = snapshot.label_schema
    blind = "were not shown" if snapshot.project.blind_to_model else "could be shown"
    return "## Annotation\n\n" + _lines(
        ("Readings", facts["id__count"]),
        ("Readers", reads.values("reader").distinct().count()),
        ("Mean time per reading", f"{facts['active_seconds__avg'] or 0:.0f} s"),
        ("First reading", _day(facts["submitted_at__min"])),
        ("Last reading", _day(facts["submitted_at__max"])),
        ("Reference", ", ".join(f"{method} ({number})" for method, number in methods)),
        ("Least number of readings asked for", snapshot.query.get("min_reads", 1)),
        ("Least agreement asked for", snapshot.query.get("min_certainty", 0)),
        ("Label schema", f"version {schema.version}, in label_schema.json"),
        ("Model output", f"readers {blind} what a model says of a case"),
        ("Guideline", schema.document.get("guideline") or "none was given"),
    )


def _limits(snapshot: Snapshot) -> str:
    present = set(snapshot.items.values_list("stream", flat=True).distinct())
    lines = [f"- {stream.label}: {said}." for stream, said in STREAMS.items() if stream in present]
    return "\n".join(
        [
            "## How cases were chosen, and what follows",
            "",
            "Each patient was assigned to one stream at random on entry and never changes it; no "
            "patient is in two splits.",
            "",
            *lines,
            "",
            "Figures on how often a finding occurs hold for the randomly drawn streams alone.",
        ]
    )


def _table(name: str, items: QuerySet[Any], path: str, order: Iterable[str] | None = None) -> str:
    counted: Mapping[Any, int] = dict(items.order_by().values_list(path).annotate(Count("pk")))
    keys = list(order) if order is not None else sorted(counted, key=str)
    rows = [f"| {key or 'not stated'} | {counted[key]} |" for key in keys if key in counted]
    return "\n".join([f"| {name} | cases |", "| --- | ---: |", *rows])


def _lines(*facts: tuple[str, Any]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in facts)


def _day(moment: Any) -> str:
    return moment.strftime("%Y-%m-%d") if moment else "none"

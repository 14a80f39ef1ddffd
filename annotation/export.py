"""A dataset version as one zip file, streamed: what was read, by which rules, and how to check it.

Nothing in it names a person: readers and patients appear by keyed pseudonym.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from django.db.models import Prefetch

from . import assistance, datasheet, ledger, orthanc, prompt_uses, provisional, snapshots, terms
from .export_images import Pictures
from .marks import as_submitted
from .models import Answer, Mark, Project, Read, Snapshot, SnapshotItem, User
from .schema import pictures_named
from .snapshots import batches, ordered, portable, series_uids

FORMAT = "consilium-dataset/1"
PIECE = 1 << 20
COMPRESSED = (".gz", ".jpeg", ".png", ".safetensors")
ASKED_BY_CHOICE = ("choice", "scale", "number", "date")

DESCRIBED = (*assistance.DESCRIBED, *prompt_uses.DESCRIBED)
MARKS = Mark.objects.select_related("mask").defer("mask__gzip").order_by("pk")

Member = tuple[str, Iterable[bytes]]


@dataclass
class Contents:
    """What has gone into the archive so far: name, size and SHA-256 of each member."""

    files: list[dict[str, Any]] = field(default_factory=list)

    def checksums(self) -> bytes:
        return "".join(f"{file['sha256']}  {file['name']}\n" for file in self.files).encode()


def write_zip(
    snapshot: Snapshot,
    file: IO[bytes],
    *,
    images: bool,
    models: Iterable[tuple[str, Path]] = (),
    user: User | None = None,
) -> None:
    """The archive into a file that is open for writing."""
    for piece in stream(snapshot, images=images, models=models, user=user):
        file.write(piece)


def stream(
    snapshot: Snapshot,
    *,
    images: bool,
    models: Iterable[tuple[str, Path]] = (),
    user: User | None = None,
) -> Iterator[bytes]:
    """The archive in pieces, made while it is sent. That it was taken is recorded at once.

    An image store that does not answer is found out here, before anything is sent.
    """
    if images:
        orthanc.ping()
    data = {"version": snapshot.version, "images": images}
    ledger.record("dataset.export", project=snapshot.project, actor=user, obj=snapshot, data=data)
    return _pieces(snapshot, images, models)


def reader_pseudonym(project: Project, reader: int) -> str:
    digest = hmac.digest(bytes(project.secret), f"reader:{reader}".encode(), "sha256")
    return f"reader-{digest.hex()[:12]}"


class _Outlet(io.RawIOBase):
    """Takes what the archive writes and hands it on; zip files need no seeking to be written."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.waiting += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken


def _pieces(
    snapshot: Snapshot, images: bool, models: Iterable[tuple[str, Path]]
) -> Iterator[bytes]:
    outlet, contents = _Outlet(), Contents()
    with zipfile.ZipFile(outlet, "w") as archive:
        for name, data in _members(snapshot, images, models, contents):
            digest, size = hashlib.sha256(), 0
            with archive.open(_entry(name, snapshot), "w", force_zip64=True) as target:
                for piece in data:
                    target.write(piece)
                    digest.update(piece)
                    size += len(piece)
                    if len(outlet.waiting) >= PIECE:
                        yield outlet.take()
            contents.files.append({"name": name, "size": size, "sha256": digest.hexdigest()})
            yield outlet.take()
    yield outlet.take()


def _entry(name: str, snapshot: Snapshot) -> zipfile.ZipInfo:
    """Dated like the snapshot, so that the same content gives the same archive."""
    made = snapshot.created_at
    when = (made.year, made.month, made.day, made.hour, made.minute, made.second)
    entry = zipfile.ZipInfo(name, when)
    stored = name.endswith(COMPRESSED)
    entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _members(
    snapshot: Snapshot,
    images: bool,
    models: Iterable[tuple[str, Path]],
    contents: Contents,
) -> Iterator[Member]:
    pictures = Pictures(snapshot)
    yield "README.txt", [datasheet.readme(snapshot).encode()]
    yield "datasheet.md", [datasheet.datasheet(snapshot).encode()]
    yield "label_schema.json", [_json(snapshot.label_schema.document)]
    yield "codebook.csv", _codebook(snapshot)
    yield from _guideline_pictures(snapshot)
    yield "references.jsonl", snapshots.lines(snapshot)
    if snapshot.provisional_sha256:
        yield "provisional.jsonl", provisional.lines(snapshot.provisional)
    yield "cases.csv", _cases(snapshot)
    yield "reads.jsonl", _reads(snapshot)
    yield from pictures.masks()
    if images:
        yield from pictures.images()
        yield "images.jsonl", (_json(line, indent=None) for line in pictures.described)
    for name, path in models:
        yield f"models/{name}", _file(path)
    yield "manifest.json", [_json(_manifest(snapshot, contents, pictures.left_out))]
    yield "SHA256SUMS", [contents.checksums()]


def _manifest(
    snapshot: Snapshot, contents: Contents, left_out: list[dict[str, str]]
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "made_by": f"consilium {version('consilium')}",
        "project": {
            "slug": snapshot.project.slug,
            "title": snapshot.project.title,
            "task": snapshot.project.task,
        },
        "version": snapshot.version,
        "title": snapshot.title,
        "query": snapshot.query,
        "frozen_at": snapshot.created_at.isoformat(),
        "content_sha256": snapshot.content_sha256,
        "provisional_labels": len(snapshot.provisional),
        "provisional_sha256": snapshot.provisional_sha256,
        "label_schema_version": snapshot.label_schema.version,
        "cases": snapshot.items.count(),
        "left_out": [*snapshot.left_out, *left_out],
        "files": contents.files,
    }


def _cases(snapshot: Snapshot) -> Iterator[bytes]:
    """One row per case, with the answers that are no free text."""
    asked = [
        question["code"]
        for question in snapshot.label_schema.document.get("questions", [])
        if question["type"] in ASKED_BY_CHOICE and question.get("level", "case") == "case"
    ]
    fixed = [
        "case", "patient", "site", "modality", "body_part", "stream", "split", "frames", "method",
        "certainty", "instances_sha256",
    ]  # fmt: skip
    yield _row([*fixed, *(f"answer_{code}" for code in asked)])
    for items in batches(ordered(snapshot)):
        yield b"".join(_row(_case_values(item, asked)) for item in items)


def _case_values(item: SnapshotItem, asked: list[str]) -> list[Any]:
    case, reference = item.case, item.reference
    return [
        case.uid,
        case.patient.pseudonym,
        case.site.slug if case.site else "",
        case.modality,
        case.body_part,
        item.stream,
        item.split,
        case.frame_count,
        reference.method,
        reference.certainty,
        item.instances_sha256,
        *(reference.answers.get(code, "") for code in asked),
    ]


def _row(values: Iterable[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue().encode()


def _reads(snapshot: Snapshot) -> Iterator[bytes]:
    """Every read that a reference of the dataset rests on, by case and time."""
    for items in batches(ordered(snapshot)):
        uids = series_uids([item.case_id for item in items])
        reads = (
            Read.objects.filter(references__in=[item.reference_id for item in items])
            .select_related("case", "label_schema", "source")
            .prefetch_related("answers", Prefetch("marks", MARKS), *DESCRIBED)
        )
        by_case: dict[int, list[Read]] = {item.case_id: [] for item in items}
        for read in reads.order_by("submitted_at", "pk").distinct():
            by_case[read.case_id].append(read)
        for found in by_case.values():
            for read in found:
                yield _json(_read(snapshot.project, read, uids), indent=None)


def _read(project: Project, read: Read, uids: dict[int, str]) -> dict[str, Any]:
    return {
        "case": read.case.uid,
        "reader": reader_pseudonym(project, read.reader_id),
        "purpose": read.purpose,
        "label_schema_version": read.label_schema.version,
        "submitted_at": read.submitted_at.isoformat(),
        "active_seconds": read.active_seconds,
        "content_sha256": read.content_sha256,
        "instances_sha256": read.instances_sha256,
        "assisted_by": assistance.described(read),
        "prompted": prompt_uses.described(read),
        **_made_elsewhere(read),
        "answers": [_answer(read.label_schema.document, answer) for answer in read.answers.all()],
        "marks": [
            portable(as_submitted(mark) | {"points_mm": mark.points_mm}, uids)
            for mark in read.marks.all()
        ],
    }


def _made_elsewhere(read: Read) -> dict[str, Any]:
    """Where a read came from that no reader made; without the name of the file, which may name a patient."""
    if read.source is None:
        return {}
    origin = {name: value for name, value in read.origin.items() if name != "name"}
    return {"source": read.source.name, "origin": origin}


def _answer(document: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """With the coded terms that the reader's version of the label schema gave to question and options."""
    coded: dict[str, Any] = {}
    if concept := terms.concept_of(document, answer.question):
        coded["concept"] = concept
    if meanings := terms.meanings_of(document, answer.question, answer.value):
        coded["meanings"] = meanings
    said = {"question": answer.question, "target": answer.target, "value": answer.value}
    return said | coded


def _codebook(snapshot: Snapshot) -> Iterator[bytes]:
    """What each class, question and option is called, in words and as a coded term."""
    yield _row(["of", "code", "text", "scheme", "term", "meaning"])
    yield from map(_row, terms.codebook(snapshot.label_schema.document))


def _guideline_pictures(snapshot: Snapshot) -> Iterator[Member]:
    """Those that the readers of this version were shown, by the name that the label schema has for them."""
    named = set(pictures_named(snapshot.label_schema.document).values())
    pictures = snapshot.project.guideline_pictures.filter(sha256__in=named).order_by("sha256")
    for picture in pictures.iterator():
        ending = picture.media_type.rpartition("/")[2]
        yield f"guideline/{picture.sha256}.{ending}", [bytes(picture.content)]


def _json(document: Any, indent: int | None = 2) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=indent) + "\n").encode()


def _file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece

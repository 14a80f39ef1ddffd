"""The archive of a dataset: complete, checkable by anyone, without a person's name in it."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import builders
import nibabel as nib
import numpy as np
import pytest
import suggestion_builders as hints

from annotation import export, marks, snapshots, suggestions
from annotation.content import POINTS
from annotation.models import Event, Mark, MarkKind, Mask, Series, Snapshot

pytestmark = pytest.mark.django_db


def archive_of(snapshot: Snapshot, **options: Any) -> zipfile.ZipFile:
    file = io.BytesIO()
    export.write_zip(snapshot, file, images=options.pop("images", False), **options)
    return zipfile.ZipFile(file)


def frozen(cases: int = 3, **fields: Any) -> Snapshot:
    project = builders.project(**fields)
    for case in builders.cases(project, cases):
        builders.reference(case)
    return snapshots.freeze(project, user=None, title="First", query={})


def painted() -> tuple[Snapshot, Series, np.ndarray]:
    project = builders.project()
    case = builders.case(project, frames=3)
    series = case.series.get()
    voxels = np.zeros((3, 8, 10), np.uint8)
    voxels[1, 2, 4] = 1
    mask = Mask.objects.create(
        project=project,
        series=series,
        sha256=hashlib.sha256(voxels.tobytes()).hexdigest(),
        shape=[3, 8, 10],
        labels=[1],
        gzip=gzip.compress(voxels.tobytes()),
    )
    read = builders.read(case)
    Mark.objects.create(
        read=read, tracking_uid="1", kind="labelmap", label_class="lesion", mask=mask
    )
    builders.reference(case, read, marks=[builders.labelmap(series, mask.sha256)])
    return snapshots.freeze(project, user=None, title="", query={}), series, voxels


def test_every_file_is_listed_with_its_true_hash() -> None:
    archive = archive_of(frozen())
    manifest = json.loads(archive.read("manifest.json"))
    listed = {file["name"]: file for file in manifest["files"]}
    assert set(archive.namelist()) == {*listed, "manifest.json", "SHA256SUMS"}
    for name, file in listed.items():
        data = archive.read(name)
        assert hashlib.sha256(data).hexdigest() == file["sha256"]
        assert len(data) == file["size"]
    assert archive.testzip() is None


def test_the_commands_of_the_readme_hold(tmp_path: Path) -> None:
    snapshot = frozen()
    archive_of(snapshot).extractall(tmp_path)
    checked = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path, capture_output=True
    )
    assert checked.returncode == 0, checked.stderr
    content = subprocess.run(
        ["sha256sum", "references.jsonl"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert content.stdout.split()[0] == snapshot.content_sha256
    assert snapshot.content_sha256 in (tmp_path / "README.txt").read_text()


def test_cases_and_answers_are_in_the_table() -> None:
    snapshot = frozen(4)
    rows = list(csv.DictReader(io.StringIO(archive_of(snapshot).read("cases.csv").decode())))
    assert len(rows) == 4
    assert {row["answer_finding"] for row in rows} == {"yes"}
    assert [row["split"] for row in rows] == list(
        snapshot.items.order_by("case__uid").values_list("split", flat=True)
    )


def test_reads_are_there_and_nobody_is_named() -> None:
    snapshot = frozen(2)
    archive = archive_of(snapshot)
    reads = [json.loads(line) for line in archive.read("reads.jsonl").splitlines()]
    assert [read["answers"][0]["value"] for read in reads] == ["yes", "yes"]
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    for read in snapshot.project.cases.values_list("reads__reader__username", flat=True):
        assert read not in everything
    assert bytes(snapshot.project.secret).hex() not in everything


@pytest.mark.parametrize("kind", [kind for kind in MarkKind.values if kind != "labelmap"])
def test_a_mark_of_every_kind_is_there_as_it_was_submitted(kind: str) -> None:
    case = builders.case(builders.project())
    points = [[1.25, 2], [5, 6.5], [3, 7], [2, 1]][: POINTS.get(MarkKind(kind), 4)]
    submitted = {**builders.box(case), "kind": kind, "points_px": points, "text": "spur"}
    read = builders.read(case)
    [mark] = marks.prepare(case, [submitted])
    mark.read = read
    mark.save()
    builders.reference(case, read, marks=[submitted])
    archive = archive_of(snapshots.freeze(case.project, user=None, title="", query={}))
    [line] = archive.read("reads.jsonl").splitlines()
    [exported] = json.loads(line)["marks"]
    assert {name: exported[name] for name in submitted} == submitted
    assert len(exported["points_mm"]) == len(points)


def test_a_read_names_the_model_that_the_reader_had_in_view() -> None:
    project = hints.project()
    unassisted, assisted = builders.cases(project, 2)
    builders.reference(unassisted)
    made = hints.suggested(assisted)
    slot = hints.claimed(project, builders.reader(project))
    suggestions.show(slot, slot.reader)
    decisions = hints.decided(made, accepted="answer:finding")
    hints.submit(slot, {**builders.content("no"), "suggestions": decisions})
    archive = archive_of(snapshots.freeze(project, user=None, title="", query={}))
    reads = {
        line["case"]: line["assisted_by"]
        for line in map(json.loads, archive.read("reads.jsonl").splitlines())
    }
    assert reads == {
        unassisted.uid: [],
        assisted.uid: [
            {
                "weights_sha256": made.weights_sha256,
                "round": 3,
                "after_first_reading": False,
                "items": [{"kind": "answer", "label": "finding", "outcome": "edited"}],
            }
        ],
    }


def test_a_reader_keeps_one_pseudonym() -> None:
    project = builders.project()
    by = builders.reader(project)
    for case in builders.cases(project, 2):
        builders.reference(case, builders.read(case, by))
    snapshot = snapshots.freeze(project, user=None, title="", query={})
    reads = archive_of(snapshot).read("reads.jsonl").splitlines()
    assert {json.loads(line)["reader"] for line in reads} == {
        export.reader_pseudonym(project, by.pk)
    }


def test_the_same_version_gives_the_same_archive() -> None:
    snapshot = frozen()
    first, second = io.BytesIO(), io.BytesIO()
    export.write_zip(snapshot, first, images=False)
    export.write_zip(snapshot, second, images=False)
    assert first.getvalue() == second.getvalue()


def test_taking_a_dataset_is_an_event() -> None:
    snapshot = frozen()
    user = builders.user()
    export.stream(snapshot, images=False, user=user)
    event = Event.objects.get(verb="dataset.export")
    assert event.actor == user
    assert event.data == {"version": 1, "images": False}


def test_masks_lie_on_the_grid_of_their_series() -> None:
    snapshot, series, voxels = painted()
    archive = archive_of(snapshot)
    [name] = [name for name in archive.namelist() if name.startswith("masks/")]
    assert series.series_uid in name
    image = nib.Nifti1Image.from_bytes(gzip.decompress(archive.read(name)))
    np.testing.assert_array_equal(image.get_fdata().transpose(2, 1, 0), voxels)
    [found] = np.argwhere(image.get_fdata() == 1)
    np.testing.assert_allclose(
        nib.affines.apply_affine(image.affine, found), [-11.0, -21.0, 5.0], atol=1e-5
    )


def test_models_go_along_by_name(tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"x" * 3_000_000)
    archive = archive_of(frozen(), models=[("round-1/densenet.safetensors", weights)])
    assert archive.read("models/round-1/densenet.safetensors") == weights.read_bytes()


def test_the_archive_comes_in_pieces(tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"x" * 20_000_000)
    pieces = [
        len(piece)
        for piece in export.stream(frozen(), images=False, models=[("m.safetensors", weights)])
    ]
    assert max(pieces) < 3_000_000
    assert len(pieces) > 10


def test_the_datasheet_counts_what_is_there() -> None:
    snapshot = frozen(5, description="Is there tuberculosis?")
    text = archive_of(snapshot).read("datasheet.md").decode()
    assert "5 cases of 5 patients" in text
    assert "Is there tuberculosis?" in text
    assert "| yes | 5 |" in text
    assert "Readings: 5" in text
    assert "not a random sample" in text
    assert snapshot.content_sha256 in text

"""Each odd DICOM file is either shown exactly as pydicom decodes it, or refused with a reason."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import builders
import edge_cases
import numpy as np
import pytest
from django.conf import settings
from django.test import Client

from annotation import imports, orthanc, pixel_links
from annotation.models import Case, ImportItem, Instance, Project, Series, Slot, User

pytestmark = pytest.mark.django_db(transaction=True)

FOLDER = Path(os.environ.get("CONSILIUM_EDGE_CASES", edge_cases.FOLDER))


@pytest.fixture(autouse=True)
def folders(orthanc: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "FRAMES_DIR", tmp_path / "frames")
    monkeypatch.setattr(settings, "UPLOADS_DIR", tmp_path / "uploads")


def forget_everything() -> None:
    """Files of the set share UIDs: each is tried in a store that holds no other."""
    for store_id in orthanc.all_instances():
        orthanc.delete_instance(store_id)
    for model in (Slot, Case, Instance, Series):
        model.objects.all().delete()


def what_is_wrong(path: Path, project: Project, user: User) -> tuple[str, str]:
    """What became of the file, and how what is shown departs from it ('' if it does not)."""
    batch = imports.import_paths(project, [path], user)
    item = batch.items.get()
    if item.state == ImportItem.State.QUARANTINED:
        understood = item.reason_code and item.reason[:1].isupper() and item.reason.endswith(".")
        return f"quarantined: {item.reason_code}", "" if understood else f"reason: {item.reason!r}"
    if Case.objects.get().state != Case.State.READY:
        return "stored", "it did not become a case"
    return "shown", difference(edge_cases.expected_frames(path), Series.objects.get())


def difference(expected: np.ndarray, series: Series) -> str:
    display = series.display
    if display["frame_count"] != len(expected):
        return f"{display['frame_count']} frames shown of {len(expected)}"
    address = pixel_links.links(series, pixel_links.holder_of({}))["frames_url"]
    for frame in display["frames"]:
        response = Client().get(address.format(index=frame["index"]))
        if response.status_code != 200:
            return f"status {response.status_code}"
        syntax = response["Content-Type"].split("transfer-syntax=")[1]
        shown = edge_cases.decode(response.content, {**display, **frame}, syntax)
        if not np.array_equal(shown, expected[frame["frame"] - 1]):
            return f"frame {frame['frame']} has other pixels"
    return ""


def test_every_file_is_shown_right_or_refused_with_a_reason() -> None:
    project, user = builders.project(), builders.user()
    outcomes: Counter[str] = Counter()
    wrong: dict[str, str] = {}
    for row in edge_cases.rows(FOLDER):
        forget_everything()
        try:
            outcome, fault = what_is_wrong(FOLDER / row["file"], project, user)
        except Exception as error:
            outcome, fault = "failed", repr(error)
        outcomes[outcome] += 1
        if fault:
            wrong[row["file"]] = fault
    print(dict(outcomes.most_common()))
    assert not wrong
    assert outcomes["shown"] > 0.5 * sum(outcomes.values()) or FOLDER != edge_cases.FOLDER
    assert orthanc.ping()

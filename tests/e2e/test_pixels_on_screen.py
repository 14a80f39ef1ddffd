"""Every odd DICOM file that is accepted is shown, by the viewer's own loader, as pydicom decodes it."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import edge_cases
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser
from pydicom import dcmread
from pydicom.uid import generate_uid
from reading_room import Place, Room, prepare

from deploy.stack import Stack

SLUG = "pixels"
IMPORT = """
import json
from pathlib import Path
from annotation import imports
from annotation.models import Case, Membership, Project, User

project = Project.objects.get(slug={slug!r})
user = User.objects.get(username={slug!r} + "-1")
batch = imports.import_paths(project, [Path({folder!r})], user)
states = dict(batch.items.values_list("name", "state"))
series = Case.objects.filter(project=project).values_list("series", flat=True)
print(json.dumps({{"states": states, "series": sorted(set(series))}}))
"""

# Opens a series as a reader would see it, goes through its frames, and names the pixels of each by a hash
# of 64-bit floats: the number shown, whatever array holds it.
SHOW = """
async (display) => {
  const { viewer } = document.querySelector('[data-viewport]');
  const shown = [];
  const late = new Promise((done) => setTimeout(() => done('late'), 60_000));
  for (let index = 0; index < display.frame_count; index++) {
    const done = index === 0 ? viewer.open(display) : viewer.goTo(index);
    if ((await Promise.race([done, late])) === 'late') return [...shown, { fault: 'it never settled' }];
    if (viewer.state.phase !== 'ready') return [...shown, { fault: viewer.state.failure?.message }];
    const numbers = Float64Array.from(viewer.pixels());
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', numbers));
    const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    shown.push({ sha256, length: numbers.length });
  }
  return shown;
}
"""


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    return prepare(live_stack.url, in_live_stack, slug=SLUG, people=1, cases=1)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Copies by file name; where two files claim one identity, the later gets one of its own."""
    folder = tmp_path_factory.mktemp("edge-cases")
    seen: set[str] = set()
    made: dict[str, Path] = {}
    for number, row in enumerate(edge_cases.rows()):
        source = edge_cases.FOLDER / row["file"]
        target = folder / f"{number:03d}-{source.name}"
        shutil.copyfile(source, target)
        _make_unique(target, seen)
        made[target.name] = target
    return made


def _make_unique(path: Path, seen: set[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = dcmread(path, force=True)
            uid = str(dataset.SOPInstanceUID)
        except Exception:  # unreadable files are part of the set; the product refuses them
            return
        if uid in seen:
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            dataset.SeriesInstanceUID = generate_uid()
            dataset.save_as(path)
        seen.add(uid)


def _expected(files: dict[str, Path], states: dict[str, str]) -> dict[str, tuple[str, Path]]:
    """SOP Instance UID of each stored file, with its name and path."""
    found: dict[str, tuple[str, Path]] = {}
    for name, state in states.items():
        if state == "stored":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                dataset = dcmread(files[name], force=True, stop_before_pixels=True)
            found[str(dataset.SOPInstanceUID)] = (name, files[name])
    return found


def _numbers(pixels: NDArray[Any], description: dict[str, Any]) -> NDArray[np.float64]:
    """In real units, as the screen shows them: exact for integers, else as near as 32-bit floats are."""
    values = pixels.astype(np.float64)
    if description["samples_per_pixel"] == 1:
        values = values * description["rescale_slope"] + description["rescale_intercept"]
    return values.astype(np.float32).astype(np.float64).ravel()


def _faults(
    display: dict[str, Any], shown: list[dict[str, Any]], stored: dict[str, tuple[str, Path]]
) -> Iterator[str]:
    for frame, got in zip(
        display["frames"], [*shown, *[{}] * len(display["frames"])], strict=False
    ):
        if frame["sop_instance_uid"] not in stored:
            continue
        name, path = stored[frame["sop_instance_uid"]]
        if "sha256" not in got:
            yield f"{name}: frame {frame['frame']}: {got.get('fault', 'not reached')}"
            continue
        pixels = edge_cases.expected_frames(path)[frame["frame"] - 1]
        numbers = _numbers(pixels, {**display, **frame})
        if hashlib.sha256(numbers.tobytes()).hexdigest() != got["sha256"]:
            yield f"{name}: frame {frame['frame']}: other pixels ({got['length']} of {numbers.size})"


def test_the_screen_shows_what_pydicom_decodes(
    browser: Browser, place: Place, files: dict[str, Path], in_live_stack: Callable[[str], str]
) -> None:
    folder = next(iter(files.values())).parent
    made = json.loads(in_live_stack(IMPORT.format(slug=SLUG, folder=str(folder))).splitlines()[-1])
    stored = _expected(files, made["states"])
    assert len(stored) > len(files) / 2

    context = place.enter(browser, f"{SLUG}-1")
    room = Room(context.new_page(), place).open()
    wrong: list[str] = []
    compared: set[str] = set()
    for series in made["series"]:
        display = room.api(f"series/{series}")
        shown = room.page.evaluate(SHOW, display)
        compared |= {frame["sop_instance_uid"] for frame in display["frames"]}
        wrong += _faults(display, shown, stored)
    context.close()
    assert wrong == []
    assert set(stored) <= compared, "every accepted file was looked at"

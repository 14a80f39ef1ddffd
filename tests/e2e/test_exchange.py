"""Marks made elsewhere and reads stored back, as a study lead does it in a real browser."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from reading_room import Place, prepare

from deploy.stack import Stack

DONE_MS = 60_000
SHOTS = os.environ.get("CONSILIUM_SHOTS", "")

# A segmentation and a structure set of the first case, and a read of the second by the lead.
OBJECTS = """
import json, sys
from pathlib import Path
sys.path.insert(0, "tests")
import made_elsewhere as elsewhere
import numpy as np
from pydicom import dcmwrite
from annotation import orthanc, queue, reading
from annotation.models import Case, Project, User
from uuid import uuid4

folder = Path({folder!r})
project = Project.objects.get(slug={slug!r})
first, second = project.cases.order_by("pk")
series = first.series.get()
(folder / "in").mkdir()
paths = []
for number, one in enumerate(series.instances.order_by("pk")):
    paths.append(folder / "in" / f"{{number}}.dcm")
    orthanc.download(one.orthanc_id, paths[-1])
(folder / "work").mkdir()
here = elsewhere.case(folder / "work", paths)
voxels = here.empty()
voxels[2, 10:30, 20:50], voxels[3, 5, 5] = 1, 2
tumour = elsewhere.LESION.__class__(**{{**vars(elsewhere.LESION), "label": "Tumour"}})
written = here.write(here.record(labelmaps=[here.painted(voxels, tumour, elsewhere.NODE)]))
segmentation = next(one.path for one in written if one.kind == "seg")
frame = here.grid.frames[1]
outline = elsewhere.in_patient(frame, [[10, 10], [40, 10], [40, 30]])
made = elsewhere.structure_set(here.images[0].study_uid, {{"Lesion": [("", outline)]}})
dcmwrite(folder / "outlines.dcm", made, enforce_file_format=True)
reader = User.objects.get(username=f"{{project.slug}}-1")
while (slot := queue.claim(project, reader)).case != second:
    queue.skip(slot.pk, reader, slot.token, reason="the other one")
reading.submit(
    slot.pk, reader, token=slot.token, idempotency_key=uuid4(), active_seconds=2,
    content={{"answers": [{{"question": "finding", "value": "no"}}], "marks": []}},
)
print(json.dumps([segmentation, str(folder / "outlines.dcm"), second.pk]))
"""
FOUND = """
import json
from annotation.models import Read
reads = Read.objects.filter(case__project__slug={slug!r}, source__name="Program 2").order_by("pk")
print(json.dumps([
    [r.origin["kind"], r.slot_id, r.superseded_by_or_none, sorted(m.kind for m in r.marks.all()),
     [list(m.mask.labels) for m in r.marks.all() if m.mask]]
    for r in reads if not setattr(r, "superseded_by_or_none", hasattr(r, "superseded_by"))
]))
"""


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    return prepare(live_stack.url, in_live_stack, slug="exchange", people=2, cases=2)


@pytest.fixture
def lead(browser: Browser, place: Place) -> Iterator[Page]:
    context = place.enter(browser, "exchange-1")
    yield context.new_page()
    context.close()


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}-{name}.png", full_page=True)


def test_marks_come_in_and_reads_go_back(
    lead: Page, place: Place, in_live_stack: Callable[[str], str], tmp_path: Path
) -> None:
    made = in_live_stack(OBJECTS.format(folder=str(tmp_path), slug=place.slug))
    segmentation, outlines, read_case = json.loads(made.strip().splitlines()[-1])

    lead.goto(f"{place.url}/p/{place.slug}/import")
    lead.get_by_role("button", name="New source").click()
    lead.get_by_label("Name", exact=True).fill("Program 2")
    shot(lead, "new-source")
    lead.get_by_role("button", name="Add source").click()
    expect(lead.get_by_role("dialog")).to_have_count(0)
    expect(lead.get_by_label("Source", exact=True)).to_contain_text("Program 2")
    with lead.expect_file_chooser() as chooser:
        lead.get_by_role("button", name="Choose files of marks").click()
    chooser.value.set_files([segmentation, outlines])

    naming = lead.get_by_role("button", name="Name the classes")
    expect(naming).to_be_visible(timeout=DONE_MS)
    shot(lead, "import")
    naming.click()
    lead.get_by_label("Tumour").select_option(label="Lesion")
    shot(lead, "classes")
    lead.get_by_role("button", name="Save").click()
    lead.get_by_role("button", name="Check again").click()
    expect(lead.get_by_text("Nothing is in quarantine.")).to_be_visible(timeout=DONE_MS)
    lead.get_by_role("button", name="Report").click()
    expect(lead.get_by_role("dialog")).to_contain_text("Read in for 1 case: 1 mark and 0 answers.")
    shot(lead, "report")
    lead.keyboard.press("Escape")
    found = json.loads(in_live_stack(FOUND.format(slug=place.slug)).strip().splitlines()[-1])
    standing = [read for read in found if not read[2]]
    assert sorted(read[0] for read in standing) == ["RTSTRUCT", "SEG"]
    assert all(read[1] is None for read in standing)
    assert next(read[4] for read in standing if read[0] == "SEG") == [[1, 2]]
    assert next(read[3] for read in standing if read[0] == "RTSTRUCT") == ["contour"]

    lead.goto(f"{place.url}/p/{place.slug}/list")
    lead.get_by_role("button", name=f"Store the reads of case {read_case} back").click()
    shot(lead, "list")
    lead.goto(f"{place.url}/p/{place.slug}/datasets")
    expect(lead.get_by_text("1 read stored")).to_be_visible(timeout=DONE_MS)
    lead.get_by_label("When").select_option(label="After each submission")
    expect(lead.get_by_text("The rule is changed.")).to_be_visible()
    shot(lead, "datasets")
    rule = in_live_stack(
        f"from annotation.models import Project; print(Project.objects.get(slug={place.slug!r}).write_back)"
    )
    assert rule.strip().endswith("submit")

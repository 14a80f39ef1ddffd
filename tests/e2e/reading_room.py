"""What the browser tests of the reading room share: a project with real images, readers, and hands."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

SLICES, ROWS, COLUMNS = 6, 96, 128
ROW_MM, COLUMN_MM, GAP_MM = 0.75, 0.75, 3.0
ORIGIN = (-40.0, 20.0, 100.0)
READY_MS = 60_000

CLASSES = [
    {"code": "lesion", "name": "Lesion", "colour": "#e8a33d", "value": 1},
    {"code": "node", "name": "Lymph node", "colour": "#58b4e0", "value": 2},
]
FINDING = {
    "code": "finding",
    "text": "Is there a finding?",
    "type": "choice",
    "required": True,
    "options": [
        {"value": "no", "label": "No", "key": "1"},
        {"value": "yes", "label": "Yes", "key": "2"},
    ],
}
SIZE = {
    "code": "size",
    "text": "How large is it?",
    "type": "number",
    "min": 0,
    "max": 200,
    "unit": "mm",
    "required": True,
    "show_if": {"question": "finding", "equals": "yes"},
}
REMARK = {"code": "remark", "text": "Remark", "type": "text"}

# Runs in the product's own Django. A reader has a session, so that no test spends time on signing in.
SETUP = """
import json, sys, tempfile
from pathlib import Path
sys.path.insert(0, "tests")
import images, numpy
from pydicom.uid import generate_uid
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from annotation import imports, projects
from annotation.models import Membership, User

given = json.loads({given!r})
shape = (given["slices"], given["rows"], given["columns"])
people = []
for name in given["people"]:
    user = User.objects.create_user(name)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    people.append((user, session.session_key))
project = projects.create(given["project"], owner=people[0][0])
for user, _ in people:
    Membership.objects.get_or_create(user=user, project=project, role="reader")
with tempfile.TemporaryDirectory() as folder:
    for number in range(given["cases"]):
        if given["noisy"]:
            voxels = images.noisy_ct(shape, number)
        else:
            voxels = (numpy.indices(shape).sum(0) * 7 + number * 100).astype("int16")
        study = dict(StudyInstanceUID=generate_uid(), PatientID="patient-" + generate_uid()[-12:])
        for _ in range(given["series"]):
            series = images.series(len(voxels), gap=given["gap"], **study)
            for z, (one, pixels) in enumerate(zip(series, voxels)):
                one.Rows, one.Columns = pixels.shape
                one.PixelData = pixels.tobytes()
                one.BitsAllocated = one.BitsStored = 16
                one.HighBit, one.PixelRepresentation = 15, 1
                one.PixelSpacing = given["spacing"]
                one.ImagePositionPatient = [
                    *given["origin"][:2], given["origin"][2] + z * given["gap"]
                ]
            images.write(Path(folder) / str(number), *series)
    batch = imports.import_paths(project, [Path(folder)], people[0][0])
    problems = list(batch.items.exclude(reason="").values_list("name", "reason"))
print(json.dumps({{"sessions": {{u.username: key for u, key in people}}, "problems": problems}}))
"""


@dataclass(frozen=True)
class Place:
    """The running product and one project in it, made for these tests."""

    url: str
    slug: str
    sessions: dict[str, str]

    def enter(self, browser: Browser, reader: str) -> BrowserContext:
        """A browser of its own, signed in as that reader."""
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": "session", "value": self.sessions[reader], "url": self.url}])
        return context


def prepare(
    url: str,
    run: Callable[[str], str],
    *,
    slug: str,
    people: int,
    cases: int,
    series: int = 1,
    noisy: bool = False,
    **schema: Any,
) -> Place:
    """A project whose cases, real DICOM in Orthanc, are each read by all its readers (``<slug>-1`` ...).

    With more than one series, a case is a study of so many. ``noisy`` images look like a CT.
    """
    given = {
        "slices": SLICES,
        "rows": ROWS,
        "columns": COLUMNS,
        "spacing": [ROW_MM, COLUMN_MM],
        "gap": GAP_MM,
        "origin": ORIGIN,
        "cases": cases,
        "series": series,
        "noisy": noisy,
        "people": [f"{slug}-{number}" for number in range(1, people + 1)],
        "project": {
            "slug": slug,
            "title": "Lesions on CT",
            "task": "detection",
            "case_unit": "series" if series == 1 else "study",
            "reads_per_case": people,
            "stream_shares": {"pool": 1.0},
            "reading_mix": {"pool": 1},
            "label_schema": {
                "classes": CLASSES,
                "marks": ["box", "ellipse", "contour", "length", "labelmap"],
                "questions": [FINDING, SIZE, REMARK],
                "guideline": "Look closely.",
                **schema,
            },
        },
    }
    made = json.loads(run(SETUP.format(given=json.dumps(given))).splitlines()[-1])
    assert made["problems"] == []
    return Place(url, slug, made["sessions"])


class Room:
    """One reader's hands on the reading room."""

    def __init__(self, page: Page, place: Place) -> None:
        self.page = page
        self.place = place
        self.viewport: Locator = page.locator("[data-viewport]")
        self.root: Locator = page.locator(".room")

    def open(self, slot: int | None = None) -> Room:
        self.page.goto(f"{self.place.url}/p/{self.place.slug}/read" + (f"/{slot}" if slot else ""))
        return self.wait()

    def wait(self) -> Room:
        """Until a case is there and its first image is on the screen."""
        expect(self.root).to_have_attribute("data-phase", "reading", timeout=READY_MS)
        expect(self.viewport).to_have_attribute("data-phase", "ready", timeout=READY_MS)
        return self

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    @property
    def slot(self) -> int:
        return int(self.root.get_attribute("data-slot") or 0)

    @property
    def marks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.root.get_attribute("data-marks") or "[]")
        return found

    @property
    def painted(self) -> dict[str, int]:
        """Voxels of each class, over all series."""
        rows = json.loads(self.root.get_attribute("data-painted") or "[]")
        return {code: voxels for _, code, voxels in rows}

    def shown(self, name: str) -> str:
        return self.viewport.get_attribute(f"data-{name}") or ""

    def saved(self) -> None:
        expect(self.root).to_have_attribute("data-save", "saved", timeout=20_000)

    def at(self, column: float, row: float) -> tuple[float, float]:
        """Where on the screen the centre of a pixel lies while the image is fitted."""
        box = self.viewport.bounding_box()
        assert box is not None
        zoom = float(self.shown("zoom"))
        x = box["x"] + box["width"] / 2 + (column - (COLUMNS - 1) / 2) * zoom
        y = box["y"] + box["height"] / 2 + (row - (ROWS - 1) / 2) * zoom
        return x, y

    def drag(self, *pixels: tuple[float, float], button: Any = "left") -> None:
        """With the button down through these pixels of the image, slowly enough to be a drag."""
        mouse = self.page.mouse
        mouse.move(*self.at(*pixels[0]))
        mouse.down(button=button)
        for pixel in pixels[1:]:
            mouse.move(*self.at(*pixel), steps=8)
        mouse.up(button=button)

    def api(self, path: str) -> Any:
        response = self.page.request.get(f"{self.place.url}/api/{path}")
        assert response.ok, response.text()
        return response.json()

    def stored(self) -> dict[str, Any]:
        """The draft that the server holds."""
        draft: dict[str, Any] = self.api(f"slots/{self.slot}")["draft"]
        return draft


class Several(Room):
    """One reader's hands on a room with several panes."""

    def pane(self, number: int) -> Locator:
        return self.page.locator("[data-viewport]").nth(number)

    def plane(self, name: str) -> Locator:
        return self.page.locator(f"[data-plane={name}]")

    def wait(self) -> Room:
        expect(self.root).to_have_attribute("data-phase", "reading", timeout=READY_MS)
        return self.settled(1)

    def settled(self, count: int) -> Room:
        """Until so many panes show a picture."""
        expect(self.page.locator("[data-viewport][data-phase=ready]")).to_have_count(
            count, timeout=READY_MS
        )
        return self

    def where(self, pane: Locator, column: float, row: float) -> tuple[float, float]:
        """Where on the screen a pixel of a pane lies while its image is fitted."""
        box = pane.bounding_box()
        assert box is not None
        size = pane.evaluate(
            "({viewer: {state: {series}}}) => [series.columns, series.rows, series.pixel_spacing]"
        )
        columns, rows, (down, across) = size
        zoom = float(pane.get_attribute("data-zoom") or 0)
        x = box["x"] + box["width"] / 2 + (column - (columns - 1) / 2) * zoom
        y = box["y"] + box["height"] / 2 + (row - (rows - 1) / 2) * zoom * down / across
        return x, y

    def stroke(self, pane: Locator, *pixels: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*self.where(pane, *pixels[0]))
        mouse.down()
        for pixel in pixels[1:]:
            mouse.move(*self.where(pane, *pixel), steps=8)
        mouse.up()

    def click(self, pane: Locator, column: float, row: float) -> None:
        self.page.mouse.click(*self.where(pane, column, row))

    def pixels(self, pane: Locator) -> NDArray[Any]:
        columns, rows, flat = pane.evaluate(
            "({viewer}) => [viewer.state.series.columns, viewer.state.series.rows,"
            " Array.from(viewer.pixels())]"
        )
        return np.array(flat).reshape(rows, columns)

"""The CT with a lesion that the browser tests of prompts share: how it gets there, and what readers drew."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from playwright.sync_api import Page

from deploy.stack import ROOT

CT = ROOT / "deploy" / "demo" / "lung-lesion"
SIDE, SLICES = 512, 29
LESION = 1
AS_GOOD_AS_READERS = 0.75
"""Dice of the four readers among each other: 0.76 to 0.89."""
PREVIEW = 'path[data-suggested="preview"]'
ANSWER_MS = 20_000

# The synthetic case makes way for a CT, which each reader then has in hand.
BRING_CT = """
import json
from pathlib import Path
from annotation import imports, queue
from annotation.models import Case, Project, User
project = Project.objects.get(slug={slug!r})
for case in project.cases.all():
    queue.cancel_slots(case, reason="only here to make the project")
lead = User.objects.filter(memberships__project=project).order_by("pk").first()
batch = imports.import_paths(project, [Path({folder!r})], lead)
assert not batch.items.exclude(state__in=["stored", "duplicate"]).exists()
case = project.cases.get(frame_count=29)
shown = case.series.get().display["frames"]
print(json.dumps([frame["sop_instance_uid"] for frame in shown]))
"""
Mask = NDArray[np.bool_]


def prompts_of(page: Page) -> int:
    options = page.get_by_role("group", name="How prompts work")
    return int(options.get_attribute("data-prompts") or 0)


def outlined_by_readers(uids: list[str]) -> list[Mask]:
    """What each of the four readers outlined. Their points run along the first pixel outside."""
    found = []
    for reader in json.loads((CT / "readers.json").read_text())["readers"]:
        mask = np.zeros((SLICES, SIDE, SIDE), np.bool_)
        for contour in reader["contours"]:
            picture = Image.new("L", (SIDE, SIDE))
            points = [tuple(point) for point in contour["points_xy"]]
            ImageDraw.Draw(picture).polygon(points, fill=1)
            inside = np.array(picture, bool)
            for column, row in points:
                inside[row, column] = False
            at = uids.index(contour["sop_instance_uid"])
            mask[at] = mask[at] | inside if contour["inclusion"] else mask[at] & ~inside
        found.append(mask)
    return found


def dice(one: Mask, other: Mask) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def middle(masks: list[Mask]) -> tuple[int, tuple[float, ...], tuple[float, float]]:
    """The image with most of the lesion; around it, left, top, right, bottom; its centre."""
    agreed = np.sum(masks, axis=0) >= 2
    frame = int(agreed.sum((1, 2)).argmax())
    rows, columns = np.nonzero(agreed[frame])
    sides = (columns.min() - 3.0, rows.min() - 3.0, columns.max() + 3.0, rows.max() + 3.0)
    return frame, sides, (float(columns.mean()), float(rows.mean()))

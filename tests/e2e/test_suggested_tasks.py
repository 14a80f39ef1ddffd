"""Numbers, several findings and named points of the model in a real browser: read, accepted, kept."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import Browser, expect
from reading_room import CLASSES, FINDING, SIZE, Room, prepare

from deploy.stack import Stack

FINDINGS = {
    "code": "findings",
    "text": "What else?",
    "type": "multichoice",
    "options": [{"value": v, "label": v.title()} for v in ("effusion", "nodule", "nothing")],
}
SPINE = {
    "code": "spine",
    "name": "Spine",
    "colour": "#3d8ae8",
    "value": 9,
    "marks": ["landmark"],
    "landmarks": ["L1", "L2"],
}
SUGGEST = """
import json, sys
sys.path.insert(0, "tests")
import suggestion_builders as hints
from annotation.models import Case, Project
from learning.assisting import items
from learning.engine.spec import parse
Project.objects.filter(slug={slug!r}).update(suggestions="at_once", blind_to_model=False)
case = Case.objects.get(project__slug={slug!r})
document = case.project.label_schemas.latest("version").document
image = dict(networks=["vit"], input_size=[32, 32])
number = parse(dict(task="regression", question="size", **image))
several = parse(dict(task="multilabel", question="findings", classes=["effusion", "nodule"], **image))
frame = case.series.get().display["frames"][0]
point = items.landmark("spine/L2", frame, [20.25, 30.5], 0.8)
hints.suggested(
    case, items.number(number, document, 12.34, 2.5), *items.findings(several, document, [0.9, 0.8]), point
)
print(json.dumps(point["item"]))
"""


def test_numbers_findings_and_points_are_read_and_accepted(
    browser: Browser, live_stack: Stack, in_live_stack: Callable[[str], str]
) -> None:
    place = prepare(
        live_stack.url,
        in_live_stack,
        slug="tasks",
        people=1,
        cases=1,
        classes=[*CLASSES, SPINE],
        marks=["box", "ellipse", "contour", "length", "labelmap", "landmark"],
        questions=[FINDING, SIZE, FINDINGS],
    )
    uid = json.loads(in_live_stack(SUGGEST.format(slug=place.slug)).splitlines()[-1])
    context = place.enter(browser, "tasks-1")
    room = Room(context.new_page(), place).open()
    rows = room.page.locator("[data-suggestions] li")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("12")
    expect(rows.nth(0)).to_contain_text("± 2.5")
    expect(rows.nth(1)).to_contain_text("Effusion, Nodule")
    expect(rows.nth(1)).to_contain_text("72")
    expect(rows.nth(2)).to_contain_text("Spine L2")
    room.page.get_by_role("button", name="Accept all").click()
    [mark] = room.marks
    assert (mark["tracking_uid"], mark["kind"], mark["text"]) == (uid, "landmark", "L2")
    assert mark["points_px"] == [[20.25, 30.5]]
    context.close()

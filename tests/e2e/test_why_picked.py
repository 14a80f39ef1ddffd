"""Why a case was chosen, in words, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from accessibility import barriers
from playwright.sync_api import expect
from reading_room import Place, Room, prepare

from deploy.stack import Stack

RANK = """
from annotation import queue
from annotation.models import Project
from learning.models import Ranking
Project.objects.filter(slug={slug!r}).update(blind_to_model=False)
project = Project.objects.get(slug={slug!r})
case = project.cases.get()
Ranking.objects.create(
    project=project, generation=1, acquisition="herding", reason="", size=1,
    batch=[{{"case": case.pk, "rank": 1, "score": 0.75,
            "components": {{"uncertainty": 0.5, "coverage": 0.125, "class_2": 0.25}}}}],
)
queue.rerank(project, 1, [(case.pk, 0.9)])
"""


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    made = prepare(live_stack.url, in_live_stack, slug="why", people=1, cases=1)
    in_live_stack(RANK.format(slug=made.slug))
    return made


def test_what_chose_the_case_and_the_parts_of_its_score_have_names(room: Room) -> None:
    room.press("Alt+y")
    said = room.page.get_by_role("dialog", name="Why this case")
    expect(said.get_by_text("Uncertainty herding", exact=True)).to_be_visible()
    expect(
        said.get_by_text("It stands for many cases that the networks are unsure of")
    ).to_be_visible()
    for part, value in (
        ("Uncertainty", "0.5000"),
        ("Share of the pool newly covered", "0.1250"),
        ("class 2", "0.2500"),
    ):
        row = said.get_by_role("row", name=part)
        expect(row.get_by_role("cell")).to_have_text(value)
    assert barriers(room.page) == []

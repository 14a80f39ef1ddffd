"""Which hanging protocol fits a case, and which series each pane gets."""

from __future__ import annotations

from typing import Any

import pytest

from annotation.errors import InvalidInput
from annotation.hanging_rules import Facts, Shown, fits, hang, validate

CHEST = Shown(1, "CT", "Chest thin", "CHEST")
BONE = Shown(2, "CT", "Chest bone kernel", "CHEST")
PRIOR = Shown(9, "CT", "Chest thin", "CHEST", "prior")
CASE = Facts("CT", "CHEST", [CHEST, BONE, PRIOR])


def protocol(**changes: Any) -> dict[str, Any]:
    made = {
        "code": "ct",
        "name": "CT",
        "layout": {"rows": 1, "columns": 2},
        "panes": [{"number": 1}, {"number": 2}],
    }
    return {**made, **changes}


def document(*protocols: dict[str, Any]) -> dict[str, Any]:
    return {"protocols": list(protocols)}


def faults(*protocols: Any) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        validate(document(*protocols))
    return [fault["message"] for fault in caught.value.extra["errors"]]


@pytest.mark.parametrize(
    ("when", "fit"),
    [
        ({}, True),
        ({"modality": ["ct", "MR"]}, True),
        ({"modality": ["MR"]}, False),
        ({"body_part": ["chest"]}, True),
        ({"body_part": ["HEAD"]}, False),
        ({"description": ["kernel"]}, True),
        ({"description": ["flair"]}, False),
        ({"series": {"min": 2}}, True),
        ({"series": {"min": 3}}, False),
        ({"series": {"max": 1}}, False),
        ({"prior": True}, True),
        ({"prior": False}, False),
        ({"modality": ["CT"], "description": ["flair"]}, False),
    ],
)
def test_every_condition_must_hold(when: dict[str, Any], fit: bool) -> None:
    assert fits(protocol(when=when), CASE) is fit


def test_a_series_beside_the_case_does_not_speak_for_it() -> None:
    facts = Facts("CT", "", [CHEST, Shown(5, "PT", "Whole body", "", "study")])
    assert not fits(protocol(when={"modality": ["PT"]}), facts)
    assert fits(protocol(when={"series": {"max": 1}}), facts)


def test_panes_count_the_series_that_their_rule_admits() -> None:
    rules = [
        {"description": ["kernel"]},
        {"from": "prior", "show": "coronal", "window": {"center": 40, "width": 400}},
        {"number": 3},
        None,
    ]
    [first, *_] = hang(
        document(protocol(layout={"rows": 2, "columns": 2}, panes=rules, links={"scroll": True})),
        CASE,
    )
    assert [pane["series"] for pane in first["panes"]] == [2, 9, None, None]
    assert first["panes"][1]["show"] == "coronal"
    assert first["panes"][1]["window"] == {"center": 40, "width": 400}
    assert first["links"] == {"scroll": True, "window": False, "view": False}


def test_the_first_that_fits_comes_first_and_says_why() -> None:
    own = [
        protocol(code="mr", when={"modality": ["MR"]}),
        protocol(code="chest", when={"modality": ["CT"], "body_part": ["CHEST"]}),
        protocol(code="any"),
    ]
    hung = hang(document(*own), CASE)
    assert [one["code"] for one in hung][:2] == ["chest", "any"]
    assert hung[0]["why"] == "CT, CHEST"
    assert hung[1]["why"] == "any case"


def test_one_that_fits_but_fills_no_pane_is_left_out() -> None:
    empty = protocol(panes=[{"description": ["flair"]}])
    assert all(one["built_in"] for one in hang(document(empty), CASE))


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (Facts("CT", "", [CHEST]), "built-in.one"),
        (CASE, "built-in.one"),
        (Facts("DX", "", [Shown(1, "DX", "PA"), Shown(2, "DX", "LAT")]), "built-in.two-views"),
        (Facts("MG", "", [Shown(n, "MG", "") for n in range(4)]), "built-in.four-views"),
    ],
)
def test_without_a_protocol_of_the_project_a_built_in_one_opens_the_case(
    facts: Facts, code: str
) -> None:
    assert hang(document(), facts)[0]["code"] == code


def test_built_in_ones_are_valid_and_offer_what_the_case_has() -> None:
    assert [one["code"] for one in hang(document(), CASE)] == [
        "built-in.one",
        "built-in.prior",
        "built-in.two-series",
    ]


def test_what_is_wrong_is_said_in_sentences() -> None:
    validate(document(protocol()))
    assert faults(protocol(), protocol()) == ["Another protocol has the code “ct”."] * 2
    assert faults(protocol(panes=[{}] * 3)) == ["The layout has 2 panes, not 3."]
    assert faults(protocol(panes=[None])) == ["Say for at least one pane what it shows."]
    assert faults(protocol(when={"series": {"min": 3, "max": 2}})) == [
        "The least number of series is above the largest."
    ]
    assert faults(protocol(code="built-in.one")) == ["Codes that begin with “built-in.” are taken."]
    assert faults(protocol(layout={"rows": 4, "columns": 1})) == ["This must be at most 3."]
    assert "Missing: panes." in faults({"code": "x", "name": "x", "layout": {}})

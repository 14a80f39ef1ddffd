"""Conditions and rules of a label schema: what they mean, and what is said of one that is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from annotation.conditions import Form, Scene, SeriesOfCase
from annotation.content import check_content
from annotation.errors import InvalidInput
from annotation.schema import validate_document

CASES = Path(__file__).resolve().parents[1] / "data" / "form_cases.json"
TABLE: list[dict[str, Any]] = json.loads(CASES.read_text(encoding="utf-8"))


def scene_of(given: dict[str, Any]) -> Scene:
    series = tuple(
        SeriesOfCase(one["id"], one["uid"], tuple(one["frames"])) for one in given.get("series", [])
    )
    painted = {uid: frozenset(codes) for uid, codes in given.get("painted", {}).items()}
    return Scene(series, painted)


def outcome(document: dict[str, Any], content: Any, scene: dict[str, Any]) -> dict[str, Any]:
    """What the server makes of it, in the form in which the table of cases says it."""
    form = Form(document, content, scene_of(scene))
    return {
        "asked": sorted(
            [code, place[level]]
            for code, question in form.questions.items()
            for level in [question.get("level", "case")]
            for place in form.places_of(question)
            if form.is_asked(code, place[level])
        ),
        "missing": sorted(
            [question["code"], place[question.get("level", "case")]]
            for question, place in form.missing()
        ),
        "broken": sorted(
            [rule["code"], place[rule.get("level", "case")]] for rule, place in form.broken()
        ),
    }


@pytest.mark.parametrize("case", TABLE, ids=[case["name"] for case in TABLE])
def test_the_server_says_what_the_table_says(case: dict[str, Any]) -> None:
    validate_document(case["schema"])
    content = {"answers": case["answers"], "marks": case.get("marks", [])}
    assert check_content(case["schema"], content, complete=False) == []
    assert outcome(case["schema"], content, case.get("scene", {})) == case["outcome"]


def ask(code: str, kind: str = "text", **fields: Any) -> dict[str, Any]:
    options = {"options": [{"value": "a", "label": "A"}, {"value": "b", "label": "B"}]}
    more = options if kind in ("choice", "multichoice") else {}
    return {"code": code, "text": f"{code}?", "type": kind, **more, **fields}


def compare(code: str, **operator: Any) -> dict[str, Any]:
    return {"question": code, **operator}


CLASSES = [{"code": "lesion", "name": "Lesion", "colour": "#e8a33d", "value": 1}]
BASE = [
    ask("which", "choice"),
    ask("several", "multichoice"),
    ask("size", "number", max=50),
    ask("grade", "scale", min=1, max=5),
    ask("day", "date"),
    ask("note"),
    ask("shape", level="mark"),
]


def refusal(condition: Any, level: str = "case", *more: dict[str, Any]) -> str:
    document = {
        "classes": CLASSES,
        "marks": ["box"],
        "questions": [*BASE, ask("last", level=level, show_if=condition), *more],
    }
    with pytest.raises(InvalidInput) as refused:
        validate_document(document)
    return " ".join(f"{one['where']}: {one['message']}" for one in refused.value.extra["errors"])


@pytest.mark.parametrize(
    ("condition", "where", "sentence"),
    [
        (compare("gone", equals=1), "question", "There is no question “gone”. There are which,"),
        (compare("last", equals="x"), "", "“last” depends on itself."),
        (compare("which"), "", "Say once how the answer is compared, by one of equals, not_equals"),
        (compare("which", equals="a", answered=True), "", "Say once how"),
        (
            compare("which", equals="c"),
            "equals",
            "“which” is never answered so. Choose one of a, b",
        ),
        (compare("which", any_of=["a", "c"]), "any_of", "Choose one of a, b."),
        (compare("which", any_of=[]), "any_of", "must not be empty"),
        (compare("several", equals="c"), "equals", "Choose one of a, b."),
        (compare("size", equals=60), "equals", "Write a number from"),
        (
            compare("size", at_least="2"),
            "at_least",
            "“size” is a number: compare it with a number.",
        ),
        (compare("size", at_least=True), "at_least", "must be a number or text or a mapping"),
        (compare("day", above="May"), "above", "“day” is a date: compare it with YYYY-MM-DD."),
        (compare("note", below=3), "below", "“note” is no number, scale of numbers or date"),
        (compare("which", below=3), "below", "“which” is no number"),
        (
            compare("size", above={"question": "day"}),
            "above",
            "cannot be compared: number and date",
        ),
        (compare("size", above={"question": "no"}), "above.question", "There is no question “no”"),
        (compare("size", above={"q": "no"}), "above", 'write {"question": its code}'),
        (compare("which", any_of={"question": "note"}), "any_of", "must be a list"),
        (compare("which", answered="yes"), "answered", "must be true or false"),
        (compare("which", is_=1), "", "Not known here: is_. Known are question, equals"),
        (compare("shape", equals="x"), "question", 'a case has many answers to it. Write {"some"'),
        ({}, "", "exactly one of question, all, any, not, some"),
        ({"all": [], "any": []}, "all", "must not be empty"),
        ({"equals": 3}, "", "exactly one of question, all, any, not, some"),
        ({"all": [compare("which", equals="c")]}, "all.0.equals", "Choose one of a, b."),
        ({"not": compare("gone", equals="c")}, "not.question", "There is no question “gone”"),
        ({"not": compare("which", equals="a"), "where": {}}, "", "there can be no where"),
        ({"some": "mark", "class": "node"}, "class", "“node” is not a class of this schema."),
        ({"some": "mark", "kind": "ellipse"}, "kind", "allows no marks of kind ellipse"),
        ({"some": "frame", "class": "lesion"}, "class", "Only a mark has a class."),
        ({"some": "case"}, "some", "is not one of series, frame, mark"),
        (
            {"some": "mark", "where": compare("gone", answered=True)},
            "where.question",
            "no question",
        ),
    ],
)
def test_what_is_wrong_with_a_condition_is_said_where_it_is(
    condition: Any, where: str, sentence: str
) -> None:
    said = refusal(condition) if condition else refusal({"all": [condition]}).replace(".all.0", "")
    assert f"questions.7.show_if{'.' if where else ''}{where}: " in said
    assert sentence in said


def test_a_finer_level_is_within_a_coarser_one() -> None:
    assert "A mark holds no frame" in refusal({"some": "frame"}, "mark")


def test_conditions_that_go_round_are_named_on_their_way() -> None:
    one = ask("one", show_if=compare("two", answered=True))
    two = ask("two", show_if={"not": {"any": [compare("last", answered=True)]}})
    said = refusal(compare("one", answered=True), "case", one, two)
    assert "The conditions go round in a circle: “" in said
    assert "None of them could ever be shown." in said
    for code in ("one", "two", "last"):
        assert f"“{code}”" in said


def test_a_rule_is_checked_like_a_condition() -> None:
    rules = [
        {"code": "r", "then": compare("gone", answered=True), "message": "Say it."},
        {"code": "r", "if": compare("note", below=1), "then": compare("note", answered=True),
         "message": "Say it."},
    ]  # fmt: skip
    with pytest.raises(InvalidInput) as refused:
        validate_document({"questions": BASE[:-1], "rules": rules})
    said = str(refused.value)
    assert "rules.0.then.question: There is no question “gone”" in said
    assert "rules.1.if.below: “note” is no number" in said
    assert "rules.1.code: The code “r” is used 2 times" in said


SCENE = {"series": [{"id": 7, "uid": "1.5", "frames": ["1.1#1", "1.1#2"]}]}
QUALITY = ask("quality", level="frame", required=True)
HEIGHT = ask("height", "number")
WIDTH = ask("width", "number")
RULE = {
    "code": "order",
    "then": compare("width", at_least={"question": "height"}),
    "message": "The width cannot be less than the height.",
}


def told(document: dict[str, Any], *answers: tuple[str, str, Any], scene: Any = SCENE) -> str:
    said = [{"question": code, "target": target, "value": value} for code, target, value in answers]
    content = {"answers": said, "marks": []}
    found = check_content(document, content, complete=True, scene=lambda: scene_of(scene))
    return " ".join(one["message"] for one in found)


def test_a_required_question_on_frames_is_asked_of_each_frame_and_says_of_which() -> None:
    document = {"questions": [QUALITY]}
    assert told(document, ("quality", "1.1#1", "good")) == "quality? Please answer for image 2."
    both = [("quality", f"1.1#{number}", "good") for number in (1, 2)]
    assert told(document, *both) == ""
    assert "for no frame of this case" in told(document, *both, ("quality", "9.9#1", "good"))


def test_of_several_series_the_series_is_said() -> None:
    scene = {"series": [*SCENE["series"], {"id": 8, "uid": "1.6", "frames": ["1.2#1"]}]}
    answers = [("quality", f"1.1#{number}", "good") for number in (1, 2)]
    said = told({"questions": [QUALITY]}, *answers, scene=scene)
    assert said == "quality? Please answer for image 1 of series 2."


def test_a_broken_rule_tells_its_own_message_and_an_unanswered_one_nothing() -> None:
    document = {"questions": [HEIGHT, WIDTH], "rules": [RULE]}
    assert told(document, ("height", "", 3), ("width", "", 2)) == RULE["message"]
    assert told(document, ("height", "", 3), ("width", "", 3)) == ""
    assert told(document, ("height", "", 3)) == ""


def test_a_long_chain_of_conditions_is_no_trouble() -> None:
    chain = [
        ask(f"q{number}", show_if=compare(f"q{number - 1}", answered=True) if number else None)
        for number in range(500)
    ]
    document = {"questions": list(reversed(chain))}
    validate_document(document)
    answers = [(f"q{number}", "", "x") for number in range(500)]
    assert told(document, *answers) == ""
    assert "is not asked" in told(document, *answers[1:])

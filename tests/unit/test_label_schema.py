"""Label schemas and what readers say, each fault answered by a sentence that a person understands."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from annotation.content import check_content, value_fault
from annotation.errors import InvalidInput
from annotation.schema import validate_document

ROOT = Path(__file__).resolve().parents[2]

CLASSES = [
    {"code": "lesion", "name": "Lesion", "colour": "#e8a33d", "value": 1},
    {"code": "node", "name": "Node", "colour": "#58b4e0", "value": 2},
]
FINDING: dict[str, Any] = {
    "code": "finding",
    "text": "A finding?",
    "type": "choice",
    "required": True,
    "options": [
        {"value": "no", "label": "No", "key": "1"},
        {"value": "yes", "label": "Yes", "key": "2"},
    ],
}
NO, YES = FINDING["options"]
SIDE = {
    "code": "side",
    "text": "Which sides?",
    "type": "multichoice",
    "required": True,
    "options": [{"value": "left", "label": "Left"}, {"value": "right", "label": "Right"}],
    "show_if": {"question": "finding", "equals": "yes"},
}
SIZE = {"code": "size", "text": "How large?", "type": "number", "min": 0, "max": 50, "unit": "mm"}
SCORE = {"code": "score", "text": "How sure?", "type": "scale", "min": 1, "max": 5}
NOTE = {"code": "note", "text": "Anything else?", "type": "text"}
SEEN = {"code": "seen", "text": "Since when?", "type": "date"}
SHAPE = {
    "code": "shape",
    "text": "What shape?",
    "level": "mark",
    "type": "choice",
    "required": True,
    "options": [{"value": 1, "label": "Round"}, {"value": 2, "label": "Long"}],
}
TERM = {"system": "SCT", "code": "126713003", "display": "Neoplasm of lung"}
DOCUMENT = {
    "classes": CLASSES,
    "marks": ["box", "contour", "labelmap", "landmark"],
    "questions": [FINDING, SIDE, SIZE, SCORE, NOTE, SEEN],
}


def document(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(DOCUMENT), **changes}


def answers(**given: Any) -> list[dict[str, Any]]:
    return [{"question": code, "target": "", "value": value} for code, value in given.items()]


def content(*marks: dict[str, Any], **given: Any) -> dict[str, Any]:
    return {"answers": answers(**given), "marks": list(marks)}


def box(**changes: Any) -> dict[str, Any]:
    return {
        "tracking_uid": "1.2.3",
        "kind": "box",
        "label_class": "lesion",
        "sop_instance_uid": "1.2",
        "frame": 1,
        "points_px": [[1, 2], [3.5, 4]],
        **changes,
    }


def messages(said: Any, asked: dict[str, Any] | None = None, *, complete: bool = True) -> str:
    found = check_content(asked or DOCUMENT, said, complete=complete)
    assert all(set(one) == {"where", "message"} for one in found)
    return " ".join(one["message"] for one in found)


def test_a_sound_document_passes() -> None:
    validate_document(document(classes=[{**CLASSES[0], "term": TERM}]))
    validate_document(document())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"classes": [*CLASSES, {**CLASSES[0], "value": 3}]}, "code “lesion” is used 2 times"),
        ({"classes": [*CLASSES, {**CLASSES[0], "code": "third"}]}, "value “1” is used 2 times"),
        ({"classes": [{**CLASSES[0], "value": 256}]}, "at most 255"),
        ({"classes": [{**CLASSES[0], "value": 0}]}, "at least 1"),
        ({"classes": [{**CLASSES[0], "colour": "red"}]}, "is not a colour"),
        ({"classes": [{**CLASSES[0], "code": "a b"}]}, "is not a code"),
        ({"classes": []}, "there must be a class"),
        ({"marks": ["scribble"]}, "not one of"),
        ({"classes": [{**CLASSES[0], "marks": ["arrow"]}]}, "not among the marks of the project"),
        (
            {"classes": [{**CLASSES[0], "marks": ["box"]}]},
            "No class may have marks of kind contour",
        ),
        ({"required_marks": ["ellipse"]}, "required but not among"),
        (
            {"classes": [{**CLASSES[0], "marks": ["box"], "landmarks": ["a", "b"]}, CLASSES[1]]},
            "“Lesion” names landmarks but may have no landmark",
        ),
        ({"classes": [{**CLASSES[0], "landmarks": ["a", "a"]}]}, "landmarks"),
        ({"classes": [{**CLASSES[0], "landmarks": ["a", " b"]}]}, "landmarks"),
        ({"marks": [], "questions": []}, "It asks nothing"),
        ({"questions": [FINDING, FINDING]}, "code “finding” is used 2 times"),
        ({"questions": [{**FINDING, "options": []}]}, "must not be empty"),
        ({"questions": [{**NOTE, "type": "choice"}]}, "needs options"),
        ({"questions": [{**NOTE, "type": "scale"}]}, "A scale needs"),
        ({"questions": [{**SCORE, "max": 500}]}, "A scale needs"),
        ({"questions": [{**SIZE, "options": FINDING["options"]}]}, "has no options"),
        ({"questions": [{**SIZE, "min": 60}]}, "min is larger than max"),
        ({"questions": [{**SIZE, "default": 99}]}, "from 0 to 50 mm"),
        ({"questions": [SIDE]}, "There is no question “finding”. There are side."),
        ({"questions": [{**SHAPE, "classes": ["gone"]}]}, "“gone” is not a class"),
        ({"questions": [{**FINDING, "classes": ["lesion"]}]}, "Only a question on marks"),
        ({"questions": [{**SIZE, "step": 0}]}, "more than 0"),
        ({"questions": [{**NOTE, "step": 1}]}, "Only a number goes by steps"),
        ({"questions": [{**FINDING, "type": "guess"}]}, "not one of"),
        ({"questions": [{**FINDING, "colour": 1}]}, "Not known here: colour"),
        ({"extra": 1}, "Not known here: extra"),
        ({"classes": [{**CLASSES[0], "term": TERM | {"system": "SNOMED CT"}}]}, "SCT, not SNOMED"),
        ({"classes": [{**CLASSES[0], "term": TERM | {"code": "126713004"}}]}, "wrong check digit"),
        ({"questions": [{**NOTE, "term": TERM | {"system": "LN"}}]}, "look like a code of LOINC"),
        (
            {"questions": [{**FINDING, "options": [{**NO, "term": TERM | {"system": "RADLEX"}}]}]},
            "questions.0.options.0.term: “126713003” does not look like a code of RadLex",
        ),
        ({"questions": [{**NOTE, "pictures": [{"picture": "ab" * 32}]}]}, "Missing: alt"),
        ({"pictures": [{"picture": "ab" * 32, "alt": ""}]}, "must not be empty"),
        ({"pictures": [{"picture": "x.png", "alt": "x"}]}, "is not the SHA-256"),
        (
            {"questions": [{**FINDING, "options": [{**NO, "key": "s"}]}]},
            "room itself uses the key s",
        ),
        (
            {"questions": [{**FINDING, "options": [{**NO, "key": "N"}]}]},
            "room itself uses the key N",
        ),
        (
            {"questions": [{**FINDING, "options": [{**NO, "key": "q"}, {**YES, "key": "Q"}]}]},
            "The key “q” is used 2 times",
        ),
        (
            {
                "questions": [
                    FINDING,
                    {**SIDE, "show_if": {"question": "finding", "equals": "maybe"}},
                ]
            },
            "Choose one of no, yes",
        ),
        (
            {"questions": [SHAPE, {**SIDE, "show_if": {"question": "shape", "equals": 1}}]},
            'asked of each mark, so a case has many answers to it. Write {"some": "mark"',
        ),
    ],
)
def test_a_faulty_document_is_refused_with_a_sentence(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        validate_document(document(**changes))
    assert sentence in str(refused.value)
    assert refused.value.extra["errors"]


@pytest.mark.parametrize("project", sorted(ROOT.glob("deploy/demo/*/project.yaml")), ids=str)
def test_the_demo_projects_are_sound(project: Path) -> None:
    validate_document(yaml.safe_load(project.read_text())["label_schema"])


def test_a_complete_submission_passes() -> None:
    said = content(
        box(), finding="yes", side=["left"], size=3.5, score=2, note="x", seen="2024-02-29"
    )
    assert check_content(DOCUMENT, said, complete=True) == []


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (content(), "A finding? Please answer."),
        (content(finding=None), "A finding? Please answer."),
        (content(finding="maybe"), "Choose one of no, yes."),
        (content(finding="yes"), "Which sides? Please answer."),
        (content(finding="yes", side=[]), "Choose at least one."),
        (content(finding="yes", side=["left", "left"]), "chosen twice"),
        (content(finding="no", side=["left"]), "is not asked after the answers given"),
        (content(finding="no", size=51), "from 0 to 50 mm"),
        (content(finding="no", size="3"), "Write a number."),
        (content(finding="no", size=True), "Write a number."),
        (content(finding="no", score=6), "from 1 to 5"),
        (content(finding="no", score=2.5), "whole number"),
        (content(finding="no", note="  "), "Write something."),
        (content(finding="no", seen="29.2.2024"), "YYYY-MM-DD"),
        (content(finding="no", seen="2023-02-29"), "YYYY-MM-DD"),
        (content(finding="no", seen="2024-W01-1"), "YYYY-MM-DD"),
        (content(finding="no", colour="red"), "“colour” is not a question"),
        (content(box(kind="ellipse"), finding="no"), "does not use marks of kind ellipse"),
        (content(box(label_class="bone"), finding="no"), "“bone” is not a class"),
        (content(box(label_class=""), finding="no"), "Give the box a class."),
        (content(box(points_px=[[1, 2]]), finding="no"), "has 2 points, not 1"),
        (
            content(box(kind="contour", points_px=[[1, 2], [2, 3]]), finding="no"),
            "at least 3 points",
        ),
        (content(box(points_px=[[1, 2], [3]]), finding="no"), "[column, row]"),
        (content(box(points_px=[[1, 2], [3, "x"]]), finding="no"), "[column, row]"),
        (content(box(frame=None), finding="no"), "on which image and frame"),
        (content(box(frame=0), finding="no"), "at least 1"),
        (content(box(kind="labelmap", points_px=[]), finding="no"), "SHA-256 of an uploaded mask"),
        (content(box(mask="abc"), finding="no"), "is not a SHA-256"),
        (content(box(), box(), finding="no"), "same tracking UID"),
        ({"answers": answers(finding="no") * 2, "marks": []}, "answered twice"),
        ({"answers": []}, "Missing: marks"),
        ([], "must be a mapping"),
        (
            {"answers": [{"question": "finding", "target": "1.2", "value": "no"}], "marks": []},
            "asked of the case as a whole",
        ),
    ],
)
def test_a_faulty_submission_is_refused_with_a_sentence(said: Any, sentence: str) -> None:
    assert sentence in messages(said)


def test_a_class_has_the_kinds_of_mark_that_it_names_and_no_others() -> None:
    points = {**CLASSES[1], "marks": ["landmark"]}
    asked = document(classes=[CLASSES[0], points])
    validate_document(asked)
    assert messages(content(box()), asked, complete=False) == ""
    said = content(box(label_class="node"))
    assert "“Node” has no marks of kind box" in messages(said, asked, complete=False)


@pytest.mark.parametrize(
    ("looks", "sentence"),
    [
        ([{"target": "1.2.3", "colour": "#ff0000", "hidden": True}], ""),
        ([{"target": "class:lesion", "name": "Cyst", "opacity": 0.5, "locked": True}], ""),
        ([{"target": "class:cyst", "hidden": True}], "neither a mark nor a segment"),
        ([{"target": "9.9", "hidden": True}], "neither a mark nor a segment"),
        ([{"target": "1.2.3", "hidden": True}, {"target": "1.2.3"}], "said twice"),
        ([{"target": "1.2.3", "colour": "red"}], "is not a colour"),
        ([{"target": "1.2.3", "opacity": 2}], "at most 1"),
        ([{"target": "1.2.3", "blink": True}], "Not known here: blink"),
        ([{"hidden": True}], "target"),
    ],
)
def test_a_look_is_of_something_that_is_there(looks: list[dict[str, Any]], sentence: str) -> None:
    said = {**content(box()), "looks": looks}
    found = messages(said, complete=False)
    assert sentence in found
    assert bool(found) == bool(sentence)


def test_required_marks_are_asked_for() -> None:
    asked = document(required_marks=["box"])
    assert "Draw at least one box" in messages(content(finding="no"), asked)
    assert messages(content(box(), finding="no"), asked) == ""


def test_named_landmarks_are_placed_once_each_and_all_where_they_are_required() -> None:
    named = [{**CLASSES[0], "landmarks": ["Nasion", "Sella"]}, CLASSES[1]]

    def point(uid: str, text: str, **changes: Any) -> dict[str, Any]:
        landmark = {"tracking_uid": uid, "kind": "landmark", "points_px": [[1, 2]], "text": text}
        return box(**{**landmark, **changes})

    one, other = point("1.1", "Nasion"), point("1.2", "Sella")
    asked = document(classes=named)
    assert messages(content(one, finding="no"), asked) == ""
    assert "“Nasion” of “Lesion” is placed twice" in messages(
        content(one, point("1.3", "Nasion"), finding="no"), asked
    )
    assert "Say which landmark of “Lesion”" in messages(
        content(point("1.3", "Elsewhere"), finding="no"), asked
    )
    elsewhere = point("1.3", "Nasion", label_class="node")
    assert messages(content(one, elsewhere, finding="no"), asked) == ""
    required = document(classes=named, required_marks=["landmark"])
    assert "Place of “Lesion”: Sella." in messages(content(one, finding="no"), required)
    assert messages(content(one, other, finding="no"), required) == ""
    assert messages(content(one, one | {"tracking_uid": "9"}), required, complete=False) == ""


def test_a_question_on_marks_is_asked_of_each_mark() -> None:
    asked = document(questions=[FINDING, SHAPE])
    said = content(box(), finding="no")
    assert "What shape? Please answer for mark 1 (box)." in messages(said, asked)
    said["answers"].append({"question": "shape", "target": "1.2.3", "value": 1})
    assert messages(said, asked) == ""
    said["answers"][-1]["target"] = "9.9"
    assert "answered for no mark" in messages(said, asked)


def test_an_option_is_compared_with_its_type() -> None:
    assert value_fault(SHAPE, 1) == ""
    for value in ("1", 1.0, True):
        assert value_fault(SHAPE, value) != ""


def test_a_draft_may_be_unfinished_but_not_malformed() -> None:
    half = content(box(points_px=[], label_class=""), size=99, side=["left"])
    assert messages(half, complete=False) == ""
    assert "not a question" in messages(content(colour="red"), complete=False)
    assert "[column, row]" in messages(content(box(points_px=[1])), complete=False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=12,
)
ANYTHING_LIKE_CONTENT = st.fixed_dictionaries(
    {
        "answers": st.lists(
            st.fixed_dictionaries(
                {
                    "question": st.sampled_from(["finding", "side", "size", "seen", "x"]),
                    "value": JSON,
                },
                optional={"target": st.sampled_from(["", "1.2.3"])},
            ),
            max_size=4,
        ),
        "marks": st.lists(
            st.fixed_dictionaries(
                {
                    "tracking_uid": st.sampled_from(["1", "2"]),
                    "kind": st.sampled_from(["box", "contour", "labelmap", "ellipse"]),
                },
                optional={
                    "points_px": JSON,
                    "label_class": st.sampled_from(["", "lesion"]),
                    "frame": JSON,
                },
            ),
            max_size=3,
        ),
    }
)


@given(said=JSON | ANYTHING_LIKE_CONTENT, complete=st.booleans())
def test_whatever_is_sent_the_answer_is_sentences(said: Any, complete: bool) -> None:
    for one in check_content(DOCUMENT, said, complete=complete):
        assert one["message"]


@given(changes=st.dictionaries(st.sampled_from(["classes", "marks", "questions", "x"]), JSON))
def test_whatever_document_is_written_the_refusal_is_sentences(changes: dict[str, Any]) -> None:
    try:
        validate_document(document(**changes))
    except InvalidInput as refused:
        assert refused.extra["errors"]  # noqa: PT017


COUNTS = {
    "box": 2,
    "ellipse": 4,
    "circle": 2,
    "length": 2,
    "bidirectional": 4,
    "angle": 3,
    "cobb_angle": 4,
    "landmark": 1,
    "arrow": 2,
}
FEWEST = {"contour": 3, "polyline": 2}


@pytest.mark.parametrize("kind", [*COUNTS, *FEWEST])
def test_a_mark_has_the_points_of_its_kind_where_the_kind_is_allowed(kind: str) -> None:
    def said(points: int, document: dict[str, Any]) -> str:
        mark = box(kind=kind, points_px=[[n, n + 1.5] for n in range(points)])
        problems = check_content(document, content(mark, finding="no"), complete=True)
        return " ".join(found["message"] for found in problems)

    allowed, others = {**DOCUMENT, "marks": [kind]}, {**DOCUMENT, "marks": ["labelmap"]}
    right = (COUNTS | FEWEST)[kind]
    assert said(right, allowed) == ""
    assert "points" in said(right - 1, allowed)
    assert bool(said(right + 1, allowed)) == (kind in COUNTS)
    assert f"does not use marks of kind {kind}" in said(right, others)

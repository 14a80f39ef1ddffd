"""Label schemas with conditions and rules, and readings by them: made up by Hypothesis, each schema valid."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from annotation.conditions import LEVELS, frame_target

Json = dict[str, Any]

CLASSES = [
    {"code": "lesion", "name": "Lesion", "colour": "#e8a33d", "value": 1},
    {"code": "node", "name": "Node", "colour": "#58b4e0", "value": 2},
]
KINDS = ["box", "contour", "labelmap"]
WORDS = ["a", "b", "c"]
DAYS = ["2023-12-31", "2024-02-29", "2024-03-01"]
ORDERED = ["below", "at_most", "above", "at_least"]
NUMBERS = st.integers(-3, 12) | st.sampled_from([0.5, 4.25, 7.0])
RANGES: dict[str, Json] = {"number": {"min": -2, "max": 10}, "scale": {"min": 1, "max": 5}}
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "choice": st.sampled_from(WORDS),
    "multichoice": st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True),
    "scale": st.integers(1, 5),
    "number": st.integers(-2, 10),
    "text": st.sampled_from([*WORDS, "day"]),
    "date": st.sampled_from(DAYS),
}
"""Values that answer a question of that type."""
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", " ", [], 0, 11, 2.5, True, "z", "2024-02-30", "0000-01-01", "2024-W01-1", ["a", "a"]]
) | st.lists(st.sampled_from([*WORDS, "z"]), max_size=3)
SCENES: st.SearchStrategy[list[Json]] = st.lists(st.integers(0, 3), max_size=3).map(
    lambda frames: [
        {
            "id": 10 + number,
            "uid": f"1.{number}",
            "frames": [frame_target(f"1.{number}.{one}", 1) for one in range(count)],
        }
        for number, count in enumerate(frames)
    ]
)


@st.composite
def comparisons(draw: st.DrawFn, asked: list[Json]) -> Json:
    """One comparison of an answer to one of these questions with a value or with another of them."""
    question = draw(st.sampled_from(asked))
    kind = question["type"]
    orders = kind in ("number", "scale", "date")
    operators = ["equals", "not_equals", "any_of", "answered", *(ORDERED if orders else [])]
    operator = draw(st.sampled_from(operators))
    like = [one for one in asked if _alike(one["type"]) == _alike(kind)]
    if operator == "answered":
        operand: Any = draw(st.booleans())
    elif operator != "any_of" and kind not in ("choice", "multichoice") and draw(st.booleans()):
        operand = {"question": draw(st.sampled_from(like))["code"]}
    elif operator in ORDERED:
        operand = draw(st.sampled_from(DAYS) if kind == "date" else NUMBERS)
    else:
        one = FITTING["choice" if kind == "multichoice" else kind]
        operand = draw(st.lists(one, min_size=1, max_size=3) if operator == "any_of" else one)
    return {"question": question["code"], operator: operand}


def _alike(kind: str) -> str:
    return "number" if kind == "scale" else kind


@st.composite
def conditions(draw: st.DrawFn, questions: list[Json], level: str, depth: int = 3) -> Json:
    """One that a question or rule of that level may have."""
    reach = LEVELS.index(level)
    asked = [one for one in questions if LEVELS.index(one["level"]) <= reach]
    shapes = ["comparison"] * 3 * bool(asked)
    if depth:
        shapes += ["all", "any", "not"] if asked else []
        shapes += ["some", "some"] if level != "mark" else []
    shape = draw(st.sampled_from(shapes or ["any mark"]))
    if shape == "comparison":
        return draw(comparisons(asked))
    if shape in ("all", "any"):
        inner = conditions(questions, level, depth - 1)
        return {shape: draw(st.lists(inner, min_size=1, max_size=3))}
    if shape == "not":
        return {"not": draw(conditions(questions, level, depth - 1))}
    if level == "mark":
        return {"not": {"all": [draw(comparisons(questions))]}} if questions else {}
    finer = draw(st.sampled_from([*LEVELS[reach + 1 :], "mark"]))
    found: Json = {"some": finer}
    if finer == "mark" and draw(st.booleans()):
        found["class"] = draw(st.sampled_from(["lesion", "node"]))
    if finer == "mark" and draw(st.booleans()):
        found["kind"] = draw(st.sampled_from(KINDS))
    reached = [one for one in questions if LEVELS.index(one["level"]) <= LEVELS.index(finer)]
    if reached and draw(st.booleans()):
        found["where"] = draw(conditions(questions, finer, max(depth - 1, 0)))
    return found


@st.composite
def schemas(draw: st.DrawFn) -> Json:
    """Questions of every level and type, in any order; what one depends on was made before it."""
    questions: list[Json] = []
    for number in range(draw(st.integers(1, 6))):
        level = draw(st.sampled_from(LEVELS))
        kind = draw(st.sampled_from(sorted(FITTING)))
        question: Json = {
            "code": f"q{number}", "text": f"Q{number}?", "type": kind, "level": level,
            "required": draw(st.booleans()), **RANGES.get(kind, {}),
        }  # fmt: skip
        if kind in ("choice", "multichoice"):
            question["options"] = [{"value": word, "label": word} for word in WORDS]
        if questions and draw(st.booleans()):
            question["show_if"] = draw(conditions(questions, level)) or None
        questions.append(question)
    rules = []
    for number in range(draw(st.integers(0, 2))):
        level = draw(st.sampled_from(LEVELS))
        then = draw(conditions(questions, level))
        if not then:
            continue
        rule = {"code": f"r{number}", "level": level, "then": then, "message": "Not so."}
        if draw(st.booleans()) and (first := draw(conditions(questions, level))):
            rule["if"] = first
        rules.append(rule)
    shuffled = draw(st.permutations(questions))
    return {"classes": CLASSES, "marks": KINDS, "questions": shuffled, "rules": rules}


@st.composite
def forms(draw: st.DrawFn) -> Json:
    """A schema, what a case is made of, what was drawn on it, and answers: most fitting, some odd."""
    schema, series = draw(schemas()), draw(SCENES)
    frames = [frame for one in series for frame in one["frames"]] or ["9.9#1"]
    marks, painted = [], {}
    for number in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(KINDS))
        mark: Json = {"tracking_uid": f"m{number}", "kind": kind}
        if kind == "labelmap":
            mark |= {"series": draw(st.sampled_from([10, 11, 99])), "mask": "ab" * 32}
            painted[f"m{number}"] = draw(st.lists(st.sampled_from(["lesion", "node"]), unique=True))
        else:
            sop, _, frame = draw(st.sampled_from([*frames, "8.8#1"])).partition("#")
            mark |= {"sop_instance_uid": sop, "frame": int(frame)}
            mark["label_class"] = draw(st.sampled_from(["lesion", "node"]))
        marks.append(mark)
    targets = {
        "case": [""],
        "series": [one["uid"] for one in series],
        "frame": frames,
        "mark": [mark["tracking_uid"] for mark in marks],
    }
    answers = []
    for question in schema["questions"]:
        for target in [*targets[question["level"]], "gone"]:
            if draw(st.integers(0, 4)) == 0:
                continue
            odd = draw(st.integers(0, 5)) == 0
            value = draw(ODD if odd else FITTING[question["type"]])
            answers.append({"question": question["code"], "target": target, "value": value})
    scene = {"series": series, "painted": painted}
    return {"schema": schema, "answers": answers, "marks": marks, "scene": scene}

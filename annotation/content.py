"""What a reader says (answers and marks), checked against a label schema, with a sentence per fault.

A draft is checked for its form alone; a submission (``complete``) for everything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from .conditions import DATE, NOWHERE, Form, Place, Scene, level_of
from .looks import LOOKS, faults_of_looks
from .models import MarkKind
from .validation import Problem, problem, violations

Json = Mapping[str, Any]

ANSWER = {
    "type": "object",
    "required": ["question", "value"],
    "additionalProperties": False,
    "properties": {
        "question": {"type": "string", "maxLength": 64},
        "target": {"type": "string", "maxLength": 100},
        "value": {},
    },
}
MARK = {
    "type": "object",
    "required": ["tracking_uid", "kind"],
    "additionalProperties": False,
    "properties": {
        "tracking_uid": {"type": "string", "minLength": 1, "maxLength": 64},
        "kind": {"enum": MarkKind.values},
        "label_class": {"type": "string", "maxLength": 64},
        "sop_instance_uid": {"type": "string", "maxLength": 64},
        "frame": {"type": ["integer", "null"], "minimum": 1, "maximum": 2**31 - 1},
        "points_px": {"type": "array"},
        "mask": {
            "type": ["string", "null"],
            "pattern": "^[0-9a-f]{64}$",
            "description": "a SHA-256 in small hexadecimal digits",
        },
        "series": {"type": ["integer", "null"], "minimum": 1, "maximum": 2**53},
        "text": {"type": "string", "maxLength": 10_000},
    },
}
DECISION = {
    "type": "object",
    "required": ["suggestion", "item", "decision"],
    "additionalProperties": False,
    "properties": {
        "suggestion": {"type": "integer", "minimum": 1, "maximum": 2**53},
        "item": {"type": "string", "minLength": 1, "maxLength": 100},
        "decision": {"enum": ["accepted", "rejected"]},
    },
}
PROMPT_USE = {
    "type": "object",
    "required": ["prompted", "seconds"],
    "additionalProperties": False,
    "properties": {
        "prompted": {"type": "integer", "minimum": 1, "maximum": 2**53},
        "seconds": {"type": "number", "minimum": 0, "maximum": 86_400},
    },
}
CONTENT = {
    "type": "object",
    "required": ["answers", "marks"],
    "additionalProperties": False,
    "properties": {
        "answers": {"type": "array", "maxItems": 10_000, "items": ANSWER},
        "marks": {"type": "array", "maxItems": 10_000, "items": MARK},
        "suggestions": {"type": "array", "maxItems": 10_000, "items": DECISION},
        "prompted": {"type": "array", "maxItems": 10_000, "items": PROMPT_USE},
        "looks": LOOKS,
    },
}
FEWEST_POINTS = {MarkKind.CONTOUR: 3, MarkKind.POLYLINE: 2}
POINTS = {
    MarkKind.BOX: 2,
    MarkKind.ELLIPSE: 4,
    MarkKind.CIRCLE: 2,
    MarkKind.LENGTH: 2,
    MarkKind.BIDIRECTIONAL: 4,
    MarkKind.ANGLE: 3,
    MarkKind.COBB_ANGLE: 4,
    MarkKind.LANDMARK: 1,
    MarkKind.ARROW: 2,
    MarkKind.LABELMAP: 0,
}
EXACT_INTEGERS = 2**53
STEP_TOLERANCE = 1e-6


def check_content(
    document: Json,
    content: Any,
    *,
    complete: bool,
    scene: Callable[[], Scene] = lambda: NOWHERE,
) -> list[Problem]:
    """All that is wrong with the content; empty when it may be stored.

    ``scene`` gives the series and frames of the case; asked for once the content has the right form.
    """
    wrong = [*violations(content, CONTENT)]
    if wrong:
        return wrong
    found = [*_faults_of_form(document, content), *faults_of_looks(document, content)]
    if complete and not found:
        found += _faults_of_answers(Form(document, content, scene()), content)
        found += _faults_of_marks(document, content)
    return found


def value_fault(question: Json, value: Any) -> str:
    """Why the value does not answer the question; empty when it does."""
    match question["type"]:
        case "multichoice":
            return _fault_of_several(question, value)
        case "choice":
            return _fault_of_option(question, value)
        case "scale" if question.get("options"):
            return _fault_of_option(question, value)
        case "scale":
            whole = isinstance(value, int) and not isinstance(value, bool)
            return _fault_of_number(question, value) if whole else "Choose a whole number."
        case "number":
            return _fault_of_number(question, value)
        case "date":
            return _fault_of_date(value)
    if not isinstance(value, str) or not value.strip():
        return "Write something."
    return "" if len(value) <= 10_000 else "Write at most 10,000 characters."


def _fault_of_option(question: Json, value: Any) -> str:
    options = [option["value"] for option in question["options"]]
    if any(type(value) is type(option) and value == option for option in options):
        return ""
    return f"Choose one of {', '.join(map(str, options))}."


def _fault_of_several(question: Json, value: Any) -> str:
    if not isinstance(value, list) or not value:
        return "Choose at least one."
    if len(value) != len({(type(one), str(one)) for one in value}):
        return "The same option is chosen twice."
    return next(filter(None, (_fault_of_option(question, one) for one in value)), "")


def _fault_of_number(question: Json, value: Any) -> str:
    low, high = question.get("min", -EXACT_INTEGERS), question.get("max", EXACT_INTEGERS)
    if not _is_number(value):
        return "Write a number."
    if low <= value <= high:
        return _fault_of_step(question, value)
    unit = f" {question['unit']}" if question.get("unit") else ""
    return f"Write a number from {low:g} to {high:g}{unit}."


def _fault_of_step(question: Json, value: float) -> str:
    """Steps are counted from the minimum; what a binary fraction cannot say exactly is let pass."""
    step = question.get("step")
    if step is None:
        return ""
    low = question.get("min", 0)
    steps = (value - low) / step
    near = abs(steps - round(steps)) <= STEP_TOLERANCE
    return "" if near else f"Write a number in steps of {step:g} from {low:g}."


def _fault_of_date(value: Any) -> str:
    try:
        # Python would also read a week, such as 2024-W01-1.
        written = DATE.fullmatch(value)
        date.fromisoformat(value)
    except (TypeError, ValueError):
        written = None
    return "" if written else "Write a date as YYYY-MM-DD."


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _faults_of_form(document: Json, content: Json) -> Iterator[Problem]:
    questions = {question["code"] for question in document.get("questions", [])}
    classes = {one["code"]: one for one in document.get("classes", [])}
    given: set[tuple[str, str]] = set()
    for index, answer in enumerate(content["answers"]):
        where = f"answers.{index}"
        if answer["question"] not in questions:
            yield problem(where, f"“{answer['question']}” is not a question of this project.")
        if _place(answer) in given:
            yield problem(where, f"“{answer['question']}” is answered twice.")
        given.add(_place(answer))
    tracked: set[str] = set()
    for index, mark in enumerate(content["marks"]):
        where = f"marks.{index}"
        if mark["kind"] not in document.get("marks", []):
            yield problem(where, f"This project does not use marks of kind {mark['kind']}.")
        if mark.get("label_class") and mark["label_class"] not in classes:
            yield problem(where, f"“{mark['label_class']}” is not a class of this project.")
        elif sentence := _fault_of_kind(classes.get(mark.get("label_class", "")), mark["kind"]):
            yield problem(where, sentence)
        if mark["tracking_uid"] in tracked:
            yield problem(where, "Another mark has the same tracking UID.")
        tracked.add(mark["tracking_uid"])
        if not all(map(_is_point, mark.get("points_px", []))):
            yield problem(where, "points_px must be a list of [column, row], both numbers.")


def _fault_of_kind(label: Json | None, kind: str) -> str:
    """A class may have the kinds of mark that it names, or all of them if it names none."""
    if label is None or kind in label.get("marks", [kind]):
        return ""
    return f"In this project, “{label['name']}” has no marks of kind {kind}."


def _is_point(point: Any) -> bool:
    return isinstance(point, list) and len(point) == 2 and all(map(_is_number, point))


def _faults_of_answers(form: Form, content: Json) -> Iterator[Problem]:
    for index, answer in enumerate(content["answers"]):
        if answer["value"] is None:
            continue
        question = form.questions[answer["question"]]
        if sentence := _fault_of_answer(form, question, answer):
            yield problem(f"answers.{index}", sentence)
    for question, place in form.missing():
        sentence = f"{question['text']} Please answer{_of(form, place)}."
        yield problem(f"answers.{question['code']}", sentence)
    for rule, place in form.broken():
        yield problem(f"rules.{rule['code']}", f"{rule['message']}{_of(form, place, ' ({})')}")


def _fault_of_answer(form: Form, question: Json, answer: Json) -> str:
    code, target = question["code"], answer.get("target", "")
    if sentence := _fault_of_target(form, question, target):
        return sentence
    if not form.is_asked(code, target):
        return f"“{question['text']}” is not asked after the answers given."
    sentence = value_fault(question, answer["value"])
    return f"{question['text']} {sentence}" if sentence else ""


def _fault_of_target(form: Form, question: Json, target: str) -> str:
    level = level_of(question)
    if target in form.targets[level]:
        return ""
    if level == "case":
        return f"“{question['text']}” is asked of the case as a whole."
    if not target:
        return f"“{question['text']}” is asked of each {level}: name it as the target."
    return f"“{question['text']}” is answered for no {level} of this case."


def _of(form: Form, place: Place, pattern: str = " for {}") -> str:
    """Which series, image or mark it is, as a reader counts them; empty for the case."""
    said = []
    if "mark" in place:
        number = list(form.marks).index(place["mark"]) + 1
        said.append(f"mark {number} ({form.marks[place['mark']]['kind']})")
    series = {one.uid: (number, one) for number, one in enumerate(form.scene.series, 1)}
    number, one = series.get(place.get("series", ""), (0, None))
    if one is not None and "frame" in place:
        said.append(f"image {one.frames.index(place['frame']) + 1}")
    if one is not None and (len(series) > 1 or not said):
        said.append(f"series {number}")
    return pattern.format(" of ".join(said)) if said else ""


def _faults_of_marks(document: Json, content: Json) -> Iterator[Problem]:
    drawn = {mark["kind"] for mark in content["marks"]}
    for kind in document.get("required_marks", []):
        if kind not in drawn:
            yield problem("marks", f"Draw at least one {kind} before you submit.")
    for index, mark in enumerate(content["marks"]):
        for sentence in _faults_of_mark(mark):
            yield problem(f"marks.{index}", sentence)
    for label in document.get("classes", []):
        if label.get("landmarks"):
            yield from _faults_of_landmarks(document, label, content["marks"])


def _faults_of_landmarks(document: Json, label: Json, marks: list[Json]) -> Iterator[Problem]:
    """Each landmark that a class names is placed at most once; all of them where landmarks are required."""
    placed: set[str] = set()
    for index, mark in enumerate(marks):
        if mark["kind"] != MarkKind.LANDMARK or mark.get("label_class") != label["code"]:
            continue
        name = mark.get("text", "")
        if name not in label["landmarks"]:
            sentence = f"Say which landmark of “{label['name']}” it is."
            yield problem(f"marks.{index}", sentence)
        elif name in placed:
            sentence = f"“{name}” of “{label['name']}” is placed twice."
            yield problem(f"marks.{index}", sentence)
        placed.add(name)
    missing = [name for name in label["landmarks"] if name not in placed]
    if missing and MarkKind.LANDMARK in document.get("required_marks", []):
        yield problem("marks", f"Place of “{label['name']}”: {', '.join(missing)}.")


def _faults_of_mark(mark: Json) -> Iterator[str]:
    """A labelmap names its classes by value, voxel by voxel; every other mark has one class."""
    kind, points = MarkKind(mark["kind"]), mark.get("points_px", [])
    if kind is MarkKind.LABELMAP:
        if not mark.get("mask") or not mark.get("series"):
            yield "A labelmap needs its series and the SHA-256 of an uploaded mask."
    elif not mark.get("label_class"):
        yield f"Give the {kind} a class."
    elif not mark.get("sop_instance_uid") or not mark.get("frame"):
        yield f"Say on which image and frame the {kind} was drawn."
    if fewest := FEWEST_POINTS.get(kind):
        if len(points) < fewest:
            yield f"A {kind} needs at least {fewest} points."
    elif len(points) != POINTS[kind]:
        yield f"A mark of kind {kind} has {POINTS[kind]} points, not {len(points)}."


def _place(answer: Json) -> tuple[str, str]:
    return answer["question"], answer.get("target", "")

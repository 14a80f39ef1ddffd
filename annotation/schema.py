"""Label schemas: what a project's readers may say. Checks the documents that leads write.

``annotation.content`` checks what readers then say against such a document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .condition_faults import condition_problems
from .conditions import LEVELS
from .content import check_content, value_fault
from .dicom.terms import CATEGORIES
from .models import MarkKind
from .terms import term_fault
from .validation import Problem, problem, require_none, violations

__all__ = ["asks", "check_content", "pictures_named", "problems", "validate_document"]

CODE = {
    "type": "string",
    "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
    "description": "a code: up to 64 letters, digits, dots, hyphens and underscores",
}
TEXT = {"type": "string", "maxLength": 20_000}
SENTENCE = {"type": "string", "minLength": 1, "maxLength": 500}
NAME = {"type": "string", "minLength": 1, "maxLength": 200}
KEY = {
    "type": "string",
    "pattern": "^[0-9A-Za-z]$",
    "description": "a key: one letter or digit",
}
ROOM_KEYS = frozenset("abcdefghijklmnopqrstuvwyz")
"""Letters that the reading room itself acts on; the front end's tests hold its table of actions to it."""
TERM = {
    "type": ["object", "null"],
    "required": ["system", "code", "display"],
    "additionalProperties": False,
    "properties": {"system": NAME, "code": NAME, "display": NAME},
}
KINDS = {"type": "array", "items": {"enum": MarkKind.values}, "uniqueItems": True}
CLASS = {
    "type": "object",
    "required": ["code", "name", "colour", "value"],
    "additionalProperties": False,
    "properties": {
        "code": CODE,
        "name": NAME,
        "colour": {
            "type": "string",
            "pattern": "^#[0-9a-fA-F]{6}$",
            "description": "a colour such as #e8a33d",
        },
        "value": {"type": "integer", "minimum": 1, "maximum": 255},
        "marks": KINDS | {"description": "the kinds it may have; left out: all of the project's"},
        "landmarks": {
            "type": "array",
            "minItems": 2,
            "maxItems": 100,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1, "maxLength": 80, "pattern": r"^\S(.*\S)?$"},
            "description": "names of points that are placed once each, in this order",
        },
        "term": TERM,
        "category": {"enum": sorted(set(CATEGORIES) - {""})},
    },
}
PICTURES = {
    "type": "array",
    "maxItems": 10,
    "items": {
        "type": "object",
        "required": ["picture", "alt"],
        "additionalProperties": False,
        "properties": {
            "picture": {
                "type": "string",
                "pattern": "^[0-9a-f]{64}$",
                "description": "the SHA-256 that was answered when the picture was uploaded",
            },
            "alt": SENTENCE,
            "caption": SENTENCE,
        },
    },
}
BOUND = {"type": ["number", "string", "object"]}
CONDITIONS = {
    "type": "array",
    "minItems": 1,
    "maxItems": 50,
    "items": {"$ref": "#/$defs/condition"},
}
CONDITION = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "question": CODE,
        "equals": {},
        "not_equals": {},
        "any_of": {"type": "array", "minItems": 1, "maxItems": 200},
        "answered": {"type": "boolean"},
        "below": BOUND,
        "at_most": BOUND,
        "above": BOUND,
        "at_least": BOUND,
        "all": CONDITIONS,
        "any": CONDITIONS,
        "not": {"$ref": "#/$defs/condition"},
        "some": {"enum": list(LEVELS[1:])},
        "class": CODE,
        "kind": {"enum": MarkKind.values},
        "where": {"$ref": "#/$defs/condition"},
    },
}
RULE = {
    "type": "object",
    "required": ["code", "then", "message"],
    "additionalProperties": False,
    "properties": {
        "code": CODE,
        "level": {"enum": list(LEVELS)},
        "if": {"$ref": "#/$defs/condition"},
        "then": {"$ref": "#/$defs/condition"},
        "message": SENTENCE,
    },
}
OPTION = {
    "type": "object",
    "required": ["value", "label"],
    "additionalProperties": False,
    "properties": {
        "value": {"type": ["string", "integer"], "maxLength": 200},
        "label": NAME,
        "key": KEY,
        "term": TERM,
        "description": TEXT,
    },
}
QUESTION = {
    "type": "object",
    "required": ["code", "text", "type"],
    "additionalProperties": False,
    "properties": {
        "code": CODE,
        "text": NAME,
        "level": {"enum": list(LEVELS)},
        "classes": {"type": "array", "items": CODE, "minItems": 1, "maxItems": 255},
        "type": {"enum": ["choice", "multichoice", "scale", "number", "text", "date"]},
        "required": {"type": "boolean"},
        "default": {},
        "options": {"type": "array", "minItems": 1, "maxItems": 200, "items": OPTION},
        "min": {"type": "number"},
        "max": {"type": "number"},
        "step": {"type": "number", "exclusiveMinimum": 0},
        "unit": {"type": "string", "maxLength": 40},
        "show_if": {**CONDITION, "type": ["object", "null"]},
        "pictures": PICTURES,
        "guideline": TEXT,
        "term": TERM,
    },
}
DOCUMENT = {
    "type": "object",
    "additionalProperties": False,
    "$defs": {"condition": CONDITION},
    "properties": {
        "classes": {"type": "array", "maxItems": 255, "items": CLASS},
        "marks": KINDS,
        "required_marks": KINDS,
        "questions": {"type": "array", "maxItems": 500, "items": QUESTION},
        "rules": {"type": "array", "maxItems": 200, "items": RULE},
        "guideline": TEXT,
        "pictures": PICTURES,
    },
}
CHOOSING = {"choice", "multichoice"}


def validate_document(document: Mapping[str, Any]) -> None:
    """Raise InvalidInput with a sentence for each thing that is wrong in a label schema."""
    require_none(problems(document), "The label schema")


def asks(document: Mapping[str, Any]) -> bool:
    """Whether a reader has anything to say by it."""
    return bool(document.get("questions") or document.get("marks"))


def problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Each thing that is wrong in a label schema, with its place in the document."""
    wrong = list(violations(document, DOCUMENT))
    yield from wrong
    if wrong:
        return
    questions = document.get("questions", [])
    if not asks(document):
        yield problem("", "It asks nothing: add a question or allow a kind of mark.")
    yield from _problems_of_classes(document)
    repeated = [*_repeated("questions", "code", questions)]
    yield from repeated
    yield from _repeated("rules", "code", document.get("rules", []))
    classes = {one["code"] for one in document.get("classes", [])}
    for index, question in enumerate(questions):
        yield from _problems_of_question(f"questions.{index}", question)
        yield from _problems_of_place(f"questions.{index}.classes", question, classes)
    yield from _problems_of_terms(document)
    if not repeated:
        yield from condition_problems(document)


def pictures_named(document: Mapping[str, Any]) -> dict[str, str]:
    """Place in the document -> SHA-256, of every picture that a guideline shows."""
    asked = {"": document}
    for index, question in enumerate(document.get("questions", [])):
        asked[f"questions.{index}."] = question
    return {
        f"{where}pictures.{number}": one["picture"]
        for where, each in asked.items()
        for number, one in enumerate(each.get("pictures", []))
    }


def _problems_of_classes(document: Mapping[str, Any]) -> Iterator[Problem]:
    classes = document.get("classes", [])
    yield from _repeated("classes", "code", classes)
    yield from _repeated("classes", "value", classes)
    marks = document.get("marks", [])
    if marks and not classes:
        yield problem("classes", "Marks are allowed, so there must be a class to mark.")
    for kind in document.get("required_marks", []):
        if kind not in marks:
            yield problem("required_marks", f"“{kind}” is required but not among the marks.")
    for index, label in enumerate(classes):
        for kind in label.get("marks", []):
            if kind not in marks:
                where = f"classes.{index}.marks"
                yield problem(where, f"“{kind}” is not among the marks of the project.")
        if label.get("landmarks") and "landmark" not in label.get("marks", marks):
            where = f"classes.{index}.landmarks"
            yield problem(where, f"“{label['name']}” names landmarks but may have no landmark.")
    for kind in marks:
        if classes and not any(kind in label.get("marks", [kind]) for label in classes):
            yield problem("classes", f"No class may have marks of kind {kind}.")


def _problems_of_question(where: str, question: Mapping[str, Any]) -> Iterator[Problem]:
    options = question.get("options", [])
    kind = question["type"]
    if kind in CHOOSING and not options:
        yield problem(f"{where}.options", f"A question of type {kind} needs options.")
    if kind == "scale" and not options and not _is_short_range(question):
        yield problem(
            where, "A scale needs options, or a whole-number min and max at most 100 apart."
        )
    if options and kind not in CHOOSING | {"scale"}:
        yield problem(f"{where}.options", f"A question of type {kind} has no options.")
    if "step" in question and kind != "number":
        yield problem(f"{where}.step", "Only a number goes by steps.")
    if "min" in question and "max" in question and question["min"] > question["max"]:
        yield problem(f"{where}.min", "min is larger than max.")
    yield from _repeated(f"{where}.options", "value", options)
    # A key is a key on the keyboard: whether it is written large or small makes no difference.
    keys = [{**one, "key": str(one.get("key", "")).lower()} for one in options]
    yield from _repeated(f"{where}.options", "key", keys)
    for number, option in enumerate(options):
        if str(option.get("key", "")).lower() in ROOM_KEYS:
            yield problem(
                f"{where}.options.{number}.key",
                f"The reading room itself uses the key {option['key']}. Take a digit or another letter.",
            )
    if question.get("default") is not None and (
        sentence := value_fault(question, question["default"])
    ):
        yield problem(f"{where}.default", sentence)


def _problems_of_place(
    where: str, question: Mapping[str, Any], classes: set[str]
) -> Iterator[Problem]:
    if "classes" not in question:
        return
    if question.get("level") != "mark":
        yield problem(where, "Only a question on marks is asked of some classes alone.")
    for code in question["classes"]:
        if code not in classes:
            yield problem(where, f"“{code}” is not a class of this schema.")


def _problems_of_terms(document: Mapping[str, Any]) -> Iterator[Problem]:
    coded = {f"classes.{index}": one for index, one in enumerate(document.get("classes", []))}
    for index, question in enumerate(document.get("questions", [])):
        coded[f"questions.{index}"] = question
        for number, option in enumerate(question.get("options", [])):
            coded[f"questions.{index}.options.{number}"] = option
    for where, one in coded.items():
        if one.get("term") and (sentence := term_fault(one["term"])):
            yield problem(f"{where}.term", sentence)


def _is_short_range(question: Mapping[str, Any]) -> bool:
    low, high = question.get("min"), question.get("max")
    return isinstance(low, int) and isinstance(high, int) and 0 < high - low <= 100


def _repeated(where: str, name: str, items: Iterable[Mapping[str, Any]]) -> Iterator[Problem]:
    """One for each item that has the value of an earlier one. An empty value is none."""
    values = [item[name] for item in items]
    times = Counter(values)
    for index, value in enumerate(values):
        if value != "" and value in values[:index]:
            sentence = f"The {name} “{value}” is used {times[value]} times; it must be unique."
            yield problem(f"{where}.{index}.{name}", sentence)

"""Documents that are stored as JSON, described so that the front end's types know their shape."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotation import hanging_rules
from annotation.dicom.terms import CATEGORIES
from annotation.models import MarkKind, Stream


def _object(required: list[str], /, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


TEXT = {"type": "string"}
SCALAR = {"type": ["string", "number", "boolean"]}
TERM = _object(["system", "code", "display"], system=TEXT, code=TEXT, display=TEXT)
NULLABLE_TERM = {"anyOf": [TERM, {"type": "null"}]}
CLASS = _object(
    ["code", "name", "colour", "value"],
    code=TEXT,
    name=TEXT,
    colour=TEXT,
    value={"type": "integer"},
    marks=_list({"type": "string", "enum": MarkKind.values}),
    term=NULLABLE_TERM,
    category={"type": "string", "enum": sorted(set(CATEGORIES) - {""})},
)
OPTION = _object(
    ["value", "label"], value=SCALAR, label=TEXT, key=TEXT, description=TEXT, term=NULLABLE_TERM
)
CONDITION = {
    "type": "object",
    "additionalProperties": True,
    "description": "question with equals, not_equals, any_of, answered, below, at_most, above or "
    "at_least; or all, any, not, some of such; see annotation.conditions",
}
PICTURES = _list(_object(["picture", "alt"], picture=TEXT, alt=TEXT, caption=TEXT))
RULE = {
    "type": "object",
    "required": ["code", "then", "message"],
    "properties": {
        "code": TEXT,
        "level": {"type": "string", "enum": ["case", "series", "frame", "mark"]},
        "if": CONDITION,
        "then": CONDITION,
        "message": TEXT,
    },
}
QUESTION = _object(
    ["code", "text", "type"],
    code=TEXT,
    text=TEXT,
    level={"type": "string", "enum": ["case", "series", "frame", "mark"]},
    classes=_list(TEXT),
    type={"type": "string", "enum": ["choice", "multichoice", "scale", "number", "text", "date"]},
    required={"type": "boolean"},
    default={},
    options=_list(OPTION),
    min={"type": "number"},
    max={"type": "number"},
    step={"type": "number"},
    unit=TEXT,
    show_if={"anyOf": [CONDITION, {"type": "null"}]},
    term=NULLABLE_TERM,
    pictures=PICTURES,
    guideline=TEXT,
)
LABEL_SCHEMA = _object(
    [],
    classes=_list(CLASS),
    marks=_list({"type": "string", "enum": MarkKind.values}),
    required_marks=_list({"type": "string", "enum": MarkKind.values}),
    questions=_list(QUESTION),
    rules=_list(RULE),
    pictures=PICTURES,
    guideline=TEXT,
)


@extend_schema_field(LABEL_SCHEMA)
class LabelSchemaDocument(serializers.JSONField):
    """Classes, kinds of mark, questions and guideline; checked by ``annotation.schema``."""


@extend_schema_field(
    {"type": "object", "properties": {name: {"type": "number"} for name in Stream.values}}
)
class NumberPerStream(serializers.JSONField):
    """A number for each stream that has one."""


@extend_schema_field({"type": "object", "additionalProperties": TEXT})
class TextPerName(serializers.JSONField):
    """Series attribute to regular expression."""


@extend_schema_field(hanging_rules.DOCUMENT)
class HangingDocument(serializers.JSONField):
    """Hanging protocols, the first choice first; checked by ``annotation.hanging_rules``."""

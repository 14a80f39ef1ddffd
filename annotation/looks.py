"""How a reader wants to see marks and segments: names, colours, opacity, hidden, locked.

Part of a draft and of a read, so that a reading looks on another machine as it was left; no label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .validation import Problem, problem

Json = Mapping[str, Any]

SEGMENT = "class:"
"""A segment, everything painted of one class, is named by its class; a mark by its tracking UID."""
LOOK = {
    "type": "object",
    "required": ["target"],
    "additionalProperties": False,
    "properties": {
        "target": {"type": "string", "minLength": 1, "maxLength": 100},
        "name": {"type": "string", "maxLength": 200},
        "colour": {
            "type": "string",
            "pattern": "^#[0-9a-fA-F]{6}$",
            "description": "a colour such as #e8a33d",
        },
        "opacity": {"type": "number", "minimum": 0, "maximum": 1},
        "hidden": {"type": "boolean"},
        "locked": {"type": "boolean"},
    },
}
LOOKS = {"type": "array", "maxItems": 10_000, "items": LOOK}


def faults_of_looks(document: Json, content: Json) -> Iterator[Problem]:
    """Looks of what is not there, or two of the same."""
    known = {SEGMENT + one["code"] for one in document.get("classes", [])}
    known |= {mark["tracking_uid"] for mark in content["marks"]}
    seen: set[str] = set()
    for index, look in enumerate(content.get("looks", [])):
        where, target = f"looks.{index}", look["target"]
        if target not in known:
            yield problem(where, f"“{target}” is neither a mark nor a segment of this reading.")
        if target in seen:
            yield problem(where, f"The look of “{target}” is said twice.")
        seen.add(target)

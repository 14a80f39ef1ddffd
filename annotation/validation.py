"""Documents that people write (projects, settings) checked against JSON Schema, failures as sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from .errors import InvalidInput

Problem = dict[str, str]

TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "a mapping of names to values",
    "array": "a list",
    "null": "empty",
}


def problem(where: str, message: str) -> Problem:
    return {"where": where, "message": message}


def violations(document: Any, schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Each way in which the document departs from the schema, in the document's order."""
    found = Draft202012Validator(schema).iter_errors(document)
    said = set()
    for error in sorted(found, key=lambda error: [str(step) for step in error.absolute_path]):
        where = ".".join(str(step) for step in error.absolute_path)
        sentence = _sentence(error)
        if (where, sentence) not in said:
            said.add((where, sentence))
            yield problem(where, sentence)


def require_none(problems: Iterable[Problem], subject: str) -> None:
    """Raise InvalidInput that lists the problems, if there are any."""
    listed = list(problems)
    if not listed:
        return
    lines = [
        f"{item['where']}: {item['message']}" if item["where"] else item["message"]
        for item in listed
    ]
    raise InvalidInput(f"{subject} is not valid. {' '.join(lines)}", errors=listed)


def _sentence(error: ValidationError) -> str:
    expected: Any = error.validator_value
    instance: Any = error.instance
    rule: Any = error.schema
    match error.validator:
        case "required":
            missing = [name for name in expected if name not in instance]
            return f"Missing: {', '.join(missing)}."
        case "additionalProperties":
            known = rule.get("properties", {})
            unknown = sorted(str(name) for name in instance if name not in known)
            return f"Not known here: {', '.join(unknown)}. Known are {', '.join(known)}."
        case "enum":
            return f"“{_short(instance)}” is not one of {', '.join(map(str, expected))}."
        case "type":
            names = [expected] if isinstance(expected, str) else expected
            return f"This must be {' or '.join(TYPES[name] for name in names)}."
        case "exclusiveMinimum":
            return f"This must be more than {expected}."
        case "minimum":
            return f"This must be at least {expected}."
        case "maximum":
            return f"This must be at most {expected}."
        case "minLength" | "minItems" | "minProperties":
            return "This must not be empty."
        case "maxLength":
            return f"This may have at most {expected} characters."
        case "pattern":
            allowed = rule.get("description", f"text that matches {expected}")
            return f"“{_short(instance)}” is not {allowed}."
    return f"{error.message}."


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"

"""Coded terms: checked against slips of the pen where their scheme allows it, and found for an answer.

A term is ``{system, code, display}``: the coding scheme by its DICOM designator (PS3.16 section 8), the
code, and its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]
DESIGNATORS = {
    "SNOMED": "SCT",
    "SNOMED CT": "SCT",
    "SNOMED-CT": "SCT",
    "SNOMEDCT": "SCT",
    "RADLEX": "RADLEX",
    "LOINC": "LN",
}
"""What the schemes are called in speech, in capitals -> their designators."""
_TURNED = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 5, 7, 6, 2, 8, 3, 0, 9, 4),
    (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7),
    (9, 4, 5, 3, 1, 2, 6, 8, 7, 0),
    (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5),
    (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)
"""Verhoeff's permutations of the digits, by position from the right."""


def term_fault(term: Json) -> str:
    """Why the term cannot be right; empty where it can."""
    system, code = term["system"], term["code"]
    designator = DESIGNATORS.get(system.upper(), system)
    if designator != system:
        return f"Write the scheme as DICOM does: {designator}, not {system}."
    if system not in _CHECKS:
        return ""
    name, looks, check = _CHECKS[system]
    if not re.fullmatch(looks, code, re.ASCII):
        return f"“{code}” does not look like a code of {name}."
    return "" if check(code) else f"“{code}” has a wrong check digit: it is no code of {name}."


def concept_of(document: Json, code: str) -> Json | None:
    """The term of a question."""
    question = _question(document, code)
    return question.get("term") if question else None


def meanings_of(document: Json, code: str, value: Any) -> list[Json]:
    """The terms of the options that an answer chooses, in its order."""
    question = _question(document, code) or {}
    terms = {str(one["value"]): one.get("term") for one in question.get("options", [])}
    chosen = value if isinstance(value, list) else [value]
    return [term for one in chosen if (term := terms.get(str(one)))]


def codebook(document: Json) -> Iterator[tuple[str, str, str, str, str, str]]:
    """A row for each class, question and option: of what, code, its text, then scheme, code, meaning."""
    for one in document.get("classes", []):
        yield ("class", one["code"], one["name"], *_columns(one))
    for question in document.get("questions", []):
        yield ("question", question["code"], question["text"], *_columns(question))
        for option in question.get("options", []):
            name = f"{question['code']}={option['value']}"
            yield ("option", name, option["label"], *_columns(option))


def _columns(one: Json) -> tuple[str, str, str]:
    term = one.get("term") or {}
    return term.get("system", ""), term.get("code", ""), term.get("display", "")


def _question(document: Json, code: str) -> Json | None:
    return next((one for one in document.get("questions", []) if one["code"] == code), None)


def _verhoeff(code: str) -> bool:
    """The check digit of SNOMED CT identifiers."""
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = _product(check, _permuted(int(digit), place % 8))
    return check == 0


def _permuted(digit: int, times: int) -> int:
    return _TURNED[times][digit]


def _product(one: int, other: int) -> int:
    """In the dihedral group of the pentagon: 0 to 4 turn it, 5 to 9 turn it over."""
    if one < 5:
        return (one + other) % 5 if other < 5 else 5 + (one + other - 5) % 5
    return 5 + (one - 5 - other) % 5 if other < 5 else (one - other) % 5


def _luhn(code: str) -> bool:
    """The check digit of LOINC codes: modulus 10, doubled from the right."""
    digits = [int(digit) for digit in reversed(code.replace("-", ""))]
    doubled = [2 * digit - (9 if digit > 4 else 0) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


_CHECKS: dict[str, tuple[str, str, Callable[[str], bool]]] = {
    "SCT": ("SNOMED CT", "[1-9][0-9]{5,17}", _verhoeff),
    "RADLEX": ("RadLex", "RID[0-9]{1,7}", bool),
    "LN": ("LOINC", "[0-9]{1,7}-[0-9]", _luhn),
}

"""Intake rules: which series a project takes by itself, as regular expressions on their attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .dicom.attributes import RULE_ATTRIBUTES as HEADER_ATTRIBUTES

# What a rule may name: the header's attributes, and how the image store came by the object.
ATTRIBUTES = (*HEADER_ATTRIBUTES, "Origin", "RemoteAET", "CalledAET", "RemoteIP")
LONGEST = 200
MOST_REPEATS = 3
_TEXT_READ = 200

_LITERAL = re.compile(r"\\.|\[\^?\]?[^\]]*\]", re.DOTALL)
_REPEAT = r"[*+?{]"


def matches(rule: Mapping[str, str], attributes: Mapping[str, str]) -> bool:
    """Every expression is found in its attribute, whatever the case. An empty rule takes nothing."""
    return bool(rule) and all(
        _is_found(expression, attributes.get(name, "")) for name, expression in rule.items()
    )


def may_match(rule: Mapping[str, str], attributes: Mapping[str, str]) -> bool:
    """As far as the attributes are known: what could not be read speaks for nobody and against nobody."""
    known = {name: expression for name, expression in rule.items() if name in attributes}
    return bool(rule) and (not known or matches(known, attributes))


def objections(expression: str) -> Iterator[str]:
    """Why the expression is no rule. One that passes cannot take long on any text."""
    try:
        re.compile(expression)
    except re.error as error:
        yield f"Not a regular expression: {error}."
        return
    # Nested or many repeats are what makes a backtracking search run for years.
    bones = _LITERAL.sub("x", expression).replace("(?:", "(")
    if len(expression) > LONGEST:
        yield f"Longer than {LONGEST} characters. Make it shorter."
    if "(?" in bones:
        yield "Look-around, flags and named groups are not allowed. Use plain groups."
    if re.search(rf"\){_REPEAT}", bones):
        yield "A group must not be repeated. Write out what it may hold."
    if re.search(r"\\[1-9]", expression):
        yield "References to a group are not allowed. Write out what it may hold."
    if len(re.findall(_REPEAT, bones)) > MOST_REPEATS:
        yield f"More than {MOST_REPEATS} repeats (* + ? and braces). Use fewer."


def _is_found(expression: str, text: str) -> bool:
    return re.search(expression, text[:_TEXT_READ], re.IGNORECASE) is not None

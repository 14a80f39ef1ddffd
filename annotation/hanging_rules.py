"""Hanging protocols as rules: which one fits a case, and which series goes into which pane.

Plain values in, plain values out. A document is a list of protocols; the first that fits a case is
the one it opens with, the others that fit follow by key. Built-in ones come after the project's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from .validation import Problem, problem, require_none, violations

Json: TypeAlias = Mapping[str, Any]
Origin: TypeAlias = Literal["case", "study", "prior"]

MOST_PROTOCOLS = 100
SHOWN_AS = ("stack", "axial", "sagittal", "coronal")
LINKS = ("scroll", "window", "view")

_CODE = {
    "type": "string",
    "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
    "description": "a code: up to 64 letters, digits, dots, hyphens and underscores",
}
_WORDS = {
    "type": "array",
    "maxItems": 30,
    "items": {"type": "string", "minLength": 1, "maxLength": 64},
}
_COUNT = {"type": "integer", "minimum": 1, "maximum": 1000}
_SIDE = {"type": "integer", "minimum": 1, "maximum": 3}
_WINDOW = {
    "type": ["object", "null"],
    "required": ["center", "width"],
    "additionalProperties": False,
    "properties": {
        "center": {"type": "number", "minimum": -1e6, "maximum": 1e6},
        "width": {"type": "number", "minimum": 1, "maximum": 1e6},
    },
}
_WHEN = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "modality": _WORDS,
        "body_part": _WORDS,
        "description": _WORDS,
        "series": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"min": _COUNT, "max": _COUNT},
        },
        "prior": {"type": "boolean"},
    },
}
_PANE = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "properties": {
        "from": {"enum": ["case", "study", "prior"]},
        "modality": _WORDS,
        "description": _WORDS,
        "number": _COUNT,
        "show": {"enum": list(SHOWN_AS)},
        "window": _WINDOW,
    },
}
_PROTOCOL = {
    "type": "object",
    "required": ["code", "name", "layout", "panes"],
    "additionalProperties": False,
    "properties": {
        "code": _CODE,
        "name": {"type": "string", "minLength": 1, "maxLength": 100},
        "when": _WHEN,
        "layout": {
            "type": "object",
            "required": ["rows", "columns"],
            "additionalProperties": False,
            "properties": {"rows": _SIDE, "columns": _SIDE},
        },
        "panes": {"type": "array", "minItems": 1, "maxItems": 9, "items": _PANE},
        "links": {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: {"type": "boolean"} for name in LINKS},
        },
        "crosshairs": {"type": "boolean"},
    },
}
DOCUMENT = {
    "type": "object",
    "required": ["protocols"],
    "additionalProperties": False,
    "properties": {
        "protocols": {"type": "array", "maxItems": MOST_PROTOCOLS, "items": _PROTOCOL},
    },
}
EMPTY: Json = {"protocols": []}

_FIRST: Json = {"from": "case", "number": 1}
_SECOND: Json = {"from": "case", "number": 2}
BUILT_IN: Sequence[Json] = (
    {
        "code": "built-in.four-views",
        "name": "Four views",
        "when": {"modality": ["MG"], "series": {"min": 3, "max": 4}},
        "layout": {"rows": 2, "columns": 2},
        "panes": [{"from": "case", "number": number} for number in (1, 2, 3, 4)],
    },
    {
        "code": "built-in.two-views",
        "name": "Two views",
        "when": {"modality": ["MG", "CR", "DX", "RG"], "series": {"min": 2, "max": 2}},
        "layout": {"rows": 1, "columns": 2},
        "panes": [_FIRST, _SECOND],
    },
    {
        "code": "built-in.one",
        "name": "One image",
        "layout": {"rows": 1, "columns": 1},
        "panes": [_FIRST],
    },
    {
        "code": "built-in.prior",
        "name": "With the prior",
        "when": {"prior": True},
        "layout": {"rows": 1, "columns": 2},
        "panes": [_FIRST, {"from": "prior", "number": 1}],
        "links": {"scroll": True},
    },
    {
        "code": "built-in.two-series",
        "name": "Two series",
        "when": {"series": {"min": 2}},
        "layout": {"rows": 1, "columns": 2},
        "panes": [_FIRST, _SECOND],
        "links": {"scroll": True},
    },
)


@dataclass(frozen=True)
class Shown:
    """A series that a reader of the case may see. ``origin``: of the case, of its study, or earlier."""

    id: int
    modality: str
    description: str
    body_part: str = ""
    origin: Origin = "case"


@dataclass(frozen=True)
class Facts:
    """What rules may ask of a case. ``series``: in the order in which panes count them."""

    modality: str
    body_part: str
    series: Sequence[Shown]

    def of(self, origin: str) -> list[Shown]:
        return [one for one in self.series if one.origin == origin]


def validate(document: Any) -> None:
    """Raise InvalidInput with a sentence for each thing that is wrong in the document."""
    require_none(_problems(document), "The list of hanging protocols")


def hang(document: Json, facts: Facts) -> list[dict[str, Any]]:
    """Each protocol that fits and fills at least one pane, the first choice first, with its series."""
    own = [(protocol, False) for protocol in document["protocols"]]
    hung = []
    for protocol, built_in in [*own, *((protocol, True) for protocol in BUILT_IN)]:
        if not fits(protocol, facts):
            continue
        panes = [_pane(rule, facts) for rule in protocol["panes"]]
        if any(pane["series"] is not None for pane in panes):
            hung.append(_hung(protocol, panes, facts, built_in=built_in))
    return hung


def fits(protocol: Json, facts: Facts) -> bool:
    """Whether every condition of the protocol holds; one without conditions fits every case."""
    return all(_conditions(protocol.get("when", {}), facts).values())


def _conditions(when: Json, facts: Facts) -> dict[str, bool]:
    own = facts.of("case")
    many = when.get("series", {})
    found = {}
    if when.get("modality"):
        modalities = {facts.modality, *(one.modality for one in own)}
        found["modality"] = any(_is_in(name, when["modality"]) for name in modalities)
    if when.get("body_part"):
        parts = {facts.body_part, *(one.body_part for one in own)}
        found["body part"] = any(_is_in(name, when["body_part"]) for name in parts)
    if when.get("description"):
        found["series description"] = any(
            _mentions(one.description, when["description"]) for one in own
        )
    if many:
        found["number of series"] = many.get("min", 1) <= len(own) <= many.get("max", len(own))
    if "prior" in when:
        found["prior"] = bool(facts.of("prior")) == when["prior"]
    return found


def _is_in(name: str, wanted: Sequence[str]) -> bool:
    return name.casefold() in {one.casefold() for one in wanted}


def _mentions(text: str, words: Sequence[str]) -> bool:
    return any(word.casefold() in text.casefold() for word in words)


def _pane(rule: Json | None, facts: Facts) -> dict[str, Any]:
    """The series of that number among those that the rule admits; none where there are fewer."""
    if rule is None:
        return {"series": None, "show": "stack", "window": None}
    admitted = [
        one
        for one in facts.of(rule.get("from", "case"))
        if (not rule.get("modality") or _is_in(one.modality, rule["modality"]))
        and (not rule.get("description") or _mentions(one.description, rule["description"]))
    ]
    place = rule.get("number", 1) - 1
    return {
        "series": admitted[place].id if place < len(admitted) else None,
        "show": rule.get("show", "stack"),
        "window": rule.get("window"),
    }


def _hung(
    protocol: Json, panes: list[dict[str, Any]], facts: Facts, *, built_in: bool
) -> dict[str, Any]:
    links = protocol.get("links", {})
    return {
        "code": protocol["code"],
        "name": protocol["name"],
        "built_in": built_in,
        "why": _why(protocol.get("when", {}), facts),
        "layout": dict(protocol["layout"]),
        "panes": panes,
        "links": {name: bool(links.get(name, False)) for name in LINKS},
        "crosshairs": bool(protocol.get("crosshairs", False)),
    }


def _why(when: Json, facts: Facts) -> str:
    """What of the case made the protocol fit, for the reader who sees it applied."""
    met = _conditions(when, facts)
    own = facts.of("case")
    said = {
        "modality": facts.modality,
        "body part": facts.body_part or ", ".join(sorted({one.body_part for one in own})),
        "series description": ", ".join(when.get("description", [])),
        "number of series": f"{len(own)} series",
        "prior": "an earlier study" if facts.of("prior") else "no earlier study",
    }
    return ", ".join(said[name] for name in met if said[name]) or "any case"


def _problems(document: Any) -> Iterator[Problem]:
    wrong = list(violations(document, DOCUMENT))
    yield from wrong
    if wrong:
        return
    codes = Counter(protocol["code"] for protocol in document["protocols"])
    for index, protocol in enumerate(document["protocols"]):
        where = f"protocols.{index}"
        if codes[protocol["code"]] > 1:
            yield problem(where, f"Another protocol has the code “{protocol['code']}”.")
        if protocol["code"].startswith("built-in."):
            yield problem(where, "Codes that begin with “built-in.” are taken.")
        yield from _problems_of(where, protocol)


def _problems_of(where: str, protocol: Json) -> Iterator[Problem]:
    room = protocol["layout"]["rows"] * protocol["layout"]["columns"]
    if len(protocol["panes"]) > room:
        yield problem(
            f"{where}.panes", f"The layout has {room} panes, not {len(protocol['panes'])}."
        )
    if all(pane is None for pane in protocol["panes"]):
        yield problem(f"{where}.panes", "Say for at least one pane what it shows.")
    many = protocol.get("when", {}).get("series", {})
    if many.get("min", 1) > many.get("max", 1000):
        yield problem(f"{where}.when.series", "The least number of series is above the largest.")

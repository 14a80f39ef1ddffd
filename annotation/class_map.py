"""From the words of whoever made the marks to the classes, questions and options of the label schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .content import value_fault
from .dicom.outside import Concept, Said
from .dicom.terms import PRIVATE, Term, term_of

Json = Mapping[str, Any]


@dataclass
class ClassMap:
    """``table``: what the source calls something -> class; it goes before what can be guessed.
    ``unknown``: names that stood for no class so far.
    """

    document: Json
    table: Mapping[str, str]
    unknown: dict[str, None] = field(default_factory=dict)

    def class_of(self, concept: Concept) -> Json | None:
        """The class, None if it has none or is left out; one that nobody has decided on is noted."""
        classes = {one["code"]: one for one in self.document.get("classes", [])}
        for name in concept.names:
            if name in self.table:
                return classes.get(self.table[name])
        found = self._guessed(concept)
        if found is None:
            self.unknown[concept.label] = None
        return found

    def _guessed(self, concept: Concept) -> Json | None:
        """The same coded term, else the same code or name, else (for a value of a mask) the same value."""
        classes = self.document.get("classes", [])
        words = {name.casefold() for name in concept.names}
        for one in classes:
            term = term_of(one["code"], one["name"], one.get("term"))
            if concept.term is not None and concept.term.key == term.key:
                return dict(one)
        for one in classes:
            if {one["code"].casefold(), one["name"].casefold()} & words:
                return dict(one)
        if concept.term is None:
            return next((one for one in classes if str(one["value"]) == concept.label), None)
        return None


def answer_of(document: Json, said: Said) -> tuple[Json, Any] | None:
    """The question and the value that it is an answer to; None where the schema asks nothing like it."""
    for question in document.get("questions", []):
        term = term_of(question["code"], question["text"], question.get("term"))
        if term.key != said.question.key:
            continue
        value = _value(question, said)
        if value is not None:
            return question, value
    return None


def _value(question: Json, said: Said) -> Any:
    if said.value is not None:
        chosen = next((one for one in question.get("options", []) if _is(one, said.value)), None)
        if chosen is None:
            number = said.value.value if said.value.scheme == PRIVATE else ""
            return _checked(question, int(number)) if number.lstrip("-").isdigit() else None
        return _checked(
            question, [chosen["value"]] if question["type"] == "multichoice" else chosen["value"]
        )
    if said.number is not None:
        whole = said.number.is_integer() and question["type"] == "scale"
        return _checked(question, int(said.number) if whole else said.number)
    return _checked(question, said.text) if said.text else None


def _is(option: Json, value: Term) -> bool:
    return term_of(str(option["value"]), option["label"], option.get("term")).key == value.key


def _checked(question: Json, value: Any) -> Any:
    return None if value_fault(question, value) else value

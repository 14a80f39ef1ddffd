"""Which questions are asked and which rules are broken: the one meaning of a label schema's conditions.

Three values, as in SQL: True, False, and None (unknown) where an answer that a comparison needs was not
given or does not count. A question is asked where its condition is true; a rule is broken where its
``then`` is false. frontend/src/pages/reading-room/conditions.ts says the same in the browser, and
tests/data/form_cases.json holds both to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

Json = Mapping[str, Any]
Place = Mapping[str, str]
"""Level -> target, from the case down to the place's own level, which comes last."""

LEVELS = ("case", "series", "frame", "mark")
CASE: Place = {"case": ""}
OPERATORS = ("equals", "not_equals", "any_of", "answered", "below", "at_most", "above", "at_least")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True)
class SeriesOfCase:
    """``frames``: their targets in the order in which they are shown, as ``frame_target`` makes them."""

    id: int
    uid: str
    frames: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """What a case is made of. ``painted``: tracking UID of a labelmap -> codes of the classes in it."""

    series: tuple[SeriesOfCase, ...] = ()
    painted: Mapping[str, frozenset[str]] = field(default_factory=dict)


NOWHERE = Scene()


def frame_target(sop_instance_uid: str, frame: int | None) -> str:
    """What an answer on one frame names: frames count from 1 within their instance, as in DICOM."""
    return f"{sop_instance_uid}#{frame}"


def level_of(asked: Json) -> str:
    """The level of a question or of a rule."""
    level: str = asked.get("level", "case")
    return level


def questions_named(condition: Json | None) -> Iterator[str]:
    """The codes of all questions that the condition looks at."""
    if not condition:
        return
    if "question" in condition:
        yield condition["question"]
    for operand in condition.values():
        if isinstance(operand, Mapping):
            yield from questions_named(operand)
    for several in (condition.get("all", []), condition.get("any", [])):
        for one in several:
            yield from questions_named(one)


def dependencies(questions: Iterable[Json]) -> dict[str, set[str]]:
    """Code of a question -> codes of those that decide whether it is asked."""
    return {one["code"]: set(questions_named(one.get("show_if"))) for one in questions}


class Form:
    """A label schema with what one reader said by it. The content is of the right form, the schema valid."""

    def __init__(self, document: Json, content: Json, scene: Scene = NOWHERE) -> None:
        self.scene = scene
        self.questions: dict[str, Json] = {
            one["code"]: one for one in document.get("questions", [])
        }
        self.rules: Sequence[Json] = document.get("rules", [])
        self.marks: dict[str, Json] = {one["tracking_uid"]: one for one in content["marks"]}
        self.answers = {
            (one["question"], one.get("target", "")): one["value"]
            for one in content["answers"]
            if not is_empty(one["value"])
        }
        self.places = _places(scene, self.marks.values())
        self.targets = {
            level: {place[level] for place in places} for level, places in self.places.items()
        }
        self._inside: dict[tuple[str, str, str], list[Place]] = {}
        self._asked: dict[tuple[str, str], bool] = {}
        for code in TopologicalSorter(dependencies(self.questions.values())).static_order():
            for place in self.places_of(self.questions[code]):
                question = self.questions[code]
                shown = self._is_of_class(question, place) and self.holds(
                    question.get("show_if"), place
                )
                self._asked[code, self.target(question, place)] = shown is True

    def places_of(self, asked: Json) -> list[Place]:
        """Where a question or a rule of that level applies."""
        return self.places[level_of(asked)]

    def target(self, question: Json, place: Place) -> str:
        return place[level_of(question)]

    def is_asked(self, code: str, target: str) -> bool:
        return self._asked.get((code, target), False)

    def missing(self) -> Iterator[tuple[Json, Place]]:
        """Required questions that are asked and not answered, each with where."""
        for question in self.questions.values():
            if not question.get("required"):
                continue
            for place in self.places_of(question):
                key = (question["code"], self.target(question, place))
                if self._asked[key] and key not in self.answers:
                    yield question, place

    def broken(self) -> Iterator[tuple[Json, Place]]:
        """Rules that the answers break, each with where."""
        for rule in self.rules:
            for place in self.places_of(rule):
                if self.holds(rule.get("if"), place) and self.holds(rule["then"], place) is False:
                    yield rule, place

    def holds(self, condition: Json | None, place: Place) -> bool | None:
        """None: unknown. No condition at all holds."""
        if not condition:
            return True
        if "all" in condition:
            return _all([self.holds(one, place) for one in condition["all"]])
        if "any" in condition:
            return _any([self.holds(one, place) for one in condition["any"]])
        if "not" in condition:
            return _not(self.holds(condition["not"], place))
        if "some" in condition:
            return self._some(condition, place)
        return self._compares(condition, place)

    def _some(self, condition: Json, place: Place) -> bool | None:
        found = [
            self.holds(condition.get("where"), inner)
            for inner in self._within(place, condition["some"])
            if self._is_such(condition, inner)
        ]
        return _any(found)

    def _is_of_class(self, question: Json, place: Place) -> bool:
        """Whether a question on marks of some classes is one on this mark."""
        codes = question.get("classes", [])
        return not codes or any(
            self._is_such({"some": "mark", "class": one}, place) for one in codes
        )

    def _is_such(self, condition: Json, place: Place) -> bool:
        if condition["some"] != "mark":
            return True
        mark = self.marks[place["mark"]]
        if condition.get("kind", mark["kind"]) != mark["kind"]:
            return False
        if "class" not in condition:
            return True
        painted = self.scene.painted.get(place["mark"], frozenset())
        return condition["class"] == mark.get("label_class") or condition["class"] in painted

    def _within(self, place: Place, level: str) -> list[Place]:
        own = next(reversed(tuple(place)))
        key = (level, own, place[own])
        if key not in self._inside:
            self._inside[key] = [one for one in self.places[level] if one.get(own) == place[own]]
        return self._inside[key]

    def _compares(self, condition: Json, place: Place) -> bool | None:
        value = self._value(condition["question"], place)
        [(operator, operand)] = [
            (name, one) for name, one in condition.items() if name != "question"
        ]
        if operator == "answered":
            return (value is not None) is operand
        if isinstance(operand, Mapping):
            operand = self._value(operand["question"], place)
        if value is None or operand is None:
            return None
        return _COMPARE[operator](value, operand)

    def _value(self, code: str, place: Place) -> Any:
        """The answer that counts here; None where there is none, or the question is not asked."""
        target = place.get(level_of(self.questions[code]))
        if target is None or not self.is_asked(code, target):
            return None
        return self.answers.get((code, target))


def is_empty(value: Any) -> bool:
    """No answer, or one that was taken back."""
    return value is None or value in ("", [])


def _places(scene: Scene, marks: Iterable[Json]) -> dict[str, list[Place]]:
    series: list[Place] = [{**CASE, "series": one.uid} for one in scene.series]
    frames: list[Place] = [
        {**place, "frame": target}
        for place, one in zip(series, scene.series, strict=True)
        for target in one.frames
    ]
    by_frame = {place["frame"]: place for place in frames}
    by_series = {one.id: place for place, one in zip(series, scene.series, strict=True)}
    drawn: list[Place] = []
    for mark in marks:
        target = frame_target(mark.get("sop_instance_uid", ""), mark.get("frame"))
        around = by_frame.get(target) or by_series.get(mark.get("series") or 0, CASE)
        drawn.append({**around, "mark": mark["tracking_uid"]})
    return {"case": [CASE], "series": series, "frame": frames, "mark": drawn}


def _all(found: Sequence[bool | None]) -> bool | None:
    if False in found:
        return False
    return None if None in found else True


def _any(found: Sequence[bool | None]) -> bool | None:
    return _not(_all([_not(one) for one in found]))


def _not(found: bool | None) -> bool | None:
    return None if found is None else not found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        return bool(one == other)
    return isinstance(one, str) and isinstance(other, str) and one == other


def _equals(value: Any, operand: Any) -> bool:
    """Of a multiple choice: whether the operand is among what was chosen."""
    return any(_same(one, operand) for one in (value if isinstance(value, list) else [value]))


def _ordered(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | None]:
    def compare(value: Any, operand: Any) -> bool | None:
        both = (value, operand)
        dates = all(isinstance(one, str) and DATE.fullmatch(one) for one in both)
        return holds(value, operand) if dates or all(map(_is_number, both)) else None

    return compare


_COMPARE: dict[str, Callable[[Any, Any], bool | None]] = {
    "equals": _equals,
    "not_equals": lambda value, operand: not _equals(value, operand),
    "any_of": lambda value, operand: any(_equals(value, one) for one in operand),
    "below": _ordered(lambda value, operand: value < operand),
    "at_most": _ordered(lambda value, operand: value <= operand),
    "above": _ordered(lambda value, operand: value > operand),
    "at_least": _ordered(lambda value, operand: value >= operand),
}

"""What is wrong with the conditions and rules of a label schema, said to the person who wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from .conditions import DATE, LEVELS, OPERATORS, dependencies, level_of
from .content import value_fault
from .validation import Problem, problem

Json = Mapping[str, Any]
SHAPES = ("question", "all", "any", "not", "some")
ORDERED = ("below", "at_most", "above", "at_least")
OF_SOME = ("class", "kind", "where")


def condition_problems(document: Json) -> Iterator[Problem]:
    """Each fault of a condition or a rule. The document has the right form and its codes are unique."""
    checker = _Checker(document)
    for index, question in enumerate(document.get("questions", [])):
        if question.get("show_if"):
            where = f"questions.{index}.show_if"
            yield from checker.faults(where, question["show_if"], level_of(question))
    yield from _cycle(document)
    for index, rule in enumerate(document.get("rules", [])):
        for part in ("if", "then"):
            if part in rule:
                yield from checker.faults(f"rules.{index}.{part}", rule[part], level_of(rule))


def _cycle(document: Json) -> Iterator[Problem]:
    questions = document.get("questions", [])
    try:
        TopologicalSorter(dependencies(questions)).prepare()
    except CycleError as cycle:
        steps = list(reversed(cycle.args[1]))
        index = [one["code"] for one in questions].index(steps[0])
        if len(steps) == 2:
            yield problem(f"questions.{index}.show_if", f"“{steps[0]}” depends on itself.")
            return
        path = " on ".join(f"“{code}”" for code in steps[1:])
        yield problem(
            f"questions.{index}.show_if",
            f"The conditions go round in a circle: “{steps[0]}” depends on {path}. "
            "None of them could ever be shown.",
        )


class _Checker:
    def __init__(self, document: Json) -> None:
        self.questions: dict[str, Json] = {
            one["code"]: one for one in document.get("questions", [])
        }
        self.classes = {one["code"] for one in document.get("classes", [])}
        self.marks = document.get("marks", [])

    def faults(self, where: str, condition: Json, level: str) -> Iterator[Problem]:
        shapes = [name for name in SHAPES if name in condition]
        if len(shapes) != 1:
            yield problem(where, f"A condition has exactly one of {', '.join(SHAPES)}.")
            return
        [shape] = shapes
        operators = [name for name in OPERATORS if name in condition]
        allowed = {"question": OPERATORS, "some": OF_SOME}.get(shape, ())
        if strange := [name for name in condition if name != shape and name not in allowed]:
            yield problem(where, f"Beside “{shape}” there can be no {', '.join(strange)}.")
            return
        if shape == "question":
            yield from self._faults_of_comparison(where, condition, operators, level)
        elif shape == "some":
            yield from self._faults_of_some(where, condition, level)
        elif shape == "not":
            yield from self.faults(f"{where}.not", condition["not"], level)
        else:
            for index, one in enumerate(condition[shape]):
                yield from self.faults(f"{where}.{shape}.{index}", one, level)

    def _faults_of_some(self, where: str, condition: Json, level: str) -> Iterator[Problem]:
        inner = condition["some"]
        if LEVELS.index(inner) <= LEVELS.index(level):
            yield problem(f"{where}.some", f"A {level} holds no {inner}: name a finer level.")
        narrowed = [name for name in ("class", "kind") if name in condition]
        if narrowed and inner != "mark":
            yield problem(f"{where}.{narrowed[0]}", f"Only a mark has a {narrowed[0]}.")
        if condition.get("class", None) not in {None, *self.classes}:
            yield problem(
                f"{where}.class", f"“{condition['class']}” is not a class of this schema."
            )
        if condition.get("kind", None) not in {None, *self.marks}:
            yield problem(
                f"{where}.kind", f"This schema allows no marks of kind {condition['kind']}."
            )
        if "where" in condition:
            yield from self.faults(f"{where}.where", condition["where"], inner)

    def _faults_of_comparison(
        self, where: str, condition: Json, operators: list[str], level: str
    ) -> Iterator[Problem]:
        if len(operators) != 1:
            yield problem(
                where, f"Say once how the answer is compared, by one of {', '.join(OPERATORS)}."
            )
            return
        [operator] = operators
        wrong = [*self._faults_of_name(f"{where}.question", condition["question"], level)]
        operand = condition[operator]
        other = operand if isinstance(operand, Mapping) else None
        if other is not None:
            wrong += self._faults_of_other(f"{where}.{operator}", other, level)
        yield from wrong
        if wrong:
            return
        asked = self.questions[condition["question"]]
        if sentence := self._misfit(asked, operator, operand):
            yield problem(f"{where}.{operator}", sentence)

    def _faults_of_name(self, where: str, code: str, level: str) -> Iterator[Problem]:
        if code not in self.questions:
            known = ", ".join(self.questions)
            yield problem(where, f"There is no question “{code}”. There are {known or 'none'}.")
            return
        asked = level_of(self.questions[code])
        if LEVELS.index(asked) > LEVELS.index(level):
            yield problem(
                where,
                f"“{code}” is asked of each {asked}, so a {level} has many answers to it. "
                f'Write {{"some": "{asked}", "where": …}}.',
            )

    def _faults_of_other(self, where: str, other: Json, level: str) -> Iterator[Problem]:
        if set(other) != {"question"} or not isinstance(other["question"], str):
            yield problem(where, 'To compare with another answer, write {"question": its code}.')
            return
        yield from self._faults_of_name(f"{where}.question", other["question"], level)

    def _misfit(self, asked: Json, operator: str, operand: Any) -> str:
        if operator == "answered":
            return ""
        if isinstance(operand, Mapping):
            return self._misfit_of_two(asked, operator, self.questions[operand["question"]])
        if operator in ORDERED:
            return _misfit_of_order(asked, operand)
        each = operand if operator == "any_of" else [operand]
        wrap = asked["type"] == "multichoice"
        faults = (value_fault(asked, [one] if wrap else one) for one in each)
        fault = next(filter(None, faults), "")
        return f"“{asked['code']}” is never answered so. {fault}" if fault else ""

    def _misfit_of_two(self, asked: Json, operator: str, other: Json) -> str:
        one, two = _kind(asked), _kind(other)
        if operator == "any_of":
            return "any_of needs a list of values."
        if operator in ORDERED and one not in ("number", "date"):
            return f"“{asked['code']}” is no number, scale of numbers or date, so it has no order."
        if one != two or "multichoice" in (one, two):
            return f"“{asked['code']}” and “{other['code']}” cannot be compared: {one} and {two}."
        return ""


def _misfit_of_order(asked: Json, operand: Any) -> str:
    match _kind(asked):
        case "number":
            fits = isinstance(operand, int | float) and not isinstance(operand, bool)
            return "" if fits else f"“{asked['code']}” is a number: compare it with a number."
        case "date":
            fits = isinstance(operand, str) and DATE.fullmatch(operand) is not None
            return "" if fits else f"“{asked['code']}” is a date: compare it with YYYY-MM-DD."
    return f"“{asked['code']}” is no number, scale of numbers or date, so it has no order."


def _kind(question: Json) -> str:
    """What its values are like: number, date, text or multichoice."""
    if question["type"] in ("number", "date", "text", "multichoice"):
        return str(question["type"])
    values = [option["value"] for option in question.get("options", [])]
    return "number" if all(isinstance(value, int) for value in values) else "text"

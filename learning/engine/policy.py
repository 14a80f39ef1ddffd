"""What a recipe says of judging: the operating point, when a model replaces another, when to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

Goal = Literal["sensitivity", "specificity", "youden", "threshold"]
GOALS = get_args(Goal)


@dataclass(frozen=True)
class Operating:
    """How the threshold of two classes is chosen on the calibration stream."""

    at: Goal = "youden"
    value: float | None = None
    """Of the sensitivity or specificity to reach, or the threshold itself."""
    prevalence: float | None = None
    """Of the finding where the model is meant to work; predictive values are stated for it."""


@dataclass(frozen=True)
class Promotion:
    """A model replaces the one in use if the paired gain's interval lies above ``margin``."""

    level: float = 0.8
    """Of the two-sided interval."""
    margin: float = 0.0
    """In the recipe's metric; below zero: being no worse than so much is enough."""


@dataclass(frozen=True)
class Stopping:
    """When a lead may sign that reading is enough; all three conditions must hold."""

    target: float | None = None
    """The lower bound of the recipe's metric on random cases must reach it."""
    gain_per_hour: float = 0.005
    """Of the metric: an hour of reading must be expected to bring it, or is not worth its price."""
    agreement: float = 0.99
    """Kappa (Dice for masks) of the last three models on the stop set."""


POLICIES: dict[str, type[Operating | Promotion | Stopping]] = {
    "operating": Operating,
    "promote": Promotion,
    "stop": Stopping,
}


def parsed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The policies that ``document`` states, for the recipe. It has been checked."""
    return {name: kind(**document[name]) for name, kind in POLICIES.items() if name in document}


def problems(document: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with them, each in a sentence."""
    for name, kind in POLICIES.items():
        if name not in document:
            continue
        known = {field.name for field in fields(kind)}
        given = document[name]
        if not isinstance(given, Mapping) or set(given) - known:
            yield f"The recipe's {name} must hold {', '.join(sorted(known))} and nothing else."
            continue
        for key, value in given.items():
            accepts, wanted = _RULES[name, key]
            if not accepts(value):
                yield f"The recipe's {name}.{key} is {value!r}; it must be {wanted}."
        if given.get("at") in ("sensitivity", "specificity", "threshold") and not given.get(
            "value"
        ):
            yield f"The recipe's operating.at is {given['at']!r}; give its value as well."


def _between(low: float, high: float, *, or_null: bool = False) -> Callable[[Any], bool]:
    return lambda value: (
        (value is None and or_null)
        or (isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high)
    )


_RULES: dict[tuple[str, str], tuple[Callable[[Any], bool], str]] = {
    ("operating", "at"): (lambda value: value in GOALS, ", ".join(GOALS)),
    ("operating", "value"): (_between(0, 1, or_null=True), "null or a number from 0 to 1"),
    ("operating", "prevalence"): (_between(0, 1, or_null=True), "null or a number from 0 to 1"),
    ("promote", "level"): (_between(0.5, 0.999), "a number from 0.5 to 0.999"),
    ("promote", "margin"): (_between(-1, 1), "a number from -1 to 1"),
    ("stop", "target"): (_between(0, 1, or_null=True), "null or a number from 0 to 1"),
    ("stop", "gain_per_hour"): (_between(0, 1), "a number from 0 to 1"),
    ("stop", "agreement"): (_between(0.5, 1), "a number from 0.5 to 1"),
}

"""When reading is enough. Pure: numbers in, conditions out; a lead signs, nothing stops by itself.

All three must hold. Stable predictions alone are no evidence: they stopped measured runs at 70 to
94 % of the full score.
"""

from __future__ import annotations

from dataclasses import dataclass

from learning.curve.forecast import FEWEST, Expected
from learning.engine.policy import Stopping

STABLE, GAIN, TARGET = "stable", "gain", "target"


@dataclass(frozen=True)
class Stability:
    """Mean agreement over the pairs of the last three models; ``problem`` says why there is none."""

    agreement: float | None
    cases: int
    problem: str = ""


@dataclass(frozen=True)
class Condition:
    """``met`` None: it cannot be told yet, and ``missing`` says what for. ``needed`` is the border."""

    name: str
    met: bool | None
    value: float | None
    low: float | None
    high: float | None
    needed: float | None
    missing: str = ""


def judge(
    rule: Stopping,
    *,
    stability: Stability,
    points: int,
    gain: Expected | None,
    minutes: float | None,
    measured: Expected | None,
    rising: bool = True,
) -> tuple[Condition, ...]:
    """The three conditions. ``points`` of the curve; ``minutes``: what the next batch costs."""
    return (
        _stable(rule, stability),
        _gain(rule, points, gain, minutes),
        _target(rule, measured, rising),
    )


def is_enough(conditions: tuple[Condition, ...]) -> bool:
    return all(condition.met is True for condition in conditions)


def _stable(rule: Stopping, found: Stability) -> Condition:
    if found.agreement is None:
        return Condition(STABLE, None, None, None, None, rule.agreement, found.problem)
    met = found.agreement >= rule.agreement
    return Condition(STABLE, met, found.agreement, None, None, rule.agreement)


def _gain(rule: Stopping, points: int, gain: Expected | None, minutes: float | None) -> Condition:
    """Met only if even the upper end of what may be expected is below the price."""
    price = None if minutes is None else rule.gain_per_hour * minutes / 60
    if gain is None:
        said = f"A forecast needs {FEWEST} measured points of the active arm; there are {points}."
        return Condition(GAIN, None, None, None, None, price, said)
    if price is None:
        said = "What the next batch costs is not known: too few readings were timed."
        return Condition(GAIN, None, gain.value, gain.low, gain.high, None, said)
    return Condition(GAIN, gain.high < price, gain.value, gain.low, gain.high, price)


def _target(rule: Stopping, measured: Expected | None, rising: bool) -> Condition:
    if rule.target is None:
        said = "The recipe states no target. Set stop.target in the recipe."
        if measured is None:
            return Condition(TARGET, None, None, None, None, None, said)
        return Condition(TARGET, None, *_parts(measured), None, said)
    if measured is None:
        said = "The last model has no interval on the hold-out."
        return Condition(TARGET, None, None, None, None, rule.target, said)
    met = measured.low >= rule.target if rising else measured.high <= rule.target
    return Condition(TARGET, met, *_parts(measured), rule.target)


def _parts(measured: Expected) -> tuple[float, float, float]:
    return measured.value, measured.low, measured.high

"""Forecasts on simulated curves, and the stop rule on the runs that stability alone stopped too early."""

from __future__ import annotations

import numpy as np
import pytest

from learning.curve import forecast, stopping
from learning.curve.forecast import Expected, Point
from learning.curve.stopping import Stability
from learning.engine.policy import Stopping

HALF_WIDTH = 0.03
"""Of the interval over the patients of the hold-out."""


def curve(asymptote: float, gap: float, exponent: float, labels: np.ndarray) -> np.ndarray:
    return np.asarray(asymptote - gap * (labels / labels[0]) ** -exponent)


def measured(true: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> list[Point]:
    """What a hold-out would show: one error that all points share, and one of each point."""
    whole = HALF_WIDTH / 1.96
    common = rng.normal(0, whole * np.sqrt(forecast.SHARED))
    own = rng.normal(0, whole * np.sqrt(1 - forecast.SHARED), len(labels))
    return [
        Point(int(n), float(value), float(value - HALF_WIDTH), float(value + HALF_WIDTH))
        for n, value in zip(labels, true + common + own, strict=True)
    ]


def test_fewer_than_four_points_give_no_forecast() -> None:
    labels = np.array([20, 40, 60])
    points = measured(curve(0.9, 0.3, 0.5, labels), labels, np.random.default_rng(0))
    assert forecast.fit(points) is None
    assert forecast.fit([*points, points[0]]) is None
    assert forecast.fit([*points, Point(80, 0.8, None, None)]) is not None


def test_the_interval_of_the_next_gain_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(150):
        asymptote, gap = rng.uniform(0.8, 0.98), rng.uniform(0.1, 0.35)
        exponent = np.exp(rng.normal(np.log(0.5), 0.4))
        labels = np.arange(1, rng.integers(5, 10)) * 40.0
        fitted = forecast.fit(measured(curve(asymptote, gap, exponent, labels), labels, rng))
        assert fitted is not None
        said = fitted.gain(labels[-1], 40)
        now, then = (
            asymptote - gap * (n / labels[0]) ** -exponent for n in (labels[-1], labels[-1] + 40)
        )
        inside.append(said.low <= then - now <= said.high)
    assert np.mean(inside) >= 0.85


def test_a_steep_curve_promises_more_than_a_flat_one_and_an_error_falls() -> None:
    labels = np.arange(1, 7) * 30.0
    rng = np.random.default_rng(2)
    steep = forecast.fit(measured(curve(0.95, 0.4, 0.6, labels), labels, rng))
    flat = forecast.fit(measured(curve(0.9, 0.02, 1.0, labels), labels, rng))
    assert steep is not None
    assert flat is not None
    assert steep.gain(180, 30).value > 3 * flat.gain(180, 30).value
    assert flat.gain(180, 30).high < 0.01
    errors = [
        Point(p.labels, 5 - 3 * p.value, None, None)
        for p in measured(curve(0.9, 0.4, 0.5, labels), labels, rng)
    ]
    falling = forecast.fit(errors, rising=False)
    assert falling is not None
    assert falling.at(360).value < falling.at(180).value
    assert falling.gain(180, 180).value > 0


def test_the_same_points_in_another_order_forecast_the_same() -> None:
    labels = np.arange(1, 7) * 30.0
    points = measured(curve(0.9, 0.3, 0.5, labels), labels, np.random.default_rng(3))
    first, second = forecast.fit(points), forecast.fit(points[::-1])
    assert first is not None
    assert second is not None
    assert first.gain(180, 30) == second.gain(180, 30)


RULE = Stopping(target=0.9, gain_per_hour=0.005, agreement=0.99)
HOLDS = {
    "stability": Stability(0.995, 500),
    "points": 6,
    "gain": Expected(0.001, 0.0, 0.003),
    "minutes": 60.0,
    "measured": Expected(0.94, 0.91, 0.96),
}


def test_all_three_conditions_together_are_enough() -> None:
    conditions = stopping.judge(RULE, **HOLDS)
    assert stopping.is_enough(conditions)
    assert [condition.name for condition in conditions] == ["stable", "gain", "target"]
    assert [condition.needed for condition in conditions] == [0.99, 0.005, 0.9]


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ({"stability": Stability(0.97, 500)}, "stable"),
        ({"gain": Expected(0.004, 0.0, 0.0051)}, "gain"),
        ({"minutes": 30.0}, "gain"),
        ({"measured": Expected(0.94, 0.899, 0.96)}, "target"),
    ],
)
def test_any_one_that_does_not_hold_goes_on(change: dict[str, object], failing: str) -> None:
    conditions = stopping.judge(RULE, **{**HOLDS, **change})
    assert not stopping.is_enough(conditions)
    assert [each.name for each in conditions if each.met is False] == [failing] or (
        change == {"minutes": 30.0}
        and stopping.judge(RULE, **{**HOLDS, **change})[1].needed == 0.0025
    )


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        ({"stability": Stability(None, 0, "Three are needed.")}, "stable", "Three are needed."),
        ({"gain": None, "points": 2}, "gain", "4 measured points of the active arm; there are 2"),
        ({"minutes": None}, "gain", "too few readings were timed"),
        ({"measured": None}, "target", "no interval"),
    ],
)
def test_what_cannot_be_told_yet_stops_nothing_and_says_what_is_missing(
    change: dict[str, object], name: str, said: str
) -> None:
    conditions = {each.name: each for each in stopping.judge(RULE, **{**HOLDS, **change})}
    assert conditions[name].met is None
    assert said in conditions[name].missing
    assert not stopping.is_enough(tuple(conditions.values()))
    without_target = stopping.judge(Stopping(), **HOLDS)
    assert without_target[2].met is None
    assert "stop.target" in without_target[2].missing


def test_an_error_has_to_come_down_to_its_target() -> None:
    rule = Stopping(target=0.2)
    met = stopping.judge(rule, **{**HOLDS, "measured": Expected(0.15, 0.1, 0.19)}, rising=False)
    not_yet = stopping.judge(rule, **{**HOLDS, "measured": Expected(0.15, 0.1, 0.21)}, rising=False)
    assert (met[2].met, not_yet[2].met) == (True, False)


def test_runs_that_stability_alone_stopped_early_go_on() -> None:
    """Simulated runs whose models agree at 0.99 from the second round on, whatever they are worth:
    stability alone stops each at its third round, mostly below 94 % of the full score. The rule stops
    hardly any before the true score is at the target and the next batch truly is below its price.
    """
    rng, alone, early, stopped = np.random.default_rng(4), [], 0, 0
    rule = Stopping(target=0.85, gain_per_hour=0.01)
    minutes = 60.0
    for _ in range(120):
        asymptote, gap = rng.uniform(0.86, 0.97), rng.uniform(0.2, 0.4)
        exponent = rng.uniform(0.3, 0.9)
        labels = np.arange(1, 31) * 50.0
        true = curve(asymptote, gap, exponent, labels)
        points = measured(true, labels, rng)
        alone.append(true[2] / asymptote)
        for place in range(2, len(labels) - 1):
            fitted = forecast.fit(points[: place + 1])
            here = points[place]
            conditions = stopping.judge(
                rule,
                stability=Stability(0.995, 500),
                points=place + 1,
                gain=fitted.gain(labels[place], 50) if fitted else None,
                minutes=minutes,
                measured=Expected(here.value, here.low or 0, here.high or 0),
            )
            if stopping.is_enough(conditions):
                stopped += 1
                worth_it = true[place + 1] - true[place] >= 0.01
                early += true[place] < 0.85 or worth_it
                break
    assert np.mean(np.array(alone) < 0.94) > 0.5
    assert stopped >= 40
    assert early / stopped <= 0.05

"""Intake rules are regular expressions, but none that could run for years."""

from __future__ import annotations

import time

import pytest

from annotation import intake_rules


@pytest.mark.parametrize(
    "expression",
    [
        "^CT$",
        "CT|MR",
        "chest|thora[cx]",
        r"^127\.",
        ".*pa.*view",
        "(?:axial|ax) t1",
        "[*+?{]{2}",
        "x+",
    ],
)
def test_what_people_write_is_accepted(expression: str) -> None:
    assert list(intake_rules.objections(expression)) == []


@pytest.mark.parametrize(
    "expression",
    [
        "(",
        "(a+)+$",
        "(a|a)*b",
        "(a*)*",
        "(?:a|aa)+$",
        "a?a?a?a?a?a?aaaaaa",
        ".*.*.*.*x",
        "a*a*a*a*b",
        r"(a)\1",
        "(?=a)a",
        "a" * 201,
        "((ab)){3}",
    ],
)
def test_what_might_never_end_is_refused_with_a_sentence(expression: str) -> None:
    (objection, *_) = intake_rules.objections(expression)
    assert objection.endswith((".", ")"))


def test_the_slowest_rule_that_passes_is_done_at_once() -> None:
    slow = "a*a*a*b"
    assert list(intake_rules.objections(slow)) == []
    started = time.monotonic()
    assert not intake_rules.matches({"Modality": slow}, {"Modality": "a" * 10_000})
    assert time.monotonic() - started < 5


def test_an_empty_rule_takes_nothing_and_what_is_unknown_may_match() -> None:
    assert not intake_rules.matches({}, {"Modality": "CT"})
    assert not intake_rules.may_match({}, {})
    assert intake_rules.may_match({"Modality": "CT"}, {})
    assert not intake_rules.may_match({"Modality": "CT"}, {"Modality": "MR"})

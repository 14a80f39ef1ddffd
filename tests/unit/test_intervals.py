"""Shares with intervals over groups."""

from __future__ import annotations

import pytest

from learning.measuring.intervals import clustered


def test_one_thing_a_group_gives_the_interval_of_wilson() -> None:
    share = clustered([(1, 1)] * 8 + [(0, 1)] * 2)
    assert (share.value, share.count) == (0.8, 10)
    assert share.low == pytest.approx(0.4901, abs=0.02)
    assert share.high == pytest.approx(0.9433, abs=0.02)


def test_groups_that_agree_within_themselves_are_worth_less() -> None:
    alike = clustered([(10, 10)] * 8 + [(0, 10)] * 2)
    single = clustered([(1, 1)] * 80 + [(0, 1)] * 20)
    assert alike.value == single.value
    assert alike.high - alike.low > 2 * (single.high - single.low)


def test_all_or_nothing_of_few_groups_stays_uncertain() -> None:
    share = clustered([(30, 30)] * 3)
    assert share.value == 1.0
    assert share.high == 1.0
    assert share.low < 0.5


@pytest.mark.parametrize("groups", [[], [(0, 0)]])
def test_nothing_counted_is_no_share(groups: list[tuple[int, int]]) -> None:
    assert clustered(groups).value is None


def test_one_group_counts_as_one_thing() -> None:
    share = clustered([(99, 100)])
    assert share.low < 0.3

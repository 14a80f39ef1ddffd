"""A few threads at a time, in the order in which they came."""

from __future__ import annotations

import threading
import time

import pytest

from annotation.turns import FewAtOnce


def waiting(gate: FewAtOnce, number: int) -> bool:
    until = time.monotonic() + 5
    while len(gate._waiting) < number:
        if time.monotonic() > until:
            return False
        time.sleep(0.001)
    return True


@pytest.mark.parametrize("places", [1, 3])
def test_no_more_are_let_in_than_said_and_the_others_in_their_order(places: int) -> None:
    gate, served, leave = FewAtOnce(places), [], threading.Event()

    def stay() -> None:
        with gate:
            leave.wait()

    def serve(number: int) -> None:
        with gate:
            served.append(number)

    inside = [threading.Thread(target=stay) for _ in range(places)]
    for thread in inside:
        thread.start()
    while gate._free:
        time.sleep(0.001)
    late = [threading.Thread(target=serve, args=[number]) for number in range(20)]
    for number, thread in enumerate(late, 1):
        thread.start()
        assert waiting(gate, number)
    assert served == []
    leave.set()
    for thread in [*inside, *late]:
        thread.join()
    assert gate._free == places
    assert sorted(served) == list(range(20))
    assert places > 1 or served == list(range(20))


def test_a_place_is_free_again_after_a_failure() -> None:
    gate = FewAtOnce(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), gate:
            _ = 1 / 0
    assert gate._free == 1

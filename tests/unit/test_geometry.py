"""Frames in spatial order, and whether they are a volume."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from annotation.dicom.geometry import Placed, arrange

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)

angles = st.floats(-3.1, 3.1)
gaps = st.floats(0.1, 20)
counts = st.integers(2, 30)


def rotation(x: float, y: float, z: float) -> np.ndarray:
    def about(axis: int, angle: float) -> np.ndarray:
        turn = np.eye(3)
        i, j = [k for k in range(3) if k != axis]
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        return turn

    return about(0, x) @ about(1, y) @ about(2, z)


def stack(
    count: int, gap: float, turn: np.ndarray | None = None, *, shear: float = 0.0
) -> list[Placed]:
    """Slices one gap apart along their normal, each shifted by ``shear`` mm within its plane."""
    turn = np.eye(3) if turn is None else turn
    row, column, normal = turn[:, 0], turn[:, 1], turn[:, 2]
    return [
        Placed(
            number=index,
            frame=1,
            uid=f"1.2.{index}",
            position=tuple(normal * gap * index + column * shear * index + 7.0),
            orientation=(*row, *column),
            shape=(8, 10),
            spacing=(0.5, 0.25),
        )
        for index in range(count)
    ]


@given(counts, gaps, angles, angles, angles, st.randoms(use_true_random=False))
def test_slices_in_any_order_and_orientation_become_the_same_volume(
    count: int, gap: float, x: float, y: float, z: float, shuffler: random.Random
) -> None:
    slices = stack(count, gap, rotation(x, y, z))
    mixed = list(range(count))
    shuffler.shuffle(mixed)
    found = arrange([slices[i] for i in mixed])
    assert [mixed[i] for i in found.order] == list(range(count))
    assert found.geometry == "volume"
    assert found.slice_spacing == pytest.approx(gap, rel=1e-6)
    assert found.notes == []


@given(st.integers(4, 30), gaps, st.data())
def test_a_missing_slice_makes_it_a_stack_and_is_counted(
    count: int, gap: float, data: st.DataObject
) -> None:
    missing = data.draw(st.integers(1, count - 2))
    assume(gap > 0.1)
    slices = [each for each in stack(count, gap) if each.number != missing]
    found = arrange(slices)
    assert found.geometry == "stack"
    assert found.notes[0].startswith("1 slice seems to be missing")


def test_uneven_slices_are_said_to_be_uneven() -> None:
    slices = stack(3, 5.0)
    slices[1] = Placed(**{**vars(slices[1]), "position": (7.0, 7.0, 7.0 + 3.0)})
    found = arrange(slices)
    assert (found.geometry, found.slice_spacing) == ("stack", None)
    assert found.notes == ["The slices are unevenly spaced (3 to 7 mm)."]


def test_a_tilted_gantry_is_noticed() -> None:
    found = arrange(stack(5, 3.0, shear=0.8))
    assert (found.geometry, found.order) == ("stack", [0, 1, 2, 3, 4])
    assert "tilted gantry" in found.notes[0]


def test_mixed_orientations_are_grouped() -> None:
    odd = Placed(number=9, frame=1, position=(0, 0, 0), orientation=SAGITTAL, shape=(8, 10))
    slices = [*stack(2, 5.0), odd]
    found = arrange([slices[0], slices[2], slices[1]])
    assert found.geometry == "stack"
    assert abs(found.order.index(0) - found.order.index(2)) == 1
    assert found.notes == ["The images lie in different orientations."]


def test_a_cine_at_one_place_runs_by_time() -> None:
    beats = [
        Placed(number=number, frame=1, position=(0, 0, 0), orientation=AXIAL, time=time)
        for number, time in ((1, 30.0), (2, 10.0), (3, 20.0))
    ]
    assert arrange(beats).order == [1, 2, 0]


def test_several_images_at_each_place_are_shown_place_by_place() -> None:
    frames = [
        Placed(number=10 * phase + place, frame=1, position=(0, 0, place), orientation=AXIAL)
        for phase in range(2)
        for place in range(3)
    ]
    found = arrange(frames)
    assert (found.geometry, found.order) == ("stack", [0, 3, 1, 4, 2, 5])
    assert found.notes == ["6 images lie at 3 places; they are shown place by place."]


def test_images_of_different_size_are_no_volume() -> None:
    slices = stack(3, 5.0)
    slices[0] = Placed(**{**vars(slices[0]), "shape": (16, 16)})
    assert arrange(slices).notes == ["The images differ in size or pixel spacing."]


@given(st.permutations(range(6)))
def test_without_positions_the_numbers_decide(order: list[int]) -> None:
    frames = [Placed(number=number, frame=1) for number in order]
    found = arrange(frames)
    assert found.geometry == "unknown"
    assert [frames[i].number for i in found.order] == list(range(6))


def test_one_frame_is_a_stack() -> None:
    assert arrange(stack(1, 1.0)).geometry == "stack"

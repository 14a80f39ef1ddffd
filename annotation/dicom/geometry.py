"""Put the frames of a series in spatial order, and say whether they form a regular volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = tuple[float, float, float]
Geometry: TypeAlias = Literal["volume", "stack", "unknown"]

_SAME_DIRECTION = 1e-3
_SAME_PLACE_MM = 1e-3
_UNEVEN = 0.02
_UNEVEN_MM = 0.05
_TILT = 0.02
_FARTHEST_MM = 1e6


@dataclass(frozen=True)
class Placed:
    """What is known of one frame. ``number`` and ``frame`` order frames whose place is unknown."""

    number: int
    frame: int
    uid: str = ""
    position: Vector | None = None
    orientation: tuple[float, ...] | None = None
    time: float | None = None
    shape: tuple[int, int] = (0, 0)
    spacing: tuple[float, float] | None = None

    @property
    def sequence(self) -> tuple[float, int, str, int]:
        return (self.time if self.time is not None else 0.0, self.number, self.uid, self.frame)


@dataclass(frozen=True)
class Arrangement:
    """``order``: positions in the input, in the order to show. ``notes``: sentences for a reader."""

    order: list[int]
    geometry: Geometry
    slice_spacing: float | None = None
    notes: list[str] = field(default_factory=list)


def arrange(frames: Sequence[Placed]) -> Arrangement:
    """The same frames give the same order, in whichever order they are handed in."""
    by_sequence = sorted(range(len(frames)), key=lambda i: frames[i].sequence)
    if any(frame.position is None or frame.orientation is None for frame in frames):
        return Arrangement(by_sequence, "unknown")
    if not _lie_in_a_room(frames):
        note = "The positions of the images make no sense; they are shown in their order."
        return Arrangement(by_sequence, "unknown", notes=[note])
    if not _same_orientation(frames):
        order = sorted(by_sequence, key=lambda i: _rounded(frames[i].orientation))
        return Arrangement(order, "stack", notes=["The images lie in different orientations."])
    along = _along_normal(frames)
    places = _places(along)
    order = sorted(by_sequence, key=lambda i: (places[i], frames[i].sequence))
    return _judge(frames, order, along, places)


def normal_of(orientation: Sequence[float]) -> NDArray[np.float64]:
    return np.cross(np.array(orientation[:3], float), np.array(orientation[3:], float))


def _lie_in_a_room(frames: Sequence[Placed]) -> bool:
    """Within a kilometre: what is computed of such positions is finite."""
    positions = np.array([frame.position for frame in frames], float)
    return bool((np.abs(positions) <= _FARTHEST_MM).all())


def _rounded(orientation: Sequence[float] | None) -> tuple[float, ...]:
    return tuple(round(value, 2) + 0.0 for value in orientation or ())


def _same_orientation(frames: Sequence[Placed]) -> bool:
    directions = np.array([frame.orientation for frame in frames], float)
    return bool(np.ptp(directions, axis=0).max() <= _SAME_DIRECTION)


def _along_normal(frames: Sequence[Placed]) -> NDArray[np.float64]:
    """Millimetres along the normal of the one frame that is first by UID, so that input order is moot."""
    reference = min(frames, key=lambda frame: (frame.uid, frame.frame))
    normal = normal_of(reference.orientation or ())
    positions = np.array([frame.position for frame in frames], float)
    return np.asarray(positions @ normal)


def _places(along: NDArray[np.float64]) -> list[int]:
    """Number the distinct places from 0; frames within a micrometre share one."""
    order = np.argsort(along, kind="stable")
    steps = np.diff(along[order]) > _SAME_PLACE_MM
    ranks = np.concatenate([[0], np.cumsum(steps)])
    places = np.empty(len(along), int)
    places[order] = ranks
    return [int(place) for place in places]


def _judge(
    frames: Sequence[Placed],
    order: list[int],
    along: NDArray[np.float64],
    places: list[int],
) -> Arrangement:
    count = max(places) + 1
    if count < 2:
        return Arrangement(order, "stack")
    if len({(frame.shape, frame.spacing) for frame in frames}) > 1:
        return Arrangement(order, "stack", notes=["The images differ in size or pixel spacing."])
    if count < len(frames):
        notes = [f"{len(frames)} images lie at {count} places; they are shown place by place."]
        return Arrangement(order, "stack", notes=notes)
    gaps = np.diff(along[order])
    usual = float(np.median(gaps))
    tolerance = max(_UNEVEN_MM, _UNEVEN * usual)
    if np.abs(gaps - usual).max() > tolerance:
        return Arrangement(order, "stack", notes=[_uneven(gaps)])
    if _tilted(frames, order):
        notes = ["The slices are shifted against each other (tilted gantry)."]
        return Arrangement(order, "stack", slice_spacing=usual, notes=notes)
    return Arrangement(order, "volume", slice_spacing=float(gaps.mean()))


def _uneven(gaps: NDArray[np.float64]) -> str:
    """Gaps that are all multiples of the smallest one mean that slices are missing."""
    smallest = float(gaps.min())
    multiples = np.rint(gaps / smallest)
    off = np.abs(gaps - multiples * smallest)
    if (off > np.maximum(_UNEVEN_MM, _UNEVEN * gaps)).any():
        return f"The slices are unevenly spaced ({smallest:.3g} to {gaps.max():.3g} mm)."
    missing = int((multiples - 1).sum())
    slices = "1 slice seems" if missing == 1 else f"{missing} slices seem"
    return f"{slices} to be missing (spacing {smallest:.3g} mm)."


def _tilted(frames: Sequence[Placed], order: list[int]) -> bool:
    """Whether the line through the slice corners leaves the normal by more than about a degree."""
    positions = np.array([frames[i].position for i in order], float)
    travel = positions[-1] - positions[0]
    normal = normal_of(frames[order[0]].orientation or ())
    across = travel - (travel @ normal) * normal
    return bool(np.linalg.norm(across) > _TILT * np.linalg.norm(travel))

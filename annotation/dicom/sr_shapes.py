"""From the graphics of one measurement group to marks: a kind, and points in that kind's order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from .measure import ANGLE, COBB, LONG_AXIS, SHORT_AXIS

_LONG, _SHORT = (LONG_AXIS.key, "SRT:G-A185"), (SHORT_AXIS.key, "SRT:G-A186")
_ANGLES = (ANGLE.key, "SRT:M-02550", "DCM:121080")
_COBB = (COBB.key,)
_PAIRS = ("bidirectional", "cobb_angle")
_TOGETHER = 1e-4


@dataclass(frozen=True)
class Graphic:
    """``flat``: points in the image rather than in the patient. ``measured``: concept of the figure that
    was inferred from it; ``name``: its own.
    """

    type: str
    points: list[list[float]]
    flat: bool
    uid: str = ""
    frame: int = 0
    measured: str = ""
    name: str = ""
    kind: str = ""

    @property
    def identity(self) -> tuple[object, ...]:
        return self.type, self.uid, self.frame, tuple(map(tuple, self.points))


def shapes(drawn: Sequence[Graphic], kind: str) -> list[Graphic]:
    """``kind``: as the writer named it, '' if it did not. ValueError with a sentence for what fits none."""
    if kind:
        return [_named(drawn, kind)] if drawn else []
    if pair := _pair(drawn):
        return [pair]
    return [shape for one in drawn for shape in _unnamed(one)]


def _named(drawn: Sequence[Graphic], kind: str) -> Graphic:
    first = drawn[0]
    points = [point for one in drawn for point in one.points] if kind in _PAIRS else first.points
    if kind == "box" and len(points) == 5:
        points = _corners(points)
    elif kind == "contour" and len(points) > 3:
        points = points[:-1]
    return replace(first, kind=kind, points=points)


def _pair(drawn: Sequence[Graphic]) -> Graphic | None:
    """Two lines of one measurement: the axes of a lesion, or the sides of a Cobb angle."""
    lines = [one for one in drawn if one.type == "POLYLINE" and len(one.points) == 2]
    if len(lines) != 2 or len(drawn) != 2:
        return None
    if all(one.measured in _COBB for one in lines):
        return _named(lines, "cobb_angle")
    long = [one for one in lines if one.measured in _LONG]
    short = [one for one in lines if one.measured in _SHORT]
    return _named([*long, *short], "bidirectional") if len(long) == len(short) == 1 else None


def _unnamed(one: Graphic) -> Iterator[Graphic]:
    points = one.points
    match one.type:
        case "POINT":
            yield replace(one, kind="landmark")
        case "MULTIPOINT":
            for point in points:
                yield replace(one, kind="landmark", points=[point])
        case "CIRCLE" if len(points) == 2:
            yield replace(one, kind="circle")
        case "ELLIPSE" if len(points) == 4:
            yield replace(one, kind="ellipse")
        case "POLYLINE" | "POLYGON":
            yield _line(one)
        case _:
            raise ValueError(f"outlines of the kind {one.type} cannot be read in.")


def _line(one: Graphic) -> Graphic:
    points = one.points
    if len(points) > 3 and _same(points[0], points[-1]):
        if one.flat and _is_upright(points):
            return replace(one, kind="box", points=_corners(points))
        return replace(one, kind="contour", points=points[:-1])
    if len(points) == 3 and one.measured in _ANGLES:
        return replace(one, kind="angle")
    if len(points) < 2:
        raise ValueError("a line of a single point.")
    return replace(one, kind="length" if len(points) == 2 else "polyline")


def _same(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(abs(x - y) <= _TOGETHER for x, y in zip(a, b, strict=True))


def _is_upright(points: Sequence[Sequence[float]]) -> bool:
    """Four corners whose sides run along rows and columns."""
    if len(points) != 5:
        return False
    sides = pairwise(points)
    return all(abs(a[0] - b[0]) <= _TOGETHER or abs(a[1] - b[1]) <= _TOGETHER for a, b in sides)


def _corners(points: Sequence[Sequence[float]]) -> list[list[float]]:
    columns, rows = [point[0] for point in points], [point[1] for point in points]
    return [[min(columns), min(rows)], [max(columns), max(rows)]]

"""What a mark measures: lengths and areas in the patient where it has a place there, angles in degrees.

The same figures as the reading room shows (frontend/src/viewer/measure.ts).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .terms import Term

Points = Sequence[Sequence[float]]

MILLIMETRE = Term("mm", "UCUM", "millimeter")
SQUARE_MILLIMETRE = Term("mm2", "UCUM", "square millimeter")
CUBIC_MILLIMETRE = Term("mm3", "UCUM", "cubic millimeter")
PIXEL = Term("{pixels}", "UCUM", "pixels")
SQUARE_PIXEL = Term("{pixels2}", "UCUM", "square pixels")
DEGREE = Term("deg", "UCUM", "degree")

LENGTH = Term("410668003", "SCT", "Length")
LONG_AXIS = Term("103339001", "SCT", "Long Axis")
SHORT_AXIS = Term("103340004", "SCT", "Short Axis")
PATH_LENGTH = Term("121206", "DCM", "Distance")
DIAMETER = Term("81827009", "SCT", "Diameter")
AREA = Term("42798000", "SCT", "Area")
ANGLE = Term("1483009", "SCT", "Angle")
COBB = Term("285285000", "SCT", "Cobb angle")


@dataclass(frozen=True)
class Measured:
    """``points``: which of the mark's points it was taken from."""

    name: Term
    value: float
    unit: Term
    points: tuple[int, ...]


def measurements(kind: str, points_px: Points, scale: tuple[float, float] | None) -> list[Measured]:
    """``points_px``: [column, row]. ``scale``: mm between columns and between rows; None: not known."""
    points = np.asarray(points_px, float).reshape(-1, 2) * (scale or (1.0, 1.0))
    length, area = (MILLIMETRE, SQUARE_MILLIMETRE) if scale else (PIXEL, SQUARE_PIXEL)
    everything = tuple(range(len(points)))
    match kind:
        case "length":
            return [Measured(LENGTH, _distance(points, 0, 1), length, (0, 1))]
        case "polyline":
            return [Measured(PATH_LENGTH, _path(points), length, everything)]
        case "bidirectional" | "ellipse":
            axes = [
                Measured(LONG_AXIS, _distance(points, 0, 1), length, (0, 1)),
                Measured(SHORT_AXIS, _distance(points, 2, 3), length, (2, 3)),
            ]
            if kind == "bidirectional":
                return axes
            return [*axes, Measured(AREA, _ellipse(points), area, everything)]
        case "circle":
            radius = _distance(points, 0, 1)
            return [
                Measured(DIAMETER, 2 * radius, length, everything),
                Measured(AREA, float(np.pi * radius**2), area, everything),
            ]
        case "contour":
            return [Measured(AREA, _area(points), area, everything)]
        case "box":
            width, height = np.abs(points[1] - points[0])
            return [Measured(AREA, float(width * height), area, everything)]
        case "angle":
            turned = _between(points[0] - points[1], points[2] - points[1])
            return [Measured(ANGLE, turned, DEGREE, everything)]
        case "cobb_angle":
            lines = _rightwards(points[0], points[1]), _rightwards(points[2], points[3])
            return [Measured(COBB, _between(*lines), DEGREE, everything)]
    return []


def _distance(points: NDArray[np.float64], a: int, b: int) -> float:
    return float(np.linalg.norm(points[a] - points[b]))


def _path(points: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def _area(points: NDArray[np.float64]) -> float:
    before = np.roll(points, 1, axis=0)
    return float(abs((before[:, 0] * points[:, 1] - before[:, 1] * points[:, 0]).sum()) / 2)


def _ellipse(points: NDArray[np.float64]) -> float:
    return float(np.pi * _distance(points, 0, 1) * _distance(points, 2, 3) / 4)


def _rightwards(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same line whichever end was drawn first."""
    return b - a if a[0] <= b[0] else a - b


def _between(u: NDArray[np.float64], v: NDArray[np.float64]) -> float:
    across = u[0] * v[1] - u[1] * v[0]
    return float(abs(np.degrees(np.arctan2(across, u @ v))))

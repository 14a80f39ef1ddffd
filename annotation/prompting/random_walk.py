"""Random walks with a prior (Grady, IEEE PAMI 2006; with prior models, CVPR 2005).

From each voxel a walker sets out, who hardly crosses an edge of the image; the answer is the chance to
come first to a voxel that is known to be inside. The prior draws each voxel a little to its own side, so
that what no seed reaches is decided as well. One sparse, positive definite system of equations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import cg

from .asked import Check, Image, Spacing, ignore
from .seeds import INSIDE, UNKNOWN, Seeds

Chances = NDArray[np.float32]
SMALLEST_STEP = 1e-4
"""Nothing is a wall: else a system may have no single solution."""
TOLERANCE = 1e-3
MOST_ITERATIONS = 2000


@dataclass(frozen=True)
class Strength:
    """``sharpness``: how little of an edge stops the walk. ``pull``: weight of the prior against one step
    in the finest direction.
    """

    sharpness: float
    pull: float


def chances(
    image: Image,
    spacing: Spacing,
    seeds: Seeds,
    prior: Chances,
    strength: Strength,
    check: Check = ignore,
) -> Chances:
    """[frames, rows, columns]: how likely each voxel is inside; 0 and 1 at the seeds.

    ``image``: scaled so that differences of 1 are edges. ``prior``: 0 to 1.
    """
    free = seeds.ravel() == UNKNOWN
    known = (seeds.ravel() == INSIDE).astype(np.float64)
    laplacian = _laplacian(image, spacing, strength.sharpness)
    rows, pull = laplacian[free], strength.pull
    system = rows[:, free] + pull * sparse.identity(int(free.sum()), format="csr")
    right = pull * prior.ravel()[free] - rows[:, ~free] @ known[~free]
    answer = known.astype(np.float32)
    answer[free] = _solved(system, right, prior.ravel()[free], check)
    return np.asarray(np.clip(answer, 0, 1).reshape(seeds.shape), np.float32)


def _laplacian(image: Image, spacing: Spacing, sharpness: float) -> sparse.csr_array:
    """The weights of the steps between neighbours: small across edges, and over long distances in mm."""
    size = image.size
    numbers = np.arange(size).reshape(image.shape)
    along = [step for step, length in zip(spacing, image.shape, strict=True) if length > 1]
    finest = min(along, default=1.0)
    ends, weights = [], []
    for axis in range(3):
        if image.shape[axis] < 2:
            continue
        difference = np.diff(image, axis=axis).ravel().astype(np.float64)
        weight = np.exp(-sharpness * difference**2) + SMALLEST_STEP
        weights.append(weight * (finest / spacing[axis]) ** 2)
        before = np.delete(numbers, -1, axis=axis).ravel()
        after = np.delete(numbers, 0, axis=axis).ravel()
        ends.append((before, after))
    if not ends:
        return sparse.csr_array((size, size))
    first = np.concatenate([before for before, _ in ends])
    second = np.concatenate([after for _, after in ends])
    weight = np.concatenate(weights)
    degree = np.bincount(first, weight, size) + np.bincount(second, weight, size)
    own = np.arange(size)
    return sparse.csr_array(
        (
            np.concatenate([-weight, -weight, degree]),
            (np.concatenate([first, second, own]), np.concatenate([second, first, own])),
        ),
        shape=(size, size),
    )


def _solved(
    system: sparse.csr_array, right: NDArray[np.float64], start: Chances, check: Check
) -> NDArray[np.float64]:
    if not len(right):
        return right
    inverse = sparse.diags_array(1 / system.diagonal())
    found, _ = cg(
        system,
        right,
        x0=start.astype(np.float64),
        rtol=TOLERANCE,
        M=inverse,
        maxiter=MOST_ITERATIONS,
        callback=lambda _: check(),
    )
    return np.asarray(found)

"""A prior from where the prompts lie: what is nearer to a negative one than to a positive one is not sought.

In a plane a single voxel hardly sways a random walk; a reader who clicks means more than one voxel.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .asked import Spacing
from .random_walk import Chances
from .seeds import INSIDE, OUTSIDE, Seeds


def of(said: Seeds, spacing: Spacing) -> Chances | None:
    """By distance in mm, from 0 at negative prompts to 1 where positive ones are as near.

    None without both kinds.
    """
    if not (said == INSIDE).any() or not (said == OUTSIDE).any():
        return None
    to_inside = ndimage.distance_transform_edt(said != INSIDE, sampling=spacing)
    to_outside = ndimage.distance_transform_edt(said != OUTSIDE, sampling=spacing)
    ratio = to_outside / np.maximum(to_inside, min(spacing))
    return np.asarray(np.minimum(ratio, 1) ** 2, np.float32)


def joined(prior: Chances, near: Chances) -> Chances:
    """The smaller of both chances: nearness takes away what is as bright, and adds nothing."""
    return np.minimum(prior, near)

"""What readers say, as something to learn, and what networks say, as something to suggest: by task.

One entry of ``TEACHERS`` for each task of the engine. No torch in here: the web process uses it too.
"""

from __future__ import annotations

from learning.engine.spec import Recipe

from .answers import Choice, Findings, Grade, Number
from .masks import Masks
from .places import Boxes, Points
from .teacher import Image, Spoken, Suggested, Teacher, Unusable

__all__ = [
    "TEACHERS",
    "Image",
    "Spoken",
    "Suggested",
    "Teacher",
    "Unusable",
    "teacher_of",
]

TEACHERS: dict[str, Teacher] = {
    "classification": Choice(),
    "segmentation": Masks(),
    "multilabel": Findings(),
    "ordinal": Grade(),
    "regression": Number(),
    "landmarks": Points(),
    "detection": Boxes(),
}


def teacher_of(recipe: Recipe) -> Teacher:
    return TEACHERS[recipe.task]

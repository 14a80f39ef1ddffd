"""What rounds ask of a task where labels are concerned."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from annotation.errors import ConsiliumError
from annotation.models import Mask, Project, Reference, Series
from learning import artifacts
from learning.engine.errors import EngineError
from learning.engine.outputs import Output
from learning.engine.spec import SOFT, Recipe, Target

FORMAT = 1
"""Grows when the way arrays are made changes, so that old files are not taken for new ones."""

Json = Mapping[str, Any]


Known = TypeVar("Known")


class Unusable(ConsiliumError):
    """The message says why this case cannot be used."""


@dataclass(frozen=True)
class Image:
    """Which pixels of which series make a case's array, and where it lies."""

    series: Series
    instance: str
    """The one that counts; '': all of the series."""
    display: dict[str, Any]
    shrink: int
    path: Path


@dataclass(frozen=True)
class Spoken:
    """What an ensemble says of one case."""

    ensemble: Output
    row: int
    mask: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Suggested:
    """Items for the reader, and the mask that they name."""

    items: list[dict[str, Any]] = field(default_factory=list)
    mask: Mask | None = None


class Teacher(ABC):
    """One task. Without state: the same object serves every recipe."""

    every_pixel = False
    """Whether the image must not be shrunk."""

    @abstractmethod
    def misfits(self, recipe: Recipe, document: Json) -> Iterator[str]:
        """Why this label schema cannot teach the recipe, in sentences."""

    @abstractmethod
    def usable(self, rows: QuerySet[Any], recipe: Recipe, path: str) -> Any:
        """Rows whose reference, at ``path``, says something to learn; each with the ``target`` counted."""

    @abstractmethod
    def target(
        self, reference: Reference, image: Image, recipe: Recipe, project: Project
    ) -> Target:
        """What the reference says of the image. Raises Unusable with the reason."""

    @abstractmethod
    def suggested(
        self, said: Spoken, recipe: Recipe, document: Json, image: Image, project: int
    ) -> Suggested:
        """What a reader is shown, in the words of the label schema."""

    def counted(self, recipe: Recipe) -> tuple[str, ...]:
        """Targets of which there must be some before a network is trained."""
        return recipe.classes

    def prefetched(self, recipe: Recipe) -> tuple[str, ...]:
        """What to fetch with a snapshot's items, besides the reference."""
        return ()

    def is_soft(self, recipe: Recipe) -> bool:
        return recipe.labels == SOFT


def there(said: Known | None) -> Known:
    """What the networks of a task always say."""
    if said is None:
        raise EngineError("The networks say nothing of the kind that their task is about.")
    return said


def array_file(*made_from: object) -> Path:
    """Where the array made from these lies, or will lie."""
    text = json.dumps([FORMAT, *made_from])
    return artifacts.array_path(hashlib.sha256(text.encode()).hexdigest())

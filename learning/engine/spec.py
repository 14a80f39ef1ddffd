"""What is to be learned from what: the recipe and the samples, as frozen dataclasses.

Torch-free, so that a recipe can be checked when a project is created. ``parse`` reports everything
that is wrong at once, each in a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from learning.engine import policy
from learning.engine.errors import InvalidRecipe
from learning.engine.policy import Operating, Promotion, Stopping
from learning.engine.tasks import TASKS

MULTIPLE_OF = 8
SEEDS = 2**53
"""Whole numbers that JSON carries everywhere without loss."""
LARGEST = 1e9
"""Of a window's ends: beyond what single precision tells apart."""


REFERENCE, SOFT = "reference", "soft"

Point = tuple[float, ...]
"""A place in an image by its indices, slices and rows first; voxel centres lie at whole numbers."""


@dataclass(frozen=True)
class Box:
    """Around something that was drawn or found; edges in the image's indices, as of a ``Point``."""

    label: int
    """Index into ``Recipe.classes``."""
    low: Point
    high: Point
    score: float = 1.0
    """Found: the probability that it is there. Drawn: the share of the readers who drew it."""


Shares = tuple[float | None, ...]
"""One for each class; None: not known."""
Target = int | float | Path | Shares | tuple[Point | None, ...] | tuple[Box, ...]


@dataclass(frozen=True)
class Recipe:
    """How to learn one task. Sizes are in voxels: (rows, columns) or (slices, rows, columns)."""

    task: str
    networks: tuple[str, ...]
    input_size: tuple[int, ...]
    classes: tuple[str, ...] = ()
    """Classification: every answer, the positive one last; ordinal: every grade, rising. Segmentation:
    foreground, values 1…n. Landmarks: a class, or class/name of a named point. Regression: none."""
    labels: str = REFERENCE
    """Where several readers differ: what they resolve to, or ``soft``, each answer by its share."""
    question: str = ""
    channels: int = 1
    epochs: int = 12
    minimum_steps: int = 10
    """An epoch is one pass over the samples, and at least this many batches: small sets train too."""
    batch_size: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    augment: bool = True
    mirror: bool = False
    """Whether left and right may be swapped in augmentation; wrong where the side matters."""
    window: tuple[float, float] | None = None
    """Lowest and highest value of interest in real units; otherwise each image's own 0.5-99.5 %."""
    metric: str = ""
    acquisition: str = "auto"
    batch: int = 16
    distinct: float | None = None
    """Cosine similarity of embeddings from which two cases are copies; a batch holds no copy."""
    one_per_patient: bool = False
    balance_sites: bool = False
    """Whether sites share a batch evenly, as far as they have cases."""
    rare_class: str = ""
    """Of a classification: to which ``rare_share`` of a batch goes."""
    rare_share: float = 0.3
    per_minute: bool = True
    """Whether cases are ranked by their worth for a minute of reading, once reading times are known."""
    seed: int = 0
    minimum_labels: int = 8
    surface_tolerance: float = 2.0
    """mm within which the surfaces of two masks count as the same."""
    operating: Operating = field(default_factory=Operating)
    promote: Promotion = field(default_factory=Promotion)
    stop: Stopping = field(default_factory=Stopping)

    @property
    def outputs(self) -> int:
        """Channels of the network's answer: the classes, for a mask the background as well."""
        return TASKS[self.task].outputs(len(self.classes), self.dimensions)

    @property
    def dimensions(self) -> int:
        return len(self.input_size)

    def document(self) -> dict[str, Any]:
        """The recipe as plain JSON values; ``parse`` gives it back."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }


@dataclass(frozen=True)
class Sample:
    """One case: a float32 ``.npy`` of [channels,] [slices,] rows, columns, and what it is."""

    id: int
    patient: str
    image: Path
    spacing: tuple[float, ...] = ()
    """mm between voxels, one for each spatial axis; empty: unknown."""
    target: Target | None = None
    """Index into ``Recipe.classes`` or the share of each class; a number; an integer mask ``.npy`` on
    the image's grid, or float shares with the classes as first axis; a place for each class; boxes."""


LeftOut = tuple[int, str]
"""A sample's id and the sentence that says why it could not be used."""


def ignore(*_: object) -> None:
    """The callback of a caller who does not want to know."""


def never() -> bool:
    """The ``should_stop`` of a caller who wants no pause."""
    return False


def parse(document: Mapping[str, Any]) -> Recipe:
    """The recipe that ``document`` describes. Raises InvalidRecipe with every problem found."""
    problems = list(_problems(document))
    if problems:
        raise InvalidRecipe(problems)
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list | tuple) else value
        for key, value in document.items()
    }
    values |= policy.parsed(document)
    values["metric"] = values.get("metric") or TASKS[values["task"]].metrics[0]
    return Recipe(**values)


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    known = {field.name for field in fields(Recipe)}
    for key in sorted(set(document) - known):
        yield f"The recipe has “{key}”, which is not one of its settings: {', '.join(sorted(known))}."
    task = str(document.get("task"))
    if task not in TASKS:
        yield f"The recipe's task is “{task}”; it must be one of {', '.join(TASKS)}."
        return
    yield from _class_problems(task, document.get("classes"))
    yield from _choice_problems(task, document)
    yield from _size_problems(task, document.get("input_size"))
    rare, classes = document.get("rare_class"), document.get("classes")
    known_classes = classes if isinstance(classes, list | tuple) else ()
    if rare and (not TASKS[task].excludes or rare not in known_classes):
        yield f"The recipe's rare_class is {rare!r}; it must be a class of a classification."
    yield from policy.problems(document)
    for name, (accepts, wanted) in _RULES.items():
        if name in document and not accepts(document[name]):
            yield f"The recipe's {name} is {document[name]!r}; it must be {wanted}."


def _class_problems(task: str, classes: Any) -> Iterator[str]:
    fewest, most = TASKS[task].fewest, TASKS[task].most
    if not most:
        if classes:
            yield f"The recipe has classes; {task} learns one number and names none."
        return
    if (
        not isinstance(classes, list | tuple)
        or not all(isinstance(name, str) and name for name in classes)
        or len(set(classes)) != len(classes)
        or not fewest <= len(classes) <= most
    ):
        yield f"The recipe needs {fewest} to {most} different class names for {task}."


def _choice_problems(task: str, document: Mapping[str, Any]) -> Iterator[str]:
    networks = document.get("networks")
    if (
        not isinstance(networks, list | tuple)
        or not networks
        or any(name not in TASKS[task].networks for name in networks)
        or len(set(networks)) != len(networks)
    ):
        yield (
            f"The recipe's networks are {networks!r}; for {task} choose among"
            f" {', '.join(TASKS[task].networks)}, each at most once."
        )
    metric = document.get("metric") or TASKS[task].metrics[0]
    if metric not in TASKS[task].metrics:
        yield f"The recipe's metric is {metric!r}; for {task}: {', '.join(TASKS[task].metrics)}."


def _size_problems(task: str, size: Any) -> Iterator[str]:
    smallest, axes = TASKS[task].smallest_side, TASKS[task].axes
    fits = _whole(smallest, 1024)
    if (
        not isinstance(size, list | tuple)
        or len(size) not in axes
        or not all(fits(side) and side % MULTIPLE_OF == 0 for side in size)
    ):
        if axes == (2,):
            yield (
                f"The recipe's input_size is {size!r}; for {task} it must be 2 whole numbers from"
                f" {smallest} to 1024, each a multiple of {MULTIPLE_OF}."
            )
            return
        yield (
            f"The recipe's input_size is {size!r}; it must be 2 or 3 whole numbers from {smallest}"
            f" to 1024, each a multiple of {MULTIPLE_OF}."
        )


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    )


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    )


def _is_window(value: Any) -> bool:
    return value is None or (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(_number(-LARGEST, LARGEST)(end) for end in value)
        and value[0] < value[1]
    )


_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "question": (lambda value: isinstance(value, str), "the code of a question"),
    "labels": (lambda value: value in (REFERENCE, SOFT), "reference or soft"),
    "channels": (lambda value: _whole(1, 3)(value) and value != 2, "1 or 3"),
    "epochs": (_whole(1, 1000), "a whole number from 1 to 1000"),
    "minimum_steps": (_whole(1, 10_000), "a whole number from 1 to 10000"),
    "batch_size": (_whole(2, 512), "a whole number from 2 to 512"),
    "learning_rate": (_number(1e-7, 1.0), "a number from 1e-7 to 1"),
    "weight_decay": (_number(0.0, 1.0), "a number from 0 to 1"),
    "augment": (lambda value: isinstance(value, bool), "true or false"),
    "mirror": (lambda value: isinstance(value, bool), "true or false"),
    "window": (_is_window, "null or [lowest, highest], each within a thousand million of zero"),
    "acquisition": (lambda value: isinstance(value, str), "“auto” or the name of a function"),
    "batch": (_whole(1, 100_000), "a whole number from 1 to 100000"),
    "distinct": (
        lambda value: value is None or _number(0.5, 1.0)(value),
        "null or a similarity from 0.5 to 1",
    ),
    "one_per_patient": (lambda value: isinstance(value, bool), "true or false"),
    "balance_sites": (lambda value: isinstance(value, bool), "true or false"),
    "rare_class": (lambda value: isinstance(value, str), "one of the classes, or empty"),
    "rare_share": (_number(0.0, 1.0), "a number from 0 to 1"),
    "per_minute": (lambda value: isinstance(value, bool), "true or false"),
    "seed": (_whole(0, SEEDS - 1), "a whole number from 0 to 2**53 - 1"),
    "minimum_labels": (_whole(2, 1_000_000), "a whole number from 2 to 1000000"),
    "surface_tolerance": (_number(0.0, 100.0), "a number of millimetres from 0 to 100"),
}

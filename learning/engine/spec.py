"""What is to be learned from what: the recipe and the samples, as frozen dataclasses.

Torch-free, so that a recipe can be checked when a project is created. ``parse`` reports everything
that is wrong at once, each in a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from learning.engine.errors import InvalidRecipe

Task = Literal["classification", "segmentation"]

NETWORKS_OF: dict[str, tuple[str, ...]] = {
    "classification": ("densenet", "vit"),
    "segmentation": ("unet", "segresnet"),
}
METRICS_OF: dict[str, tuple[str, ...]] = {
    "classification": ("auroc", "auprc", "balanced_accuracy", "f1"),
    "segmentation": ("dice",),
}
MULTIPLE_OF = 8
SEEDS = 2**53
"""Whole numbers that JSON carries everywhere without loss."""
LARGEST = 1e9
"""Of a window's ends: beyond what single precision tells apart."""
SMALLEST_SIDE = {"classification": 32, "segmentation": 16}
"""Of an input: what is left after the networks have halved it as often as they do."""


@dataclass(frozen=True)
class Recipe:
    """How to learn one task. Sizes are in voxels: (rows, columns) or (slices, rows, columns)."""

    task: Task
    classes: tuple[str, ...]
    """Classification: every answer, the positive one last. Segmentation: foreground, values 1…n."""
    networks: tuple[str, ...]
    input_size: tuple[int, ...]
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
    fast: bool = True
    """Whether each read re-ranks the pool at once, between rounds."""
    seed: int = 0
    minimum_labels: int = 8

    @property
    def outputs(self) -> int:
        """Channels of the network's answer: the classes, for a mask the background as well."""
        return len(self.classes) + (self.task == "segmentation")

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
    target: int | Path | None = None
    """Index into ``Recipe.classes``, or an integer mask ``.npy`` on the image's grid."""


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
    values["metric"] = values.get("metric") or METRICS_OF[values["task"]][0]
    return Recipe(**values)


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    known = {field.name for field in fields(Recipe)}
    for key in sorted(set(document) - known):
        yield f"The recipe has “{key}”, which is not one of its settings: {', '.join(sorted(known))}."
    task = str(document.get("task"))
    if task not in get_args(Task):
        yield f"The recipe's task is “{task}”; it must be one of {', '.join(get_args(Task))}."
        return
    yield from _class_problems(task, document.get("classes"))
    yield from _choice_problems(task, document)
    yield from _size_problems(SMALLEST_SIDE[task], document.get("input_size"))
    rare, classes = document.get("rare_class"), document.get("classes")
    known_classes = classes if isinstance(classes, list | tuple) else ()
    if rare and (task != "classification" or rare not in known_classes):
        yield f"The recipe's rare_class is {rare!r}; it must be a class of a classification."
    for name, (accepts, wanted) in _RULES.items():
        if name in document and not accepts(document[name]):
            yield f"The recipe's {name} is {document[name]!r}; it must be {wanted}."


def _class_problems(task: str, classes: Any) -> Iterator[str]:
    fewest = 2 if task == "classification" else 1
    if (
        not isinstance(classes, list | tuple)
        or not all(isinstance(name, str) and name for name in classes)
        or len(set(classes)) != len(classes)
        or not fewest <= len(classes) <= 255
    ):
        yield f"The recipe needs {fewest} to 255 different class names for {task}."


def _choice_problems(task: str, document: Mapping[str, Any]) -> Iterator[str]:
    networks = document.get("networks")
    if (
        not isinstance(networks, list | tuple)
        or not networks
        or any(name not in NETWORKS_OF[task] for name in networks)
        or len(set(networks)) != len(networks)
    ):
        yield (
            f"The recipe's networks are {networks!r}; for {task} choose among"
            f" {', '.join(NETWORKS_OF[task])}, each at most once."
        )
    metric = document.get("metric") or METRICS_OF[task][0]
    if metric not in METRICS_OF[task]:
        yield f"The recipe's metric is {metric!r}; for {task}: {', '.join(METRICS_OF[task])}."


def _size_problems(smallest: int, size: Any) -> Iterator[str]:
    fits = _whole(smallest, 1024)
    if (
        not isinstance(size, list | tuple)
        or len(size) not in (2, 3)
        or not all(fits(side) and side % MULTIPLE_OF == 0 for side in size)
    ):
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
    "fast": (lambda value: isinstance(value, bool), "true or false"),
    "seed": (_whole(0, SEEDS - 1), "a whole number from 0 to 2**53 - 1"),
    "minimum_labels": (_whole(2, 1_000_000), "a whole number from 2 to 1000000"),
}

"""A training as a JSON document, for processes that share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from learning.engine.spec import Box, Recipe, Sample, parse


@dataclass(frozen=True)
class Job:
    """What ``loop.train`` is called with."""

    recipe: Recipe
    network: str
    samples: Sequence[Sample]
    validation: Sequence[Sample]
    folder: Path
    resume: Path | None
    start: Path | None

    def document(self) -> dict[str, Any]:
        return {
            "recipe": self.recipe.document(),
            "network": self.network,
            "samples": [_sample(one) for one in self.samples],
            "validation": [_sample(one) for one in self.validation],
            "folder": str(self.folder),
            "resume": self.resume and str(self.resume),
            "start": self.start and str(self.start),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Job:
        return cls(
            recipe=parse(document["recipe"]),
            network=document["network"],
            samples=[_sample_of(row) for row in document["samples"]],
            validation=[_sample_of(row) for row in document["validation"]],
            folder=Path(document["folder"]),
            resume=document["resume"] and Path(document["resume"]),
            start=document["start"] and Path(document["start"]),
        )


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "id": sample.id,
        "patient": sample.patient,
        "image": str(sample.image),
        "spacing": sample.spacing,
        **_target(sample.target),
    }


def _target(target: Any) -> dict[str, Any]:
    if isinstance(target, Path):
        return {"file": str(target)}
    if isinstance(target, tuple) and target and isinstance(target[0], Box):
        return {"boxes": [asdict(box) for box in target]}
    return {"value": target}


def _sample_of(row: Mapping[str, Any]) -> Sample:
    target = _tuples(row.get("value"))
    if "file" in row:
        target = Path(row["file"])
    elif "boxes" in row:
        target = tuple(Box(**_tuples(box)) for box in row["boxes"])
    return Sample(
        id=row["id"],
        patient=row["patient"],
        image=Path(row["image"]),
        spacing=tuple(row["spacing"]),
        target=target,
    )


def _tuples(value: Any) -> Any:
    """JSON's lists as the tuples that they were."""
    if isinstance(value, dict):
        return {key: _tuples(one) for key, one in value.items()}
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value

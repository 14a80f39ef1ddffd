"""Synthetic samples for the engine's tests: small, quick to learn, and broken in every way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from learning.engine.spec import Box, Recipe, Sample, Target, parse


def make_recipe(**changes: Any) -> Recipe:
    """Two classes of 32 × 32 images, a handful of steps."""
    return parse(
        {
            "task": "classification",
            "classes": ["dark", "bright"],
            "networks": ["densenet", "vit"],
            "input_size": [32, 32],
            "epochs": 3,
            "minimum_steps": 2,
            "batch_size": 4,
            "minimum_labels": 4,
            **changes,
        }
    )


def make_mask_recipe(**changes: Any) -> Recipe:
    """Two structures in 16³ volumes."""
    return parse(
        {
            "task": "segmentation",
            "classes": ["ball", "core"],
            "networks": ["unet", "segresnet"],
            "input_size": [16, 16, 16],
            "epochs": 2,
            "minimum_steps": 2,
            "batch_size": 2,
            "minimum_labels": 2,
            **changes,
        }
    )


def make_task_recipe(task: str, **changes: Any) -> Recipe:
    """For one of the tasks about bright squares, see ``make_squares``."""
    classes = {
        "multilabel": ["upper", "lower"],
        "ordinal": ["dim", "middling", "bright"],
        "landmarks": ["corner", "centre"],
        "detection": ["square", "bar"],
    }
    named = {"classes": classes[task]} if task in classes else {}
    dense = task in ("landmarks", "detection")
    return parse(
        {
            "task": task,
            **named,
            "networks": ["unet", "segresnet"] if dense else ["densenet", "vit"],
            "input_size": [32, 32],
            "epochs": 2,
            "minimum_steps": 2,
            "batch_size": 8,
            "minimum_labels": 4,
            "augment": False,
            **changes,
        }
    )


def make_squares(
    folder: Path, count: int, task: str, *, first: int = 0, size: int = 40
) -> list[Sample]:
    """A bright square somewhere, a bar in every other image; what is known of them is the task's."""
    rng = np.random.default_rng(first + 11)
    samples = []
    for number in range(first, first + count):
        image = rng.normal(100, 5, (size, size)).astype(np.float32)
        grade = number % 3
        row = int(rng.integers(3, size - 13))
        column = int(rng.integers(3, size - 13))
        image[row : row + 10, column : column + 10] += 40 + 40 * grade
        boxes = [Box(0, (row - 0.5, column - 0.5), (row + 9.5, column + 9.5))]
        if number % 2:
            image[size - 3 :, :] += 70
            boxes.append(Box(1, (size - 3.5, -0.5), (size - 0.5, size - 0.5)))
        upper = row + 5 < size / 2
        known: dict[str, Target] = {
            "multilabel": (float(upper), float(number % 2)),
            "ordinal": grade,
            "regression": 50.0 + 10 * row,
            "landmarks": ((float(row), float(column)), (row + 4.5, column + 4.5)),
            "detection": tuple(boxes),
        }
        path = folder / f"{number}.npy"
        np.save(path, image)
        samples.append(Sample(number, f"patient-{number}", path, (0.5, 0.5), known[task]))
    return samples


def make_images(folder: Path, count: int, *, first: int = 0, size: int = 20) -> list[Sample]:
    """Class 1 has a bright square in its upper half, class 0 in its lower half."""
    rng = np.random.default_rng(first + 7)
    samples = []
    for number in range(first, first + count):
        label = number % 2
        image = rng.normal(100, 5, (size, size)).astype(np.float32)
        row = 2 if label else size - 8
        image[row : row + 6, 6:14] += 60
        path = folder / f"{number}.npy"
        np.save(path, image)
        samples.append(Sample(number, f"patient-{number}", path, (1.0, 1.0), label))
    return samples


def make_volumes(folder: Path, count: int, *, first: int = 0, size: int = 16) -> list[Sample]:
    """A bright ball (1) with a brighter core (2), somewhere near the middle."""
    rng = np.random.default_rng(first + 7)
    grid = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"))
    samples = []
    for number in range(first, first + count):
        centre = size / 2 + rng.uniform(-2, 2, 3)
        far = np.linalg.norm(grid - centre[:, None, None, None], axis=0)
        mask = (far < 5).astype(np.uint8) + (far < 2.5)
        volume = (rng.normal(0, 5, (size, size, size)) + 50 * mask).astype(np.float32)
        path, mask_path = folder / f"{number}.npy", folder / f"{number}-mask.npy"
        np.save(path, volume)
        np.save(mask_path, mask)
        samples.append(Sample(number, f"patient-{number}", path, (1.0, 1.0, 2.0), mask_path))
    return samples

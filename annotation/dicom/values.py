"""Read single values of a header: numbers that are numbers, texts of a known length, functional groups."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from .header import value_of


def text(dataset: Dataset, keyword: str, limit: int) -> str:
    value = value_of(dataset, keyword)
    if value is None:
        return ""
    joined = "\\".join(map(str, value)) if isinstance(value, MultiValue) else str(value)
    return joined.replace("\x00", "").strip()[:limit]


def numbers(dataset: Dataset, keyword: str, count: int = 0) -> list[float] | None:
    """All values as finite numbers; None if missing, malformed or not ``count`` of them."""
    value = value_of(dataset, keyword)
    if value is None or value == "":
        return None
    values = list(value) if isinstance(value, (MultiValue, list, tuple)) else [value]
    try:
        found = [float(item) for item in values]
    except (TypeError, ValueError):
        return None
    if not all(map(math.isfinite, found)) or (count and len(found) != count):
        return None
    return found


def macro(dataset: Dataset, index: int, keyword: str) -> Dataset:
    """The data set that holds a functional group of a frame: its own, the shared one, or the object."""
    for groups, position in (
        ("PerFrameFunctionalGroupsSequence", index),
        ("SharedFunctionalGroupsSequence", 0),
    ):
        items = dataset.get(groups)
        if isinstance(items, Sequence) and position < len(items) and items[position].get(keyword):
            found: Dataset = items[position][keyword].value[0]
            return found
    return dataset

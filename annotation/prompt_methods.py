"""What answers prompts: the one small interface, and the method that needs no training.

``settings.PROMPT_METHODS`` names them all, so that one entry adds another; annotation knows no network.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from .models import Slot
from .prompting.asked import Check, Image, Mask, Prompt, Region, Spacing

RANDOM_WALK = "random_walk"


class Unavailable(Exception):
    """The message says to a reader why the method cannot serve here."""


@dataclass(frozen=True)
class Maker:
    """What answers: ``algorithm`` for people and for DICOM; the model, where one was trained for it."""

    algorithm: str
    model: int | None = None
    weights_sha256: str = ""
    classes: tuple[str, ...] | None = None
    """Those that it knows; None: any."""


@dataclass(frozen=True)
class Asked:
    """What a method gets. ``image``: real-world values of the region, higher being brighter."""

    slot: Slot
    series: int
    label_class: str
    maker: Maker
    prompts: tuple[Prompt, ...]
    region: Region
    shape: tuple[int, int, int]
    spacing: Spacing
    image: Image
    check: Check
    """To be called now and then; it raises where nobody waits for the answer any more."""


class Method(Protocol):
    code: str
    learned: bool
    """It knows what readers taught it: to be hidden wherever the model's suggestions are."""

    def maker(self, slot: Slot) -> Maker:
        """What would answer now. Raises Unavailable."""

    def mask(self, asked: Asked) -> Mask:
        """The voxels of the region that are inside. Raises Unanswerable with a sentence for the reader."""


class RandomWalk:
    """Random walks between the prompts, drawn by how bright they are. It has learnt nothing."""

    code = RANDOM_WALK
    learned = False

    def maker(self, slot: Slot) -> Maker:
        return Maker(f"Consilium {version('consilium')}: random walk from prompts")

    def mask(self, asked: Asked) -> Mask:
        from .prompting.segment import segment  # SciPy comes with the work

        return segment(
            asked.image,
            asked.spacing,
            asked.prompts,
            asked.region,
            asked.shape,
            check=asked.check,
        )


@cache
def registered() -> dict[str, Method]:
    """By code, in the order in which they are offered."""
    methods: list[Method] = [import_string(path)() for path in settings.PROMPT_METHODS]
    return {method.code: method for method in methods}

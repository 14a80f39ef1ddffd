"""What can stop the engine, each with a sentence for the person who can do something about it.

EngineError
├── InvalidRecipe        the recipe document cannot be carried out; ``problems`` lists why
├── NotEnoughData        too few usable samples, or one class only
├── InvalidCheckpoint    a checkpoint or weights file is damaged, foreign, or of another training
└── NotComputable        a number that these data cannot give
"""

from __future__ import annotations

from collections.abc import Sequence


class EngineError(Exception):
    """Base class; the message says what failed, why, and what to do."""


class InvalidRecipe(EngineError):
    """``problems``: one sentence for each thing that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


class NotEnoughData(EngineError):
    """Training or evaluation needs more than it was given."""


class InvalidCheckpoint(EngineError):
    """The file is not what its name, its hash or this training says it should be."""


class NotComputable(EngineError):
    """A metric that is undefined for these data; the sentence stands where the number would."""

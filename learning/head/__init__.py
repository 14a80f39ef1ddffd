"""A small head on frozen embeddings that learns from each answer at once: NumPy, and torch only for bf16.

``Logistic`` answers questions, ``Linear`` numbers; ``Rows`` reads the embeddings of a pool in one pass
and ``Standing`` keeps what the head thinks of each of its cases.
"""

from __future__ import annotations

from learning.head.errors import HeadError
from learning.head.linear import Linear
from learning.head.logistic import Logistic
from learning.head.posterior import Posterior, Shrinkage
from learning.head.rows import Rows, Scale, write_rows
from learning.head.standing import Standing

__all__ = [
    "HeadError",
    "Linear",
    "Logistic",
    "Posterior",
    "Rows",
    "Scale",
    "Shrinkage",
    "Standing",
    "write_rows",
]

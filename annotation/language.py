"""The language that a person has chosen for the interface."""

from __future__ import annotations

from .models import User


def choose(user: User, language: str) -> None:
    """``language``: one of ``Language``. It goes with the person to every browser."""
    user.language = language
    user.save(update_fields=["language"])

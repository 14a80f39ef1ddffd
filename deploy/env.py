"""Typed readers of environment variables. ``NAME_FILE`` names a file that holds the value."""

from __future__ import annotations

import os
from pathlib import Path


class MissingSetting(RuntimeError):
    """A required environment variable is not set."""


def text(name: str, default: str | None = None) -> str:
    """The value of ``name``, or of the file named by ``name_FILE``; raises MissingSetting."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    value = os.environ.get(name, default)
    if value is None:
        raise MissingSetting(f"Set the environment variable {name} (or {name}_FILE).")
    return value


def flag(name: str, default: bool) -> bool:
    return text(name, "1" if default else "0").lower() in {"1", "true", "yes", "on"}


def integer(name: str, default: int) -> int:
    return int(text(name, str(default)))


def words(name: str, default: str = "") -> list[str]:
    return [word for word in text(name, default).replace(",", " ").split() if word]

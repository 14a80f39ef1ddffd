"""Hashes of files, and the identifiers that follow from them."""

from __future__ import annotations

import hashlib
from pathlib import Path

MADE = "2.25."


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identifier(digest: str, what: str) -> str:
    """A UID under the UUID root that follows from the file's hash alone."""
    number = int(hashlib.sha256(f"{digest}/{what}".encode()).hexdigest()[:32], 16)
    return f"{MADE}{number}"

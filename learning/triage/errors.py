"""What triage refuses."""

from __future__ import annotations


class TriageError(Exception):
    """What is given cannot be used; the message says why."""

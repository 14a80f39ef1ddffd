"""What acquisition refuses."""

from __future__ import annotations


class AcquisitionError(Exception):
    """The pool lacks what the function needs; the message says what."""

"""Why a file cannot be taken in: a code for programs, a sentence for the person who sent it."""

from __future__ import annotations


class Fault(Exception):
    """``reason`` says what is wrong and, where there is a remedy, what to do."""

    def __init__(self, code: str, reason: str) -> None:
        reason = reason.replace("\x00", "")
        super().__init__(reason)
        self.code = code
        self.reason = reason

"""Why the product cannot be started, in a sentence, with what to do about it."""

from __future__ import annotations


class StackError(Exception):
    """``problem`` says what failed and why, ``remedy`` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy

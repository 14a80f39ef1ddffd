"""Terms as highdicom takes and gives them."""

from __future__ import annotations

from typing import Any

from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset

from .header import value_of
from .terms import Term


def concept(term: Term) -> CodedConcept:
    return CodedConcept(value=term.value, scheme_designator=term.scheme, meaning=term.meaning)


def term_in(items: Any) -> Term | None:
    """The first item of a code sequence; None where it is missing or empty."""
    if not items:
        return None
    code: Dataset = items[0]
    value = next(
        (
            str(found)
            for keyword in ("CodeValue", "LongCodeValue", "URNCodeValue")
            if (found := value_of(code, keyword))
        ),
        "",
    )
    scheme = str(value_of(code, "CodingSchemeDesignator") or "")
    return Term(value, scheme, str(value_of(code, "CodeMeaning") or "")) if value else None

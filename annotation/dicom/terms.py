"""Coded terms: from a label schema's words to DICOM codes, and the other way round.

A class or a question without a coded term gets a private code of our own, so that nothing that was
said is left out of an object for want of a dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PRIVATE = "99CONSILIUM"
"""PS3.3 8.2: designators that begin with 99 are private."""
LONGEST_SCHEME, LONGEST_MEANING, LONGEST_VALUE = 16, 64, 64

_SCHEMES = {
    "SNOMED": "SCT",
    "SNOMEDCT": "SCT",
    "SNOMEDCTSCT": "SCT",
    "HTTPSNOMEDINFOSCT": "SCT",
    "SCT": "SCT",
    "SRT": "SRT",
    "RADLEX": "RADLEX",
    "RID": "RADLEX",
    "HTTPRADLEXORG": "RADLEX",
    "DICOM": "DCM",
    "DCM": "DCM",
    "LOINC": "LN",
    "LN": "LN",
    "UCUM": "UCUM",
    "FMA": "FMA",
    "NCIT": "NCIt",
    "ICD10": "I10",
    "I10": "I10",
}
_UCUM = {
    "mm": "mm", "cm": "cm", "m": "m", "um": "um", "µm": "um", "mm2": "mm2", "mm²": "mm2",
    "cm2": "cm2", "cm²": "cm2", "mm3": "mm3", "mm³": "mm3", "cm3": "cm3", "cm³": "cm3", "ml": "ml",
    "mL": "ml", "l": "l", "L": "l", "deg": "deg", "°": "deg", "degrees": "deg", "%": "%", "s": "s",
    "ms": "ms", "min": "min", "h": "h", "d": "d", "days": "d", "a": "a", "years": "a", "g": "g",
    "kg": "kg", "mg": "mg", "HU": "[hnsf'U]", "bpm": "/min", "mmHg": "mm[Hg]", "": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Term:
    """A concept as DICOM codes it: value, designator of the scheme, meaning."""

    value: str
    scheme: str
    meaning: str

    @property
    def key(self) -> str:
        """Tells it from every other concept, whatever it is called."""
        return f"{self.scheme}:{self.value}"


CATEGORIES = {
    "": Term("309825002", "SCT", "Spatial and Relational Concept"),
    "anatomy": Term("123037004", "SCT", "Anatomical Structure"),
    "tissue": Term("85756007", "SCT", "Tissue"),
    "abnormality": Term("49755003", "SCT", "Morphologically Abnormal Structure"),
    "object": Term("260787004", "SCT", "Physical object"),
    "substance": Term("91720002", "SCT", "Body Substance"),
}
"""What a class of a label schema may say it is (PS3.16 CID 7150); '': it does not say."""


def scheme_of(system: str) -> str:
    """The DICOM designator of a coding system that a person named, e.g. “SNOMED CT” -> SCT."""
    known = _SCHEMES.get(re.sub(r"[^A-Z0-9]", "", system.upper().removeprefix("HTTPS:")))
    return known or re.sub(r"\s", "_", system.strip())[:LONGEST_SCHEME] or PRIVATE


def term_of(code: str, name: str, term: Mapping[str, Any] | None) -> Term:
    """The coded term of a thing of the schema, or a private one made of its code and name."""
    if term:
        value = str(term["code"]).strip()[:LONGEST_VALUE]
        return Term(value, scheme_of(str(term["system"])), _meaning(str(term["display"])))
    return Term(str(code)[:LONGEST_VALUE], PRIVATE, _meaning(name or str(code)))


def unit_of(text: str) -> Term:
    """The UCUM unit that a form's unit stands for; any other is kept as a UCUM annotation in braces."""
    stripped = text.strip()
    if stripped in _UCUM:
        value = _UCUM[stripped]
        return Term(value, "UCUM", stripped or "no units")
    plain = re.sub(r"[^\x21-\x7e]|[{}]", "_", stripped)[: LONGEST_VALUE - 2]
    return Term(f"{{{plain}}}", "UCUM", _meaning(stripped))


def _meaning(text: str) -> str:
    """Within what Code Meaning may hold: one line, no backslash."""
    line = " ".join(text.replace("\\", "/").split())
    return line if len(line) <= LONGEST_MEANING else f"{line[: LONGEST_MEANING - 1]}…"

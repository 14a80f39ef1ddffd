"""Concepts of our own in reports, so that we know our own marks exactly when they are read in elsewhere."""

from __future__ import annotations

from .terms import PRIVATE, Term

KIND = Term("mark-kind", PRIVATE, "Kind of mark")
IN_PATIENT = Term("points-in-patient", PRIVATE, "Points in patient")
COMMENT = Term("121106", "DCM", "Comment")

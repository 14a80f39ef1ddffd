"""Kinds of DICOM object that hold marks rather than images."""

from __future__ import annotations

from pydicom.uid import RTStructureSetStorage, SegmentationStorage

SEGMENTATIONS = frozenset({SegmentationStorage, "1.2.840.10008.5.1.4.1.1.66.7"})
STRUCTURE_SETS = frozenset({RTStructureSetStorage})
REPORTS = frozenset(f"1.2.840.10008.5.1.4.1.1.88.{kind}" for kind in (11, 22, 33, 34, 35))
READABLE = SEGMENTATIONS | STRUCTURE_SETS | REPORTS

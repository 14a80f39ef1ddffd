"""What every object that we write says of itself: who made it, and when.

Identifiers and times follow from the read alone, so that writing it again gives the same bytes.
"""

from __future__ import annotations

from datetime import datetime

from pydicom.dataset import Dataset

from .identity import identifier
from .record import ReadRecord

MAKER = "Consilium"
MODEL = "Consilium reading room"
_DATES = ("ContentDate", "InstanceCreationDate", "SeriesDate")
_TIMES = ("ContentTime", "InstanceCreationTime", "SeriesTime")


def fix_identity(made: Dataset, record: ReadRecord, what: str) -> None:
    """Date the object as the read was made, and derive what the library drew at random."""
    when = datetime.fromisoformat(record.made_at)
    for keyword in _DATES:
        if keyword in made or keyword == "SeriesDate":
            setattr(made, keyword, when.strftime("%Y%m%d"))
    for keyword in _TIMES:
        if keyword in made or keyword == "SeriesTime":
            setattr(made, keyword, when.strftime("%H%M%S.%f"))
    for equipment in made.get("ContributingEquipmentSequence") or []:
        equipment.ContributionDateTime = when.strftime("%Y%m%d%H%M%S.%f")
    made.TimezoneOffsetFromUTC = "+0000"
    organization = identifier(record.digest, f"{what}/dimensions")
    for sequence in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in made.get(sequence) or []:
            item.DimensionOrganizationUID = organization

"""The nouns of everything someone is accountable for. Each is written by one module only."""

from .cases import Case, Patient
from .imaging import Adoption, ChangeCursor, Import, ImportItem, Instance, Series
from .ledger import Anchor, ChainHead, Event
from .people import ApiToken, KeyProfile, Membership, Role, Site, User
from .projects import CaseUnit, GuidelinePicture, LabelSchema, Project, Stream, Task
from .reading import Answer, Comment, Draft, Mark, MarkKind, Mask, Purpose, Read, Skip, Slot
from .references import Reference
from .snapshots import Snapshot, SnapshotItem, Split

__all__ = [
    "Adoption",
    "Anchor",
    "Answer",
    "ApiToken",
    "Case",
    "CaseUnit",
    "ChainHead",
    "ChangeCursor",
    "Comment",
    "Draft",
    "Event",
    "GuidelinePicture",
    "Import",
    "ImportItem",
    "Instance",
    "KeyProfile",
    "LabelSchema",
    "Mark",
    "MarkKind",
    "Mask",
    "Membership",
    "Patient",
    "Project",
    "Purpose",
    "Read",
    "Reference",
    "Role",
    "Series",
    "Site",
    "Skip",
    "Slot",
    "Snapshot",
    "SnapshotItem",
    "Split",
    "Stream",
    "Task",
    "User",
]

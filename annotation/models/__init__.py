"""The nouns of everything someone is accountable for. Each is written by one module only."""

from .cases import Case, Patient
from .exchange import Source, WriteBack, WrittenObject
from .imaging import Adoption, ChangeCursor, Import, ImportItem, Instance, Series
from .ledger import Anchor, ChainHead, Event
from .lists import SavedFilters
from .people import ApiToken, KeyProfile, Language, Membership, Role, Site, User
from .projects import (
    CaseUnit,
    Comparison,
    GuidelinePicture,
    HangingProtocols,
    LabelSchema,
    Project,
    Stream,
    SuggestionMode,
    SupersededRule,
    Task,
    WriteBackRule,
)
from .prompts import PromptedMask, PromptUse
from .reading import Answer, Comment, Draft, Mark, MarkKind, Mask, Purpose, Read, Skip, Slot
from .references import ProvisionalLabel, Reference
from .snapshots import Snapshot, SnapshotItem, Split
from .suggestions import Assistance, FirstReading, ItemOutcome, Outcome, Showing, Suggestion

__all__ = [
    "Adoption",
    "Anchor",
    "Answer",
    "ApiToken",
    "Assistance",
    "Case",
    "CaseUnit",
    "ChainHead",
    "ChangeCursor",
    "Comment",
    "Comparison",
    "Draft",
    "Event",
    "FirstReading",
    "GuidelinePicture",
    "HangingProtocols",
    "Import",
    "ImportItem",
    "Instance",
    "ItemOutcome",
    "KeyProfile",
    "LabelSchema",
    "Language",
    "Mark",
    "MarkKind",
    "Mask",
    "Membership",
    "Outcome",
    "Patient",
    "Project",
    "PromptUse",
    "PromptedMask",
    "ProvisionalLabel",
    "Purpose",
    "Read",
    "Reference",
    "Role",
    "SavedFilters",
    "Series",
    "Showing",
    "Site",
    "Skip",
    "Slot",
    "Snapshot",
    "SnapshotItem",
    "Source",
    "Split",
    "Stream",
    "Suggestion",
    "SuggestionMode",
    "SupersededRule",
    "Task",
    "User",
    "WriteBack",
    "WriteBackRule",
    "WrittenObject",
]

"""Everything that runs on one machine: started, watched, restarted and stopped together."""

from .database import migrate
from .errors import StackError
from .places import ROOT, Ports, Record
from .services import ALL, BACKING, EXTERNAL, OURS, wanted
from .supervisor import Stack

__all__ = [
    "ALL",
    "BACKING",
    "EXTERNAL",
    "OURS",
    "ROOT",
    "Ports",
    "Record",
    "Stack",
    "StackError",
    "migrate",
    "wanted",
]

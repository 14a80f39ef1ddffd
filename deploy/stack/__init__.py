"""Everything that runs on one machine: started, watched, restarted and stopped together."""

from .errors import StackError
from .places import ROOT, Ports, Record
from .services import ALL, BACKING, EXTERNAL, OURS
from .supervisor import Stack

__all__ = ["ALL", "BACKING", "EXTERNAL", "OURS", "ROOT", "Ports", "Record", "Stack", "StackError"]

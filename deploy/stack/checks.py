"""What would make a start fail, found out before anything is started."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from . import broker, image_store
from .errors import StackError
from .places import Ports, is_free

LEAST_FREE_BYTES = 1024**3
PORT_OF = {
    "web": ("web", "--port 8080, or another that is free"),
    "orthanc": ("orthanc", "another number in ports.json"),
    "dicom": ("orthanc", "another number in ports.json"),
}


def before_start(var: Path, ports: Ports, names: Sequence[str]) -> None:
    """Raise StackError for the first thing that is missing, full or taken."""
    enough_space(var)
    if "orthanc" in names:
        image_store.binary()
        image_store.plugin()
    if "redis" in names:
        broker.binary()
    for purpose, (service, choice) in PORT_OF.items():
        port = getattr(ports, purpose)
        if service in names and not is_free(port):
            raise StackError(
                f"Port {port} (for {purpose}) is taken by another program.",
                f"Stop that program, or choose {choice} (ss -ltnp shows who has it).",
            )


def enough_space(var: Path) -> None:
    free = shutil.disk_usage(var).free
    if free < LEAST_FREE_BYTES:
        raise StackError(
            f"Only {free // 1024**2} MB are free on the disk that holds {var}; 1 GB is the least.",
            "Free some space, or name another folder in CONSILIUM_VAR.",
        )

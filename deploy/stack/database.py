"""Brings the tables up to date; run between the start of the database and that of our services."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from .errors import StackError
from .places import ROOT


def migrate(environment: Mapping[str, str]) -> None:
    """Tables and the cache table. Changes nothing when they are as they should be."""
    for command in (["migrate", "--no-input"], ["createcachetable"]):
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *command],
            env=dict(environment),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["It said nothing."])[-1]
            raise StackError(
                f"The database could not be brought up to date: {last}",
                f"See all of it with: python manage.py {command[0]}",
            )

"""Brings the tables up to date; run between the start of the database and that of our services."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from .errors import StackError
from .places import ROOT

UP_TO_DATE = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", interactive=False)
call_command("createcachetable")
"""


def migrate(environment: Mapping[str, str]) -> None:
    """Tables and the cache table. Changes nothing when they are as they should be."""
    done = subprocess.run(
        [sys.executable, "-c", UP_TO_DATE],
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
            "Report this with the text above; your data is as it was.",
        )

"""The web process, the ticker and other workers start fast and small: they never load torch,
nor what only exports and imports need.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "deploy.settings"
import django
django.setup()
import importlib
for name in {modules!r}:
    importlib.import_module(name)
heavy = sorted({{"torch", "monai", "sklearn", "nibabel", "scipy"}} & set(sys.modules))
sys.exit(f"loaded: {{heavy}}" if heavy else 0)
"""


@pytest.mark.parametrize(
    "modules",
    [
        ["deploy.urls", "deploy.wsgi"],
        ["deploy.ticker", "annotation.due", "learning.due"],
        ["annotation.actors", "learning.actors"],
        ["learning.rounds", "learning.recipes", "learning.overview", "learning.measuring.cards"],
    ],
    ids=lambda modules: modules[0],
)
def test_these_load_nothing_heavy(modules: list[str]) -> None:
    program = PROGRAM.format(modules=modules)
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr

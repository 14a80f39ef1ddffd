"""What axe finds on a page that keeps somebody out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
CONFORMANCE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def barriers(page: Page, *more: str, within: str = "html") -> list[str]:
    """What axe finds there that keeps somebody out, one line each; ``more`` names further sets of rules."""
    page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate(
        "([within, rules]) => axe.run(within, {runOnly: rules}).then(({violations}) => violations)",
        [within, [*CONFORMANCE, *more]],
    )
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found]

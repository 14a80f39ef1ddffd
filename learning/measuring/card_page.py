"""A model card as one HTML file: what ``cards.card`` writes in Markdown, readable without a tool."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #999;padding:.25rem .6rem;"
    "text-align:left}code{overflow-wrap:anywhere}"
)
RULE = re.compile(r"\|[\s|:-]+\|")


def page(markdown: str) -> str:
    """The headings, lists, tables, bold words and codes of a card; everything else is escaped."""
    title = escape(markdown.partition("\n")[0].lstrip("# "))
    body = "\n".join(_blocks(markdown.splitlines()))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _blocks(lines: list[str]) -> Iterator[str]:
    inside = ""
    for place, line in enumerate(lines):
        kind = "table" if line.startswith("|") else "ul" if line.startswith("- ") else ""
        if inside and kind != inside:
            yield f"</{inside}>"
        if kind and kind != inside:
            yield f"<{kind}>"
        inside = kind
        if kind == "table" and not RULE.fullmatch(line):
            following = lines[place + 1] if place + 1 < len(lines) else ""
            yield _row(line, "th" if RULE.fullmatch(following) else "td")
        elif kind == "ul":
            yield f"<li>{_inline(line[2:])}</li>"
        elif not kind and line:
            yield _paragraph(line)
    if inside:
        yield f"</{inside}>"


def _row(line: str, cell: str) -> str:
    scope = ' scope="col"' if cell == "th" else ""
    cells = (part.strip() for part in line.strip("|").split("|"))
    return "<tr>" + "".join(f"<{cell}{scope}>{_inline(part)}</{cell}>" for part in cells) + "</tr>"


def _paragraph(line: str) -> str:
    level = len(line) - len(line.lstrip("#"))
    if level:
        return f"<h{level}>{_inline(line[level:].strip())}</h{level}>"
    return f"<p>{_inline(line)}</p>"


def _inline(text: str) -> str:
    safe = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text))
    return re.sub(r"`(.+?)`", r"<code>\1</code>", safe)

"""Serves the built single-page front end to people who are signed in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

NOT_BUILT = "The front end is not built yet. Run: npm ci && npm run build, in frontend/."

SAID = '<html lang="en">'
"""As the build writes it. The front end speaks the language that stands here instead."""
HEAD_ENDS = "</head>"

EVERYWHERE = ("src/start.ts",)
READING = ("src/pages/reading-room/ReadingRoom.svelte", "src/viewer/stage.ts")
READING_ROOM = re.compile(r"^/p/[^/]+/read(/|$)")


@require_safe
@login_required
@ensure_csrf_cookie
def index(request: HttpRequest) -> HttpResponse:
    """The page that loads the application; its routes are resolved in the browser, its language here.

    It says who reads and names the files that the page will ask for, so that they arrive side by side.
    """
    page = settings.FRONTEND_DIST / "index.html"
    if not page.is_file():
        return HttpResponse(NOT_BUILT, status=503, content_type="text/plain")
    language = (get_language() or settings.LANGUAGE_CODE).split("-")[0]
    begin = format_html('<html lang="{}" data-user="{}">', language, request.user.get_username())
    parts = EVERYWHERE + (READING if READING_ROOM.match(request.path) else ())
    text = page.read_text(encoding="utf-8").replace(SAID, begin, 1)
    text = text.replace(HEAD_ENDS, _links(settings.FRONTEND_DIST, parts) + HEAD_ENDS, 1)
    return HttpResponse(text, headers={"Cache-Control": "no-cache"})


def _links(dist: Path, parts: tuple[str, ...]) -> str:
    """Of scripts and style sheets, in the order in which they are needed; none without a build's list.

    Scripts are fetched and no more: read as modules, the library that draws pixels would keep the page from
    its own first lines.
    """
    manifest = dist / "manifest.json"
    if not manifest.is_file():
        return ""
    scripts, styles = _needed(manifest, manifest.stat().st_mtime_ns, parts)
    return format_html_join(
        "",
        '<link rel="preload" as="script" crossorigin href="{}{}">',
        ((settings.STATIC_URL, one) for one in scripts),
    ) + format_html_join(
        "", '<link rel="stylesheet" href="{}{}">', ((settings.STATIC_URL, one) for one in styles)
    )


@lru_cache(maxsize=8)
def _needed(manifest: Path, written: int, parts: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Files of those parts and of all that they import, but for the entry, which the page names itself."""
    chunks: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    wanted = dict.fromkeys(name for part in parts for name in _imported(chunks, part, set()))
    found = [chunks[name] for name in wanted if not chunks[name].get("isEntry")]
    styles = dict.fromkeys(style for chunk in found for style in chunk.get("css", []))
    return [chunk["file"] for chunk in found], list(styles)


def _imported(chunks: dict[str, Any], name: str, seen: set[str]) -> Iterator[str]:
    if name in seen or name not in chunks:
        return
    seen.add(name)
    yield name
    for needed in chunks[name].get("imports", []):
        yield from _imported(chunks, needed, seen)

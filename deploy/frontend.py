"""Serves the built single-page front end to people who are signed in."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

NOT_BUILT = "The front end is not built yet. Run: npm ci && npm run build, in frontend/."

SAID = '<html lang="en">'
"""As the build writes it. The front end speaks the language that stands here instead."""


@require_safe
@login_required
@ensure_csrf_cookie
def index(request: HttpRequest) -> HttpResponse:
    """The page that loads the application; its routes are resolved in the browser, its language here."""
    page = settings.FRONTEND_DIST / "index.html"
    if not page.is_file():
        return HttpResponse(NOT_BUILT, status=503, content_type="text/plain")
    language = (get_language() or settings.LANGUAGE_CODE).split("-")[0]
    text = page.read_text(encoding="utf-8").replace(SAID, f'<html lang="{language}">', 1)
    return HttpResponse(text, headers={"Cache-Control": "no-cache"})

"""The language of every answer: the one that the person chose, else of the browser."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers


class LanguageMiddleware:
    """Speaks the language that the person who is signed in chose. For others, and who chose none: the one
    that was last chosen in this browser, which a cookie keeps, else what the browser asks for. Signing out
    or in on the same machine therefore does not change the language.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = _supported(_chosen(request)) or translation.get_language_from_request(request)
        with translation.override(language):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        _remember(request, response)
        return response


def _chosen(request: HttpRequest) -> str:
    return str(getattr(request.user, "language", ""))


def _supported(chosen: str) -> str:
    return translation.get_supported_language_variant(chosen) if chosen else ""


def _remember(request: HttpRequest, response: HttpResponse) -> None:
    chosen = _chosen(request)
    if not chosen or request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) == chosen:
        return
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        chosen,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )

"""Frames and thumbnails for the browser, by a signed link that is checked without asking the database.

Whoever may see a series gets a link to it (see ``api.series``); the link ends after some hours. It is
the same within an hour, so that the browser's cache is of use.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from io import BufferedReader
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, path, resolve
from django.views.decorators.http import require_safe

from . import frame_cache, frames, orthanc
from .api import problem
from .dicom.faults import Fault
from .errors import ConsiliumError, InvalidInput, NotFound, NotPermitted
from .frame_cache import Source
from .models import Series, User

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HOURS = 12
PREFIX = "/pixels/"
_SECONDS = HOURS * 3600
_STEP = 3600
_ALWAYS = (
    ("Cache-Control", f"private, max-age={_SECONDS}, immutable"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_MOST_KNOWN = 1024
_known: dict[str, tuple[int, str, list[tuple[Source, str]]]] = {}
_FRAMES, _THUMBNAIL = Signer(salt="pixels.frames"), Signer(salt="pixels.thumbnail")


class Superseded(NotFound):
    """The link is of the series as it was before more of its images arrived."""

    code, status, title = "series_changed", 410, "The series has changed since it was opened"


def links(series: Series, user: User) -> dict[str, str]:
    """The token and the addresses under which this user may load this series for some hours."""
    token = _token(_FRAMES, series, user)
    return {
        "token": token,
        "frames_url": f"{PREFIX}{token}/frames/{{index}}",
        "thumbnail_url": thumbnail_url(series, user),
    }


def thumbnail_url(series: Series, user: User) -> str:
    """An address that shows the thumbnail and nothing else of the series."""
    return f"{PREFIX}{_token(_THUMBNAIL, series, user)}/thumbnail"


@require_safe
def frame(request: HttpRequest, token: str, index: int) -> HttpResponseBase:
    series_id, version = _opened(_FRAMES, token)
    etag = f'"{version}-{index}"'
    if request.headers.get("If-None-Match") == etag:
        return _cacheable(HttpResponse(status=304), etag)
    sources = _sources(series_id, version)
    _remember(token, sources)
    if index >= len(sources):
        raise NotFound
    source, syntax = sources[index]
    response = (
        _accelerated(source) if settings.X_ACCEL else HttpResponse(frame_cache.content(source))
    )
    response["Content-Type"] = f"application/octet-stream; transfer-syntax={syntax}"
    return _cacheable(response, etag)


@require_safe
def thumbnail(request: HttpRequest, token: str) -> HttpResponseBase:
    series_id, version = _opened(_THUMBNAIL, token)
    etag = f'"{version}"'
    if request.headers.get("If-None-Match") == etag:
        return _cacheable(HttpResponse(status=304), etag)
    series = Series.objects.filter(pk=series_id).first()
    if series is None:
        raise NotFound
    return _cacheable(HttpResponse(frames.thumbnail(series), content_type="image/png"), etag)


class PixelMiddleware:
    """Answers requests for pixels before anything else does: no session is looked up, no link logged."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        try:
            match = resolve(request.path_info[len(PREFIX) - 1 :], "annotation.pixels")
            response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
            return response
        except Resolver404:
            return _problem(NotFound())
        except Fault as fault:
            return _problem(InvalidInput(fault.reason))
        except ConsiliumError as error:
            return _problem(error)
        except (OperationalError, InterfaceError):
            return JsonResponse(problem.unavailable(), status=503, content_type=problem.MEDIA_TYPE)


class FastPath:
    """WSGI in front of Django for the most frequent request of all: a frame that lies on disk, by a
    link that was checked before. All others, and every doubt, go on to Django.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        at_hand = None if settings.X_ACCEL else _at_hand(environ)
        if at_hand is None:
            return self.application(environ, start_response)
        opened, headers = at_hand
        start_response("200 OK", headers)
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](opened)
        return wrapped


def _at_hand(environ: WSGIEnvironment) -> tuple[BufferedReader, list[tuple[str, str]]] | None:
    """The open file and the headers, if nothing has to be asked or made for them."""
    parts = environ["PATH_INFO"].split("/")
    known = _known.get(parts[2]) if len(parts) == 5 and parts[1] == "pixels" else None
    plain = environ["REQUEST_METHOD"] == "GET" and "HTTP_IF_NONE_MATCH" not in environ
    if known is None or not plain or parts[3] != "frames" or not parts[4].isdecimal():
        return None
    token_ends, version, sources = known
    index = int(parts[4])
    if token_ends < time.time() or index >= len(sources) or "wsgi.file_wrapper" not in environ:
        return None
    source, syntax = sources[index]
    opened = _open(source)
    if opened is None:
        return None
    headers = [
        *_ALWAYS,
        ("ETag", f'"{version}-{index}"'),
        ("Content-Type", f"application/octet-stream; transfer-syntax={syntax}"),
        ("Content-Length", str(source.length)),
    ]
    return opened, headers


def _open(source: Source) -> BufferedReader | None:
    try:
        opened = frame_cache.path(source).open("rb")
    except FileNotFoundError:
        return None
    if source.length and os.fstat(opened.fileno()).st_size == source.length:
        return opened
    opened.close()
    return None


def _remember(token: str, sources: list[tuple[Source, str]]) -> None:
    """A link that was found good, until it ends."""
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _, _, version, ends = token.rpartition(":")[0].split("-")
    _known[token] = (int(ends), version, sources)


def _token(signer: Signer, series: Series, user: User) -> str:
    version = frames.display_of(series)["version"]
    ends = (int(time.time()) // _STEP + 1) * _STEP + _SECONDS
    return signer.sign(f"{series.pk}-{user.pk}-{version}-{ends}")


def _opened(signer: Signer, token: str) -> tuple[int, str]:
    """Series and version that the link is for."""
    try:
        series_id, _, version, ends = signer.unsign(token).split("-")
    except (BadSignature, ValueError):
        raise NotFound from None
    if int(ends) < time.time():
        raise NotPermitted("This link to the images has ended. Open the case again.")
    return int(series_id), version


@lru_cache(maxsize=256)
def _sources(series_id: int, version: str) -> list[tuple[Source, str]]:
    """Where each frame of that version comes from, and its encoding. A version never changes."""
    series = Series.objects.filter(pk=series_id).first()
    if series is None:
        raise NotFound
    display = frames.display_of(series)
    if display["version"] != version:
        raise Superseded("More images of this series have arrived. Open the case again.")
    syntaxes = [each["transfer_syntax_uid"] for each in display["frames"]]
    return list(zip(frame_cache.sources(display), syntaxes, strict=True))


def _accelerated(source: Source) -> HttpResponse:
    """Names the place where the proxy finds the bytes; they do not pass through this process."""
    kept = frame_cache.file(source)
    if kept is None and source.length:
        frame_cache.content(source)
        kept = frame_cache.file(source)
    response = HttpResponse()
    if kept is None:
        place = f"/_orthanc{orthanc.frame_path(source.store_id, source.number - 1)}"
    else:
        place = f"/_frames/{kept.relative_to(settings.FRAMES_DIR).as_posix()}"
    response["X-Accel-Redirect"] = place
    return response


def _cacheable(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    for name, value in (*_ALWAYS, ("ETag", etag)):
        response[name] = value
    return response


def _problem(error: ConsiliumError) -> HttpResponse:
    body = problem.document(error.code, error.status, error.title, error.detail)
    return JsonResponse(body, status=error.status, content_type=problem.MEDIA_TYPE)


urlpatterns = [
    path("<str:token>/frames/<int:index>", frame),
    path("<str:token>/thumbnail", thumbnail),
]

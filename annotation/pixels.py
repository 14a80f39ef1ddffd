"""Frames and thumbnails for the browser, by the links of ``pixel_links``. The link says it all, whose it
is included: no session is looked up, and what lies on disk is sent without asking anybody.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from io import BufferedReader
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, path, resolve
from django.views.decorators.http import require_safe

from . import frame_cache, frames, orthanc, pixel_links
from .api import problem
from .case_images import display_of
from .dicom.faults import Fault
from .dicom.sandbox import DecoderUnavailable
from .errors import ConsiliumError, InvalidInput, NotFound, StorageFull
from .frame_cache import Source
from .models import Series
from .pixel_links import PREFIX, Link

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Sources = list[tuple[Source, str]]
log = logging.getLogger(__name__)

_ALWAYS = (
    ("Cache-Control", f"private, max-age={pixel_links.SECONDS}, immutable"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_MOST_KNOWN = 1024
_known: dict[str, tuple[Link, Sources]] = {}


class Superseded(NotFound):
    """The link is of the series as it was before more of its images arrived."""

    code, status, title = "series_changed", 410, "The series has changed since it was opened"


class NotNow(ConsiliumError):
    code, status, title = "decoder_unavailable", 503, "The server cannot decode images just now"


@require_safe
def frame(request: HttpRequest, token: str, index: int) -> HttpResponseBase:
    link = pixel_links.to_frames(token, pixel_links.holder_of(request.META))
    etag = f'"{link.version}-{index}"'
    if request.headers.get("If-None-Match") == etag:
        return _cacheable(HttpResponse(status=304), etag)
    sources = _sources(link.series_id, link.instance, link.version)
    _remember(token, link, sources)
    if index >= len(sources):
        raise NotFound
    source, syntax = sources[index]
    response = (
        _accelerated(source) if settings.X_ACCEL else HttpResponse(frame_cache.content(source))
    )
    response["Content-Type"] = _media_type(syntax)
    return _cacheable(response, etag)


@require_safe
def thumbnail(request: HttpRequest, token: str) -> HttpResponseBase:
    link = pixel_links.to_thumbnail(token, pixel_links.holder_of(request.META))
    etag = f'"{link.version}"'
    if request.headers.get("If-None-Match") == etag:
        return _cacheable(HttpResponse(status=304), etag)
    series = Series.objects.filter(pk=link.series_id).first()
    if series is None:
        raise NotFound
    picture = frames.thumbnail(series, link.instance)
    return _cacheable(HttpResponse(picture, content_type="image/png"), etag)


class PixelMiddleware:
    """Answers requests for pixels before anything else does, so that no session is looked up for them
    and no link is logged.
    """

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
        except DecoderUnavailable as error:
            return _problem(NotNow(f"The image could not be decoded just now: {error}"))
        except OSError as error:
            return _problem(_of_the_disk(error))
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
    link, sources = known
    if link.ends < time.time() or link.holder != pixel_links.holder_of(environ):
        return None
    index = int(parts[4])
    if index >= len(sources) or "wsgi.file_wrapper" not in environ:
        return None
    source, syntax = sources[index]
    opened = _open(source)
    if opened is None:
        return None
    headers = [
        *_ALWAYS,
        ("ETag", f'"{link.version}-{index}"'),
        ("Content-Type", _media_type(syntax)),
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


def _remember(token: str, link: Link, sources: Sources) -> None:
    """A link that was found good, until it ends."""
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[token] = (link, sources)


@lru_cache(maxsize=256)
def _sources(series_id: int, instance: str, version: str) -> Sources:
    """Where each frame of that version comes from, and its encoding. A version never changes."""
    series = Series.objects.filter(pk=series_id).first()
    if series is None:
        raise NotFound
    display = display_of(series, instance)
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


def _media_type(syntax: str) -> str:
    return f"application/octet-stream; transfer-syntax={syntax}"


def _cacheable(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    for name, value in (*_ALWAYS, ("ETag", etag)):
        response[name] = value
    return response


def _of_the_disk(error: OSError) -> ConsiliumError:
    log.warning("A frame could not be made or read: %s", error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(
            "The server's disk is full, so this image cannot be decoded. Ask the person who runs it to "
            "free some space; then open the case again."
        )
    return NotNow(
        "The server could not read or write its copy of this image. Try again in a minute."
    )


def _problem(error: ConsiliumError) -> HttpResponse:
    body = problem.document(error.code, error.status, error.title, error.detail)
    return JsonResponse(body, status=error.status, content_type=problem.MEDIA_TYPE)


urlpatterns = [
    path("<str:token>/frames/<int:index>", frame),
    path("<str:token>/thumbnail", thumbnail),
]

"""Frames and thumbnails for the browser, by a signed link that is checked without asking the database.

Whoever may see a series gets a link to it (see ``api.series``); the link ends after some hours. It is
the same within an hour, so that the browser's cache is of use.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import Resolver404, path, resolve
from django.views.decorators.http import require_safe

from . import frames, orthanc
from .dicom.faults import Fault
from .errors import ConsiliumError, InvalidInput, NotFound, NotPermitted
from .models import Series, User

HOURS = 12
PREFIX = "/pixels/"
_SECONDS = HOURS * 3600
_STEP = 3600
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
def frame(request: HttpRequest, token: str, index: int) -> HttpResponse:
    series_id, version = _opened(_FRAMES, token)
    etag = f'"{version}-{index}"'
    if request.headers.get("If-None-Match") == etag:
        return _cacheable(HttpResponse(status=304), etag)
    sources = _sources(series_id, version)
    if index >= len(sources):
        raise NotFound
    source, syntax = sources[index]
    response = (
        _accelerated(source) if settings.X_ACCEL else HttpResponse(frames.source_bytes(source))
    )
    response["Content-Type"] = f"application/octet-stream; transfer-syntax={syntax}"
    return _cacheable(response, etag)


@require_safe
def thumbnail(request: HttpRequest, token: str) -> HttpResponse:
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

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        try:
            match = resolve(request.path_info[len(PREFIX) - 1 :], "annotation.pixels")
            response: HttpResponse = match.func(request, *match.args, **match.kwargs)
            return response
        except Resolver404:
            return _problem(NotFound())
        except Fault as fault:
            return _problem(InvalidInput(fault.reason))
        except ConsiliumError as error:
            return _problem(error)


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
def _sources(series_id: int, version: str) -> list[tuple[list[Any], str]]:
    """Where each frame of that version comes from, and its encoding. A version never changes."""
    series = Series.objects.filter(pk=series_id).first()
    if series is None:
        raise NotFound
    display = frames.display_of(series)
    if display["version"] != version:
        raise Superseded("More images of this series have arrived. Open the case again.")
    syntaxes = [each["transfer_syntax_uid"] for each in display["frames"]]
    return list(zip(display["sources"], syntaxes, strict=True))


def _accelerated(source: list[Any]) -> HttpResponse:
    """Names the place where the proxy finds the bytes; they do not pass through this process."""
    store_id, number, sha256 = source
    response = HttpResponse()
    if not sha256:
        response["X-Accel-Redirect"] = f"/_orthanc{orthanc.frame_path(store_id, number - 1)}"
        return response
    copy = frames.copy_of(store_id, number, sha256)
    response["X-Accel-Redirect"] = f"/_frames/{copy.relative_to(settings.FRAMES_DIR).as_posix()}"
    return response


def _cacheable(response: HttpResponse, etag: str) -> HttpResponse:
    response["ETag"] = etag
    response["Cache-Control"] = f"private, max-age={_SECONDS}, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _problem(error: ConsiliumError) -> HttpResponse:
    body = {
        "type": f"urn:consilium:problem:{error.code}",
        "code": error.code,
        "status": error.status,
        "title": error.title,
        "detail": error.detail,
    }
    return JsonResponse(body, status=error.status, content_type="application/problem+json")


urlpatterns = [
    path("<str:token>/frames/<int:index>", frame),
    path("<str:token>/thumbnail", thumbnail),
]

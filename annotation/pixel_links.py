"""Signed links to the pixels of a series, checked later without asking the database.

Whoever may see a series gets a link to it (see ``api.series``), which is good for the session or API
token that asked for it alone, and ends after an hour or two. It is the same within an hour, so that
the browser's cache is of use.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import parse_cookie
from django.utils.crypto import salted_hmac

from .case_images import version_of
from .errors import NotFound, NotPermitted
from .models import Series

PREFIX = "/pixels/"
SECONDS = 3600
_STEP = 3600
_FRAMES, _THUMBNAIL = Signer(salt="pixels.frames"), Signer(salt="pixels.thumbnail")


class Link(NamedTuple):
    """What a link is good for: one version of one series, or of one instance of it, for one holder,
    until ``ends`` (seconds of the epoch).
    """

    series_id: int
    instance: str
    version: str
    holder: str
    ends: int


def holder_of(environ: Mapping[str, Any]) -> str:
    """A keyed hash of what this request signs in with: its API token, or else its session cookie."""
    secret = environ.get("HTTP_AUTHORIZATION")
    if not secret:
        secret = parse_cookie(environ.get("HTTP_COOKIE", "")).get(settings.SESSION_COOKIE_NAME, "")
    return hmac.digest(_key(), secret.encode("utf-8", "surrogateescape"), "sha256").hex()[:32]


def links(series: Series, holder: str, instance: str = "") -> dict[str, str]:
    """The token and the addresses under which this holder may load this series for now."""
    version = (series.display or {})["version"]
    token = _sign(_FRAMES, series.pk, version, holder, instance)
    return {
        "token": token,
        "frames_url": f"{PREFIX}{token}/frames/{{index}}",
        "thumbnail_url": thumbnail_url(series.pk, version, holder, instance),
    }


def thumbnail_url(series_id: int, version: str, holder: str, instance: str = "") -> str:
    """An address that shows the thumbnail and nothing else of the series."""
    return f"{PREFIX}{_sign(_THUMBNAIL, series_id, version, holder, instance)}/thumbnail"


def to_frames(token: str, holder: str) -> Link:
    return _open(_FRAMES, token, holder)


def to_thumbnail(token: str, holder: str) -> Link:
    return _open(_THUMBNAIL, token, holder)


@cache
def _key() -> bytes:
    return salted_hmac("pixels.holder", "", algorithm="sha256").digest()


def _sign(signer: Signer, series_id: int, version: str, holder: str, instance: str) -> str:
    version = version_of(version, instance)
    ends = (int(time.time()) // _STEP + 1) * _STEP + SECONDS
    return signer.sign(f"{series_id}-{instance}-{version}-{holder}-{ends}")


def _open(signer: Signer, token: str, holder: str) -> Link:
    try:
        series_id, instance, version, owner, ends = signer.unsign(token).split("-")
    except (BadSignature, ValueError):
        raise NotFound from None
    if int(ends) < time.time():
        raise NotPermitted("This link to the images has ended. Open the case again.")
    if not hmac.compare_digest(owner, holder):
        raise NotPermitted("This link to the images is of another sign-in. Open the case again.")
    return Link(int(series_id), instance, version, owner, int(ends))

"""Signed links to the pixels of a series, checked later without asking the database.

Whoever may see a series gets a link to it (see ``api.series``); it ends after some hours. It is the
same within an hour, so that the browser's cache is of use.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from django.core.signing import BadSignature, Signer

from . import frames
from .errors import NotFound, NotPermitted
from .models import Series, User

PREFIX = "/pixels/"
SECONDS = 12 * 3600
_STEP = 3600
_FRAMES, _THUMBNAIL = Signer(salt="pixels.frames"), Signer(salt="pixels.thumbnail")


class Link(NamedTuple):
    """What a link is good for: one version of one series, until ``ends`` (seconds of the epoch)."""

    series_id: int
    version: str
    ends: int


def links(series: Series, user: User) -> dict[str, str]:
    """The token and the addresses under which this user may load this series for some hours."""
    token = _sign(_FRAMES, series, user)
    return {
        "token": token,
        "frames_url": f"{PREFIX}{token}/frames/{{index}}",
        "thumbnail_url": thumbnail_url(series, user),
    }


def thumbnail_url(series: Series, user: User) -> str:
    """An address that shows the thumbnail and nothing else of the series."""
    return f"{PREFIX}{_sign(_THUMBNAIL, series, user)}/thumbnail"


def to_frames(token: str) -> Link:
    return _open(_FRAMES, token)


def to_thumbnail(token: str) -> Link:
    return _open(_THUMBNAIL, token)


def _sign(signer: Signer, series: Series, user: User) -> str:
    version = frames.display_of(series)["version"]
    ends = (int(time.time()) // _STEP + 1) * _STEP + SECONDS
    return signer.sign(f"{series.pk}-{user.pk}-{version}-{ends}")


def _open(signer: Signer, token: str) -> Link:
    try:
        series_id, _, version, ends = signer.unsign(token).split("-")
    except (BadSignature, ValueError):
        raise NotFound from None
    if int(ends) < time.time():
        raise NotPermitted("This link to the images has ended. Open the case again.")
    return Link(int(series_id), version, int(ends))

"""Sessions end after half an hour without a request, and after twelve hours whatever is done."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

NOTED_EVERY = 60


class SessionLimitsMiddleware:
    """A session that is saved lives for another SESSION_COOKIE_AGE; here it is, once a minute at most,
    since saving with every request would cost a write for each. A reader's heartbeat is a request, too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            _limit(request)
        return self.get_response(request)


def _limit(request: HttpRequest) -> None:
    now, session = int(time.time()), request.session
    if now - session.setdefault("started", now) > settings.SESSION_LONGEST_SECONDS:
        logout(request)
    elif now - session.get("active", 0) >= NOTED_EVERY:
        session["active"] = now

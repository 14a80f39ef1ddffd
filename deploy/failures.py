"""What a request gets that no view answered: a problem for programs, a page for people."""

from __future__ import annotations

import logging
import sys
import uuid

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from annotation.api import problem

FOR_PROGRAMS = ("/api/", "/pixels/")

log = logging.getLogger(__name__)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(
        request,
        problem.document("bad_request", 400, "The request is malformed", "It was not processed."),
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(
        request,
        problem.document("not_permitted", 403, "Not permitted", "You may not see this page."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(
        request,
        problem.document(
            "not_found", 404, "Not found", "There is nothing at this address. Check it, or go back."
        ),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """A lost database is no defect and says so; a defect gets a number that the log repeats."""
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError):
        return _answer(request, problem.unavailable(), {"Retry-After": problem.RETRY_AFTER})
    incident = uuid.uuid4().hex[:12]
    log.error("incident %s at %s", incident, request.path, exc_info=error)
    return _answer(
        request,
        problem.document(
            "internal_error",
            500,
            "Something is broken on the server",
            f"It was logged as incident {incident}. Tell the person who runs this server.",
            incident=incident,
        ),
    )


def _answer(
    request: HttpRequest, body: dict[str, object], headers: dict[str, str] | None = None
) -> HttpResponse:
    status = int(str(body["status"]))
    if request.path.startswith(FOR_PROGRAMS):
        return JsonResponse(body, status=status, content_type=problem.MEDIA_TYPE, headers=headers)
    return HttpResponse(render_to_string("failure.html", body), status=status, headers=headers)

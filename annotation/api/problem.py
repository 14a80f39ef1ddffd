"""Every failure of the API as application/problem+json (RFC 9457), with a sentence for a person.

One table decides the status; whatever is not in it is a defect and reaches ``handler500``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from psycopg import errors as postgres
from rest_framework import exceptions, status
from rest_framework.response import Response

from annotation.errors import ConsiliumError

from .sentences import said

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = "2"

log = logging.getLogger(__name__)


def document(code: str, status: int, title: str, detail: str, **extra: Any) -> dict[str, Any]:
    """The body of a problem response, in the language of the request."""
    if errors := extra.get("errors"):
        extra["errors"] = [{**error, "message": said(error["message"])} for error in errors]
    return {
        "type": f"urn:consilium:problem:{code}",
        "code": code,
        "status": status,
        "title": said(title),
        "detail": said(detail),
        **extra,
    }


def unavailable() -> dict[str, Any]:
    """The database does not answer, or has no connection free."""
    return document(
        "database_unavailable",
        503,
        "The database does not answer",
        "Nothing was changed. Try again in a few seconds.",
    )


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's exception handler. None: not foreseen, so the error goes on to ``handler500``."""
    if isinstance(exc, OperationalError | InterfaceError):
        log.warning("database unavailable: %s", exc)
        return _response(unavailable(), {"Retry-After": RETRY_AFTER})
    headers = _headers(exc)
    body = _document_of(exc)
    return None if body is None else _response(body, headers)


def _response(body: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(body, status=body["status"], headers=headers, content_type=MEDIA_TYPE)


def _headers(exc: Exception) -> dict[str, str]:
    headers = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(round(wait))
    if getattr(exc, "status", None) == status.HTTP_503_SERVICE_UNAVAILABLE:
        headers["Retry-After"] = RETRY_AFTER
    return headers


def _document_of(exc: Exception) -> dict[str, Any] | None:
    match exc:
        case ConsiliumError():
            return document(exc.code, exc.status, exc.title, exc.detail, **exc.extra)
        case Http404():
            return document(
                "not_found", 404, "Not found, or not visible to you", "Nothing is here."
            )
        case PermissionDenied():
            return document("not_permitted", 403, "Not permitted", str(exc) or "Not permitted.")
        case exceptions.ValidationError():
            errors = list(_sentences(exc.detail))
            detail = " ".join(dict.fromkeys(error["message"] for error in errors))
            return document("invalid_input", 422, "The content is not valid", detail, errors=errors)
        case exceptions.APIException():
            title = str(type(exc).default_detail)
            return document(exc.default_code, exc.status_code, title, str(exc.detail))
        case DataError():
            log.warning("refused by the database: %s", exc)
            return document(
                "invalid_input",
                422,
                "The content is not valid",
                "A value is out of range or holds a character that cannot be stored.",
            )
        case IntegrityError() if isinstance(exc.__cause__, postgres.UniqueViolation):
            return document(
                "conflict", 409, "This exists already", "The same was done a moment ago. Reload."
            )
        case SuspiciousOperation():
            return document("bad_request", 400, "The request is malformed", "It was not processed.")
    return None


def _sentences(detail: Any, where: str = "") -> Iterator[dict[str, str]]:
    """REST framework's nested error detail as a flat list of {where, message}."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            at = "" if name == "non_field_errors" else str(name)
            yield from _sentences(inner, f"{where}.{at}".strip("."))
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from _sentences(inner, f"{where}.{index}".strip(".") if nested else where)
    else:
        yield {"where": where, "message": str(detail)}

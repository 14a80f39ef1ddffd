"""Logs as JSON lines that name the request and the person by number, never a patient or a query string."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]

log = logging.getLogger("deploy.access")


def configuration(level: str) -> dict[str, Any]:
    """For ``settings.LOGGING``. Failures of requests are logged once, by ``deploy.failures``."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": PROCESSORS,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.JSONRenderer(),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.request": {"level": "CRITICAL"},
            "httpx": {"level": "WARNING"},
        },
    }


class RequestLogMiddleware:
    """Numbers each request, puts the number on every log line of it, and logs what became of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        number = uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=number)
        started = time.monotonic()
        response = self.get_response(request)
        response.headers[HEADER] = number
        answered = {
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "milliseconds": round(1000 * (time.monotonic() - started), 1),
            "user": _user_id(request),
        }
        log.info("answered", extra=answered)
        return response


def _user_id(request: HttpRequest) -> int | None:
    """Who was found to be asking; never asks the database itself, which may be what failed."""
    by_session = getattr(request, "_cached_user", None)
    by_token = getattr(request, "token_user_id", None)
    return by_token or getattr(by_session, "pk", None)

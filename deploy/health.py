"""/healthz: answers without a session whether this process can reach the database."""

from __future__ import annotations

from collections.abc import Callable

from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse


class HealthMiddleware:
    """Placed early, so that a health check costs no session. A lost database answers 503, never 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthz":
            return self.check()
        return self.get_response(request)

    def check(self) -> HttpResponse:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except OperationalError:
            return JsonResponse(
                {"database": "unreachable"}, status=503, headers={"Retry-After": "2"}
            )
        return JsonResponse({"database": "ok"})

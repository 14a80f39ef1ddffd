"""No self-registration or mail, and a one-time password must be replaced before anything else."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account.adapter import DefaultAccountAdapter
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from annotation.api import problem

CHANGE_URL = "/accounts/password/change/"
CLOSED = r"^accounts/(?:signup|email|confirm-email|login/code|password/(?:set|reset))(?:/.*)?$"


def closed(request: HttpRequest) -> HttpResponse:
    """Pages of the accounts library that have no place here: people are made by leads, without mail."""
    raise Http404


class ClosedAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by leads and administrators, never by visitors."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def set_password(self, user, password):  # type: ignore[no-untyped-def]
        user.must_change_password = False
        super().set_password(user, password)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return "/"


class MustChangePasswordMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if not getattr(user, "must_change_password", False) or request.path.startswith(
            "/accounts/"
        ):
            return self.get_response(request)
        if request.path.startswith("/api/"):
            body = problem.document(
                "password_change_required",
                403,
                "Choose your own password first",
                f"Sign in at {CHANGE_URL} and replace the one-time password.",
            )
            return JsonResponse(body, status=403, content_type=problem.MEDIA_TYPE)
        return redirect(CHANGE_URL)

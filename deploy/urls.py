"""Routes: accounts, admin, the API of both apps, pixels, and the single-page front end for the rest."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView

from . import first_sign_in, frontend

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    re_path(first_sign_in.CLOSED, first_sign_in.closed),
    path("accounts/language/", set_language, name="set_language"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/mfa/", include("allauth.mfa.urls")),
    path("admin/", admin.site.urls),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/", include("annotation.api.urls")),
    path("api/", include("learning.api.urls")),
    path("pixels/", include("annotation.pixels")),
    re_path(r"^(?!static/|api/|pixels/|admin/|accounts/).*$", frontend.index, name="frontend"),
]

handler400 = "deploy.failures.bad_request"
handler403 = "deploy.failures.permission_denied"
handler404 = "deploy.failures.not_found"
handler500 = "deploy.failures.server_error"

"""Routes of the pixels that the browser loads."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []

"""Routes of everything under /api that learning answers. No trailing slashes."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []

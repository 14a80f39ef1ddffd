"""Pages by cursor: stable while rows arrive, and as fast on the last page as on the first."""

from __future__ import annotations

from typing import Any

from django.db.models import BigAutoField
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from annotation.errors import InvalidInput

LARGEST_ID = BigAutoField.MAX_BIGINT


class ByIdCursor(CursorPagination):
    """Newest first, by primary key. ``limit`` asks for up to 200 rows."""

    ordering = "-id"
    page_size_query_param = "limit"
    max_page_size = 200

    def decode_cursor(self, request: Request) -> Cursor | None:
        cursor: Cursor | None = super().decode_cursor(request)
        if cursor is not None and not _is_id(cursor.position):
            raise InvalidInput("The cursor is not one that this list gave out.")
        return cursor


class ByIdUpward(ByIdCursor):
    """Oldest first, by primary key."""

    ordering = "id"


def _is_id(position: Any) -> bool:
    if position is None:
        return True
    text = str(position)
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST_ID

"""The filters of the reading list that a person has kept under a name. The only writer of SavedFilters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from .errors import InvalidInput
from .models import Project, SavedFilters, User

MOST = 20


def of(project: Project, user: User) -> list[dict[str, Any]]:
    kept = SavedFilters.objects.filter(project=project, user=user).first()
    return [] if kept is None else list(kept.filters)


def keep(project: Project, user: User, filters: Sequence[dict[str, Any]]) -> None:
    """Replaces that person's filters in the project."""
    if len(filters) > MOST:
        raise InvalidInput(f"At most {MOST} filters can be kept. Delete one that you use no more.")
    for name, times in Counter(one["name"] for one in filters).items():
        if times > 1:
            raise InvalidInput(f"Two filters are called “{name}”. Give one of them another name.")
    SavedFilters.objects.update_or_create(
        project=project, user=user, defaults={"filters": list(filters)}
    )

"""The keys that a person has chosen for the reading room. What each action is, the front end knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from .errors import InvalidInput
from .models import User

Keys = Mapping[str, Sequence[str]]
"""The keys of actions, by the action's id."""

MOST_ACTIONS = 200
MOST_KEYS = 4


def choose(user: User, *, profile: str, changes: Mapping[str, Keys]) -> None:
    """Replaces that person's profile and the changes to each profile."""
    errors = [error for name, keys in changes.items() for error in _faults(name, keys)]
    if errors:
        raise InvalidInput(errors[0]["message"], errors=errors)
    user.key_profile, user.key_changes = profile, dict(changes)
    user.save(update_fields=["key_profile", "key_changes"])


def _faults(profile: str, keys: Keys) -> list[dict[str, str]]:
    where = f"changes.{profile}"
    if len(keys) > MOST_ACTIONS:
        message = f"The keys of at most {MOST_ACTIONS} actions can be changed."
        return [{"where": where, "message": message}]
    given = Counter(key for of_action in keys.values() for key in of_action)
    return [
        {"where": where, "message": f"The key {key} is given to more than one action."}
        for key, times in given.items()
        if times > 1
    ]

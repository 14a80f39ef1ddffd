"""Secrets for programs, the only writer of ApiToken. Only the SHA-256 of a secret is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from . import access, ledger
from .errors import InvalidInput, NotFound
from .models import ApiToken, Project, User

PREFIX = "cns_"
LONGEST_DAYS = 366
USE_NOTED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class NewToken:
    """A token and its secret, which is shown once and not kept."""

    token: ApiToken
    secret: str


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def create(
    project: Project, *, user: User, name: str, actions: Sequence[str], days: int
) -> NewToken:
    """A token of ``user`` for ``project``; it can do no more than its owner."""
    granted = {action.value for action in access.actions_of(user, project)}
    wanted = sorted(set(actions))
    if not wanted:
        raise InvalidInput("Name at least one action that the token may do.")
    if beyond := [action for action in wanted if action not in granted]:
        raise InvalidInput(
            f"You may not do this yourself, so neither may a token: {', '.join(beyond)}."
        )
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidInput(f"A token is valid for 1 to {LONGEST_DAYS} days.")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        project=project,
        name=name,
        digest=digest_of(secret),
        actions=wanted,
        expires_at=timezone.now() + timedelta(days=days),
    )
    data = {"name": name, "actions": wanted, "expires_at": token.expires_at.isoformat()}
    ledger.record("token.create", project=project, actor=user, obj=token, data=data)
    return NewToken(token, secret)


@transaction.atomic
def revoke(token_id: int, *, user: User) -> None:
    """Make a token of the user's own worthless at once. Revoking twice changes nothing."""
    token = ApiToken.objects.select_for_update().filter(pk=token_id, user=user).first()
    if token is None:
        raise NotFound
    if token.revoked_at is not None:
        return
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    ledger.record("token.revoke", project=token.project, actor=user, obj=token, data={})


def find(secret: str) -> ApiToken | None:
    """The valid token with this secret, its user with it; notes the use every few minutes."""
    if not secret.startswith(PREFIX):
        return None
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("user")
        .filter(
            digest=digest_of(secret),
            revoked_at__isnull=True,
            expires_at__gt=now,
            user__is_active=True,
        )
        .first()
    )
    if token is not None and (
        token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY
    ):
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token

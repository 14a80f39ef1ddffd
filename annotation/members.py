"""Accounts and memberships: who takes part in a project. The only writer of User and Membership."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from . import access, ledger
from .access import Action
from .errors import Conflict, InvalidInput, NotFound, NotPermitted
from .models import Membership, Project, Role, User


@dataclass(frozen=True)
class NewAccount:
    """An account and its one-time password, which is shown once and not kept."""

    user: User
    password: str


def new_account(username: str, *, full_name: str = "", is_staff: bool = False) -> NewAccount:
    """An account whose one-time password must be replaced at the first sign-in."""
    first, _, last = full_name.strip().partition(" ")
    user = User(
        username=username,
        first_name=first,
        last_name=last,
        is_staff=is_staff,
        is_superuser=is_staff,
        must_change_password=True,
    )
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    try:
        user.full_clean()
    except ValidationError as wrong:
        if User.objects.filter(username=username).exists():
            raise Conflict(f"The user name “{username}” is taken.") from wrong
        raise InvalidInput(" ".join(wrong.messages)) from wrong
    user.save()
    return NewAccount(user, password)


def new_password(user: User) -> str:
    """Another one-time password, for somebody who lost theirs."""
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    return password


@transaction.atomic
def renew_password(project: Project, membership_id: int, *, user: User) -> tuple[Membership, str]:
    """Another one-time password for a member who has not chosen one of their own yet."""
    membership = _membership(project, membership_id)
    person = User.objects.select_for_update(no_key=True).get(pk=membership.user_id)
    if not awaits_password(person):
        raise Conflict(
            f"{person.username} has chosen a password. Only the person who runs this server may reset it."
        )
    _may_act_as(person, user)
    data = {"user": person.pk}
    ledger.record("member.password", project=project, actor=user, obj=membership, data=data)
    return membership, new_password(person)


def awaits_password(person: User) -> bool:
    """Whether the account still opens with a one-time password, or has never been opened."""
    return person.is_active and (person.must_change_password or person.last_login is None)


@transaction.atomic
def invite(
    project: Project, *, username: str, full_name: str, role: str, user: User | None
) -> tuple[Membership, str]:
    """A new account that is a member from the start; returns the one-time password with it."""
    account = new_account(username, full_name=full_name)
    return add(project, username=username, role=role, user=user), account.password


@transaction.atomic
def add(project: Project, *, username: str, role: str, user: User | None) -> Membership:
    """Give a role to somebody who has an account. Giving it twice changes nothing."""
    if role not in Role.values:
        raise InvalidInput(f"“{role}” is not a role. Roles are {', '.join(Role.values)}.")
    person = User.objects.filter(username=username, is_active=True).first()
    if person is None:
        raise InvalidInput(f"Nobody has the user name “{username}”. Invite them instead.")
    _may_give_or_take(project, role, person, user)
    _may_hand_on(project, role, user)
    return _give(project, person, role, user)


@transaction.atomic
def found(project: Project, owner: User) -> Membership:
    """Make the owner of a new project its first lead."""
    return _give(project, owner, Role.LEAD, owner)


@transaction.atomic
def remove(project: Project, membership_id: int, *, user: User | None) -> None:
    """Take a role away. A project always keeps one lead."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    membership = _membership(project, membership_id)
    _may_give_or_take(project, membership.role, membership.user, user)
    if membership.role == Role.LEAD and _leads(project).count() == 1:
        raise Conflict("This is the last lead. Make somebody else a lead first.")
    data = {"user": membership.user.pk, "role": membership.role}
    ledger.record("member.remove", project=project, actor=user, obj=membership, data=data)
    membership.delete()


def _membership(project: Project, membership_id: int) -> Membership:
    found = Membership.objects.select_related("user").filter(pk=membership_id, project=project)
    membership = found.first()
    if membership is None:
        raise NotFound
    return membership


def _may_act_as(person: User, user: User) -> None:
    """Who knows an account's password can be that person, in every project and as administrator."""
    if person.is_staff or person.is_superuser:
        raise NotPermitted("Only the person who runs this server may do this for an administrator.")
    if any(
        _beyond(each.project, each.role, user)
        for each in person.memberships.select_related("project")
    ):
        raise NotPermitted(
            f"{person.username} may do more than you, here or elsewhere. Ask the person who runs this server."
        )


def _give(project: Project, person: User, role: str, user: User | None) -> Membership:
    membership, new = Membership.objects.get_or_create(user=person, project=project, role=role)
    if new:
        data = {"user": person.pk, "role": role}
        ledger.record("member.add", project=project, actor=user, obj=membership, data=data)
    return membership


def _may_hand_on(project: Project, role: str, user: User | None) -> None:
    """Nobody grants what they may not do: an account of their own making would do it for them.

    Reading alone is excepted: who recruits the readers of a site need not be one.
    """
    if user is None:
        return
    if beyond := _beyond(project, role, user):
        raise NotPermitted(
            f"You may not make somebody {Role(role).label.lower()}: that role allows what yours does not "
            f"({', '.join(sorted(beyond))}). Ask a lead."
        )


def _beyond(project: Project, role: str, user: User) -> frozenset[Action]:
    return access.ALLOWED[role] - access.actions_of(user, project) - {Action.READ_CASES}


def _leads(project: Project) -> QuerySet[Membership]:
    return Membership.objects.filter(project=project, role=Role.LEAD)


def _may_give_or_take(project: Project, role: str, person: User, user: User | None) -> None:
    """Who manages members without leading may neither make leads nor widen their own rights.

    ``user`` is None for the command line, whose user owns the machine.
    """
    if user is None or _leads(project).filter(user=user).exists():
        return
    if role == Role.LEAD:
        raise NotPermitted("Only a lead may make or remove a lead.")
    if person.pk == user.pk:
        raise NotPermitted("Only a lead may change your own roles.")

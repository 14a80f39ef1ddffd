"""Who may do what: one role x action table, and querysets that show only what a user may see.

Everything is denied unless a membership grants it. A thing that a user may not see does not exist
for that user (NotFound); a thing that may be seen but not done is NotPermitted.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Now

from .errors import NotFound, NotPermitted
from .models import Case, CaseUnit, Membership, Project, Role, Series, Slot, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Action(StrEnum):
    VIEW_PROJECT = "project.view"
    EDIT_PROJECT = "project.edit"
    EDIT_SCHEMA = "schema.edit"
    VIEW_PROGRESS = "progress.view"
    READ_CASES = "cases.read"
    VIEW_CASES = "cases.view"
    WITHDRAW_CASES = "cases.withdraw"
    VIEW_READS = "reads.view"
    WRITE_BACK = "reads.write_back"
    IMPORT_IMAGES = "images.import"
    VIEW_ROUNDS = "rounds.view"
    RUN_ROUNDS = "rounds.run"
    MANAGE_MODELS = "models.manage"
    SIGN_TRIAGE = "triage.sign"
    VIEW_DATASETS = "datasets.view"
    FREEZE_DATASETS = "datasets.freeze"
    EXPORT_DATASETS = "datasets.export"
    VIEW_MEMBERS = "members.view"
    MANAGE_MEMBERS = "members.manage"
    VIEW_LEDGER = "ledger.view"


_EVERY_MEMBER = {Action.VIEW_PROJECT}
ALLOWED: dict[str, frozenset[Action]] = {
    Role.LEAD: frozenset(Action),
    Role.READER: frozenset(_EVERY_MEMBER | {Action.READ_CASES}),
    Role.ADJUDICATOR: frozenset(
        _EVERY_MEMBER | {Action.READ_CASES, Action.VIEW_CASES, Action.VIEW_READS}
    ),
    Role.ML_ENGINEER: frozenset(
        _EVERY_MEMBER
        | {
            Action.VIEW_PROGRESS,
            Action.VIEW_CASES,
            Action.VIEW_ROUNDS,
            Action.RUN_ROUNDS,
            Action.MANAGE_MODELS,
            Action.VIEW_DATASETS,
        }
    ),
    Role.STEWARD: frozenset(
        _EVERY_MEMBER
        | {
            Action.EDIT_SCHEMA,
            Action.VIEW_PROGRESS,
            Action.VIEW_CASES,
            Action.WITHDRAW_CASES,
            Action.IMPORT_IMAGES,
            Action.VIEW_ROUNDS,
            Action.VIEW_DATASETS,
            Action.FREEZE_DATASETS,
            Action.EXPORT_DATASETS,
            Action.WRITE_BACK,
            Action.VIEW_LEDGER,
        }
    ),
    Role.SITE_ADMIN: frozenset(
        _EVERY_MEMBER
        | {
            Action.VIEW_PROGRESS,
            Action.VIEW_CASES,
            Action.IMPORT_IMAGES,
            Action.VIEW_MEMBERS,
            Action.MANAGE_MEMBERS,
        }
    ),
}

M = TypeVar("M", bound=Model)


def actions_of(user: User | AnonymousUser, project: Project) -> frozenset[Action]:
    """All actions that the user's memberships in the project allow, cut to the token's if one is used."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    roles = Membership.objects.filter(user=user, project=project).values_list("role", flat=True)
    return _granted(user, project, roles)


def require(user: User | AnonymousUser, project: Project, action: Action) -> None:
    """Raise NotFound if the project is not the user's to see, NotPermitted if the action is not allowed."""
    _check(actions_of(user, project), project, action)


def projects_visible_to(user: User | AnonymousUser) -> QuerySet[Project]:
    """Projects in which the user has any role; with a token, the token's project alone."""
    if not user.is_authenticated or not user.is_active:
        return Project.objects.none()
    projects = Project.objects.filter(memberships__user=user).distinct()
    token = getattr(user, "api_token", None)
    return projects if token is None else projects.filter(pk=token.project_id)


def project_for(user: User | AnonymousUser, slug: str, action: Action) -> Project:
    """The project of that slug if the user may do ``action`` in it."""
    if not isinstance(user, User) or not user.is_active:
        raise NotFound
    memberships = list(
        Membership.objects.filter(user=user, project__slug=slug).select_related("project")
    )
    if not memberships:
        raise NotFound
    project = memberships[0].project
    _check(_granted(user, project, [each.role for each in memberships]), project, action)
    return project


def visible_to(
    user: User | AnonymousUser, queryset: QuerySet[M], action: Action, project_path: str = "project"
) -> QuerySet[M]:
    """Rows whose project (reached by ``project_path``) allows the user ``action``."""
    if not user.is_authenticated or not user.is_active:
        return queryset.none()
    roles = [role for role, allowed in ALLOWED.items() if action in allowed]
    token = getattr(user, "api_token", None)
    if token is not None and action.value not in token.actions:
        return queryset.none()
    allowed = Membership.objects.filter(user=user, role__in=roles)
    if token is not None:
        allowed = allowed.filter(project=token.project_id)
    return queryset.filter(**{f"{project_path}__in": allowed.values("project")})


def series_for(user: User | AnonymousUser, pk: int) -> Series:
    """The whole series, if the user has a case with all of it in hand or waiting, has read one, or may
    look at one in a project.
    """
    whole = Case.objects.filter(series=pk).exclude(project__case_unit=CaseUnit.INSTANCE)
    series = Series.objects.filter(pk=pk, deleted_at=None).first()
    if series is None or not (
        visible_to(user, Case.objects.filter(series=pk), Action.VIEW_CASES).exists()
        or _own(user, whole).exists()
    ):
        raise NotFound
    return series


def case_for(user: User | AnonymousUser, pk: int) -> tuple[Case, bool]:
    """The case, if the user has it in hand or waiting, has read it, or may look at cases; and whether the
    last is so.
    """
    cases = Case.objects.filter(pk=pk).select_related("project")
    if seen := visible_to(user, cases, Action.VIEW_CASES).first():
        return seen, True
    if own := _own(user, cases).first():
        return own, False
    raise NotFound


def case_of_series_for(user: User | AnonymousUser, pk: int, case_id: int) -> tuple[Series, Case]:
    """The series and the case of it, if the user has that case in hand, has read it, or may look at it."""
    cases = Case.objects.filter(pk=case_id, series=pk).select_related("project")
    series = Series.objects.filter(pk=pk, deleted_at=None).first()
    case = visible_to(user, cases, Action.VIEW_CASES).first() or _own(user, cases).first()
    if series is None or case is None:
        raise NotFound
    return series, case


def _granted(user: User, project: Project, roles: Iterable[str]) -> frozenset[Action]:
    granted: frozenset[Action] = frozenset().union(*(ALLOWED[role] for role in roles))
    token = getattr(user, "api_token", None)
    if token is None:
        return granted
    if token.project_id != project.pk:
        return frozenset()
    return granted & {Action(name) for name in token.actions}


def _check(granted: frozenset[Action], project: Project, action: Action) -> None:
    if action in granted:
        return
    if granted:
        raise NotPermitted(f"Your role in “{project.title}” does not allow {action.value}.")
    raise NotFound


def _own(user: User | AnonymousUser, cases: QuerySet[Case]) -> QuerySet[Case]:
    token = getattr(user, "api_token", None)
    if token is not None and Action.READ_CASES.value not in token.actions:
        return cases.none()
    waits = Q(
        slots__reserved_for_id=user.pk,
        slots__reserved_until__gt=Now(),
        slots__state=Slot.State.OPEN,
    )
    return cases.filter(project__in=projects_visible_to(user)).filter(
        Q(slots__reader_id=user.pk) | Q(reads__reader_id=user.pk) | waits
    )

"""The admin site: for staff, read-only where the product has its own verbs, and without secrets."""

from __future__ import annotations

import builders
import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from annotation.admin import LookOnly
from annotation.models import Project, User

pytestmark = pytest.mark.django_db

READ_ONLY = [model for model, shown in admin.site._registry.items() if isinstance(shown, LookOnly)]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(builders.user(is_staff=True, is_superuser=True))
    return client


def url(model: type, page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def test_the_ledger_and_what_people_read_cannot_be_edited() -> None:
    names = {model.__name__ for model in READ_ONLY}
    assert {
        "Event",
        "ChainHead",
        "Anchor",
        "Read",
        "Mark",
        "Answer",
        "Reference",
        "Snapshot",
    } <= names


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_lists_open_and_nothing_can_be_added(staff: Client, model: type) -> None:
    case = builders.case(builders.project())
    builders.reference(case)
    assert staff.get(url(model, "changelist")).status_code == 200
    assert staff.get(url(model, "add")).status_code == 403


def test_a_project_is_shown_without_its_secret_and_stays_as_it_is(staff: Client) -> None:
    project = builders.project()
    page = staff.get(url(Project, "change", project.pk))
    assert page.status_code == 200
    assert "secret" not in page.content.decode().lower()
    assert staff.post(url(Project, "change", project.pk), {"title": "x"}).status_code == 403
    assert staff.post(url(Project, "delete", project.pk), {"post": "yes"}).status_code == 403


def test_an_account_made_here_starts_with_a_one_time_password(staff: Client) -> None:
    made = {"username": "grace", "usable_password": "true"}
    both = dict.fromkeys(("password1", "password2"), "a long first password")
    assert staff.post(url(User, "add"), made | both).status_code == 302
    assert User.objects.get(username="grace").must_change_password


def test_people_without_staff_rights_stay_outside(client: Client) -> None:
    client.force_login(builders.user())
    assert client.get("/admin/").status_code in (302, 403)

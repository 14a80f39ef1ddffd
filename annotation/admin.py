"""Django's admin site: accounts and sites are edited here, everything else is for looking at only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import BinaryField, Field, Model
from django.http import HttpRequest

from . import models

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
    PersonAdmin = UserAdmin[models.User]
else:
    Admin, PersonAdmin = admin.ModelAdmin, UserAdmin

KEPT_BACK = {"digest", "secret", "idempotency_key"}
LONGEST_LIST = 7


class LookOnly(Admin):
    """What the product's own verbs write: shown, never changed. Secrets and bulk are left out."""

    show_full_result_count = False
    list_per_page = 50

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [field.name for field in _shown(self.model)]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        plain = [
            field.name for field in _shown(self.model) if field.get_internal_type() != "JSONField"
        ]
        return plain[:LONGEST_LIST]

    def get_list_select_related(self, request: HttpRequest) -> list[str] | bool:
        related = {field.name for field in _shown(self.model) if field.is_relation}
        return sorted(related & set(self.get_list_display(request))) or False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _shown(model: type[Model]) -> list[Field[Any, Any]]:
    return [
        field
        for field in model._meta.concrete_fields
        if field.name not in KEPT_BACK and not isinstance(field, BinaryField)
    ]


@admin.register(models.User)
class Users(PersonAdmin):
    """A password that is given here is a one-time password."""

    list_display = ("username", "first_name", "last_name", "home_site", "is_active", "is_staff")
    list_select_related = ("home_site",)
    fieldsets = (
        (None, {"fields": ("username", "password", "must_change_password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "home_site")}),
        ("Account", {"fields": ("is_active", "is_staff", "is_superuser")}),
    )
    filter_horizontal = ()

    def save_model(self, request: HttpRequest, obj: models.User, form: Any, change: bool) -> None:
        if not change:
            obj.must_change_password = True
        super().save_model(request, obj, form, change)


@admin.register(models.Site)
class Sites(Admin):
    list_display = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}


admin.site.register(
    [
        models.Anchor,
        models.Answer,
        models.Adoption,
        models.ApiToken,
        models.Case,
        models.ChainHead,
        models.ChangeCursor,
        models.Comment,
        models.Event,
        models.Import,
        models.ImportItem,
        models.Instance,
        models.LabelSchema,
        models.Mark,
        models.Membership,
        models.Patient,
        models.Project,
        models.Read,
        models.Reference,
        models.Series,
        models.Skip,
        models.Slot,
        models.Snapshot,
        models.SnapshotItem,
    ],
    LookOnly,
)

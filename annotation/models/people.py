"""Sites, users, memberships and API tokens: who may do what, and where."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Site(models.Model):
    """A hospital or laboratory that contributes images or readers."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.name


class KeyProfile(models.TextChoices):
    """Keys of the reading room to begin with; what each holds is the front end's."""

    DEFAULT = "default", "Default"
    OHIF = "ohif", "Like OHIF"
    SLICER = "slicer", "Like 3D Slicer"
    LEFT_HANDED = "left_handed", "Left-handed"


class Language(models.TextChoices):
    """Of the interface. The codes are those of the front end's tables and of deploy/locale."""

    ENGLISH = "en", "English"
    FRENCH = "fr", "Français"


class User(AbstractUser):
    """A person who signs in. Rights come from memberships alone, never from being staff."""

    home_site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT)
    must_change_password = models.BooleanField(default=False)
    language = models.CharField(
        max_length=8, choices=Language, blank=True, default="", help_text="empty: the browser's"
    )
    key_profile = models.CharField(max_length=20, choices=KeyProfile, default=KeyProfile.DEFAULT)
    key_changes = models.JSONField(
        default=dict, blank=True, help_text="keys of actions, by profile and action"
    )


class Role(models.TextChoices):
    LEAD = "lead", "Study lead"
    READER = "reader", "Reader"
    ADJUDICATOR = "adjudicator", "Adjudicator"
    ML_ENGINEER = "ml_engineer", "ML engineer"
    STEWARD = "steward", "Data steward"
    SITE_ADMIN = "site_admin", "Site administrator"


class Membership(models.Model):
    """One role of one user in one project; a user may hold several."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(
        "annotation.Project", on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=20, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "project", "role"], name="membership_once")
        ]


class ApiToken(models.Model):
    """A secret for programs, valid for one project and the listed actions. Only its hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    project = models.ForeignKey("annotation.Project", on_delete=models.CASCADE)
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the secret, hex")
    actions = ArrayField(models.CharField(max_length=40), help_text="subset of the owner's rights")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

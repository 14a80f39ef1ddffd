"""Exchange with other systems: named sources of reads made elsewhere, and reads written back to the store."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from .projects import Project


class Source(models.Model):
    """Where reads made elsewhere come from: a program, a site, an earlier study.

    It has an account that nobody can sign in with, by which its reads are told from those of people.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sources")
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    counts = models.BooleanField(
        default=False, help_text="its reads fill wanted readings, as those of a reader do"
    )
    classes = models.JSONField(
        default=dict, help_text="what it calls something -> code of a class; '' leaves it out"
    )
    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="source"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="source_name_once")]

    def __str__(self) -> str:
        return self.name


class WriteBack(models.Model):
    """One read on its way into the image store as DICOM objects."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        STORED = "stored", "Stored"
        FAILED = "failed", "Failed"

    read = models.OneToOneField(
        "annotation.Read", on_delete=models.PROTECT, related_name="write_back"
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="write_backs")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    tries = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(help_text="not to be tried before")
    reason = models.TextField(blank=True, help_text="why it waits or failed, for a person")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, help_text="null: by rule"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="write_back_due", condition=Q(state="waiting"))
        ]


class WrittenObject(models.Model):
    """One DICOM object of ours in the image store; noted before it is sent there."""

    write_back = models.ForeignKey(WriteBack, on_delete=models.CASCADE, related_name="written")
    kind = models.CharField(max_length=4, help_text="seg or sr")
    sop_instance_uid = models.CharField(max_length=64, unique=True)
    sop_class_uid = models.CharField(max_length=64)
    series_uid = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    orthanc_id = models.CharField(max_length=44, blank=True)
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="a correction took its place in the store"
    )

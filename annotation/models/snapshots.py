"""Frozen dataset versions with patient-level splits and a content hash."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from .cases import Case
from .projects import LabelSchema, Project
from .references import Reference


class Split(models.TextChoices):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Snapshot(models.Model):
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="snapshots")
    version = models.PositiveIntegerField()
    title = models.CharField(max_length=200, blank=True)
    query = models.JSONField(default=dict, help_text="how the cases were chosen")
    label_schema = models.ForeignKey(LabelSchema, on_delete=models.PROTECT)
    content_sha256 = models.CharField(max_length=64, help_text="of references.jsonl")
    left_out = models.JSONField(
        default=list, help_text="[{case, reason}]: references that could not be frozen"
    )
    provisional = models.JSONField(
        default=list, help_text="labels that no reader gave, where they were asked for"
    )
    provisional_sha256 = models.CharField(
        max_length=64, blank=True, help_text="of provisional.jsonl; empty without"
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="snapshot_version_once")
        ]


class SnapshotItem(models.Model):
    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="items")
    case = models.ForeignKey(Case, on_delete=models.PROTECT)
    reference = models.ForeignKey(Reference, on_delete=models.PROTECT)
    stream = models.CharField(max_length=12)
    split = models.CharField(max_length=10, choices=Split)
    instances_sha256 = models.CharField(max_length=64, help_text="of the case's image hashes")
    sha256 = models.CharField(max_length=64, help_text="of the case's line in references.jsonl")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "case"], name="snapshot_case_once")
        ]

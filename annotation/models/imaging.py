"""What Orthanc holds, by identifier: series, instances, imports and the change cursor. No pixels."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.fields.json import KT


class ChangeCursor(models.Model):
    """How far Orthanc's change log has been followed; one row per image store."""

    store = models.CharField(max_length=100, unique=True)
    seq = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)


class Adoption(models.Model):
    """An intake rule on its way through the series that are here already, from the newest down."""

    project = models.OneToOneField("annotation.Project", on_delete=models.CASCADE)
    below = models.BigIntegerField(help_text="series with a smaller id are still to be looked at")


class Series(models.Model):
    """A DICOM series, with the curated description that the viewer receives."""

    series_uid = models.CharField(max_length=64, unique=True)
    study_uid = models.CharField(max_length=64, db_index=True)
    orthanc_id = models.CharField(max_length=44, unique=True)
    modality = models.CharField(max_length=16)
    body_part = models.CharField(max_length=16, blank=True)
    description = models.CharField(max_length=64, blank=True)
    study_date = models.DateField(
        null=True, help_text="tells an earlier study from a later one; never leaves the server"
    )
    attributes = models.JSONField(default=dict, help_text="attributes that intake rules may match")
    display = models.JSONField(
        null=True, help_text="curated geometry and pixel description, frames in spatial order"
    )
    version = models.GeneratedField(
        expression=KT("display__version"),
        output_field=models.CharField(max_length=64),
        db_persist=True,
        help_text="that of the description; null without one",
    )
    frame_count = models.PositiveIntegerField(default=0)
    stable = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["created_at"],
                name="series_unsettled",
                condition=models.Q(stable=False, deleted_at__isnull=True),
            )
        ]


class Instance(models.Model):
    """One DICOM object in Orthanc."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="instances")
    sop_instance_uid = models.CharField(max_length=64, unique=True)
    sop_class_uid = models.CharField(max_length=64)
    orthanc_id = models.CharField(max_length=44, unique=True)
    transfer_syntax_uid = models.CharField(max_length=64)
    frame_count = models.PositiveIntegerField(default=1)
    sha256 = models.CharField(max_length=64, help_text="of the stored DICOM file")
    pixel_sha256 = models.CharField(max_length=64, help_text="of the decoded pixels")
    normalised = models.BooleanField(
        default=False, help_text="frames are served from the decoded copy, not from Orthanc"
    )
    description = models.JSONField(
        default=dict,
        help_text="curated header of the object and its frames; series display is made of it",
    )
    created_at = models.DateTimeField(auto_now_add=True)


class Import(models.Model):
    """One upload into a project: files arrive in pieces and are then checked one by one."""

    class State(models.TextChoices):
        RECEIVING = "receiving"
        PROCESSING = "processing"
        DONE = "done"
        CANCELLED = "cancelled"

    project = models.ForeignKey(
        "annotation.Project", on_delete=models.CASCADE, related_name="imports"
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    site = models.ForeignKey("annotation.Site", null=True, on_delete=models.PROTECT)
    marks_of = models.ForeignKey(
        "annotation.Source",
        null=True,
        on_delete=models.PROTECT,
        related_name="imports",
        help_text="null: an import of images",
    )
    state = models.CharField(max_length=12, choices=State, default=State.RECEIVING)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)


class ImportItem(models.Model):
    """One file of an import, or one object found wrong in Orthanc, and what became of it."""

    class State(models.TextChoices):
        RECEIVING = "receiving"
        WAITING = "waiting"
        STORED = "stored"
        DUPLICATE = "duplicate"
        QUARANTINED = "quarantined"
        DISMISSED = "dismissed"

    batch = models.ForeignKey(Import, null=True, on_delete=models.CASCADE, related_name="items")
    name = models.CharField(
        max_length=500, help_text="as the sender named it; never used as a path"
    )
    patient = models.CharField(
        max_length=64, blank=True, help_text="of a file that names none itself; '': its own name"
    )
    source = models.CharField(
        max_length=64,
        blank=True,
        help_text="hash of path, size and time of change of a file of this machine",
    )
    size = models.BigIntegerField()
    received = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.RECEIVING)
    reason_code = models.CharField(max_length=60, blank=True)
    reason = models.TextField(blank=True, help_text="what is wrong and what to do, for a person")
    report = models.JSONField(
        default=dict, help_text="of marks made elsewhere: cases, marks, and what was left out"
    )
    sop_instance_uids = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    series_uids = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    orthanc_id = models.CharField(max_length=44, blank=True)
    attributes = models.JSONField(
        default=dict, help_text="of what came by itself: intake rules say whose it may be"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index(fields=["batch", "state"], name="import_item_state"),
            models.Index(
                fields=["created_at"],
                name="import_item_quarantine",
                condition=models.Q(state="quarantined"),
            ),
            GinIndex(fields=["series_uids"], name="import_item_series"),
            models.Index(
                fields=["source"], name="import_item_source", condition=~models.Q(source="")
            ),
        ]

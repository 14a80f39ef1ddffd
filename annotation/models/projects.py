"""Projects and their versioned label schemas."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import models


def new_secret() -> bytes:
    return secrets.token_bytes(32)


class CaseUnit(models.TextChoices):
    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


class Task(models.TextChoices):
    CLASSIFICATION = "classification"
    SEGMENTATION = "segmentation"
    DETECTION = "detection"


class Comparison(models.TextChoices):
    """What readers may look at beside a case."""

    NONE = "none", "The case alone"
    IMAGES = "images", "Its study and earlier ones, undated"
    DAYS = "days", "Its study and earlier ones, with how many days before"


class Stream(models.TextChoices):
    """How a case may be used. Drawn by patient when the case enters; it never changes."""

    POOL = "pool", "Pool (ranked)"
    CONTROL = "control", "Control (random arm)"
    CALIBRATION = "calibration", "Calibration"
    HOLDOUT = "holdout", "Hold-out"


class SuggestionMode(models.TextChoices):
    """When a reader sees what the model in use says of a case."""

    OFF = "off", "Never"
    AT_ONCE = "at_once", "From the start"
    READER_FIRST = "reader_first", "After the reader's own first reading"


class WriteBackRule(models.TextChoices):
    """When reads go into the image store as DICOM objects."""

    NEVER = "never", "Only when somebody asks for it"
    SUBMIT = "submit", "After each submission"


class SupersededRule(models.TextChoices):
    """What becomes of the DICOM objects of a read, once its correction is stored."""

    REMOVE = "remove", "Removed from the image store"
    KEEP = "keep", "Kept, and named by the new report as its predecessor"


class Project(models.Model):
    """One reading question over one set of images."""

    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    task = models.CharField(max_length=20, choices=Task)
    case_unit = models.CharField(max_length=10, choices=CaseUnit)
    intake_rule = models.JSONField(
        default=dict,
        blank=True,
        help_text="series attribute -> regular expression; a series that matches all becomes a case",
    )
    stream_shares = models.JSONField(
        default=dict, help_text="stream -> share of patients; sums to 1"
    )
    reading_mix = models.JSONField(
        default=dict, help_text="stream -> weight with which reads are drawn"
    )
    evaluation_first = models.BooleanField(
        default=True, help_text="read hold-out and calibration before pool and control"
    )
    reads_per_case = models.PositiveSmallIntegerField(default=1)
    blind_to_model = models.BooleanField(default=True)
    suggestions = models.CharField(
        max_length=12, choices=SuggestionMode, default=SuggestionMode.OFF
    )
    comparison = models.CharField(
        max_length=8,
        choices=Comparison,
        default=Comparison.NONE,
        help_text="which other images of the patient readers see beside the case",
    )
    lease_minutes = models.PositiveSmallIntegerField(default=30)
    round_every = models.PositiveIntegerField(
        default=0, help_text="submissions per round; 0: by hand"
    )
    write_back = models.CharField(max_length=8, choices=WriteBackRule, default=WriteBackRule.NEVER)
    write_back_superseded = models.CharField(
        max_length=8, choices=SupersededRule, default=SupersededRule.REMOVE
    )
    secret = models.BinaryField(default=new_secret, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.title


class LabelSchema(models.Model):
    """What readers may say. A version never changes once stored.

    ``document`` is validated by ``annotation.schema``:
    classes (code, name, colour, coded term), mark kinds, questions, rules, guideline.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="label_schemas")
    version = models.PositiveIntegerField()
    document = models.JSONField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="label_schema_version_once")
        ]


class HangingProtocols(models.Model):
    """How cases are laid out when they open. A version never changes once stored.

    ``document`` is validated by ``annotation.hanging_rules``: protocols in the order of preference.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="hanging_protocols")
    version = models.PositiveIntegerField()
    document = models.JSONField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "version"], name="hanging_protocols_version_once"
            )
        ]


class GuidelinePicture(models.Model):
    """A picture that a guideline of the project may show, drawn anew from what was uploaded."""

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="guideline_pictures"
    )
    sha256 = models.CharField(max_length=64, help_text="of the content; its name in label schemas")
    media_type = models.CharField(max_length=20)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    content = models.BinaryField()
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    uploaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "sha256"], name="guideline_picture_once")
        ]

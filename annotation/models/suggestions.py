"""What a model suggests for a case, to whom it was shown, and what the readers did with it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from .cases import Case
from .projects import LabelSchema, Project
from .reading import Mask, Read, Slot


class Suggestion(models.Model):
    """What one model says of one case, in the words of the label schema. Written by learning.

    ``items``: an answer ``{item, kind: "answer", question, value, confidence}``; a mark in the form
    of a submission with ``item`` (its tracking UID) and ``confidence``; or one class of a mask
    ``{item, kind: "labelmap", label_class, voxel_value, series, mask, voxels, index, confidence}``.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="made_suggestions")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="suggestions")
    model = models.PositiveBigIntegerField(help_text="of learning's trained models")
    weights_sha256 = models.CharField(max_length=64)
    round = models.PositiveIntegerField(help_text="number of the round that trained the model")
    label_schema = models.ForeignKey(LabelSchema, on_delete=models.PROTECT)
    instances_sha256 = models.CharField(max_length=64, help_text="of the images it was made from")
    items = models.JSONField(default=list)
    mask = models.ForeignKey(
        Mask,
        null=True,
        on_delete=models.PROTECT,
        related_name="suggestions",
        related_query_name="suggestion",
    )
    problem = models.TextField(blank=True, help_text="why there is none, in a sentence")
    current = models.BooleanField(
        default=True, help_text="false once the images, the schema or the model in use are others"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(current=True), name="suggestion_one_current"
            )
        ]
        indexes = [
            models.Index(fields=["project", "current"], name="suggestion_project_current"),
            models.Index(fields=["project", "model"], name="suggestion_project_model"),
        ]


class Showing(models.Model):
    """A suggestion was put before a reader. Rows stay: they say what a read may have been led by."""

    suggestion = models.ForeignKey(Suggestion, on_delete=models.PROTECT, related_name="showings")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="showings")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    shown_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["slot", "reader", "suggestion"], name="showing_once_per_reader"
            )
        ]


class FirstReading(models.Model):
    """What a reader said before the suggestions were shown. Rows are never changed."""

    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="first_readings")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    label_schema = models.ForeignKey(LabelSchema, on_delete=models.PROTECT)
    content = models.JSONField(help_text="{answers: [...], marks: [...]}, as in a submission")
    content_sha256 = models.CharField(max_length=64)
    instances_sha256 = models.CharField(max_length=64)
    active_seconds = models.FloatField()
    masks = models.ManyToManyField(
        Mask, related_name="first_readings", related_query_name="first_reading"
    )
    committed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slot", "reader"], name="first_reading_once")
        ]


class Assistance(models.Model):
    """That a read was made with a suggestion in view, and what it cost. Rows are never changed."""

    read = models.ForeignKey(Read, on_delete=models.PROTECT, related_name="assistances")
    suggestion = models.ForeignKey(Suggestion, on_delete=models.PROTECT, related_name="assistances")
    first_reading = models.ForeignKey(FirstReading, null=True, on_delete=models.PROTECT)
    changed = models.PositiveIntegerField(
        null=True, help_text="answers and marks that differ from the first reading"
    )
    seconds = models.FloatField(help_text="active seconds since the suggestion could be seen")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["read", "suggestion"], name="assistance_once")
        ]


class Outcome(models.TextChoices):
    ACCEPTED = "accepted", "Accepted as it was"
    EDITED = "edited", "Accepted and changed"
    REJECTED = "rejected", "Rejected"
    IGNORED = "ignored", "Left alone"


class ItemOutcome(models.Model):
    """What became of one suggested answer, mark or class of a mask. Rows are never changed."""

    assistance = models.ForeignKey(Assistance, on_delete=models.PROTECT, related_name="outcomes")
    item = models.CharField(max_length=100)
    kind = models.CharField(max_length=16, help_text="answer, or the kind of mark")
    label = models.CharField(max_length=64, help_text="code of the question or class")
    outcome = models.CharField(max_length=10, choices=Outcome)
    agrees = models.BooleanField(null=True, help_text="the final answer is the suggested one")
    dice = models.FloatField(
        null=True, help_text="of the suggested and the final mask of the class"
    )
    moved_points = models.PositiveIntegerField(null=True, help_text="vertices that were moved")
    moved_mm = models.FloatField(null=True, help_text="mean distance of those, where calibrated")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assistance", "item"], name="item_outcome_once")
        ]

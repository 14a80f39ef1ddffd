"""Masks that readers ask for by prompts, and which of them became part of a read."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from .imaging import Series
from .reading import Read, Slot


class PromptedMask(models.Model):
    """One question to a segmentation method, and its answer. Short-lived, unless a read used it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"
        REPLACED = "replaced"  # the reader has prompted on before it was answered

    slot = models.ForeignKey(Slot, on_delete=models.CASCADE, related_name="prompted")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="+")
    label_class = models.CharField(max_length=64)
    method = models.CharField(max_length=32)
    algorithm = models.CharField(max_length=64, help_text="the method in words, with its version")
    model = models.BigIntegerField(null=True, help_text="of learning; null: nothing was learnt")
    weights_sha256 = models.CharField(max_length=64, blank=True)
    volume = models.BooleanField(help_text="on the images around, too")
    prompts = models.JSONField(
        help_text="[{kind, positive, frame, points_px} or with points_voxel, ...]"
    )
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    problem = models.TextField(blank=True, help_text="why there is no mask, to the reader")
    tries = models.PositiveSmallIntegerField(default=0)
    taken_until = models.DateTimeField(null=True, help_text="a worker is at it until then")
    start = ArrayField(models.PositiveIntegerField(), size=3, default=list)
    shape = ArrayField(models.PositiveIntegerField(), size=3, default=list)
    sha256 = models.CharField(max_length=64, blank=True, help_text="of the uncompressed mask")
    gzip = models.BinaryField(default=bytes)
    asked_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["slot", "reader"],
                condition=Q(state="waiting"),
                name="prompted_one_waiting",
            )
        ]
        indexes = [models.Index(fields=["reader", "asked_at"], name="prompted_reader_time")]


class PromptUse(models.Model):
    """That a read holds an answer to prompts. Rows are never changed."""

    read = models.ForeignKey(Read, on_delete=models.PROTECT, related_name="prompt_uses")
    prompted = models.ForeignKey(PromptedMask, on_delete=models.PROTECT, related_name="uses")
    seconds = models.FloatField(help_text="from the first prompt to the acceptance")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["read", "prompted"], name="prompt_use_once")]

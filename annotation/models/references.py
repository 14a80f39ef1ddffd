"""Reference standards: what the reads of a case resolve to. Derived, versioned, recomputable."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from .cases import Case
from .reading import Read


class Reference(models.Model):
    class Method(models.TextChoices):
        SINGLE = "single"
        MAJORITY = "majority"
        DAWID_SKENE = "dawid_skene"
        STAPLE = "staple"
        ADJUDICATED = "adjudicated"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="references")
    version = models.PositiveIntegerField()
    current = models.BooleanField(default=True)
    method = models.CharField(max_length=16, choices=Method)
    answers = models.JSONField(help_text="question -> value")
    marks = models.JSONField(default=list, help_text="marks in the submission's form")
    certainty = models.FloatField(help_text="share of the reads that agree with the reference")
    reads = models.ManyToManyField(Read, related_name="references")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "version"], name="reference_version_once"),
            models.UniqueConstraint(
                fields=["case"], condition=Q(current=True), name="reference_current_once"
            ),
        ]


class ProvisionalLabel(models.Model):
    """What models say of a case that no reader has read; never a reference."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="provisional_labels")
    question = models.CharField(max_length=64)
    value = models.CharField(max_length=200)
    source = models.JSONField(help_text="model hashes, scores, threshold, bound: what it rests on")
    created_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "question"],
                condition=Q(withdrawn_at=None),
                name="provisional_label_standing_once",
            )
        ]

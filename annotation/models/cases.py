"""Patients by pseudonym, and the cases that are read."""

from __future__ import annotations

from django.db import models

from .projects import Project, Stream


class Patient(models.Model):
    """A patient within a project. The pseudonym is a keyed hash of the DICOM identity."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="patients")
    pseudonym = models.CharField(max_length=32)
    stream = models.CharField(max_length=12, choices=Stream)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "pseudonym"], name="patient_once")
        ]
        indexes = [
            models.Index(
                fields=["project", "pseudonym"],
                opclasses=["int8_ops", "text_pattern_ops"],
                name="patient_pseudonym_begins",
            )
        ]


class Case(models.Model):
    """The unit that is read: one study, one series or one instance."""

    class State(models.TextChoices):
        ARRIVING = "arriving", "Arriving"
        READY = "ready", "Ready to read"
        ISSUE = "issue", "Issue raised"
        WITHDRAWN = "withdrawn", "Withdrawn"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="cases")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="cases")
    uid = models.CharField(max_length=64, help_text="UID of the study, series or instance")
    stream = models.CharField(max_length=12, choices=Stream, help_text="the patient's, copied")
    site = models.ForeignKey("annotation.Site", null=True, on_delete=models.PROTECT)
    state = models.CharField(max_length=10, choices=State, default=State.ARRIVING)
    state_reason = models.TextField(blank=True)
    modality = models.CharField(max_length=16)
    body_part = models.CharField(max_length=16, blank=True)
    series = models.ManyToManyField("annotation.Series", related_name="cases")
    frame_count = models.PositiveIntegerField(default=0)
    reads_wanted = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "uid"], name="case_once")]
        indexes = [
            models.Index(fields=["project", "stream", "state"], name="case_stream_state"),
            models.Index(
                "project",
                "modality",
                "body_part",
                models.F("id").desc(),
                name="case_kind",
            ),
            models.Index(
                "project",
                models.F("id").desc(),
                condition=models.Q(state="issue"),
                name="case_issue",
            ),
        ]

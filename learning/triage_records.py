"""Triage: what a lead signed, what was certified of it, and each case that was accepted."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.models import Case, Project


class GroupBy(models.TextChoices):
    NONE = "none", "All cases together"
    SITE = "site", "Each site"
    SCANNER = "scanner", "Each scanner"


class TriagePolicy(models.Model):
    """What a lead allows two networks to decide alone. A version never changes once signed."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="triage_policies")
    version = models.PositiveIntegerField()
    is_on = models.BooleanField()
    lanes = models.JSONField(help_text="auto_negative, auto_positive")
    miss_level = models.FloatField(help_text="of all positives, accepted as negative at most")
    error_level = models.FloatField(help_text="of those accepted as positive, negative at most")
    confidence = models.FloatField()
    gap = models.FloatField(help_text="between the networks; a larger one goes to a reader")
    group_by = models.CharField(max_length=8, choices=GroupBy)
    least_audit = models.FloatField(help_text="share of accepted cases read again, at least")
    valid_days = models.PositiveIntegerField()
    reason = models.TextField()
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "version"], name="triage_policy_version_once"
            )
        ]


class CalibrationScore(models.Model):
    """What the networks of an ensemble say of a case of the calibration stream: evidence, nothing else."""

    model = models.ForeignKey(
        "learning.TrainedModel", on_delete=models.CASCADE, related_name="calibration_scores"
    )
    case = models.ForeignKey(Case, on_delete=models.CASCADE)
    probabilities = models.JSONField(help_text="{network: [p per class]}, as in Score")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "case"], name="calibration_score_once")
        ]


class TriageCertificate(models.Model):
    """One policy tested on one ensemble. Another model or policy is another certificate."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="certificates")
    model = models.ForeignKey(
        "learning.TrainedModel", on_delete=models.PROTECT, related_name="certificates"
    )
    policy = models.ForeignKey(TriagePolicy, on_delete=models.PROTECT, related_name="certificates")
    scalings = models.JSONField(help_text="{network: [slope, shift]}, from the fitting part")
    fitted_on = models.PositiveIntegerField(help_text="cases of the fitting part")
    expires_at = models.DateTimeField()
    filled_at = models.DateTimeField(null=True, help_text="all of the pool has been decided")
    ended_at = models.DateTimeField(null=True)
    ended_because = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "policy"], name="certificate_once"),
            models.UniqueConstraint(
                fields=["project"], condition=Q(ended_at=None), name="certificate_one_in_force"
            ),
        ]


class TriageLane(models.Model):
    """A lane of a group under a certificate: the numbers that it rests on, and its end."""

    class State(models.TextChoices):
        OPEN = "open"
        WANTING = "wanting"
        CLOSED = "closed"
        ENDED = "ended"

    class Closed(models.TextChoices):
        """Why; what the audit or a drift test closed stays so until there is another model."""

        AUDIT = "audit"
        DRIFT = "drift"
        LEAD = "lead"
        EXPIRY = "expiry"
        REPLACED = "replaced"

    certificate = models.ForeignKey(
        TriageCertificate, on_delete=models.CASCADE, related_name="lanes"
    )
    name = models.CharField(max_length=16, help_text="auto_negative or auto_positive")
    group = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=8, choices=State)
    n = models.PositiveIntegerField(help_text="labelled cases, one of each patient")
    positives = models.PositiveIntegerField()
    level = models.FloatField()
    confidence = models.FloatField(help_text="this group's part of the policy's")
    threshold = models.FloatField(null=True)
    accepted_share = models.FloatField()
    errors = models.PositiveIntegerField()
    trials = models.PositiveIntegerField()
    bound = models.FloatField(help_text="upper limit of the error")
    steps = models.JSONField(help_text="[{threshold, accepted, trials, errors, bound, passed}]")
    needs_cases = models.PositiveIntegerField(default=0)
    needs_positives = models.PositiveIntegerField(default=0)
    can_open = models.BooleanField(default=True, help_text="False: no number of cases would do")
    tolerance = models.FloatField(null=True, help_text="of errors among accepted cases")
    audit_rate = models.FloatField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    closed_for = models.CharField(max_length=8, choices=Closed, blank=True)
    closed_because = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate", "name", "group"], name="triage_lane_once"
            )
        ]


class TriageDecision(models.Model):
    """A case that a lane accepted. Its label is provisional, and no reader's."""

    class State(models.TextChoices):
        ACCEPTED = "accepted"
        READ = "read"
        WITHDRAWN = "withdrawn"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="triage")
    lane = models.ForeignKey(TriageLane, on_delete=models.CASCADE, related_name="decisions")
    score = models.FloatField(help_text="mean of the networks")
    gap = models.FloatField(help_text="between the networks")
    label = models.CharField(max_length=200)
    audit = models.BooleanField(help_text="drawn to be read all the same; no reader is told")
    state = models.CharField(max_length=10, choices=State, default=State.ACCEPTED)
    is_wrong = models.BooleanField(null=True, help_text="once it was read")
    settled_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "lane"], name="triage_once"),
            models.UniqueConstraint(
                fields=["case"], condition=Q(state="accepted"), name="triage_accepted_once"
            ),
        ]
        indexes = [models.Index(fields=["lane", "state", "audit"], name="triage_lane_state")]


class DriftTest(models.Model):
    """Whether later cases are of the kind that a certificate rests on."""

    certificate = models.ForeignKey(
        TriageCertificate, on_delete=models.CASCADE, related_name="drift_tests"
    )
    look = models.PositiveIntegerField(help_text="the n-th time")
    name = models.CharField(max_length=16)
    statistic = models.FloatField()
    p = models.FloatField()
    adjusted = models.FloatField(help_text="p beside the other tests of this look (Holm)")
    level = models.FloatField(help_text="below it, drift")
    before = models.PositiveIntegerField()
    after = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["certificate", "look", "name"], name="drift_test_once")
        ]

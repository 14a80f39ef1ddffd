"""Recipes, rounds, trained models and everything measured from them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from pgvector.django import VectorField

from annotation.models import Case, Project, Snapshot


class Recipe(models.Model):
    """What to learn and how. A version never changes; ``document`` is checked by ``learning.recipes``."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="recipes")
    version = models.PositiveIntegerField()
    document = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="recipe_version_once")
        ]


class Round(models.Model):
    """Snapshot, training, evaluation, calibration, scoring, ranking; resumable at any line."""

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Step(models.TextChoices):
        FREEZE = "freeze", "Freeze the snapshot"
        TRAIN = "train", "Train the networks"
        EVALUATE = "evaluate", "Evaluate on the hold-out"
        SCORE = "score", "Score the pool"
        RANK = "rank", "Rank the pool"
        PROMOTE = "promote", "Compare with the model in use"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField()
    recipe = models.ForeignKey(Recipe, on_delete=models.PROTECT)
    snapshot = models.ForeignKey(Snapshot, null=True, on_delete=models.PROTECT)
    seed = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    step = models.CharField(max_length=10, choices=Step, default=Step.FREEZE)
    progress = models.FloatField(default=0, help_text="of the whole round, 0 to 1")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    trigger = models.CharField(max_length=20, help_text="button, command, api or rule")
    error = models.TextField(blank=True, help_text="what failed, why, what to do")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="failures in a row")
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    lease_token = models.BigIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True, help_text="back-off after a failure")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="round_number_once"),
            models.UniqueConstraint(
                fields=["project"], condition=Q(state="running"), name="round_one_at_a_time"
            ),
        ]


class Arm(models.TextChoices):
    ALL = "all", "All labels"
    ACTIVE = "active", "Active (ranked pool)"
    CONTROL = "control", "Control (random)"


class Training(models.Model):
    """One network of one arm being trained in a round, with its latest durable checkpoint."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="trainings")
    arm = models.CharField(max_length=8, choices=Arm)
    network = models.CharField(max_length=40, help_text="name in the table of architectures")
    epoch = models.PositiveIntegerField(default=0, help_text="epochs done")
    epochs = models.PositiveIntegerField()
    history = models.JSONField(default=list, help_text="[{epoch, train_loss, validation_loss}]")
    checkpoint = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the file")
    checkpoint_token = models.BigIntegerField(default=0, help_text="lease that wrote it")
    labels = models.PositiveIntegerField(default=0)
    left_out = models.JSONField(
        default=list, help_text="[{case, reason}]: cases that could not be used"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "arm", "network"], name="training_once")
        ]


class RoundLog(models.Model):
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField(auto_now_add=True)
    level = models.CharField(max_length=8, default="info")
    text = models.TextField()


class TrainedModel(models.Model):
    """A network with its weights, or the ensemble of an arm's networks (then ``members`` is filled)."""

    class State(models.TextChoices):
        CANDIDATE = "candidate"
        IN_USE = "in_use"
        RETIRED = "retired"
        REJECTED = "rejected"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="trained_models")
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="trained_models")
    arm = models.CharField(max_length=8, choices=Arm)
    network = models.CharField(max_length=40, help_text="architecture, or 'ensemble'")
    members = models.ManyToManyField("self", symmetrical=False, related_name="ensembles")
    weights_sha256 = models.CharField(
        max_length=64, help_text="safetensors file; of members for an ensemble"
    )
    code_sha256 = models.CharField(max_length=64, help_text="of the training engine's source")
    temperature = models.FloatField(default=1.0, help_text="fitted on the calibration stream")
    operating_point = models.JSONField(
        default=dict, help_text="{threshold, note}: chosen on the calibration stream"
    )
    stop_answers = models.JSONField(
        default=dict, help_text="case of the stop set -> what the ensemble answers"
    )
    config = models.JSONField(help_text="architecture, input size, classes, preprocessing, seed")
    state = models.CharField(max_length=10, choices=State, default=State.CANDIDATE)
    state_reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "arm", "network"], name="model_once"),
            models.UniqueConstraint(
                fields=["project"], condition=Q(state="in_use"), name="model_one_in_use"
            ),
        ]


class Evaluation(models.Model):
    """One metric of one model on one stream, with its interval over patients."""

    model = models.ForeignKey(TrainedModel, on_delete=models.CASCADE, related_name="evaluations")
    stream = models.CharField(max_length=12)
    metric = models.CharField(max_length=40)
    grouping = models.CharField(
        max_length=12,
        blank=True,
        help_text="site, sex, age, view, scanner; empty: by class, or all",
    )
    subgroup = models.CharField(max_length=80, blank=True)
    value = models.FloatField(null=True, help_text="null: cannot be computed, see note")
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    patients = models.PositiveIntegerField()
    note = models.TextField(blank=True)
    detail = models.JSONField(default=dict, help_text="points of a curve, confusion counts")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "stream", "metric", "grouping", "subgroup"],
                name="evaluation_once",
            )
        ]


class Score(models.Model):
    """What one ensemble says of one case. Computed once per (case, model)."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="scores")
    model = models.ForeignKey(TrainedModel, on_delete=models.CASCADE, related_name="scores")
    probabilities = models.JSONField(
        help_text="{network: [p per class]} and 'ensemble', calibrated; of a number [mean, deviation]"
    )
    boxes = models.JSONField(
        default=dict, help_text="detection: {network: [[class, p, lower corner, upper corner]]}"
    )
    uncertainty = models.FloatField()
    disagreement = models.FloatField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "model"], name="score_once")]


class Embedding(models.Model):
    """The penultimate features of one network for one case."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="embeddings")
    model = models.ForeignKey(TrainedModel, on_delete=models.CASCADE, related_name="embeddings")
    vector = VectorField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "model"], name="embedding_once")]


class ScoringFailure(models.Model):
    """A case that a model could not score, and why; it keeps its old priority."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE)
    model = models.ForeignKey(TrainedModel, on_delete=models.CASCADE, related_name="failures")
    reason = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "model"], name="failure_once")]


class Ranking(models.Model):
    """One ordering of a project's pool. Slots carry the result; ``batch`` explains the first ones."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rankings")
    generation = models.PositiveIntegerField()
    round = models.OneToOneField(Round, null=True, on_delete=models.PROTECT)
    model = models.ForeignKey(TrainedModel, null=True, on_delete=models.PROTECT)
    acquisition = models.CharField(max_length=40)
    reason = models.TextField(help_text="why this acquisition function")
    size = models.PositiveIntegerField()
    batch = models.JSONField(default=list, help_text="[{case, rank, score, components}]")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "generation"], name="ranking_generation_once"
            )
        ]


class TriageDecision(models.Model):
    """The lane that two networks agree on for a case; provisional, never training truth by default."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="triage")
    model = models.ForeignKey(TrainedModel, on_delete=models.CASCADE)
    lane = models.CharField(max_length=16, help_text="auto_negative, human or auto_positive")
    score = models.FloatField()
    gap = models.FloatField(help_text="between the two networks")
    thresholds = models.JSONField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "model"], name="triage_once")]


class CurvePoint(models.Model):
    """What an arm's labels were worth after a round, on the hold-out."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="curve")
    arm = models.CharField(max_length=8, choices=Arm)
    labels = models.PositiveIntegerField()
    reader_seconds = models.FloatField()
    metric = models.CharField(max_length=40)
    subgroup = models.CharField(max_length=80, blank=True, help_text="a class, or all")
    value = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    patients = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["round", "arm", "metric", "subgroup"], name="curve_point_once"
            )
        ]


class Forecast(models.Model):
    """What the next batch was expected to bring, said after a round. Never changed: it is checked later."""

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="forecast")
    metric = models.CharField(max_length=40)
    labels = models.PositiveIntegerField(help_text="of the active arm, when it was made")
    batch = models.PositiveIntegerField()
    gain = models.FloatField(help_text="of the metric, by the batch")
    low = models.FloatField(help_text="of the 90 % interval")
    high = models.FloatField()
    minutes = models.FloatField(null=True, help_text="the batch's price; null: not known yet")
    draws = models.JSONField(help_text="[[asymptote, gap at the first point, exponent]]")
    first = models.PositiveIntegerField(help_text="labels of the first point of the curve")
    created_at = models.DateTimeField(auto_now_add=True)


class StopDecision(models.Model):
    """A lead signed that reading is enough, or goes on; with what was known then."""

    class Choice(models.TextChoices):
        STOP = "stop"
        GO_ON = "go_on"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="stop_decisions")
    choice = models.CharField(max_length=8, choices=Choice)
    reason = models.TextField()
    conditions = models.JSONField(help_text="[{name, met, value, needed, missing}]")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    decided_at = models.DateTimeField(auto_now_add=True)

"""Slots (wanted readings and their leases), drafts, immutable reads with marks and answers, comments."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from .cases import Case
from .projects import LabelSchema, Project, Stream


class Purpose(models.TextChoices):
    PRIMARY = "primary"
    SECOND = "second"
    ADJUDICATION = "adjudication"
    AUDIT = "audit"
    GOLD = "gold"
    REPEAT = "repeat"


class Slot(models.Model):
    """One wanted reading of one case. The lease (reader, token, expiry) lives on the row itself."""

    class State(models.TextChoices):
        OPEN = "open"
        CLAIMED = "claimed"
        DONE = "done"
        OUTDATED = "outdated"  # done, but the images of the case have changed since
        HELD = "held"
        CANCELLED = "cancelled"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="slots", db_index=False)
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="slots", db_index=False
    )
    stream = models.CharField(max_length=12, choices=Stream, help_text="the case's, copied")
    modality = models.CharField(max_length=16, blank=True, help_text="the case's, copied")
    body_part = models.CharField(max_length=16, blank=True, help_text="the case's, copied")
    purpose = models.CharField(max_length=12, choices=Purpose, default=Purpose.PRIMARY)
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    priority = models.FloatField(help_text="higher is read first; in (0, 1)")
    generation = models.PositiveIntegerField(default=0, help_text="ranking that set the priority")
    due_at = models.DateTimeField(null=True, blank=True)
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="slots"
    )
    token = models.BigIntegerField(default=0, help_text="fencing token; grows with every claim")
    claimed_at = models.DateTimeField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    reserved_for = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="the reader whose next case this is, while the slot is open and time is left",
    )
    reserved_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "number"], name="slot_number_once"),
            models.UniqueConstraint(
                fields=["case", "reader"],
                condition=~Q(purpose="repeat") & ~Q(state="outdated"),
                name="slot_reader_once",
            ),
            models.UniqueConstraint(
                fields=["reader", "project"],
                condition=Q(state="claimed"),
                name="slot_one_claim_per_reader",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["claimed", "done", "outdated"], reader__isnull=False)
                | Q(state__in=["open", "held", "cancelled"], reader__isnull=True),
                name="slot_reader_matches_state",
            ),
            models.UniqueConstraint(
                fields=["reserved_for", "project"],
                condition=Q(reserved_for__isnull=False),
                name="slot_one_reservation_per_reader",
            ),
            models.CheckConstraint(
                condition=Q(reserved_for__isnull=True, reserved_until__isnull=True)
                | Q(
                    reserved_for__isnull=False,
                    reserved_until__isnull=False,
                    state__in=["open", "held", "cancelled"],
                ),
                name="slot_reservation_is_whole",
            ),
        ]
        indexes = [
            models.Index(
                "project",
                "stream",
                models.F("priority").desc(),
                "id",
                condition=Q(state="open"),
                name="slot_next",
            ),
            models.Index(
                "project", models.F("case").desc(), condition=Q(state="open"), name="slot_open_case"
            ),
            models.Index(
                fields=["lease_expires_at"], condition=Q(state="claimed"), name="slot_lease"
            ),
            models.Index(
                "project",
                "stream",
                "modality",
                "body_part",
                models.F("priority").desc(),
                "id",
                condition=Q(state="open"),
                name="slot_next_of_kind",
            ),
            models.Index(
                "project",
                "modality",
                "body_part",
                models.F("case").desc(),
                condition=Q(state="open"),
                name="slot_open_of_kind",
            ),
            models.Index(
                fields=["project", "due_at"],
                condition=Q(due_at__isnull=False),
                name="slot_due",
            ),
            models.Index(
                fields=["project", "reserved_until"],
                condition=Q(reserved_for__isnull=False),
                name="slot_reserved",
            ),
        ]


class Skip(models.Model):
    """A reader declined a case and said why; the case goes to others."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="skips")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    reason = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "reader"], name="skip_once")]


class Mask(models.Model):
    """A labelmap: uint8, C order (frame, row, column), frames in the series' spatial order."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    sha256 = models.CharField(max_length=64, help_text="of the uncompressed voxels")
    series = models.ForeignKey("annotation.Series", on_delete=models.PROTECT)
    shape = ArrayField(models.PositiveIntegerField(), size=3)
    labels = ArrayField(models.PositiveSmallIntegerField(), help_text="values present, without 0")
    gzip = models.BinaryField()
    slot = models.ForeignKey(
        Slot, null=True, on_delete=models.SET_NULL, related_name="masks", help_text="last sent for"
    )
    stored_at = models.DateTimeField(auto_now=True, help_text="last sent at")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "series", "sha256"], name="mask_once")
        ]


class Draft(models.Model):
    """What a reader has done so far in a slot; replaced as a whole, guarded by its version."""

    slot = models.ForeignKey(Slot, on_delete=models.CASCADE, related_name="drafts")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    version = models.PositiveIntegerField()
    label_schema = models.ForeignKey(
        LabelSchema, null=True, on_delete=models.PROTECT, help_text="by which it was begun"
    )
    content = models.JSONField(
        help_text="{answers: [...], marks: [...], looks: [...]}, as in a submission"
    )
    active_seconds = models.FloatField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slot", "reader"], name="draft_once_per_reader")
        ]


class Read(models.Model):
    """What a reader submitted. Rows are never changed; the database refuses it."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="reads")
    slot = models.ForeignKey(
        Slot,
        null=True,
        on_delete=models.PROTECT,
        related_name="reads",
        help_text="null: of a source that does not count as a reader",
    )
    source = models.ForeignKey(
        "annotation.Source", null=True, on_delete=models.PROTECT, related_name="reads"
    )
    origin = models.JSONField(
        default=dict, help_text="of a read made elsewhere: the object, its kind, who made it, how"
    )
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reads"
    )
    purpose = models.CharField(max_length=12, choices=Purpose)
    label_schema = models.ForeignKey(LabelSchema, on_delete=models.PROTECT)
    idempotency_key = models.UUIDField()
    content_sha256 = models.CharField(max_length=64, help_text="of the canonical submission")
    late = models.BooleanField(default=False, help_text="came after the slot was lost to another")
    supersedes = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    active_seconds = models.FloatField(help_text="time the reader spent, idle cut off")
    instances_sha256 = models.CharField(
        max_length=64, help_text="of the image hashes that were read"
    )
    looks = models.JSONField(
        default=list, blank=True, help_text="how the reader saw marks and segments; no label"
    )
    submitted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reader", "idempotency_key"], name="read_idempotency_once"
            ),
            models.UniqueConstraint(
                fields=["slot"],
                condition=Q(late=False, supersedes__isnull=True),
                name="read_once_per_slot",
            ),
        ]
        indexes = [
            models.Index(fields=["case", "reader"], name="read_case_reader"),
            models.Index(fields=["label_schema", "submitted_at"], name="read_schema_time"),
        ]


class MarkKind(models.TextChoices):
    BOX = "box"
    CONTOUR = "contour"
    POLYLINE = "polyline"
    ELLIPSE = "ellipse"
    CIRCLE = "circle"
    LENGTH = "length"
    BIDIRECTIONAL = "bidirectional"
    ANGLE = "angle"
    COBB_ANGLE = "cobb_angle"
    LANDMARK = "landmark"
    ARROW = "arrow"
    LABELMAP = "labelmap"


class Mark(models.Model):
    """Something drawn: pixel coordinates on one frame, and the same points in the patient (mm, LPS)."""

    read = models.ForeignKey(Read, on_delete=models.PROTECT, related_name="marks")
    tracking_uid = models.CharField(max_length=64)
    kind = models.CharField(max_length=16, choices=MarkKind)
    label_class = models.CharField(max_length=64)
    sop_instance_uid = models.CharField(max_length=64, blank=True)
    frame = models.PositiveIntegerField(null=True, help_text="1-based, as DICOM counts")
    points_px = models.JSONField(
        default=list, help_text="[[column, row], ...]; pixel centres at integers"
    )
    points_mm = models.JSONField(default=list, help_text="[[x, y, z], ...] in LPS")
    mask = models.ForeignKey(Mask, null=True, on_delete=models.PROTECT)
    text = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["read", "tracking_uid"], name="mark_tracking_uid_once")
        ]


class Answer(models.Model):
    """One answer of the form, for the case or for a series, frame or mark of it."""

    read = models.ForeignKey(Read, on_delete=models.PROTECT, related_name="answers")
    question = models.CharField(max_length=64)
    target = models.CharField(max_length=100, blank=True, help_text="'' for the case, else a UID")
    value = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["read", "question", "target"], name="answer_once")
        ]
        indexes = [models.Index(fields=["question"], name="answer_question")]


class Comment(models.Model):
    """Conversation on a case. An issue is a comment that takes the case off the list until resolved."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE)
    text = models.TextField()
    issue = models.CharField(max_length=40, blank=True, help_text="issue type; '' for a remark")
    anchor = models.JSONField(default=dict, help_text="mark or place in the image, if any")
    created_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

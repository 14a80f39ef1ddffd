"""What the reading loop sends and receives. Nothing here tells a reader of streams or of other readers."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from annotation import label_schemas, queue, reading, schema_moves, suggestions
from annotation.case_images import instance_of, version_of
from annotation.models import (
    Case,
    Draft,
    LabelSchema,
    MarkKind,
    Mask,
    Read,
    Slot,
    Stream,
    SuggestionMode,
    Task,
    User,
)

from .documents import LabelSchemaDocument

ANSWER = {
    "type": "object",
    "required": ["question", "value"],
    "properties": {
        "question": {"type": "string"},
        "target": {
            "type": "string",
            "description": "'' for the case; Series Instance UID; SOP Instance UID#frame; "
            "tracking UID of a mark",
        },
        "value": {"description": "as the question's type says; null: not answered"},
    },
}
POINT = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
MARK = {
    "type": "object",
    "required": ["tracking_uid", "kind"],
    "properties": {
        "tracking_uid": {"type": "string"},
        "kind": {"type": "string", "enum": MarkKind.values},
        "label_class": {"type": "string"},
        "sop_instance_uid": {"type": "string"},
        "frame": {"type": ["integer", "null"]},
        "points_px": {"type": "array", "items": POINT},
        "mask": {"type": ["string", "null"]},
        "series": {"type": ["integer", "null"]},
        "text": {"type": "string"},
    },
}
DECISION = {
    "type": "object",
    "required": ["suggestion", "item", "decision"],
    "properties": {
        "suggestion": {"type": "integer"},
        "item": {"type": "string"},
        "decision": {"type": "string", "enum": ["accepted", "rejected"]},
    },
}
LOOK = {
    "type": "object",
    "required": ["target"],
    "properties": {
        "target": {
            "type": "string",
            "description": "a mark's tracking UID, or class: and a class's code for a segment",
        },
        "name": {"type": "string"},
        "colour": {"type": "string"},
        "opacity": {"type": "number"},
        "hidden": {"type": "boolean"},
        "locked": {"type": "boolean"},
    },
}
CONTENT = {
    "type": "object",
    "required": ["answers", "marks"],
    "properties": {
        "answers": {"type": "array", "items": ANSWER},
        "marks": {"type": "array", "items": MARK},
        "suggestions": {"type": "array", "items": DECISION},
        "looks": {"type": "array", "items": LOOK},
    },
}
PICKED = {
    "type": ["object", "null"],
    "required": [
        "generation",
        "rank",
        "score",
        "components",
        "acquisition",
        "round",
        "fast",
        "reads",
        "at",
    ],
    "properties": {
        "generation": {"type": "integer"},
        "rank": {"type": ["integer", "null"]},
        "score": {"type": ["number", "null"]},
        "components": {"type": "object", "additionalProperties": {"type": ["number", "null"]}},
        "acquisition": {"type": "string"},
        "round": {"type": ["integer", "null"]},
        "fast": {
            "type": "boolean",
            "description": "put there between rounds, after ``reads`` reads",
        },
        "reads": {"type": "integer"},
        "at": {"type": "string", "format": "date-time"},
    },
}
LARGEST = 2**63 - 1
NEWER = "version of the label schema that this reading may move to; null: none"


@extend_schema_field(CONTENT)
class ContentField(serializers.JSONField):
    """Answers and marks; checked by ``annotation.content``."""


@extend_schema_field(PICKED)
class PickedField(serializers.JSONField):
    """Why the ranking put this case here; null for readers who are blind to the model."""


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.IntegerField(min_value=0, max_value=LARGEST)


class SkipSerializer(TokenSerializer):
    reason = serializers.CharField(max_length=2000)


class IssueSerializer(TokenSerializer):
    issue = serializers.CharField(max_length=40)
    text = serializers.CharField(max_length=10_000)


class RaisedIssueSerializer(serializers.Serializer[Any]):
    comment = serializers.IntegerField()


class WorkSerializer(TokenSerializer):
    content = ContentField()
    active_seconds = serializers.FloatField(min_value=0, max_value=reading.LONGEST_SECONDS)


class SubmissionSerializer(WorkSerializer):
    images = serializers.DictField(
        child=serializers.CharField(max_length=64, allow_blank=True),
        required=False,
        help_text="id of each series of the case to the version of its description that was shown; "
        "409 images_changed if they are others by now",
    )


class NewDraftSerializer(WorkSerializer):
    version = serializers.IntegerField(
        min_value=0, max_value=2**31 - 2, help_text="that this draft was made from; 0: none"
    )


class SavedDraftSerializer(serializers.ModelSerializer[Draft]):
    class Meta:
        model = Draft
        fields = ["version", "updated_at"]


class SubmittedSerializer(serializers.Serializer[Any]):
    read = serializers.IntegerField()
    late = serializers.BooleanField(help_text="kept as an extra read: the case had gone to another")
    submitted_at = serializers.DateTimeField()


class MaskSerializer(serializers.ModelSerializer[Mask]):
    class Meta:
        model = Mask
        fields = ["sha256", "shape", "labels"]


class ClaimSerializer(serializers.Serializer[Any]):
    slot = serializers.IntegerField()
    case_id = serializers.IntegerField()
    lease_expires_at = serializers.DateTimeField()
    draft = SavedDraftSerializer(allow_null=True)


class LastReadSerializer(serializers.ModelSerializer[Read]):
    slot = serializers.IntegerField(source="slot_id")
    case_id = serializers.IntegerField()

    class Meta:
        model = Read
        fields = ["slot", "case_id", "submitted_at"]


class WithinSerializer(serializers.Serializer[Any]):
    """Only cases of this modality and body part; left out or empty: of any."""

    modality = serializers.CharField(required=False, allow_blank=True, max_length=16)
    body_part = serializers.CharField(required=False, allow_blank=True, max_length=16)


class ClaimListSerializer(serializers.Serializer[Any]):
    results = ClaimSerializer(many=True)
    last_read = LastReadSerializer(allow_null=True)


class AssignedSeriesSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    description = serializers.CharField(allow_blank=True)
    modality = serializers.CharField()
    frame_count = serializers.IntegerField()
    series_uid = serializers.CharField(help_text="target of answers on this series")
    version = serializers.CharField(
        allow_null=True, help_text="of its description; null while that is not complete"
    )
    sop_instance_uid = serializers.CharField(
        allow_null=True, help_text="the one image that is the case; null: all of the series"
    )


class AssignedCaseSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    modality = serializers.CharField()
    body_part = serializers.CharField(allow_blank=True)
    frame_count = serializers.IntegerField()
    series = AssignedSeriesSerializer(many=True)


class AssignedProjectSerializer(serializers.Serializer[Any]):
    slug = serializers.SlugField()
    title = serializers.CharField()
    task = serializers.ChoiceField(Task.choices)


class AssignedLabelSchemaSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    document = LabelSchemaDocument()


class DraftSerializer(SavedDraftSerializer):
    content = ContentField()

    class Meta(SavedDraftSerializer.Meta):
        fields = ["version", "content", "active_seconds", "updated_at"]


class OwnReadSerializer(SubmittedSerializer):
    content = ContentField()


class AssistanceSerializer(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(
        SuggestionMode.choices,
        help_text="for this reader and this case; off for every unassisted read",
    )
    ready = serializers.BooleanField(help_text="ask for it with POST /slots/{id}/suggestion")
    committed_at = serializers.DateTimeField(
        allow_null=True, help_text="when my first reading was kept; null: not yet"
    )


class HeldSerializer(serializers.Serializer[Any]):
    lease_expires_at = serializers.DateTimeField()
    assistance = AssistanceSerializer(help_text="a suggestion may have become ready meanwhile")
    newer_schema = serializers.IntegerField(allow_null=True, help_text=NEWER)


class AssignmentSerializer(serializers.Serializer[Any]):
    slot = serializers.IntegerField()
    token = serializers.IntegerField()
    lease_expires_at = serializers.DateTimeField(allow_null=True)
    blind = serializers.BooleanField()
    case = AssignedCaseSerializer()
    project = AssignedProjectSerializer()
    label_schema = AssignedLabelSchemaSerializer()
    draft = DraftSerializer(allow_null=True)
    submitted = OwnReadSerializer(allow_null=True)
    picked = PickedField(allow_null=True)
    assistance = AssistanceSerializer()
    newer_schema = serializers.IntegerField(allow_null=True, help_text=NEWER)


def valid(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The body, checked for its form."""
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    checked: dict[str, Any] = given.validated_data
    return checked


def claim(slot: Slot, draft: Draft | None) -> dict[str, Any]:
    return {
        "slot": slot.pk,
        "case_id": slot.case_id,
        "lease_expires_at": slot.lease_expires_at,
        "draft": None if draft is None else SavedDraftSerializer(draft).data,
    }


def assignment(slot: Slot, reader: User) -> dict[str, Any]:
    """All that the reading room needs, in the form of AssignmentSerializer."""
    project = slot.case.project = slot.project
    label_schema = label_schemas.of_reading(slot, reader)
    draft = reading.draft_of(slot, reader)
    read = None if queue.is_new(slot) else reading.latest_read(slot, reader)
    return {
        "slot": slot.pk,
        "token": slot.token,
        "lease_expires_at": slot.lease_expires_at if slot.reader_id == reader.pk else None,
        "blind": project.blind_to_model,
        "case": _case(slot.case),
        "project": {"slug": project.slug, "title": project.title, "task": project.task},
        "label_schema": {"version": label_schema.version, "document": label_schema.document},
        "draft": None if draft is None else reading.described(draft),
        "submitted": None if read is None else {**submitted(read), "content": reading.said(read)},
        "picked": _picked(slot),
        "assistance": _assistance(slot, reader),
        "newer_schema": None if queue.is_new(slot) else _newer(slot, reader, label_schema),
    }


def held(slot: Slot, reader: User) -> dict[str, Any]:
    """A case that stays in hand, in the form of HeldSerializer."""
    return {
        "lease_expires_at": slot.lease_expires_at,
        "assistance": _assistance(slot, reader),
        "newer_schema": _newer(slot, reader),
    }


def _newer(slot: Slot, reader: User, mine: LabelSchema | None = None) -> int | None:
    found = schema_moves.newer(slot, reader, mine)
    return None if found is None else found.version


def _assistance(slot: Slot, reader: User) -> dict[str, Any]:
    mode = suggestions.mode_for(slot, reader)
    if mode == SuggestionMode.OFF:
        return {"mode": mode, "ready": False, "committed_at": None}
    first = suggestions.first_reading(slot, reader)
    return {
        "mode": mode,
        "ready": suggestions.find(slot) is not None,
        "committed_at": None if first is None else first.committed_at,
    }


def submitted(read: Read) -> dict[str, Any]:
    return {"read": read.pk, "late": read.late, "submitted_at": read.submitted_at}


def _case(case: Case) -> dict[str, Any]:
    fields = ("id", "description", "modality", "frame_count", "series_uid", "version")
    series = case.series.filter(deleted_at=None).order_by("series_uid").values(*fields)
    instance = instance_of(case)
    own: dict[str, Any] = {"sop_instance_uid": instance or None}
    if instance:
        own["frame_count"] = case.frame_count
    return {
        "id": case.pk,
        "modality": case.modality,
        "body_part": case.body_part,
        "frame_count": case.frame_count,
        "series": [
            {**each, **own, "version": each["version"] and version_of(each["version"], instance)}
            for each in series
        ],
    }


def _picked(slot: Slot) -> dict[str, Any] | None:
    """Asked of the function that settings name, since ranking is not this app's business."""
    if slot.project.blind_to_model or slot.stream != Stream.POOL or slot.generation == 0:
        return None
    picked: dict[str, Any] | None = import_string(settings.WHY_PICKED)(slot)
    return picked

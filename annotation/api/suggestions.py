"""What the model suggests for the case in hand, and the reader's own reading before it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import reading, suggestions
from annotation.models import FirstReading, MarkKind, Suggestion

from . import assignments as shapes
from .authentication import signed_in
from .reading import visible

KINDS = ["answer", *MarkKind.values]
ITEM = {
    "type": "object",
    "required": ["item", "kind"],
    "properties": {
        "item": {
            "type": "string",
            "description": "names it in a decision; of a mark, its tracking UID",
        },
        "kind": {"type": "string", "enum": KINDS},
        "confidence": {"type": ["number", "null"], "description": "calibrated, 0 to 1"},
        "question": {"type": "string"},
        "value": {"description": "of an answer"},
        "spread": {"type": "number", "description": "of a number, its standard deviation"},
        "label_class": {"type": "string"},
        "sop_instance_uid": {"type": "string"},
        "frame": {"type": ["integer", "null"]},
        "points_px": {"type": "array", "items": shapes.POINT},
        "text": {"type": "string"},
        "series": {"type": "integer"},
        "mask": {"type": "string", "description": "SHA-256 of the voxels"},
        "voxel_value": {"type": "integer", "description": "of the class within the mask"},
        "voxels": {"type": "integer"},
        "index": {"type": "integer", "description": "frame of the series with most of it, from 0"},
    },
}


@extend_schema_field({"type": "array", "items": ITEM})
class ItemsField(serializers.JSONField):
    """Suggested answers, marks and classes of a mask."""


class SuggestionSerializer(serializers.ModelSerializer[Suggestion]):
    items = ItemsField()

    class Meta:
        model = Suggestion
        fields = ["id", "model", "round", "items", "created_at"]
        read_only_fields = fields


class FirstReadingSerializer(serializers.ModelSerializer[FirstReading]):
    class Meta:
        model = FirstReading
        fields = ["committed_at"]
        read_only_fields = fields


class SuggestionView(APIView):
    @extend_schema(
        operation_id="slots_suggestion", request=None, responses={200: SuggestionSerializer}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Show me what the model says of this case; that I saw it is recorded.

        404 where there is none for me, whatever the reason; 409 while my own reading has to come first.
        """
        reader = signed_in(request)
        found = suggestions.show(reading.slot_of(visible(request, pk), reader), reader)
        body = SuggestionSerializer(found).data
        return Response(body, headers={"Cache-Control": "no-store"})


class Commit(APIView):
    @extend_schema(
        operation_id="slots_commit",
        request=shapes.SubmissionSerializer,
        responses={201: FirstReadingSerializer},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Keep my own reading for good, before the suggestions are shown. The final one may differ."""
        given: dict[str, Any] = shapes.valid(shapes.SubmissionSerializer, request)
        first = reading.commit_first(visible(request, pk), signed_in(request), **given)
        return Response(FirstReadingSerializer(first).data, status=201)

"""What readers did with the models' suggestions, for whoever answers for the models."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access
from annotation.access import Action
from annotation.models import SuggestionMode
from learning.assisting import assistance
from learning.measuring import intervals
from learning.models import TrainedModel


class ShareSerializer(serializers.Serializer[intervals.Share]):
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, help_text="95 % interval over patients")
    high = serializers.FloatField(allow_null=True)
    count = serializers.IntegerField()


class OutcomesSerializer(serializers.Serializer[Any]):
    accepted = serializers.IntegerField(help_text="taken as it was")
    edited = serializers.IntegerField(help_text="taken and changed")
    rejected = serializers.IntegerField()
    ignored = serializers.IntegerField(help_text="seen, and nothing done with it")


class KindOfSuggestionSerializer(serializers.Serializer[assistance.Kind]):
    kind = serializers.ChoiceField([(name, name) for name in ("answers", "marks", "masks")])
    outcomes = OutcomesSerializer()
    acceptance = ShareSerializer(help_text="taken as it was, of all that were shown")
    dice = serializers.FloatField(
        allow_null=True, help_text="mean, of suggested and final masks of a class that was taken"
    )
    moved_mm = serializers.FloatField(
        allow_null=True, help_text="mean distance by which marks that were taken were moved"
    )
    agreement = ShareSerializer(allow_null=True, help_text="answers that ended as suggested")


class SuggestionUseSerializer(serializers.Serializer[assistance.Use]):
    model = serializers.IntegerField()
    round = serializers.IntegerField()
    state = serializers.ChoiceField(TrainedModel.State.choices)
    waiting = serializers.IntegerField(help_text="suggestions that are current")
    reads = serializers.IntegerField()
    seconds = serializers.FloatField(
        allow_null=True,
        help_text="mean active seconds of a read since the suggestion could be seen",
    )
    first_readings = serializers.IntegerField()
    changed = serializers.IntegerField(
        help_text="final readings that differ from the reader's first one"
    )
    kinds = KindOfSuggestionSerializer(many=True)


class SuggestionUseListSerializer(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(SuggestionMode.choices)
    results = SuggestionUseSerializer(many=True)


class SuggestionUse(APIView):
    @extend_schema(operation_id="suggestions_use", responses=SuggestionUseListSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """For each model: how many of its suggestions were taken, edited, rejected, and at what cost."""
        project = access.project_for(request.user, slug, Action.VIEW_ROUNDS)
        body = {"mode": project.suggestions, "results": assistance.of(project)}
        return Response(SuggestionUseListSerializer(body).data)

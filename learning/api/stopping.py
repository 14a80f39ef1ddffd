"""Whether reading is enough: the three conditions, what the next batch is worth, what was decided."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access
from annotation.access import Action
from annotation.api.authentication import signed_in
from annotation.api.sentences import SentenceField
from learning.curve import stop_decisions
from learning.curve.stopping import GAIN, STABLE, TARGET
from learning.models import Forecast, StopDecision


class ConditionSerializer(serializers.Serializer[Any]):
    name = serializers.ChoiceField([STABLE, GAIN, TARGET])
    met = serializers.BooleanField(allow_null=True, help_text="null: cannot be told yet")
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    needed = serializers.FloatField(allow_null=True)
    missing = SentenceField(help_text="what is needed to tell; empty if it can be told")


class ForecastSerializer(serializers.ModelSerializer[Forecast]):
    round = serializers.IntegerField(source="round.number")

    class Meta:
        model = Forecast
        fields = ["round", "metric", "labels", "batch", "gain", "low", "high", "minutes"]
        read_only_fields = fields


class ExpectedSerializer(serializers.Serializer[Any]):
    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class PastForecastSerializer(serializers.Serializer[Any]):
    forecast = ForecastSerializer()
    labels = serializers.IntegerField(allow_null=True, help_text="of the point measured next")
    expected = ExpectedSerializer(allow_null=True, help_text="of the metric, at as many labels")
    measured = serializers.FloatField(allow_null=True)
    error = serializers.FloatField(allow_null=True, help_text="measured less expected")


class DecisionSerializer(serializers.ModelSerializer[StopDecision]):
    decided_by = serializers.CharField(source="decided_by.username")
    conditions = ConditionSerializer(many=True)

    class Meta:
        model = StopDecision
        fields = ["id", "choice", "reason", "conditions", "decided_by", "decided_at"]
        read_only_fields = fields


class StandingSerializer(serializers.Serializer[stop_decisions.Standing]):
    metric = serializers.CharField()
    higher_is_better = serializers.BooleanField()
    conditions = ConditionSerializer(many=True)
    is_enough = serializers.BooleanField(help_text="all three hold; a lead may sign")
    forecast = ForecastSerializer(allow_null=True)
    batch = serializers.IntegerField(help_text="cases of the next batch")
    price = serializers.FloatField(
        allow_null=True, help_text="its minutes of reading; null: unknown"
    )
    past = PastForecastSerializer(many=True)
    decisions = DecisionSerializer(many=True)


class DecideSerializer(serializers.Serializer[Any]):
    choice = serializers.ChoiceField(StopDecision.Choice.choices)
    reason = serializers.CharField(max_length=1000, help_text="kept in the ledger")
    against_rule = serializers.BooleanField(
        default=False, help_text="stop although not all conditions hold"
    )


class Stopping(APIView):
    @extend_schema(responses=StandingSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The stop rule's conditions with their numbers, the forecast, past forecasts, the decisions."""
        project = access.project_for(request.user, slug, Action.VIEW_PROGRESS)
        return Response(StandingSerializer(stop_decisions.of(project)).data)

    @extend_schema(request=DecideSerializer, responses=StandingSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """A lead signs that reading stops, or goes on, with a reason."""
        project = access.project_for(request.user, slug, Action.EDIT_PROJECT)
        wanted = DecideSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        stop_decisions.decide(project, user=signed_in(request), **wanted.validated_data)
        return Response(StandingSerializer(stop_decisions.of(project)).data)

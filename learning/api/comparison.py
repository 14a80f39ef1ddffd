"""Two models of a project side by side: paired differences on the cases of both."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.access import Action
from annotation.api.sentences import SentenceField
from annotation.errors import NotFound
from learning.measuring import comparison
from learning.models import Arm

from . import visible


class DifferenceSerializer(serializers.Serializer[Any]):
    metric = serializers.CharField()
    grouping = serializers.CharField(help_text="empty: all shared cases")
    group = serializers.CharField()
    value = serializers.FloatField(source="difference.value", allow_null=True)
    low = serializers.FloatField(source="difference.low", allow_null=True)
    high = serializers.FloatField(source="difference.high", allow_null=True)
    p = serializers.FloatField(source="difference.p", allow_null=True, help_text="two-sided")
    patients = serializers.IntegerField(source="difference.patients")
    method = serializers.CharField(
        source="difference.method", help_text="delong or paired_bootstrap; empty: no number"
    )
    note = SentenceField(source="difference.note")


class ComparedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    round = serializers.IntegerField(source="round.number")
    arm = serializers.ChoiceField(Arm.choices)
    network = serializers.CharField()


class ComparisonSerializer(serializers.Serializer[comparison.Comparison]):
    first = ComparedSerializer()
    second = ComparedSerializer()
    metric = serializers.CharField(help_text="the recipe's; its rows come first and by subgroup")
    higher_is_better = serializers.BooleanField()
    cases = serializers.IntegerField(help_text="of the hold-out, measured by both")
    mcnemar = serializers.FloatField(
        allow_null=True, help_text="exact p that both call equally many cases right"
    )
    rows = DifferenceSerializer(many=True, help_text="first less second")


class CompareModels(APIView):
    @extend_schema(responses=ComparisonSerializer)
    def get(self, request: Request, pk: int, other: int) -> Response:
        """The first model less the second: DeLong's test for AUROC, else a paired bootstrap by patient."""
        first = visible.model(request, pk, Action.VIEW_ROUNDS)
        second = visible.model(request, other, Action.VIEW_ROUNDS)
        if first.project_id != second.project_id:
            raise NotFound
        return Response(ComparisonSerializer(comparison.of(first, second)).data)

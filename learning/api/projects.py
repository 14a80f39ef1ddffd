"""Learning as a project sees it: where it stands, the learning curve, the latest ranking."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access
from annotation.access import Action
from annotation.api.projects import NextStepSerializer
from annotation.api.sentences import SentenceField
from annotation.errors import NotFound
from learning import overview, registry
from learning.acquisition import ACQUISITIONS
from learning.curve import curves
from learning.models import Arm, CurvePoint, Ranking, Round, TrainedModel
from learning.pool import fast_loop


class LabelCountsSerializer(serializers.Serializer[Any]):
    all = serializers.IntegerField(help_text="pool and control: what a round trains on")
    active = serializers.IntegerField()
    control = serializers.IntegerField()
    holdout = serializers.IntegerField()
    calibration = serializers.IntegerField()


class RunningRoundSerializer(serializers.ModelSerializer[Round]):
    class Meta:
        model = Round
        fields = ["id", "number", "step", "progress"]
        read_only_fields = fields


class ModelInUseSerializer(serializers.ModelSerializer[TrainedModel]):
    round = serializers.IntegerField(source="round.number")
    state_reason = SentenceField(read_only=True)
    before = serializers.SerializerMethodField(help_text="the model that it took over from, if any")

    class Meta:
        model = TrainedModel
        fields = ["id", "round", "network", "state_reason", "before"]
        read_only_fields = fields

    def get_before(self, model: TrainedModel) -> int | None:
        return registry.before(model)


class ReRankingSerializer(serializers.ModelSerializer[Ranking]):
    class Meta:
        model = Ranking
        fields = ["generation", "reads", "changed", "took_ms", "applied_at"]
        read_only_fields = fields


class FastLoopSerializer(serializers.Serializer[fast_loop.State]):
    applies = serializers.BooleanField(help_text="whether each read re-ranks the pool")
    note = SentenceField(help_text="why not; empty if it does")
    latest = ReRankingSerializer(allow_null=True)


class LearningSerializer(serializers.Serializer[overview.Overview]):
    can_start = serializers.BooleanField()
    why_not = SentenceField(help_text="what is missing; empty if a round can start")
    labels = LabelCountsSerializer()
    running_round = RunningRoundSerializer(allow_null=True)
    model_in_use = ModelInUseSerializer(allow_null=True)
    next_step = NextStepSerializer(allow_null=True)
    fast_loop = FastLoopSerializer()


class CurvePointSerializer(serializers.ModelSerializer[CurvePoint]):
    round = serializers.IntegerField(source="round.number")
    arm = serializers.ChoiceField(Arm.choices)
    reader_minutes = serializers.SerializerMethodField()

    class Meta:
        model = CurvePoint
        fields = ["round", "arm", "labels", "reader_minutes", "value", "low", "high", "patients"]
        read_only_fields = fields

    def get_reader_minutes(self, point: CurvePoint) -> float:
        return round(point.reader_seconds / 60, 2)


class ClassCurveSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    metric = serializers.CharField()
    points = CurvePointSerializer(many=True)


class CurveSerializer(serializers.Serializer[curves.Curve]):
    metric = serializers.CharField(help_text="empty before the first round")
    higher_is_better = serializers.BooleanField()
    holdout_patients = serializers.IntegerField()
    points = CurvePointSerializer(many=True)
    by_class = serializers.SerializerMethodField()

    @extend_schema_field(ClassCurveSerializer(many=True))
    def get_by_class(self, curve: curves.Curve) -> Any:
        each = [
            {"name": name, "metric": points[-1].metric, "points": points}
            for name, points in curve.by_class.items()
        ]
        return ClassCurveSerializer(each, many=True).data


class PickSerializer(serializers.Serializer[Any]):
    case = serializers.IntegerField()
    rank = serializers.IntegerField()
    score = serializers.FloatField(allow_null=True)
    components = serializers.DictField(child=serializers.FloatField(allow_null=True))


class RankingSerializer(serializers.ModelSerializer[Ranking]):
    reason = SentenceField(read_only=True)
    acquisition = serializers.ChoiceField(choices=list(ACQUISITIONS), read_only=True)
    batch = PickSerializer(many=True)

    class Meta:
        model = Ranking
        fields = [
            "generation",
            "acquisition",
            "reason",
            "model",
            "round",
            "size",
            "batch",
            "fast",
            "reads",
            "changed",
            "created_at",
        ]
        read_only_fields = fields


class Learning(APIView):
    @extend_schema(responses=LearningSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Whether a round can start, how many labels there are, and what to do next."""
        project = access.project_for(request.user, slug, Action.VIEW_PROGRESS)
        return Response(LearningSerializer(overview.of(project)).data)


class LearningCurve(APIView):
    @extend_schema(responses=CurveSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """What labels were worth: ranked labels against labels drawn at random, on the hold-out."""
        project = access.project_for(request.user, slug, Action.VIEW_PROGRESS)
        return Response(CurveSerializer(curves.of(project)).data)


class LatestRanking(APIView):
    @extend_schema(responses=RankingSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The order in which the pool is asked for, and why its first cases come first."""
        project = access.project_for(request.user, slug, Action.VIEW_ROUNDS)
        latest = Ranking.objects.filter(project=project).order_by("-generation").first()
        if latest is None:
            raise NotFound("The pool has not been ranked yet. The first round does that.")
        return Response(RankingSerializer(latest).data)

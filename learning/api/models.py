"""Trained models: list, one with its curves, put into use, download."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access
from annotation.access import Action
from annotation.api.authentication import signed_in
from annotation.api.sentences import SentenceField
from learning import cards, registry
from learning.models import Evaluation, TrainedModel

from . import visible

MEASURED = Prefetch("evaluations", Evaluation.objects.defer("detail").order_by("pk"))


class MetricSerializer(serializers.ModelSerializer[Evaluation]):
    note = SentenceField(read_only=True)

    class Meta:
        model = Evaluation
        fields = ["metric", "subgroup", "stream", "value", "low", "high", "patients", "note"]
        read_only_fields = fields


class ModelSerializer(serializers.ModelSerializer[TrainedModel]):
    round = serializers.IntegerField(source="round.number", help_text="number of the round")
    round_id = serializers.IntegerField()
    state_reason = SentenceField(read_only=True)
    metrics = MetricSerializer(source="evaluations", many=True)

    class Meta:
        model = TrainedModel
        fields = [
            "id",
            "round",
            "round_id",
            "arm",
            "network",
            "state",
            "state_reason",
            "created_at",
            "weights_sha256",
            "members",
            "metrics",
        ]
        read_only_fields = fields


class RocPointSerializer(serializers.Serializer[Any]):
    fpr = serializers.FloatField()
    tpr = serializers.FloatField()


class RocSerializer(serializers.Serializer[Any]):
    points = RocPointSerializer(many=True)


class CalibrationPointSerializer(serializers.Serializer[Any]):
    predicted = serializers.FloatField()
    observed = serializers.FloatField()
    count = serializers.IntegerField()


class CalibrationSerializer(serializers.Serializer[Any]):
    points = CalibrationPointSerializer(many=True)


class LineageRoundSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    number = serializers.IntegerField()
    seed = serializers.IntegerField()


class LineageRecipeSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()


class LineageSnapshotSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    content_sha256 = serializers.CharField()


class LineageSerializer(serializers.Serializer[Any]):
    project = serializers.CharField()
    round = LineageRoundSerializer()
    recipe = LineageRecipeSerializer()
    snapshot = LineageSnapshotSerializer()
    code_sha256 = serializers.CharField()


class ModelDetailSerializer(ModelSerializer):
    """A model with the curves of its hold-out and what it was made from."""

    config = serializers.DictField(help_text="recipe and environment it was trained with")
    roc = serializers.SerializerMethodField()
    calibration = serializers.SerializerMethodField()
    lineage = serializers.SerializerMethodField()

    class Meta(ModelSerializer.Meta):
        fields = [
            *ModelSerializer.Meta.fields,
            "temperature",
            "config",
            "roc",
            "calibration",
            "lineage",
        ]
        read_only_fields = fields

    @extend_schema_field(RocSerializer(allow_null=True))
    def get_roc(self, model: TrainedModel) -> dict[str, Any] | None:
        detail = _detail(model, "auroc")
        if "false_positive_rate" not in detail:
            return None
        rates = zip(detail["false_positive_rate"], detail["true_positive_rate"], strict=True)
        return {"points": [{"fpr": false, "tpr": true} for false, true in rates]}

    @extend_schema_field(CalibrationSerializer(allow_null=True))
    def get_calibration(self, model: TrainedModel) -> dict[str, Any] | None:
        detail = _detail(model, "ece")
        if "bins" not in detail:
            return None
        return {
            "points": [
                {"predicted": row["stated"], "observed": row["observed"], "count": row["cases"]}
                for row in detail["bins"]
            ]
        }

    @extend_schema_field(LineageSerializer)
    def get_lineage(self, model: TrainedModel) -> dict[str, Any]:
        return {**cards.lineage(model), "code_sha256": model.code_sha256}


def _detail(model: TrainedModel, metric: str) -> dict[str, Any]:
    row = model.evaluations.filter(metric=metric, subgroup="").first()
    return {} if row is None else row.detail


class UseSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=1000, help_text="why this model; kept in the ledger")


class Models(generics.ListAPIView[TrainedModel]):
    """Trained models of the project with what they are worth, newest first."""

    serializer_class = ModelSerializer

    def get_queryset(self) -> QuerySet[TrainedModel]:
        project = access.project_for(self.request.user, self.kwargs["slug"], Action.VIEW_ROUNDS)
        found = project.trained_models.select_related("round").defer("config")
        return found.prefetch_related("members", MEASURED)


class ModelDetail(APIView):
    @extend_schema(responses=ModelDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """One model: metrics with intervals, ROC and reliability points, lineage."""
        found = visible.model(request, pk, Action.VIEW_ROUNDS)
        return Response(ModelDetailSerializer(found).data)


class UseModel(APIView):
    @extend_schema(request=UseSerializer, responses=ModelDetailSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Put this ensemble into use instead of the present one, forward or back, with a reason."""
        found = visible.model(request, pk, Action.MANAGE_MODELS)
        wanted = UseSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        reason = wanted.validated_data["reason"]
        chosen = registry.use(found, user=signed_in(request), reason=reason)
        return Response(ModelDetailSerializer(chosen).data)


class DownloadModel(APIView):
    @extend_schema(
        responses={(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, "the model")}
    )
    def get(self, request: Request, pk: int) -> FileResponse:
        """The weights (safetensors), the configuration and the model card as a zip file."""
        found = visible.model(request, pk, Action.MANAGE_MODELS)
        name = f"{found.project.slug}-round-{found.round.number}-{found.arm}-{found.network}.zip"
        return FileResponse(
            cards.archive(found),
            as_attachment=True,
            filename=name,
            content_type="application/zip",
            headers={"Cache-Control": "no-store"},
        )

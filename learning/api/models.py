"""Trained models: list, one with its curves, put into use, download."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import FileResponse, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access
from annotation.access import Action
from annotation.api.authentication import signed_in
from annotation.api.sentences import SentenceField
from learning import registry
from learning.measuring import card_page, cards
from learning.models import Evaluation, TrainedModel

from . import visible

MEASURED = Prefetch("evaluations", Evaluation.objects.defer("detail").order_by("pk"))


class MetricSerializer(serializers.ModelSerializer[Evaluation]):
    note = SentenceField(read_only=True)

    class Meta:
        model = Evaluation
        fields = [
            "metric",
            "grouping",
            "subgroup",
            "stream",
            "value",
            "low",
            "high",
            "patients",
            "note",
        ]
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


class PrPointSerializer(serializers.Serializer[Any]):
    recall = serializers.FloatField()
    precision = serializers.FloatField()


class PrSerializer(serializers.Serializer[Any]):
    points = PrPointSerializer(many=True)
    share = serializers.FloatField(allow_null=True, help_text="of cases with the finding: chance")


class FrocPointSerializer(serializers.Serializer[Any]):
    false_positives = serializers.FloatField(help_text="per image")
    sensitivity = serializers.FloatField()


class FrocSerializer(serializers.Serializer[Any]):
    points = FrocPointSerializer(many=True)


class ConfusionSerializer(serializers.Serializer[Any]):
    classes = serializers.ListField(child=serializers.CharField())
    counts = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="rows: the reference; columns: what the model says",
    )


class SpreadSerializer(serializers.Serializer[Any]):
    """How one metric of one class lies over the cases."""

    metric = serializers.CharField()
    subgroup = serializers.CharField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    counts = serializers.ListField(child=serializers.IntegerField(), help_text="in equal bins")
    percentiles = serializers.ListField(
        child=serializers.FloatField(), help_text="0, 5, 25, 50, 75, 95, 100"
    )
    without = serializers.IntegerField(help_text="cases without a value")


class OperatingPointSerializer(serializers.Serializer[Any]):
    threshold = serializers.FloatField()
    note = SentenceField()


class ModelDetailSerializer(ModelSerializer):
    """A model with the curves of its hold-out and what it was made from."""

    config = serializers.DictField(help_text="recipe and environment it was trained with")
    operating_point = serializers.SerializerMethodField()
    roc = serializers.SerializerMethodField()
    pr = serializers.SerializerMethodField()
    froc = serializers.SerializerMethodField()
    confusion = serializers.SerializerMethodField()
    spreads = serializers.SerializerMethodField()
    calibration = serializers.SerializerMethodField()
    lineage = serializers.SerializerMethodField()

    class Meta(ModelSerializer.Meta):
        fields = [
            *ModelSerializer.Meta.fields,
            "temperature",
            "config",
            "operating_point",
            "roc",
            "pr",
            "froc",
            "confusion",
            "spreads",
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

    @extend_schema_field(OperatingPointSerializer(allow_null=True))
    def get_operating_point(self, model: TrainedModel) -> Any:
        stored = model.operating_point
        return OperatingPointSerializer(stored).data if stored else None

    @extend_schema_field(PrSerializer(allow_null=True))
    def get_pr(self, model: TrainedModel) -> dict[str, Any] | None:
        detail = _detail(model, "auprc")
        if "recall" not in detail:
            return None
        points = zip(detail["recall"], detail["precision"], strict=True)
        counts = _detail(model, "balanced_accuracy").get("confusion")
        share = sum(counts[-1]) / max(1, sum(map(sum, counts))) if counts else None
        return {"points": [{"recall": r, "precision": p} for r, p in points], "share": share}

    @extend_schema_field(FrocSerializer(allow_null=True))
    def get_froc(self, model: TrainedModel) -> dict[str, Any] | None:
        detail = _detail(model, "froc")
        if "sensitivity" not in detail:
            return None
        points = zip(detail["false_positives_per_image"], detail["sensitivity"], strict=True)
        return {"points": [{"false_positives": f, "sensitivity": s} for f, s in points]}

    @extend_schema_field(ConfusionSerializer(allow_null=True))
    def get_confusion(self, model: TrainedModel) -> dict[str, Any] | None:
        detail = _detail(model, "balanced_accuracy")
        if "confusion" not in detail:
            return None
        return {"classes": detail["classes"], "counts": detail["confusion"]}

    @extend_schema_field(SpreadSerializer(many=True))
    def get_spreads(self, model: TrainedModel) -> list[dict[str, Any]]:
        rows = model.evaluations.filter(detail__has_key="spread").order_by("pk")
        return [
            {"metric": row.metric, "subgroup": row.subgroup, **row.detail["spread"]} for row in rows
        ]

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
    row = model.evaluations.filter(metric=metric, subgroup="", grouping="").first()
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


class CardOfModel(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("form", str, enum=["markdown", "html"], default="markdown")],
        responses={(200, "text/markdown"): OpenApiTypes.STR, (200, "text/html"): OpenApiTypes.STR},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """The model card as a file, in Markdown or as one page of HTML."""
        found = visible.model(request, pk, Action.VIEW_ROUNDS)
        written = cards.card(found)
        as_html = request.query_params.get("form") == "html"
        text, kind, ending = (
            (card_page.page(written), "text/html", "html")
            if as_html
            else (written, "text/markdown", "md")
        )
        name = f"{found.project.slug}-round-{found.round.number}-{found.arm}-{found.network}"
        return HttpResponse(
            text,
            content_type=f"{kind}; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}-card.{ending}"',
                "Cache-Control": "no-store",
            },
        )


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

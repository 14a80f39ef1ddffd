"""Rounds: list, start, one with its live progress and log, cancel, retry."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access
from annotation.access import Action
from annotation.api.authentication import signed_in
from annotation.api.pagination import LARGEST_ID, ByIdUpward
from annotation.api.sentences import SentenceField
from annotation.models import User
from learning import rounds, stages
from learning.curve import curves
from learning.models import Arm, Evaluation, Round, RoundLog, TrainedModel, Training

from . import visible

STEP_STATES = ["waiting", "running", "done", "failed", "cancelled"]


class RoundStepSerializer(serializers.Serializer[Any]):
    name = serializers.ChoiceField(Round.Step.choices)
    title = SentenceField()
    state = serializers.ChoiceField(STEP_STATES)


class RoundSerializer(serializers.ModelSerializer[Round]):
    """A round as lists show it."""

    error = SentenceField(read_only=True)
    steps = serializers.SerializerMethodField()
    started_by: serializers.SlugRelatedField[User] = serializers.SlugRelatedField(
        "username", read_only=True, allow_null=True
    )
    cancel_requested = serializers.SerializerMethodField()
    eta_seconds = serializers.SerializerMethodField()

    class Meta:
        model = Round
        fields = [
            "id",
            "number",
            "state",
            "step",
            "steps",
            "progress",
            "error",
            "trigger",
            "started_by",
            "created_at",
            "finished_at",
            "cancel_requested",
            "snapshot",
            "eta_seconds",
        ]
        read_only_fields = fields

    @extend_schema_field(RoundStepSerializer(many=True))
    def get_steps(self, round_: Round) -> Any:
        return RoundStepSerializer(stages.listed(round_), many=True).data

    def get_cancel_requested(self, round_: Round) -> bool:
        return round_.cancel_requested_at is not None

    def get_eta_seconds(self, round_: Round) -> int | None:
        return stages.eta_seconds(round_)


class EpochSerializer(serializers.Serializer[Any]):
    epoch = serializers.IntegerField()
    train_loss = serializers.FloatField(allow_null=True)
    validation_loss = serializers.FloatField(allow_null=True)


class LeftOutSerializer(serializers.Serializer[Any]):
    case = serializers.IntegerField()
    reason = SentenceField()


class TrainingSerializer(serializers.ModelSerializer[Training]):
    history = EpochSerializer(many=True)
    left_out = LeftOutSerializer(many=True)

    class Meta:
        model = Training
        fields = ["arm", "network", "epoch", "epochs", "labels", "history", "left_out"]
        read_only_fields = fields


class RoundModelSerializer(serializers.ModelSerializer[TrainedModel]):
    class Meta:
        model = TrainedModel
        fields = ["id", "arm", "network", "state"]
        read_only_fields = fields


class UnmeasuredSerializer(serializers.ModelSerializer[Evaluation]):
    """Why the learning curve has no value for an arm of this round."""

    arm = serializers.ChoiceField(Arm.choices, source="model.arm")
    note = SentenceField(read_only=True)

    class Meta:
        model = Evaluation
        fields = ["arm", "metric", "note"]
        read_only_fields = fields


class RoundDetailSerializer(RoundSerializer):
    """A round with the losses of its trainings, the models it made and what could not be measured."""

    trainings = TrainingSerializer(many=True)
    models = RoundModelSerializer(source="trained_models", many=True)
    unmeasured = serializers.SerializerMethodField()

    class Meta(RoundSerializer.Meta):
        fields = [*RoundSerializer.Meta.fields, "trainings", "models", "unmeasured"]
        read_only_fields = fields

    @extend_schema_field(UnmeasuredSerializer(many=True))
    def get_unmeasured(self, round_: Round) -> Any:
        return UnmeasuredSerializer(curves.unmeasured(round_), many=True).data


class RoundLogSerializer(serializers.ModelSerializer[RoundLog]):
    text = SentenceField(read_only=True)

    class Meta:
        model = RoundLog
        fields = ["id", "at", "level", "text"]
        read_only_fields = fields


class AfterSerializer(serializers.Serializer[Any]):
    after = serializers.IntegerField(
        default=0, min_value=0, max_value=LARGEST_ID, help_text="id of the last line already seen"
    )


class Rounds(generics.ListAPIView[Round]):
    """Rounds of the project, newest first."""

    serializer_class = RoundSerializer

    def get_queryset(self) -> QuerySet[Round]:
        project = access.project_for(self.request.user, self.kwargs["slug"], Action.VIEW_ROUNDS)
        return project.rounds.select_related("started_by")

    @extend_schema(request=None, responses={201: RoundDetailSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Start a round. 409 with a sentence when labels are missing or a round is running."""
        project = access.project_for(request.user, slug, Action.RUN_ROUNDS)
        trigger = "button" if request.auth is None else "api"
        started = rounds.start(project, user=signed_in(request), trigger=trigger)
        return Response(RoundDetailSerializer(started).data, status=201)


class RoundDetail(APIView):
    @extend_schema(responses=RoundDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """How far the round is, its loss curves, and what it made."""
        found = visible.round_(request, pk, Action.VIEW_ROUNDS)
        return Response(RoundDetailSerializer(found).data)


class RoundLines(generics.ListAPIView[RoundLog]):
    serializer_class = RoundLogSerializer
    pagination_class = ByIdUpward

    @extend_schema(parameters=[AfterSerializer])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The round's log, oldest first; ``after`` asks for the lines that came since."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[RoundLog]:
        found = visible.round_(self.request, self.kwargs["pk"], Action.VIEW_ROUNDS)
        wanted = AfterSerializer(data={"after": self.request.query_params.get("after") or 0})
        wanted.is_valid(raise_exception=True)
        return found.log.filter(pk__gt=wanted.validated_data["after"])


class CancelRound(APIView):
    @extend_schema(request=None, responses=RoundDetailSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Cancel a running round; its worker stops within seconds. What is trained is kept."""
        found = visible.round_(request, pk, Action.RUN_ROUNDS)
        cancelled = rounds.cancel(found, user=signed_in(request))
        return Response(RoundDetailSerializer(cancelled).data)


class RetryRound(APIView):
    @extend_schema(request=None, responses=RoundDetailSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Let a failed or cancelled round go on where it stopped."""
        found = visible.round_(request, pk, Action.RUN_ROUNDS)
        retried = rounds.retry(found, user=signed_in(request))
        return Response(RoundDetailSerializer(retried).data)

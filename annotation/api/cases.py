"""The reading list of a project."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, comments, enrolment, list_filters, listing, pixel_links
from annotation.access import Action
from annotation.case_images import instance_of
from annotation.errors import NotFound, NotPermitted
from annotation.models import Case

from .assignments import valid
from .authentication import signed_in

FILTERS = ("modality", "body_part", "due", "flag", "search")


class CaseSerializer(serializers.ModelSerializer[Case]):
    """``stream`` is null for readers: they are not to know what a case is used for."""

    stage = serializers.ChoiceField(list_filters.STAGES)
    has_draft = serializers.BooleanField(help_text="mine; to who oversees the cases, anybody's")
    has_issue = serializers.BooleanField()
    series_count = serializers.IntegerField()
    due_at = serializers.DateTimeField(allow_null=True)
    slot = serializers.IntegerField(allow_null=True, help_text="in my hands, read by me or drafted")
    answer = serializers.CharField(
        allow_null=True, help_text="what somebody last answered to an issue or remark of mine"
    )
    ai_ready = serializers.BooleanField(
        help_text="a suggestion of the model awaits me; never in blind projects or evaluating streams"
    )
    thumbnail = serializers.SerializerMethodField()
    stream = serializers.SerializerMethodField()

    class Meta:
        model = Case
        fields = [
            "id", "modality", "body_part", "series_count", "frame_count", "state", "stage", "due_at",
            "ai_ready", "thumbnail", "slot", "answer", "has_draft", "has_issue", "stream", "created_at",
        ]  # fmt: skip

    def get_thumbnail(self, case: Any) -> str | None:
        if case.first_series is None or case.first_version is None:
            return None
        return pixel_links.thumbnail_url(
            case.first_series, case.first_version, self.context["holder"], instance_of(case)
        )

    def get_stream(self, case: Case) -> str | None:
        return case.stream if self.context["oversees"] else None


class Cases(generics.ListAPIView[Case]):
    serializer_class = CaseSerializer
    oversees = False

    @extend_schema(
        operation_id="cases_list",
        parameters=[
            OpenApiParameter(
                "state", OpenApiTypes.STR, enum=list_filters.STAGES, description="stage"
            ),
            OpenApiParameter("modality", OpenApiTypes.STR),
            OpenApiParameter("body_part", OpenApiTypes.STR),
            OpenApiParameter("due", OpenApiTypes.STR, enum=list_filters.DUE),
            OpenApiParameter("flag", OpenApiTypes.STR, enum=list_filters.FLAGS),
            OpenApiParameter(
                "search",
                OpenApiTypes.STR,
                description="words that modality or body part contain, or the number of a case; to who "
                "oversees the cases, also the beginning of a UID or of a patient's pseudonym",
            ),
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Cases of the project, newest first. Readers see what is theirs or free for them."""
        response = super().get(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    def get_queryset(self) -> QuerySet[Case]:
        if getattr(self, "swagger_fake_view", False):
            return Case.objects.none()
        user = signed_in(self.request)
        project = access.project_for(user, self.kwargs["slug"], Action.VIEW_PROJECT)
        granted = access.actions_of(user, project)
        self.oversees = Action.VIEW_CASES in granted
        if not self.oversees and Action.READ_CASES not in granted:
            raise NotPermitted(f"Your role in “{project.title}” does not let you see its cases.")
        query = self.request.query_params
        sought = list_filters.parse(
            project,
            stage=query.get("state", ""),
            by_identity=self.oversees,
            **{name: query.get(name, "") for name in FILTERS},
        )
        cases = (
            listing.for_overseer(project, sought)
            if self.oversees
            else listing.for_reader(project, user, sought)
        )
        return listing.described(cases, user, oversees=self.oversees)

    def get_serializer_context(self) -> dict[str, Any]:
        context = super().get_serializer_context()
        holder = pixel_links.holder_of(self.request.META)
        return {**context, "holder": holder, "oversees": self.oversees}


class WithdrawalSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(
        max_length=comments.LONGEST, help_text="told to whoever raised an issue; kept in the ledger"
    )


class CaseWithdrawal(APIView):
    @extend_schema(
        operation_id="cases_withdraw", request=WithdrawalSerializer, responses={204: None}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Take the case out for good, with a reason. It is read and learned from no more."""
        cases = Case.objects.filter(pk=pk)
        case = access.visible_to(request.user, cases, Action.VIEW_CASES).first()
        if case is None:
            raise NotFound
        access.require(request.user, case.project, Action.WITHDRAW_CASES)
        given = valid(WithdrawalSerializer, request)
        enrolment.withdraw_case(case, signed_in(request), reason=given["reason"])
        return Response(status=204)

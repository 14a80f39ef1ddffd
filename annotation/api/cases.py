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

from annotation import access, comments, enrolment, listing, pixel_links
from annotation.access import Action
from annotation.case_images import instance_of
from annotation.errors import NotFound, NotPermitted
from annotation.models import Case, Series

from .assignments import valid
from .authentication import signed_in

SEARCHED = ("modality", "body_part")
SEARCHED_BY_OVERSEERS = (*SEARCHED, "uid", "patient__pseudonym")


class CaseSerializer(serializers.ModelSerializer[Case]):
    """``stream`` is null for readers: they are not to know what a case is used for."""

    stage = serializers.ChoiceField(listing.STAGES)
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
            "ai_ready", "thumbnail", "slot", "answer", "stream", "created_at",
        ]  # fmt: skip

    def get_thumbnail(self, case: Any) -> str | None:
        if case.first_series is None or case.first_version is None:
            return None
        series = Series(pk=case.first_series, display={"version": case.first_version})
        return pixel_links.thumbnail_url(series, self.context["holder"], instance_of(case))

    def get_stream(self, case: Case) -> str | None:
        return case.stream if self.context["oversees"] else None


class Cases(generics.ListAPIView[Case]):
    serializer_class = CaseSerializer
    oversees = False

    @extend_schema(
        operation_id="cases_list",
        parameters=[
            OpenApiParameter("state", OpenApiTypes.STR, enum=listing.STAGES, description="stage"),
            OpenApiParameter("search", OpenApiTypes.STR),
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
        stage, search = query.get("state", ""), query.get("search", "")
        cases = (
            listing.for_overseer(project)
            if self.oversees
            else listing.for_reader(project, user, stage=stage, search=search)
        )
        cases = listing.narrowed(
            cases,
            stage=stage,
            search=search,
            fields=SEARCHED_BY_OVERSEERS if self.oversees else SEARCHED,
        )
        return listing.described(cases, user)

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
